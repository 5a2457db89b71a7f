/* SPDX-License-Identifier: ISC */
/*
 * A filter that harms what it relays: loss, delay, reordering, duplication,
 * repeatable by its seed. It can stand on any wire of the chain.
 */
#include <string.h>

#include "../../common/filter.h"
#include "../../common/log.h"
#include "../../common/time.h"
#include "impair.h"

struct config {
	struct option_common common;
	struct filter_options filter;
	const char *loss, *duplicate, *reorder;
	uint64_t delay_ms, jitter_ms, reorder_ms;
	uint64_t max_bytes, seed, break_after;
	unsigned queue;			/* enum endpoint_queue */
};

struct relay {
	struct loop loop;
	struct filter filter;
	struct impair impair;
	struct clock_timer timer;	/* when the next frame is due */
	unsigned queue;
};

static const char *const queues[] = { "tx", "rx", "all", NULL };

#define ROW(name, type, member, arg, help, max) \
	{ name, type, offsetof(struct config, member), arg, help, 0, max, NULL }

static const struct option_spec specs[] = {
	FILTER_SPECS(struct config),
	ROW("loss", OPTION_STRING, loss, "PERCENT", "frames lost (0)", 0),
	ROW("duplicate", OPTION_STRING, duplicate, "PERCENT",
	    "frames that leave twice (0)", 0),
	ROW("reorder", OPTION_STRING, reorder, "PERCENT",
	    "frames that fall back by --reorder-by (0)", 0),
	ROW("reorder-by", OPTION_UINT, reorder_ms, "MS",
	    "how far they fall back (5)", 60000),
	ROW("break-after", OPTION_UINT, break_after, "N",
	    "frames of each direction; all that follow are lost (0: none)", 0),
	ROW("delay", OPTION_UINT, delay_ms, "MS", "of each frame (0)", 60000),
	ROW("jitter", OPTION_UINT, jitter_ms, "MS",
	    "added to the delay at random, 0 to this; keeps the order (0)",
	    60000),
	ROW("max-bytes", OPTION_UINT, max_bytes, "BYTES",
	    "held at a time; over it the first due leaves early (67108864)",
	    UINT32_MAX),
	ROW("seed", OPTION_UINT, seed, "N", "of all randomness (1)", 0),
	{ "queue", OPTION_CHOICE, offsetof(struct config, queue), "tx|rx|all",
	  "the direction that is harmed (all)", 0, 0, queues },
	{ 0 },
};

static const struct option_program program = {
	.name = "colo-impair",
	.summary = "Relay frames over a bad link.",
	.usage = "[--net EP] [--guest EP] [OPTION...]",
	.specs = specs,
};

static void send_due(struct relay *r, uint64_t now_ns)
{
	struct impair_held held;

	while (impair_next(&r->impair, now_ns, &held)) {
		filter_forward(&r->filter, (enum filter_dir)held.dir,
			       &held.frame, 1);
		chunk_unref(held.frame.chunk);
	}
	now_ns = clock_now_ns(&r->loop.clock);
	if (impair_due_ns(&r->impair) != UINT64_MAX)
		clock_timer_start(&r->timer, (impair_due_ns(&r->impair) -
				 now_ns + NS_PER_MS - 1) / NS_PER_MS, 0);
}

static void on_due(void *arg)
{
	struct relay *r = arg;

	send_due(r, clock_now_ns(&r->loop.clock));
}

static void on_end(void *arg)
{
	send_due(arg, UINT64_MAX);
}

static void on_frames(void *arg, enum filter_dir dir, struct frame *v,
		      unsigned n)
{
	struct relay *r = arg;
	uint64_t now_ns = clock_now_ns(&r->loop.clock);

	if (r->queue != QUEUE_ALL &&
	    (r->queue == QUEUE_TX) != (dir == FILTER_TX)) {
		filter_forward(&r->filter, dir, v, n);
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		impair_put(&r->impair, dir, &v[i], now_ns);
		send_due(r, now_ns);
	}
}

#define COUNT(n, member, h) \
	{ "impair", n, "frames", h, STATS_AT(struct impair, member) }

static const struct stats_def table[] = {
	COUNT("duplicated", duplicated, "Frames that were sent twice."),
	COUNT("reordered", reordered, "Frames that others have overtaken."),
	COUNT("early", early, "Frames that left before they were due."),
};

static void on_stats(void *arg, struct stats *s)
{
	struct relay *r = arg;

	s->copied += r->impair.duplicated;
	s->held += r->impair.count;
	stats_drop(s, DROP_LOSS, r->impair.lost);
	stats_add(s, table, sizeof(table) / sizeof(*table), NULL, &r->impair);
	filter_stats(&r->filter, s);
}

static int run(struct relay *r, const struct config *c,
	       const struct impair_options *o)
{
	const struct loop_handler handler = {
		.on_stats = on_stats, .on_end = on_end, .arg = r,
	};
	int status = 1;

	impair_init(&r->impair, o);
	r->queue = c->queue + QUEUE_TX;		/* the choices begin with tx */
	if (loop_init(&r->loop, &c->common, &handler) < 0)
		return 1;
	clock_timer_init(&r->loop.clock, &r->timer, on_due, r);
	if (filter_open(&r->filter, &r->loop, &c->filter, on_frames, r) < 0)
		loop_abandon(&r->loop);
	else
		status = loop_run(&r->loop);
	impair_fini(&r->impair);
	return status;
}

static int set_percent(const char *name, const char *text, uint32_t *ppm)
{
	if (text && impair_percent(text, ppm) < 0)
		return option_bad("--%s: \"%s\" is not a percentage", name,
				  text);
	return 0;
}

int main(int argc, char **argv)
{
	static struct relay relay;
	struct config c = {
		.reorder_ms = 5,
		.max_bytes = 64u << 20,
		.seed = 1,
		.queue = QUEUE_ALL - QUEUE_TX,
	};
	struct impair_options o = { 0 };

	switch (option_parse(&program, argc, argv, &c)) {
	case OPTION_RUN:
		break;
	case OPTION_DONE:
		return 0;
	case OPTION_USAGE:
		return 2;
	}
	if (set_percent("loss", c.loss, &o.loss_ppm) ||
	    set_percent("duplicate", c.duplicate, &o.duplicate_ppm) ||
	    set_percent("reorder", c.reorder, &o.reorder_ppm) ||
	    !filter_check(&c.filter, NULL, NULL))
		return 2;
	o.delay_ns = c.delay_ms * NS_PER_MS;
	o.jitter_ns = c.jitter_ms * NS_PER_MS;
	o.reorder_ns = c.reorder_ms * NS_PER_MS;
	o.max_bytes = c.max_bytes;
	o.seed = c.seed;
	o.break_after = c.break_after;
	return c.common.check_only ? 0 : run(&relay, &c, &o);
}
