/* SPDX-License-Identifier: ISC */
/*
 * The redirector as a process: its parts are started, asked and ended.
 * redirector_relay.c moves the frames, redirector_devs.c has the indev and the
 * outdev, redirector_failover.c the other role.
 */
#include "redirector.h"

#include <errno.h>
#include <string.h>

#include "redirector_devs.h"
#include "redirector_failover.h"
#include "redirector_relay.h"

static void on_failover_signal(void *arg)
{
	struct redirector *r = arg;

	failover_now(&r->failover);
}

static const struct stats_def uncompared = {
	"redirector", "uncompared", "frames", "Frames that went onward instead of "
	"to the outdev since the last checkpoint.", .is_gauge = true,
	STATS_AT(struct redirector, n_uncompared),
};

static void on_stats(void *arg, struct stats *s)
{
	struct redirector *r = arg;

	s->copied += r->copied;
	s->originated += r->originated;
	for (enum drop i = DROP_ISOLATED; i <= DROP_OUTDEV_DOWN; i++)
		stats_drop(s, i, r->dropped[i]);
	stats_drop(s, DROP_MARKER, r->n_markers);
	filter_stats(&r->filter, s);
	stats_add(s, &uncompared, 1, NULL, r);
}

static void on_close(void *arg)
{
	struct redirector *r = arg;

	control_process_close(&r->control);
}

/* What --when-down says counts from the next time on that outdev goes. */
static void on_set(void *arg)
{
	struct redirector *r = arg;

	redirector_devs_set_when_down(r);
	redirector_devs_set_status(r);
	failover_set_auto(&r->failover, r->options->auto_failover_s);
}

static void on_verdict(void *arg, struct verdict *v)
{
	const struct redirector *r = arg;

	if (filter_verdict(&r->filter, v))
		return;
	if (r->outdev && !endpoint_is_up(r->outdev))
		verdict_set(v, VERDICT_UNPROTECTED, r->is_uncompared ?
			    "outdev is gone: frames pass uncompared" :
			    "outdev is gone");
	else if (r->indev && !endpoint_is_up(r->indev))
		verdict_set(v, VERDICT_UNPROTECTED, "indev is gone");
	else if (r->redirect.is_off)
		verdict_set(v, VERDICT_UNPROTECTED, "status is off: nothing is "
			    "diverted");
	else if (r->is_uncompared)
		verdict_set(v, VERDICT_SYNCING, "frames have passed "
			    "uncompared: a checkpoint is wanted");
}

/* --- start --- */

static int open_all(struct redirector *r)
{
	int err = redirector_failover_open(r);

	if (err < 0)
		return err;
	redirector_devs_init(r);
	redirector_devs_reset(r);
	err = filter_open(&r->filter, &r->loop, &r->options->filter,
			  redirector_relay_frames, r);
	if (err < 0 || r->failover.role == ROLE_FAILOVER)
		return err;
	return redirector_devs_open(r);
}

/**
 * redirector_run() - Run a redirector until it ends
 * @r:		To be filled in
 * @options:	Checked by main(); borrowed
 *
 * Return: the exit status
 */
int redirector_run(struct redirector *r,
		   const struct redirector_options *options)
{
	const struct loop_handler handler = {
		.on_stats = on_stats,
		.on_failover = on_failover_signal,
		.on_checkpoint = redirector_devs_checkpoint,
		.on_close = on_close,
		.arg = r,
	};
	const struct control_process_handler control = {
		.on_verdict = on_verdict,
		.on_set = on_set,
		.arg = r,
	};
	int err;

	memset(r, 0, sizeof(*r));
	r->options = options;
	err = loop_init(&r->loop, &options->common, &handler);
	if (err < 0)
		return 1;
	err = open_all(r);
	if (err == 0)
		err = control_process_open(&r->control, &r->loop, &r->failover,
					   &control);
	if (err < 0) {
		loop_abandon(&r->loop);
		return err == -EINVAL ? 2 : 1;
	}
	return loop_run(&r->loop);
}
