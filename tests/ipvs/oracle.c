/* SPDX-License-Identifier: ISC */
/*
 * Which destination gets each new connection, says the kernel's IPVS in a guest, and
 * says our scheduler: the same opens, closes, weights, limits, additions and removals,
 * from a seed. In IPv4 and in IPv6.
 *
 *	oracle SOCKET [CONNECTIONS [SEED]]
 *
 * Four plays. `churn` and `limits` want the same destination for each connection.
 * `mh` wants an even table that moves little: IPVS has another hash, so that both
 * choose alike only by chance. `walk` shows where ours differs on purpose, and wants to
 * see it differ. Connections of a removed destination say nothing more: on purpose
 * ours goes on with them.
 */
#include <linux/ip_vs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "both.h"

#define SHOWN 5u		/* differences of a play */
#define MH_DESTS 3u
#define SH_FALLBACK IP_VS_SVC_F_SCHED_SH_FALLBACK
#define SH_PORT IP_VS_SVC_F_SCHED_SH_PORT
#define MH_FALLBACK IP_VS_SVC_F_SCHED1

struct oracle;

struct run {
	bool (*play)(struct oracle *o, unsigned n);
	struct both_service service;
};

struct oracle {
	const struct run *run;
	uint64_t random;
	struct both both;
	unsigned n_compared, n_different;
};

static uint32_t roll(struct oracle *o, uint32_t below)
{
	o->random = o->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((o->random >> 33) % below);
}

static const char *name_of(const struct oracle *o)
{
	static char name[64];
	const struct both_service *svc = &o->run->service;

	snprintf(name, sizeof(name), "%s%s%s", svc->scheduler, svc->options,
		 svc->ip_version == 6 ? ", IPv6" : "");
	return name;
}

static struct connection any_client(struct oracle *o)
{
	return (struct connection){
		.client = 0x0b000000 + roll(o, 1u << 24),
		.service = roll(o, o->run->service.n_addrs),
		.port = (uint16_t)(1024 + roll(o, 60000)),
	};
}

/* --- the same destination for each --- */

static struct both_where compare_one(struct oracle *o, struct connection *c)
{
	struct both_where where = both_syn(&o->both, c);

	c->dest = where.ipvs;
	o->n_compared++;
	o->n_different += where.ours != where.ipvs;
	return where;
}

static void open_one(struct oracle *o, bool is_half_open)
{
	struct connection c = any_client(o);
	struct both_where where = compare_one(o, &c);

	if (where.ours == where.ipvs && where.ipvs != GUEST_NONE && !is_half_open)
		both_ack(&o->both, &c);
	if (where.ours != where.ipvs && o->n_different <= SHOWN)
		printf("%s: connection %u: IPVS %d, ours %d\n", name_of(o),
		       o->n_compared,
		       where.ipvs == GUEST_NONE ? -1 : where.ipvs,
		       where.ours == GUEST_NONE ? -1 : where.ours);
}

static void close_one(struct oracle *o)
{
	unsigned i;

	if (!o->both.n_open)
		return;
	i = roll(o, o->both.n_open);
	if (o->both.is_member[o->both.open[i].dest])
		both_fin(&o->both, i);
}

static uint32_t any_weight(struct oracle *o)
{
	static const uint32_t weights[] = { 0, 1, 1, 2, 3, 4, 6, 10, 100, 250 };

	return weights[roll(o, sizeof(weights) / sizeof(*weights))];
}

static void change_dest(struct oracle *o)
{
	uint32_t i = roll(o, ORACLE_DESTS), kind = roll(o, 4);

	if (!o->both.is_member[i])
		both_add(&o->both, i, (struct both_dest){ any_weight(o), 0, 0 });
	else if (!kind)
		both_remove(&o->both, i);
	else
		both_weigh(&o->both, i, any_weight(o));
}

static bool told_same(struct oracle *o, const char *what)
{
	printf("%s%s: %u connections, %u different\n", name_of(o), what,
	       o->n_compared, o->n_different);
	return !o->n_different;
}

static bool churn(struct oracle *o, unsigned n)
{
	for (uint32_t i = 0; i < 4; i++)
		both_add(&o->both, i, (struct both_dest){ any_weight(o), 0, 0 });
	while (o->n_compared < n) {
		uint32_t what = roll(o, 100);

		if (what < 65)
			open_one(o, what < 20);
		else if (what < 96)
			close_one(o);
		else
			change_dest(o);
	}
	return told_same(o, "");
}

/* What is closed is forgotten a second later: fewer connections are played. */
static bool limits(struct oracle *o, unsigned n)
{
	both_set_fin(&o->both, 1);
	for (uint32_t i = 0; i < 5; i++) {
		uint32_t max = 2 + roll(o, 12);

		both_add(&o->both, i, (struct both_dest){ 1 + roll(o, 4), max,
							  roll(o, max + 1) });
	}
	while (o->n_compared < n / 5) {
		for (uint32_t more = 5 + roll(o, 40); more; more--)
			open_one(o, false);
		for (uint32_t less = roll(o, o->both.n_open + 1); less; less--)
			close_one(o);
		if (both_settle(&o->both))
			continue;
		printf("%s: IPVS does not forget\n", name_of(o));
		return false;
	}
	return told_same(o, ", max-conn and min-conn");
}

/* --- by spread and disruption --- */

/* Of one director: who got each client, before and after one was removed. */
struct table {
	unsigned n[MH_DESTS];
	unsigned n_others, n_moved;	/* clients of those that stayed */
};

