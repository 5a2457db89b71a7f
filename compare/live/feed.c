/* SPDX-License-Identifier: ISC */
/*
 * The comparison, and what has to be done around each call of it.
 */
#include "live.h"

#include <errno.h>

#include "../../common/log.h"
#include "../../common/time.h"

#define STOP_BYTES_MAX (64u << 20)	/* read behind a full comparison */

static uint64_t now_ns(const struct live *l)
{
	return clock_now_ns(&l->loop.clock);
}

static void arm_due(struct live *l)
{
	uint64_t now = now_ns(l), due = compare_due_ns(l->compare);

	if (due >= l->due_ns || due == COMPARE_NEVER)
		return;
	l->due_ns = due;
	/* never at once: captures would have no time in between */
	clock_timer_start(&l->due, due <= now ? 1 :
			 (due - now + NS_PER_MS - 1) / NS_PER_MS, 0);
}

/* While the primary stands still, all that it had sent is to be had before it
 * goes on. */
static bool may_be_overfull(const struct live *l)
{
	return l->epoch.is_stopped &&
	       endpoint_counters(l->primary_in).in_bytes - l->stop_bytes <
	       STOP_BYTES_MAX;
}

/**
 * live_apply_pressure - while the comparison is full, primary-in waits
 * @l:		after anything that may have changed that; on captures, which
 *		wait for each other, a checkpoint has to do instead
 */
void live_apply_pressure(struct live *l)
{
	bool is_full = compare_is_full(l->compare) && !may_be_overfull(l);

	if (is_full && l->is_report) {	/* of flows: told of, forgotten */
		l->cause = DIFF_CAUSE_ROOM;
		compare_expire(l->compare, now_ns(l) + l->timeout_ns);
		l->cause = DIFF_CAUSE_TIME;
		return;
	}
	if (is_full == l->is_stopped)
		return;
	l->is_stopped = is_full;
	if (is_full)
		endpoint_stop(l->primary_in);
	else
		endpoint_start(l->primary_in);
}

/**
 * live_flush - the replicas are equal, or taken for equal
 * @l:		what is held of the primary leaves
 * @why:	why they are taken for equal; NULL after a checkpoint
 */
void live_flush(struct live *l, const char *why)
{
	struct compare_left left = compare_flush(l->compare, now_ns(l));

	live_quarantine_over(l);
	if (why)
		live_note_uncompared(l, &left, why);
	live_apply_pressure(l);
}

/* After each call of the comparison: what it asked for is done here, so that
 * it is never called from its own callbacks. */
static void settle(struct live *l)
{
	if (l->wants_checkpoint) {
		l->wants_checkpoint = false;
		log_info("compare", "checkpoint wanted: %s %s",
			 compare_reason_text(l->reason), l->flow);
		checkpoint_ask(&l->checkpoint, compare_reason_text(l->reason),
			       l->flow);
	}
	live_apply_pressure(l);
	if (l->is_report)
		live_report_balance(l);
	arm_due(l);
}

static void on_release(void *arg, const struct frame *f)
{
	struct live *l = arg;

	endpoint_send(l->outdev, f, 1);
}

static void on_differ(void *arg, const struct compare_difference *d)
{
	struct live *l = arg;

	if (l->is_report)
		live_report_differ(l, d);
	if (!d->asks)
		return;
	l->wants_checkpoint = true;
	l->reason = d->reason;
	*l->flow = '\0';
	if (d->flow)
		flow_key_text(d->flow, l->flow, sizeof(l->flow));
}

static void on_midstream(void *arg, const struct compare_midstream *m)
{
	live_report_midstream(arg, m);
}

/**
 * live_compare - hand frames to the comparison, and do what it asks for
 * @l:		the process
 * @side:	whose they are
 * @v:		the frames; borrowed, put together anew
 * @n:		how many
 */
void live_compare(struct live *l, enum compare_side side, struct frame *v,
		  unsigned n)
{
	if (l->is_report)
		live_report_input(l, side, v, n, now_ns(l));
	else
		compare_input(l->compare, side, v, n, now_ns(l));
	settle(l);
}

static void on_scan(void *arg)
{
	struct live *l = arg;

	compare_expire(l->compare, now_ns(l));
	settle(l);
	live_tell_uncompared(l);
}

static void on_due(void *arg)
{
	struct live *l = arg;

	l->due_ns = COMPARE_NEVER;
	on_scan(l);
}

int feed_open(struct live *l, const struct compare_config *config)
{
	const struct compare_handler handler = {
		on_release, on_differ, l, on_midstream, live_may_ask,
		live_on_over_share, live_on_waits
	};

	l->timeout_ns = config->timeout_ns;
	l->compare = compare_new(config, &handler);
	if (!l->compare) {
		log_error("compare", "not enough memory for %u flows",
			  config->max_flows);
		return -ENOMEM;
	}
	clock_timer_init(&l->loop.clock, &l->scan, on_scan, l);
	clock_timer_init(&l->loop.clock, &l->due, on_due, l);
	l->due_ns = COMPARE_NEVER;
	return 0;
}

void feed_end(struct live *l)
{
	l->cause = DIFF_CAUSE_END;
	compare_end(l->compare);
	settle(l);
}
