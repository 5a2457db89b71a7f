/* SPDX-License-Identifier: ISC */
/*
 * Frames of any bytes and segments that hang together, from the net and from
 * guests, while destinations come, go, drain and fill, and time passes.
 */
#include <assert.h>

#include "../../redirector/schedule/answer.h"
#include "../../redirector/schedule/dest.h"
#include "../../redirector/schedule/route.h"
#include "../../redirector/schedule/schedule.h"
#include "fuzz.h"

#define DESTS 3u
#define S UINT64_C(1000000000)

static const char *const services[] = {
	"tcp:10.0.0.2:80,scheduler=wrr",
	"tcp:10.0.0.2:0,scheduler=mh,persist=5,mask=24",
	"udp:10.0.0.2:0,scheduler=conhash,slow-start=9",
	"udp:10.0.0.2:53,one-packet,scheduler=sh",
	"icmp:10.0.0.2,scheduler=nq,vmac=52:54:00:00:00:09",
	"tcp:[fd00::2]:0,scheduler=ovf,vmac=52:54:00:00:00:09",
};

struct world {
	struct schedule *s;
	uint64_t now_ns;
};

/* What is counted at destinations is what is in the table. */
static void check_counts(const struct world *w)
{
	const struct dest_set *set = schedule_dests(w->s);
	uint32_t n = 0;

	for (unsigned i = 0; i < DESTS_MAX; i++)
		n += dest_conns(&set->v[i]) + set->v[i].n_templates;
	assert(n == flow_count(schedule_conns(w->s)->flows));
}

static void check_way(const struct world *w, struct schedule_verdict way,
		      struct frame *f)
{
	const struct dest_set *set = schedule_dests(w->s);
	uint8_t reply[ANSWER_ROOM];
	uint32_t len;

	assert(way.reason < SCHEDULE_REASONS);
	assert((way.way == SCHEDULE_DROP) ==
	       (way.reason >= SCHEDULE_UNSCHEDULED));
	if (way.way == SCHEDULE_TO_DEST)
		assert(way.dest < DESTS_MAX && set->v[way.dest].is_up);
	if (way.way != SCHEDULE_ANSWER)
		return;
	len = answer_write(reply, &schedule_services(w->s)->v[way.dest],
			   frame_eth(f), frame_eth_len(f));
	assert(len >= 60 && len <= ANSWER_ROOM);
}

static void pass(struct world *w, struct frame f, uint8_t from)
{
	const struct route_frame at = { frame_eth(&f), frame_eth_len(&f) };
	struct schedule_verdict way;
	uint16_t i = from % 4;

	if (i == DESTS || !schedule_dests(w->s)->v[i].name[0])
		route_from_net(w->s, &at, 1, &way, w->now_ns);
	else
		route_from_dest(w->s, i, &at, 1, &way, w->now_ns);
	check_way(w, way, &f);
	chunk_unref(f.chunk);
}

static void change(struct world *w, uint8_t what, uint8_t n)
{
	static const char *const names[DESTS] = { "A", "B", "C" };
	uint16_t i = dest_find(schedule_dests(w->s), names[n % DESTS]);
	bool is_member = i != DEST_NONE && schedule_dests(w->s)->v[i].is_member;

	if (!is_member) {
		i = schedule_add_dest(w->s, names[n % DESTS], w->now_ns);
		schedule_set_up(w->s, i, true, w->now_ns);
	} else if (what % 4 == 0) {
		schedule_remove_dest(w->s, i, w->now_ns);
	} else if (what % 4 == 1) {
		schedule_set_weight(w->s, i, n / DESTS);
	} else if (what % 4 == 2) {
		schedule_set_up(w->s, i, n & 4, w->now_ns);
	} else {
		schedule_set_limits(w->s, i, n / 16, n / 64);
	}
}

static void step(struct world *w, struct fuzz *z)
{
	uint8_t what = fuzz_byte(z);

	switch (what & 7) {
	case 0:
		change(w, what >> 3, fuzz_byte(z));
		break;
	case 1:
		w->now_ns += (uint64_t)fuzz_byte(z) * fuzz_byte(z) * S / 16;
		schedule_expire(w->s, w->now_ns);
		break;
	case 2:
	case 3:
		pass(w, fuzz_frame(z, 0, 200), what >> 3);
		break;
	default:
		pass(w, fuzz_segment(z, 0, (what >> 3) % 4 != DESTS),
		     what >> 3);
	}
	check_counts(w);
}

static void begin(struct world *w, struct fuzz *z)
{
	uint8_t how = fuzz_byte(z), more = fuzz_byte(z);
	struct schedule_config config = {
		.max_conns = 1 + how % 32, .seed = 1,
		.unknown_drop = how & 32,
		.expire_quiescent = how & 64,
		.expire_quiescent_template = how & 128,
		.unscheduled = (enum schedule_unscheduled)(more % 3),
		.on_overload = (enum schedule_overload)(more / 3 % 3),
		.linger_ns = more * S,
	};
	char why[512];

	w->now_ns = S;
	w->s = schedule_new(&config, w->now_ns);
	assert(w->s);
	for (unsigned i = 0; i < sizeof(services) / sizeof(*services); i++) {
		struct service svc;

		if (!service_parse(&svc, services[i], why, sizeof(why)) ||
		    !schedule_add_service(w->s, &svc))
			abort();
	}
	for (uint8_t n = 0; n < DESTS; n++)
		change(w, 0, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz z = { data, size };
	struct world w;

	begin(&w, &z);
	while (z.left)
		step(&w, &z);
	for (unsigned i = 0; i < 10; i++)
		schedule_expire(w.s, w.now_ns += 100000 * S);
	assert(!flow_count(schedule_conns(w.s)->flows));
	schedule_free(w.s);
	return 0;
}
