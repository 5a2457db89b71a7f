/* SPDX-License-Identifier: ISC */
/*
 * Frames of any bytes and packets that hang together, from the net and from
 * guests, while destinations come, go, drain and fill, time passes, and the
 * process is restarted with what is in its file. The first bytes say which
 * schedulers and which options.
 */
#include <assert.h>
#include <stdio.h>
#include <unistd.h>

#include "../../redirector/schedule/answer.h"
#include "../../redirector/schedule/conn.h"
#include "../../redirector/schedule/dest.h"
#include "../../redirector/schedule/lasting.h"
#include "../../redirector/schedule/route.h"
#include "../../redirector/schedule/schedule.h"
#include "../../redirector/schedule/scheduler.h"
#include "schedule_traffic.h"

#define DESTS 3u
#define S UINT64_C(1000000000)
#define TICKS_NS (S / 2)	/* what ends does so within two of the wheel's */

static const char *const places[] = {
	"tcp:10.0.0.2:80", "tcp:10.0.0.2:0", "udp:10.0.0.2:53", "icmp:10.0.0.2",
	"tcp:[fd00::2]:0", "udp:[fd00::2]:53", "icmp:[fd00::2]",
};
#define PLACES (sizeof(places) / sizeof(*places))

static const char *const options[] = {
	"", ",persist=5", ",persist=70,mask=24", ",slow-start=9", ",strict",
	",hash-port", ",one-packet", ",timeout=30",
};

/* Frames of one side that are routed at once. */
struct batch {
	unsigned n;
	uint16_t from;		/* DEST_NONE: the net */
	struct route_frame f[ROUTE_MAX];
};

struct world {
	struct schedule *s;
	struct schedule_config config;
	const uint8_t *services;	/* two bytes for each place */
	uint64_t now_ns;
	uint16_t last;			/* where the last frame went */
	bool is_forged;			/* a record may say that it lasts for ever */
	struct batch batch;
	struct traffic traffic;
};

static char dir[64];

/* --- what must hold --- */

/* What is counted at destinations and templates is what is in the table, and
 * what is over has nothing. */
static void check_counts(const struct world *w)
{
	const struct conn_table *t = schedule_conns(w->s);
	const struct dest_set *set = schedule_dests(w->s);
	uint32_t n = 0, n_tied = 0, n_ties = 0;

	for (unsigned i = 0; i < DESTS; i++)
		n += dest_conns(&set->v[i]) + set->v[i].n_templates;
	assert(n == flow_count(t->flows));
	for (uint32_t i = 0; i < t->max; i++) {
		const struct conn *c = conn_at(t, i);

		if (!c)
			continue;
		assert(set->v[c->dest].name[0]);
		if (c->state == STATE_TEMPLATE)
			n_tied += c->tie;
		else
			n_ties += c->tie != 0;
	}
	assert(n_tied == n_ties);
}

/* What had an end has ended. */
static void check_ends(const struct world *w)
{
	const struct conn_table *t = schedule_conns(w->s);
	const struct dest_set *set = schedule_dests(w->s);

	for (uint32_t i = 0; i < t->max; i++) {
		const struct conn *c = conn_at(t, i);

		if (!c)
			continue;
		assert(c->deadline_ns + TICKS_NS > w->now_ns);
		assert(c->state == STATE_TEMPLATE || !set->v[c->dest].is_over);
	}
}

static void check_answer(const struct world *w, uint16_t service,
			 const struct route_frame *f)
{
	uint8_t reply[ANSWER_ROOM];
	uint32_t len = answer_write(reply, &schedule_services(w->s)->v[service],
				    f->eth, f->len);

	assert(len >= 60 && len <= ANSWER_ROOM);
	assert(!memcmp(reply + 6, schedule_services(w->s)->v[service].vmac, 6));
}

static void check_way(struct world *w, struct schedule_verdict way,
		      const struct route_frame *f)
{
	const struct dest_set *set = schedule_dests(w->s);

	assert(way.reason < SCHEDULE_REASONS);
	assert((way.way == SCHEDULE_DROP) ==
	       (way.reason >= SCHEDULE_UNSCHEDULED));
	if (way.way == SCHEDULE_ANSWER)
		check_answer(w, way.dest, f);
	if (way.way != SCHEDULE_TO_DEST)
		return;
	assert(way.dest < DESTS_MAX && set->v[way.dest].is_up);
	assert(way.reason != SCHEDULE_NEW || set->v[way.dest].is_member);
	w->last = way.dest;
}

/* --- frames --- */

