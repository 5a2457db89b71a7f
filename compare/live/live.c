/* SPDX-License-Identifier: ISC */
#include "live.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../common/log.h"
#include "../../common/time.h"
#include "running.h"

#define GAP_SHARE 10		/* of compare-timeout, for a gap */

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
		checkpoint_interrupted(&l->checkpoint, endpoint_name(ep));
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

static struct compare_left fail_over(struct live *l)
{
	struct compare_left left;

	checkpoint_stop(&l->checkpoint);
	live_quarantine_over(l);
	live_epoch_end(l);
	left = compare_failover(l->compare, clock_now_ns(&l->loop.clock));
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

	if (l->loop.clock.is_virtual && !l->loop.hurried)
		feed_end(l);
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
	const struct checkpoint_handler checkpoint = {
		on_checkpoint_made, live_on_put_off, live_epoch_stop, live_epoch_continue, l
	};
	struct compare_config config = live_compare_config(l->options);
	int err;

	config.holds = l->checkpoint.mode == CHECKPOINT_HOLD;
	config.full_waits = l->checkpoint.mode == CHECKPOINT_NONE;
	if (l->checkpoint.mode != CHECKPOINT_NONE)
		config.gap_ns = config.timeout_ns / GAP_SHARE;
	err = feed_open(l, &config);
	if (err < 0)
		return err;
	checkpoint_init(&l->checkpoint, &l->loop, &l->options->pace, &checkpoint);
	live_epoch_init(l);
	live_quarantine_init(l);
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
	clock_timer_start(&l->scan, l->options->scan_ms, l->options->scan_ms);
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
