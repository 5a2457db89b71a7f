/* SPDX-License-Identifier: ISC */
#include "live.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../common/log.h"
#include "running.h"

#define NS_PER_MS UINT64_C(1000000)
#define GAP_SHARE 10		/* of compare-timeout, for a gap */
#define STOP_BYTES_MAX (64u << 20)	/* read behind a full comparison */

static uint64_t now_ns(const struct live *l)
{
	return loop_now_ns(&l->loop);
}

static void arm_due(struct live *l)
{
	uint64_t now = now_ns(l), due = compare_due_ns(l->compare);

	if (due >= l->due_ns || due == COMPARE_NEVER)
		return;
	l->due_ns = due;
	/* never at once: captures would have no time in between */
	loop_timer_start(&l->due, due <= now ? 1 :
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

/**
 * live_interrupted - frames may have been lost on their way to here
 * @l:		rather than wait until that shows, have a checkpoint made; one
 *		that is under way will do
 * @name:	of the input
 */
void live_interrupted(struct live *l, const char *name)
{
	if (l->checkpoint.mode == CHECKPOINT_NONE ||
	    l->checkpoint.mode == CHECKPOINT_HOLD || l->checkpoint.is_stopped)
		return;
	log_info(name, "frames may be lost: checkpoint wanted");
	checkpoint_ask(&l->checkpoint, "interrupted", "");
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

static void on_checkpoint_made(void *arg)
{
	struct live *l = arg;

	bool is_equal = l->checkpoint.mode != CHECKPOINT_NONE;

	if (is_equal)
		compare_copied(l->compare);
	live_flush(l, is_equal ? NULL : compare_reason_text(l->reason));
	if (l->checkpoint.mode == CHECKPOINT_QMP)
		live_epoch_checkpoint(l);
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

static void on_primary(struct endpoint *ep, struct frame *v, unsigned n,
		       void *arg)
{
	(void)ep;
	live_epoch_primary(arg, v, n);
}

static void on_secondary(struct endpoint *ep, struct frame *v, unsigned n,
			 void *arg)
{
	(void)ep;
	live_epoch_secondary(arg, v, n);
}

static void input_event(struct live *l, enum compare_side side,
			const struct endpoint *ep, enum endpoint_event ev)
{
	if (ev == ENDPOINT_UP && l->has_lost[side])
		live_interrupted(l, endpoint_name(ep));
	if (ev == ENDPOINT_UP || ev == ENDPOINT_DOWN)
		l->has_lost[side] = ev == ENDPOINT_DOWN;
}

static void on_primary_event(struct endpoint *ep, enum endpoint_event ev,
			     void *arg)
{
	input_event(arg, COMPARE_PRIMARY, ep, ev);
}

static void on_secondary_event(struct endpoint *ep, enum endpoint_event ev,
			       void *arg)
{
	struct live *l = arg;

	input_event(l, COMPARE_SECONDARY, ep, ev);
	if (ev == ENDPOINT_UP || ev == ENDPOINT_DOWN)
		failover_peer(&l->failover, ev == ENDPOINT_UP);
}

static void on_outdev_event(struct endpoint *ep, enum endpoint_event ev,
			    void *arg)
{
	struct live *l = arg;

	(void)ep;
	if (ev != ENDPOINT_DEAD)
		return;
	loop_fail(&l->loop);
	loop_end(&l->loop);
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

static struct compare_left fail_over(struct live *l)
{
	struct compare_left left;

	checkpoint_stop(&l->checkpoint);
	live_quarantine_over(l);
	live_epoch_end(l);
	left = compare_failover(l->compare, now_ns(l));
	live_apply_pressure(l);
	return left;
}

static void on_failover(void *arg)
{
	struct compare_left left = fail_over(arg);

	log_event("uncompared-at-failover", "%llu bytes in %llu frames",
		  (unsigned long long)left.bytes,
		  (unsigned long long)left.frames);
}

static void on_failover_signal(void *arg)
{
	struct live *l = arg;

	failover_now(&l->failover);
}

/* Somebody says that a checkpoint was made. */
static void on_checkpoint_signal(void *arg)
{
	struct live *l = arg;

	checkpoint_done(&l->checkpoint);
	compare_copied(l->compare);
	live_flush(l, NULL);
}

/* The endpoints count what came in and went out; ours is what is between. */
static void on_stats(void *arg, struct stats *s)
{
	const struct live *l = arg;
	struct stats own = { 0 };

	compare_stats(l->compare, &own);
	s->held += own.held;
	s->merged += own.merged;
	s->originated += own.originated;
	s->held += l->epoch.n_kept;
	stats_drop(s, "marker", l->n_markers + l->epoch.n_markers);
	stats_drop(s, "epoch", l->epoch.n_discarded);
	checkpoint_stats(&l->checkpoint, s);
	live_policy_stats(l, s);
	if (l->n_uncompared)
		stats_drop(s, "not-selected", l->n_uncompared);
	for (unsigned i = 0; i < own.n_rows; i++)
		stats_note(s, own.rows[i].group, own.rows[i].name,
			   own.rows[i].value);
}

/*
 * No more input, or a signal. On captures what still waits has waited too long.
 * What is held is the primary's alone. Let go, it would be unknown to a
 * secondary that takes over; not let go, TCP repeats it. With --checkpoint none
 * nobody takes over.
 */
static void on_end(void *arg)
{
	struct live *l = arg;
	bool holds = compare_is_holding(l->compare);

	if (l->loop.is_virtual && !l->loop.hurried) {
		l->cause = DIFF_CAUSE_END;
		compare_expire(l->compare, UINT64_MAX / 2);
		settle(l);
	}
	checkpoint_stop(&l->checkpoint);
	live_epoch_end(l);
	if (l->checkpoint.mode == CHECKPOINT_NONE)
		live_flush(l, "the end");
	if (l->is_report)
		live_report_end(l);
	if (!holds && l->options->common.state_dir)
		running_end(l->options->common.state_dir);
}

static int open_endpoints(struct live *l)
{
	const struct live_options *o = l->options;
	const struct endpoint_handler primary = { on_primary,
						  on_primary_event, l };
	const struct endpoint_handler secondary = {
		on_secondary, on_secondary_event, l
	};
	const struct endpoint_handler outdev = { NULL, on_outdev_event, l };
	int err;

	err = endpoint_open(&l->outdev, &l->loop, "outdev", &o->outdev,
			    ENDPOINT_WRITE, &outdev);
	if (err == 0)
		err = endpoint_open(&l->primary_in, &l->loop, "primary-in",
				    &o->primary_in, ENDPOINT_READ, &primary);
	if (err == 0)
		err = endpoint_open(&l->secondary_in, &l->loop,
				    "secondary-in", &o->secondary_in,
				    ENDPOINT_READ, &secondary);
	if (err == 0)
		err = checkpoint_open(&l->checkpoint, &o->notify_dev);
	if (err == 0)
		endpoint_feeds(l->primary_in, l->outdev);
	return err;
}

/* The role, and whether the last run lost what it held. */
static int take_up(struct live *l)
{
	const char *state_dir = l->options->common.state_dir;
	int err;

	if (l->failover.role == ROLE_FAILOVER)
		fail_over(l);
	if (!state_dir)
		return 0;
	err = running_begin(state_dir);
	if (err < 0)
		return err;
	if (err == 1) {
		checkpoint_ask(&l->checkpoint, "restart", "");
		/* what waits there for us may be older than that checkpoint */
		l->has_lost[COMPARE_PRIMARY] = true;
		l->has_lost[COMPARE_SECONDARY] = true;
	}
	return 0;
}

static int start(struct live *l)
{
	const struct compare_handler handler = {
		on_release, on_differ, l, on_midstream, live_may_ask,
		live_on_over_share, live_on_waits
	};
	const struct checkpoint_handler checkpoint = {
		on_checkpoint_made, live_on_put_off, live_epoch_stop, live_epoch_continue, l
	};
	struct compare_config config = live_compare_config(l->options);
	int err;

	l->timeout_ns = config.timeout_ns;
	config.holds = l->checkpoint.mode == CHECKPOINT_HOLD;
	config.full_waits = l->checkpoint.mode == CHECKPOINT_NONE;
	if (l->checkpoint.mode != CHECKPOINT_NONE)
		config.gap_ns = config.timeout_ns / GAP_SHARE;
	l->compare = compare_new(&config, &handler);
	if (!l->compare) {
		log_error("compare", "not enough memory for %u flows",
			  config.max_flows);
		return -ENOMEM;
	}
	checkpoint_init(&l->checkpoint, &l->loop, &l->options->pace, &checkpoint);
	live_epoch_init(l);
	live_quarantine_init(l);
	loop_timer_init(&l->loop, &l->scan, on_scan, l);
	loop_timer_init(&l->loop, &l->due, on_due, l);
	l->due_ns = COMPARE_NEVER;
	/* first: an endpoint may come up while it is opened */
	err = failover_init(&l->failover, &l->loop,
			    l->options->auto_failover_s, on_failover, l);
	if (err == 0)
		err = live_report_open(l);
	if (err == 0)
		err = open_endpoints(l);
	if (err == 0)
		err = live_report_ready(l);
	if (err == 0)
		err = take_up(l);
	loop_timer_start(&l->scan, l->options->scan_ms, l->options->scan_ms);
	return err;
}

/* On captures it is a diff: 0 same, 1 different, 2 trouble. */
static int exit_status(const struct live *l, bool failed)
{
	if (!live_is_capture(l->options))
		return failed;
	return failed ? 2 : diff_sums_total(&l->diff.sums) > 0;
}

/**
 * live_run - run colo-compare until it ends
 * @l:		its checkpoint mode is set, all else is filled in
 * @options:	checked by main(); borrowed
 *
 * Return: the exit status
 */
int live_run(struct live *l, const struct live_options *options)
{
	const struct loop_handler handler = {
		.on_stats = on_stats,
		.on_failover = on_failover_signal,
		.on_checkpoint = on_checkpoint_signal,
		.on_end = on_end,
		.arg = l,
	};
	int err;

	l->options = options;
	if (options->learn.n && live_learn(l))
		return 2;
	err = loop_init(&l->loop, &options->common, &handler);
	if (err < 0)
		return 1;
	err = start(l);
	if (err < 0) {
		loop_abandon(&l->loop);
		compare_free(l->compare);
		live_report_close(l);
		return err == -EINVAL ? 2 : exit_status(l, true);
	}
	err = loop_run(&l->loop);
	epoch_fini(&l->epoch);
	compare_free(l->compare);
	if (live_report_close(l) < 0)
		err = 1;
	if (live_is_capture(options) && l->loop.hurried) {
		log_error(NULL, "interrupted: the rest was not compared");
		err = 1;
	}
	learn_fini(&l->learnt);
	return exit_status(l, err);
}