static void batch_send(struct world *w)
{
	struct schedule_verdict ways[ROUTE_MAX];
	struct batch *b = &w->batch;
	unsigned n;

	if (b->from == DEST_NONE)
		n = route_from_net(w->s, b->f, b->n, ways, w->now_ns);
	else
		n = route_from_dest(w->s, b->from, b->f, b->n, ways, w->now_ns);
	assert(n == b->n);
	for (unsigned k = 0; k < n; k++) {
		check_way(w, ways[k], &b->f[k]);
		free(b->f[k].eth);
	}
	b->n = 0;
}

/* In memory of its own length: the sanitizer watches its end. */
static void batch_add(struct world *w, uint16_t from, const uint8_t *eth,
		      size_t len)
{
	struct batch *b = &w->batch;
	uint8_t *copy = malloc(len ? len : 1);

	if (!copy)
		abort();
	memcpy(copy, eth, len);
	if (b->n == ROUTE_MAX || (b->n && b->from != from))
		batch_send(w);
	b->from = from;
	b->f[b->n++] = (struct route_frame){ copy, len };
}

static bool can_send(const struct world *w, uint16_t i)
{
	return i < DESTS_MAX && schedule_dests(w->s)->v[i].name[0] &&
	       schedule_dests(w->s)->v[i].is_up;
}

/* A destination; the one that the last frame went to; the net. */
static uint16_t side(const struct world *w, uint8_t what)
{
	static const char *const names[DESTS] = { "A", "B", "C" };
	uint16_t i = w->last;

	if (what & 4)
		return DEST_NONE;
	if (what < DESTS)
		i = dest_find(schedule_dests(w->s), names[what]);
	return can_send(w, i) ? i : DEST_NONE;
}

static void pass_packet(struct world *w, struct fuzz *z, uint16_t from)
{
	traffic_next(&w->traffic, z, from != DEST_NONE);
	batch_add(w, from, w->traffic.c.b, w->traffic.c.len);
}

static void pass_bytes(struct world *w, struct fuzz *z, uint16_t from)
{
	struct frame f = fuzz_frame(z, 0, 200);

	batch_add(w, from, frame_eth(&f), frame_eth_len(&f));
	chunk_unref(f.chunk);
}

/* --- destinations and time --- */

static void change(struct world *w, uint8_t what, uint8_t n)
{
	static const char *const names[DESTS] = { "A", "B", "C" };
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 8 };
	uint16_t i = dest_find(schedule_dests(w->s), names[n % DESTS]);

	if (i == DEST_NONE || !schedule_dests(w->s)->v[i].is_member) {
		i = schedule_add_dest(w->s, names[n % DESTS], w->now_ns);
		schedule_set_up(w->s, i, true, w->now_ns);
		return;
	}
	switch (what % 5) {
	case 0:
		schedule_remove_dest(w->s, i, w->now_ns);
		break;
	case 1:
		schedule_set_weight(w->s, i, n / DESTS);
		break;
	case 2:
		schedule_set_up(w->s, i, n & 4, w->now_ns);
		break;
	case 3:
		schedule_set_limits(w->s, i, n / 16, n / 64);
		break;
	case 4:
		schedule_set_mac(w->s, i, n & 4 ? mac : NULL);
		break;
	}
}

static void wait(struct world *w, uint8_t what)
{
	static const uint16_t quarters[] = { 1, 4, 12, 44, 124, 244, 484, 1204 };
	uint16_t i;

	w->now_ns += quarters[what % 8] * S / 4;
	i = schedule_expire(w->s, w->now_ns);
	assert(i == DEST_NONE || !dest_conns(&schedule_dests(w->s)->v[i]));
	check_ends(w);
}

/* --- the process --- */

static void add_services(struct world *w)
{
	for (unsigned i = 0; i < PLACES; i++) {
		uint8_t kind = w->services[2 * i], how = w->services[2 * i + 1];
		char text[128], why[512];
		struct service svc;

		snprintf(text, sizeof(text), "%s,scheduler=%s%s%s", places[i],
			 scheduler_name((enum scheduler_kind)
					(kind % (SCHEDULER_CONHASH + 1))),
			 options[how % 8],
			 how & 8 ? ",vmac=52:54:00:00:00:09" : "");
		if (service_parse(&svc, text, why, sizeof(why)) &&
		    !schedule_add_service(w->s, &svc))
			abort();
	}
}

static void start(struct world *w)
{
	w->s = schedule_new(&w->config, w->now_ns);
	assert(w->s);
	add_services(w);
	for (uint8_t n = 0; n < DESTS; n++)
		change(w, 0, n);
	schedule_load(w->s, w->now_ns);
}

