/* SPDX-License-Identifier: ISC */
#include "live.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/age.h"
#include "../../common/control_process.h"
#include "../../common/failover.h"
#include "../../common/log.h"
#include "../../common/time.h"
#include "checkpoint.h"
#include "feed.h"
#include "history.h"
#include "live_config.h"
#include "live_epoch.h"
#include "live_methods.h"
#include "live_verdict.h"
#include "live_wires.h"
#include "quarantine.h"
#include "report.h"
#include "report_out.h"
#include "rules.h"
#include "running.h"

struct live {
	const struct live_options *options;
	struct loop loop;
	struct wires wires;
	struct failover failover;
	struct control_process control;
	struct live_verdict verdict;
	struct live_methods methods;
	struct control_flows flows;
	struct checkpoint checkpoint;
	struct history history;
	struct quarantine quarantine;
	struct report report;
	struct rules rules;
	struct feed feed;
	struct live_epoch epoch;
	struct live_wires ends;
	struct roster *roster;	/* filled already, or NULL */
	bool has_begun;		/* running_begin() has made its file */
	int lock;		/* what it has set */
};

/* Is the request for the difference that the feed has found last? */
static bool is_of_difference(const struct checkpoint_request *r,
			     const struct feed_wanted *w)
{
	return !strcmp(r->reason, compare_reason_text(w->reason)) &&
	       !strcmp(r->flow, w->flow);
}

static void on_checkpoint_asked(void *arg)
{
	struct live *l = arg;
	const struct checkpoint_request *r = &l->checkpoint.request;
	const struct feed_wanted *w = &l->feed.wanted;

	const struct history_place *place = is_of_difference(r, w) ? &w->place :
								     NULL;

	history_ask(&l->history, r->reason, r->flow, place, clock_wall_us());
	if (l->options->choice.mode != CHECKPOINT_NONE)
		tell_wanted(&l->feed.tell, r->reason, r->flow, place,
			    clock_now_ns(&l->loop.clock));
}

static void tell_of(struct live *l, const struct compare_left *left)
{
	const struct checkpoint *cp = &l->checkpoint;
	const struct tell_made made = {
		.is_asked = cp->last.is_asked,
		.took_ms = cp->last.took_ms,
		.has_stopped = cp->last.has_stopped,
		.stopped_ms = cp->last.stopped_ms,
		.frames = left->frames,
	};

	if (!cp->is_stopped)
		tell_made(&l->feed.tell, &made, clock_now_ns(&l->loop.clock));
}

/* The replicas are equal, or taken to be so: what is held leaves. */
static void release(struct live *l)
{
	struct history_entry *e = history_make(&l->history, clock_wall_us());
	uint64_t now_ns = clock_now_ns(&l->loop.clock);

	e->n_tries = l->checkpoint.request.n_tries;
	if (l->options->choice.mode == CHECKPOINT_NONE)
		e->left = feed_release(&l->feed, NULL);
	else
		e->left = feed_checkpoint(&l->feed);
	if (l->options->choice.mode != CHECKPOINT_NONE)
		tell_of(l, &e->left);
	e->released_us = clock_wall_us();
	if (e->left.since_ns)
		e->longest_ms = age_ns(now_ns, e->left.since_ns) / NS_PER_MS;
}

static void on_checkpoint_made(void *arg)
{
	struct live *l = arg;

	release(l);
	if (l->options->choice.mode == CHECKPOINT_QMP)
		live_epoch_checkpoint(&l->epoch);
}

static void on_put_off(void *arg)
{
	struct live *l = arg;

	quarantine_tell_spent(&l->quarantine);
}

static void on_primary_stops(void *arg)
{
	struct live *l = arg;

	live_epoch_stop(&l->epoch);
}

static void on_primary_continues(void *arg)
{
	struct live *l = arg;

	live_epoch_continue(&l->epoch);
}

static struct compare_left fail_over(struct live *l)
{
	checkpoint_stop(&l->checkpoint);
	live_epoch_end(&l->epoch);
	return feed_failover(&l->feed);
}

static void on_failover(void *arg, struct failover_done *done)
{
	struct compare_left left = fail_over(arg);

	done->released = left.frames;
	snprintf(done->text, sizeof(done->text), "%llu frames released, the "
		 "primary passes", (unsigned long long)left.frames);
	log_event("uncompared-at-failover", "%llu bytes in %llu frames",
		  (unsigned long long)left.bytes,
		  (unsigned long long)left.frames);
}