static void count(struct table *t, uint8_t before, uint8_t after)
{
	if (before >= MH_DESTS)
		return;
	t->n[before]++;
	if (before == MH_DESTS - 1)
		return;
	t->n_others++;
	t->n_moved += before != after;
}

/* Is each within 2 % of all and four standard deviations of its due, in squares? */
static bool is_even(const struct table *t, unsigned n)
{
	bool is_good = true;

	for (unsigned i = 0; i < MH_DESTS; i++) {
		double due = (i + 1) / 6.0, off = t->n[i] - n * due;
		double noise = n * due * (1 - due), slack = 0.02 * n;

		if (off < 0)
			off = -off;
		off = off > slack ? off - slack : 0;
		is_good &= off * off <= 16 * noise;
	}
	return is_good;
}

static void tell_table(const struct oracle *o, const char *who,
		       const struct table *t)
{
	printf("%s: %s gives %u, %u, %u to weights 1, 2, 3; with the last removed "
	       "%u of %u others move\n", name_of(o), who, t->n[0], t->n[1],
	       t->n[2], t->n_moved, t->n_others);
}

static bool mh(struct oracle *o, unsigned n)
{
	struct both_where *before = calloc(n, sizeof(*before));
	struct table ipvs = { { 0 }, 0, 0 }, ours = { { 0 }, 0, 0 };
	uint64_t clients = o->random;

	for (uint32_t i = 0; i < MH_DESTS; i++)
		both_add(&o->both, i, (struct both_dest){ i + 1, 0, 0 });
	for (unsigned i = 0; before && i < n; i++) {
		struct connection c = any_client(o);

		before[i] = compare_one(o, &c);
	}
	both_remove(&o->both, MH_DESTS - 1);
	o->random = clients;		/* they come again, from other ports */
	for (unsigned i = 0; before && i < n; i++) {
		struct connection c = any_client(o);
		struct both_where after;

		c.port ^= 1;
		after = both_syn(&o->both, &c);
		count(&ipvs, before[i].ipvs, after.ipvs);
		count(&ours, before[i].ours, after.ours);
	}
	free(before);
	tell_table(o, "IPVS", &ipvs);
	tell_table(o, "ours", &ours);
	printf("on purpose, %s, another hash: %u connections, %u different\n",
	       name_of(o), o->n_compared, o->n_different);
	return is_even(&ipvs, n) && is_even(&ours, n) &&
	       ours.n_moved * 20 <= ours.n_others;
}

/* --- where ours differs on purpose --- */

/* IPVS drops what it would give to one that is not usable. */
static bool walk(struct oracle *o, unsigned n)
{
	unsigned n_lost = 0;

	for (uint32_t i = 0; i < 4; i++)
		both_add(&o->both, i, (struct both_dest){ i > 0, 0, 0 });
	for (unsigned i = 0; i < n; i++) {
		struct connection c = any_client(o);
		struct both_where where = compare_one(o, &c);

		n_lost += where.ours == GUEST_NONE ||
			  (where.ipvs != GUEST_NONE && where.ipvs != where.ours);
	}
	printf("on purpose, %s, the next slot without strict: %u connections, "
	       "%u different\n", name_of(o), o->n_compared, o->n_different);
	return o->n_different && !n_lost;
}

static const struct run runs[] = {
	{ churn, { "rr", "", 0, 1, 0 } },
	{ churn, { "wrr", "", 0, 1, 0 } },
	{ churn, { "lc", "", 0, 1, 0 } },
	{ churn, { "wlc", "", 0, 1, 0 } },
	{ churn, { "sed", "", 0, 1, 0 } },
	{ churn, { "nq", "", 0, 1, 0 } },
	{ churn, { "fo", "", 0, 1, 0 } },
	{ churn, { "ovf", "", 0, 1, 0 } },
	{ churn, { "sh", ",strict", 0, 1, 0 } },
	{ churn, { "sh", "", SH_FALLBACK, 1, 0 } },
	{ churn, { "sh", ",hash-port", SH_FALLBACK | SH_PORT, 1, 0 } },
	{ churn, { "dh", ",strict", 0, ORACLE_SERVICES, 0 } },
	{ limits, { "rr", "", 0, 1, 0 } },
	{ limits, { "wlc", "", 0, 1, 0 } },
	{ limits, { "fo", "", 0, 1, 0 } },
	{ mh, { "mh", "", MH_FALLBACK, 1, 0 } },
	{ walk, { "dh", "", 0, ORACLE_SERVICES, 0 } },
};

static bool play(struct oracle *o, struct run run, unsigned n, uint64_t seed)
{
	bool is_good;

	o->run = &run;
	o->random = seed;
	o->n_compared = o->n_different = 0;
	both_begin(&o->both, &run.service);
	is_good = run.play(o, n);
	both_end(&o->both);
	return is_good;
}

int main(int argc, char **argv)
{
	static struct oracle o;
	unsigned n = argc > 2 ? (unsigned)atoi(argv[2]) : 2000;
	uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
	bool is_good = true;

	if (argc < 2 || argc > 4 || !n) {
		fputs("usage: oracle SOCKET [CONNECTIONS [SEED]]\n", stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	guest_connect(&o.both.guest, argv[1]);
	for (uint32_t version = 4; version <= 6; version += 2) {
		for (unsigned i = 0; i < sizeof(runs) / sizeof(*runs); i++) {
			struct run run = runs[i];

			run.service.ip_version = version;
			is_good &= play(&o, run, n, seed);
		}
	}
	close(o.both.guest.fd);
	return is_good ? 0 : 1;
}