static void file_open(struct world *w)
{
	if (lasting_open(&w->config.table, dir, w->config.max_conns))
		abort();
}

/* Some bytes of a record are others, with a right checksum or without. */
static void file_change(struct world *w, struct fuzz *z)
{
	uint32_t n = fuzz_byte(z) % w->config.max_conns;
	uint8_t at = fuzz_byte(z), byte = fuzz_byte(z);
	struct lasting_record *place, rec;

	if (n >= record_table_n_used(w->config.table))
		return;
	place = record_table_at(w->config.table, n);
	if (!place)
		return;
	w->is_forged = true;
	memcpy(&rec, place, sizeof(rec));
	((uint8_t *)&rec)[at % sizeof(rec)] = byte;
	if (at & 128)
		memcpy(place, &rec, sizeof(rec));
	else
		lasting_write(place, &rec);
}

static void restart(struct world *w, struct fuzz *z)
{
	uint32_t n_before = flow_count(schedule_conns(w->s)->flows);
	uint8_t n_changes = fuzz_byte(z) % 4;
	uint32_t n_loaded, n_lost;

	if (!w->config.table)
		return;
	schedule_free(w->s);
	record_table_close(w->config.table);
	file_open(w);
	for (uint8_t n = 0; n < n_changes; n++)
		file_change(w, z);
	start(w);
	schedule_stored(w->s, &n_loaded, &n_lost);
	assert(n_changes || n_loaded + n_lost == n_before);
	check_counts(w);
}

static void remove_dir(void)
{
	char path[sizeof(dir) + sizeof("/connections")];

	snprintf(path, sizeof(path), "%s/connections", dir);
	unlink(path);
	rmdir(dir);
}

/* A directory of this process, in memory where there is one; without a file. */
static void make_dir(void)
{
	char path[sizeof(dir) + sizeof("/connections")];

	snprintf(path, sizeof(path), "%s/connections", dir);
	if (*dir) {
		unlink(path);
		return;
	}
	snprintf(dir, sizeof(dir), "%s/schedule_fuzz.XXXXXX",
		 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	if (!mkdtemp(dir))
		abort();
	atexit(remove_dir);
}

/* --- an input --- */

static void step(struct world *w, struct fuzz *z)
{
	uint8_t what = fuzz_byte(z), how = what >> 3;

	/* packets wait for others of the same side, now and then */
	if ((what & 7) < 4 || how & 16)
		batch_send(w);
	switch (what & 7) {
	case 0:
		change(w, how, fuzz_byte(z));
		break;
	case 1:
		wait(w, how);
		break;
	case 2:
		restart(w, z);
		break;
	case 3:
		pass_bytes(w, z, side(w, how & 7));
		break;
	default:
		pass_packet(w, z, side(w, how & 7));
	}
	check_counts(w);
}

/* Return: bytes that were taken */
static size_t begin(struct world *w, const uint8_t *data, size_t size)
{
	uint8_t head[3 + 2 * PLACES] = { 0 };
	size_t len = size < sizeof(head) ? size : sizeof(head);
	static uint8_t services[2 * PLACES];

	memcpy(head, data, len);
	memcpy(services, head + 3, sizeof(services));
	*w = (struct world){ .now_ns = S, .services = services,
			     .last = DEST_NONE };
	w->config = (struct schedule_config){
		.max_conns = 1 + head[0] % 32, .seed = 1,
		.unknown_drop = head[0] & 32,
		.expire_quiescent = head[0] & 64,
		.expire_quiescent_template = head[0] & 128,
		.unscheduled = (enum schedule_unscheduled)(head[1] % 3),
		.on_overload = (enum schedule_overload)(head[1] / 3 % 3),
		.linger_ns = head[2] % 64 * S,
	};
	if (head[2] & 64) {
		make_dir();
		file_open(w);
	}
	start(w);
	return len;
}

static void end(struct world *w)
{
	batch_send(w);
	for (unsigned i = 0; i < 4; i++)
		schedule_expire(w->s, w->now_ns += 100000 * S);
	assert(w->is_forged || !flow_count(schedule_conns(w->s)->flows));
	schedule_free(w->s);
	if (w->config.table)
		record_table_close(w->config.table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;
	size_t head_len = begin(&w, data, size);
	struct fuzz z = { data + head_len, size - head_len };

	while (z.left)
		step(&w, &z);
	end(&w);
	return 0;
}