/* There is a secondary again. What it has, nobody knows: a checkpoint is asked for. */
static int on_protect(void *arg, char *text, size_t size)
{
	struct live *l = arg;
	int err = checkpoint_start(&l->checkpoint);

	if (err < 0) {
		snprintf(text, size, "the command of the last checkpoint has "
			 "not ended yet");
		return err;
	}
	live_epoch_begin(&l->epoch);
	feed_protect(&l->feed);
	checkpoint_ask(&l->checkpoint, "protect", "");
	live_wires_distrust(&l->ends);
	snprintf(text, size, "frames are compared again, a checkpoint is "
		 "asked for");
	return 0;
}

static void on_failover_signal(void *arg)
{
	struct live *l = arg;

	failover_now(&l->failover);
}

static bool is_quarantined(const struct live_options *o)
{
	return o->quarantine == LIVE_QUARANTINE_HOLD &&
	       o->choice.mode != CHECKPOINT_NONE;
}

/* Somebody says that a checkpoint was made. */
static void on_checkpoint_signal(void *arg)
{
	struct live *l = arg;

	checkpoint_done(&l->checkpoint);
	release(l);
}

/* The endpoints have counted what came in and went out. Ours is what is
 * between. */
static void on_stats(void *arg, struct stats *s)
{
	const struct live *l = arg;
	uint64_t in = s->in, out = s->out;

	feed_stats(&l->feed, s);
	s->in = in;
	s->out = out;
	live_epoch_stats(&l->epoch, s);
	checkpoint_stats(&l->checkpoint, s);
	quarantine_stats(&l->quarantine, s);
	stats_drop(s, DROP_NOT_SELECTED, l->report.n_unselected);
}

/*
 * No more input, or a signal. A packet of captures that still waits has waited
 * too long. A packet that is held otherwise only the primary has sent: released
 * now, it would be unknown to a secondary that takes over; dropped, TCP repeats
 * it. With --checkpoint none no secondary takes over, and nothing is lost.
 */
static void on_end(void *arg)
{
	struct live *l = arg;

	if (l->loop.clock.is_virtual && !l->loop.hurried)
		feed_end(&l->feed);
	checkpoint_stop(&l->checkpoint);
	live_epoch_end(&l->epoch);
	if (l->options->choice.mode == CHECKPOINT_NONE)
		feed_release(&l->feed, "the end");
	if (l->report.is_on)
		report_end(&l->report);
	if (l->options->common.state_dir && !feed_is_holding(&l->feed))
		running_end(l->options->common.state_dir);
}

static void on_close(void *arg)
{
	struct live *l = arg;

	control_process_close(&l->control);
}

static void on_set(void *arg)
{
	struct live *l = arg;
	const struct live_options *o = l->options;
	const struct compare_config config = live_config_of(o, l->roster);

	feed_set_config(&l->feed, &config);
	l->epoch.timeout_ms = o->timeout_ms;
	checkpoint_set_pace(&l->checkpoint, &o->pace);
	l->quarantine.is_on = is_quarantined(o);
	failover_set_auto(&l->failover, o->auto_failover_s);
}

static void on_verdict(void *arg, struct verdict *v)
{
	const struct live *l = arg;

	live_verdict_of(&l->verdict, clock_now_ns(&l->loop.clock), v);
}

/* The last one to be opened: it may be asked at once. */
static int open_control(struct live *l)
{
	const struct control_process_handler handler = {
		.on_verdict = on_verdict,
		.on_set = on_set,
		.arg = l,
		.methods = live_methods_table,
		.methods_arg = &l->methods,
		.flows = &l->flows,
	};

	l->verdict = (struct live_verdict){
		.wires = &l->wires,
		.feed = &l->feed,
		.checkpoint = &l->checkpoint,
		.is_report = l->report.is_on,
	};
	rules_init(&l->rules, &l->report.diff.known.ignore,
		   &l->options->ignore);
	l->methods = (struct live_methods){
		.clock = &l->loop.clock,
		.feed = &l->feed,
		.checkpoint = &l->checkpoint,
		.history = &l->history,
		.rules = l->report.is_on ? &l->rules : NULL,
	};
	l->flows = live_methods_flows(&l->methods);
	return control_process_open(&l->control, &l->loop, &l->failover,
				    &handler);
}

/* Take the role from the last run, and see whether it lost what it held. */
static int take_up(struct live *l)
{
	const char *state_dir = l->options->common.state_dir;
	int err;

	if (l->failover.role == ROLE_FAILOVER)
		fail_over(l);
	if (!state_dir)
		return 0;
	err = running_begin(state_dir, &l->lock);
	if (err < 0)
		return err;
	l->has_begun = err == 0;
	if (err == 1) {
		checkpoint_ask(&l->checkpoint, "restart", "");
		live_wires_distrust(&l->ends);
	}
	return 0;
}

static void init_checkpoint(struct live *l)
{
	const struct live_options *o = l->options;
	const struct checkpoint_handler handler = {
		.on_asked = on_checkpoint_asked,
		.on_done = on_checkpoint_made,
		.on_put_off = on_put_off,
		.on_stop = on_primary_stops,
		.on_continue = on_primary_continues,
		.arg = l,
	};

	checkpoint_init(&l->checkpoint, &l->loop, &o->choice, &o->pace,
			&handler);
	quarantine_init(&l->quarantine, &l->loop.clock, &l->checkpoint,
			is_quarantined(o));
}

/* Connect the parts with each other. Nothing is open yet. */
static int init_parts(struct live *l)
{
	const struct live_options *o = l->options;
	const struct compare_config config = live_config_of(o, l->roster);
	const struct feed_parts parts = {
		.clock = &l->loop.clock,
		.checkpoint = &l->checkpoint,
		.quarantine = &l->quarantine,
		.report = &l->report,
	};

	init_checkpoint(l);
	l->epoch.believes_markers = o->markers == LIVE_MARKERS_ON;
	l->epoch.timeout_ms = o->timeout_ms;
	live_epoch_init(&l->epoch, &l->loop.clock, &l->feed, &l->checkpoint,
			&l->wires);
	l->ends = (struct live_wires){
		.wires = &l->wires,
		.loop = &l->loop,
		.epoch = &l->epoch,
		.checkpoint = &l->checkpoint,
		.failover = &l->failover,
	};
	return feed_open(&l->feed, &config, &parts);
}

static int start(struct live *l)
{
	const struct failover_handler failover = { on_failover, on_protect, l };
	int err = init_parts(l);

	/* first: an endpoint may come up while it is opened */
	if (err == 0)
		err = failover_init(&l->failover, &l->loop,
				    l->options->auto_failover_s, &failover);
	if (err == 0)
		err = report_out_open(&l->report);
	if (err == 0)
		err = live_wires_open(&l->ends, l->options);
	if (err == 0)
		err = checkpoint_open(&l->checkpoint, &l->options->notify_dev);
	if (err == 0)
		feed_start(&l->feed, &l->wires, l->options->scan_ms);
	if (err == 0)
		err = report_ready(&l->report);
	if (err == 0)
		err = take_up(l);
	if (err == 0)
		err = open_control(l);
	return err;
}

/* Return: 0, or -EIO when something went wrong, logged */
static int run(struct live *l)
{
	int err = loop_run(&l->loop) ? -EIO : 0;

	live_epoch_fini(&l->epoch);
	feed_close(&l->feed);
	if (report_out_close(&l->report) < 0)
		err = -EIO;
	if (live_options_is_capture(l->options) && l->loop.hurried) {
		log_error(NULL, "interrupted: the rest was not compared");
		err = -EIO;
	}
	return err;
}

/* The start has failed: what the last run left is still to be told. */
static void abandon(struct live *l)
{
	if (l->has_begun)
		running_end(l->options->common.state_dir);
	loop_abandon(&l->loop);
	feed_close(&l->feed);
	report_out_close(&l->report);
}

/* With captures it is as with diff(1): 0 same, 1 different, 2 trouble. */
static int exit_status(const struct live *l, bool has_failed)
{
	if (!live_options_is_capture(l->options))
		return has_failed;
	if (has_failed)
		return 2;
	if (report_is_different(&l->report))
		return 1;
	return report_is_whole(&l->report) ? 0 : 2;
}

static int start_and_run(struct live *l)
{
	const struct loop_handler handler = {
		.on_stats = on_stats,
		.on_failover = on_failover_signal,
		.on_checkpoint = on_checkpoint_signal,
		.on_end = on_end,
		.on_close = on_close,
		.arg = l,
	};
	int err;

	if (loop_init(&l->loop, &l->options->common, &handler) < 0)
		return 1;
	err = start(l);
	if (err == 0)
		return exit_status(l, run(l) < 0);
	abandon(l);
	return err == -EINVAL ? 2 : exit_status(l, true);
}

/**
 * live_run() - Compare until the inputs end, or a signal comes
 * @options:	Checked; borrowed
 * @pass:	What is known of captures, and what for they are read; borrowed
 *
 * Return: the exit status
 */
int live_run(const struct live_options *options, const struct live_pass *pass)
{
	struct live *l = calloc(1, sizeof(*l));
	int status;

	if (!l)
		abort();
	l->options = options;
	report_init(&l->report, options, &l->loop.clock, &l->wires,
		    pass->learn, pass->is_learning || pass->is_survey);
	*(pass->is_survey ? &l->report.roster : &l->roster) = pass->roster;
	status = start_and_run(l);
	rules_fini(&l->rules);
	free(l);
	return status;
}
