/* SPDX-License-Identifier: ISC */
#include "checkpoint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "../../common/log.h"
#include "../../common/time.h"

#define EXEC_PREFIX "exec:"
#define QMP_PREFIX "qmp:"
#define TRIES_BEFORE_EVENT 3u

/* QEMU's words on the notify_dev of its colo-compare. */
#define NOTIFY_ASK "DO_CHECKPOINT"
#define NOTIFY_MADE "COLO_CHECKPOINT"
#define NOTIFY_INIT "COLO_USERSPACE_PROXY_INIT"
#define NOTIFY_INIT_REPLY "COLO_COMPARE_GET_XEN_INIT"

/* What stands behind the prefix; NULL when that is not there, or nothing is. */
static const char *argument_of(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);

	return !strncmp(text, prefix, len) && text[len] ? text + len : NULL;
}

/**
 * checkpoint_parse - understand --checkpoint
 * @cp:		its mode, and its command or path, are set
 * @text:	the option's value, borrowed; NULL when it was not given
 * @has_notify:	a notify-dev was given
 *
 * Return: 0, -EINVAL for what is none of the modes, -ENODEV for `notify`
 * without a notify-dev
 */
int checkpoint_parse(struct checkpoint *cp, const char *text, bool has_notify)
{
	cp->command = cp->path = NULL;
	if (!text) {
		cp->mode = has_notify ? CHECKPOINT_NOTIFY : CHECKPOINT_NONE;
	} else if (!strcmp(text, "none")) {
		cp->mode = CHECKPOINT_NONE;
	} else if (!strcmp(text, "hold")) {
		cp->mode = CHECKPOINT_HOLD;
	} else if (!strcmp(text, "notify")) {
		if (!has_notify)
			return -ENODEV;
		cp->mode = CHECKPOINT_NOTIFY;
	} else if ((cp->command = argument_of(text, EXEC_PREFIX))) {
		cp->mode = CHECKPOINT_EXEC;
	} else if ((cp->path = argument_of(text, QMP_PREFIX))) {
		cp->mode = CHECKPOINT_QMP;
	} else {
		return -EINVAL;
	}
	return 0;
}

static void send_message(struct checkpoint *cp, const char *text)
{
	size_t len = strlen(text);
	struct chunk *chunk = chunk_new(len);
	struct frame f = { .chunk = chunk, .data = chunk->bytes,
			   .len = (uint32_t)len };

	memcpy(chunk->bytes, text, len);
	endpoint_send(cp->notify, &f, 1);
	chunk_unref(chunk);
	cp->n_sent++;
}

/**
 * checkpoint_finish - the checkpoint that was asked for was made
 * @cp:		or one that nobody had asked for
 */
void checkpoint_finish(struct checkpoint *cp)
{
	checkpoint_done(cp);
	cp->handler.on_done(cp->handler.arg);
}

static bool is_message(const struct frame *f, const char *text)
{
	size_t len = strlen(text);

	return f->len == len && !memcmp(f->data, text, len);
}

static void on_message(struct checkpoint *cp, const struct frame *f)
{
	cp->n_received++;
	if (is_message(f, NOTIFY_MADE))
		checkpoint_finish(cp);
	else if (is_message(f, NOTIFY_INIT))
		send_message(cp, NOTIFY_INIT_REPLY);
	else
		log_warn(endpoint_name(cp->notify),
			 "unknown message of %u bytes ignored", f->len);
}

static void on_frames(struct endpoint *ep, struct frame *v, unsigned n,
		      void *arg)
{
	(void)ep;
	for (unsigned i = 0; i < n; i++)
		on_message(arg, &v[i]);
}

static void on_command_exit(void *arg, int status)
{
	struct checkpoint *cp = arg;

	if (cp->is_stopped || !cp->is_asked)
		return;
	if (status == 0) {
		checkpoint_finish(cp);
		return;
	}
	if (WIFSIGNALED(status))
		log_warn("checkpoint", "the command was ended by signal %d",
			 WTERMSIG(status));
	else
		log_warn("checkpoint", "the command failed with status %d",
			 WEXITSTATUS(status));
	clock_timer_start(&cp->retry, cp->retry_ms, 0);
}

/* The command finds the reason and the flow in its environment. */
static int start_command(struct checkpoint *cp)
{
	char reason[sizeof("COLO_REASON=") + sizeof(cp->reason)];
	char flow[sizeof("COLO_FLOW=") + sizeof(cp->flow)];
	const char *const vars[] = { reason, flow, NULL };

	snprintf(reason, sizeof(reason), "COLO_REASON=%s", cp->reason);
	snprintf(flow, sizeof(flow), "COLO_FLOW=%s", cp->flow);
	return command_start(&cp->process, &cp->loop->uv, cp->command, vars);
}

static void run_command(struct checkpoint *cp)
{
	int err;

	if (command_is_running(&cp->process))
		return;
	cp->process.on_exit = on_command_exit;
	cp->process.arg = cp;
	err = start_command(cp);
	if (err < 0)
		log_warn("checkpoint", "/bin/sh: %s", uv_strerror(err));
}

/**
 * checkpoint_count_try - a request goes out
 * @cp:		once more; with an event when that has been of no use
 */
void checkpoint_count_try(struct checkpoint *cp)
{
	if (++cp->n_tries == TRIES_BEFORE_EVENT + 1)
		log_event("checkpoint-unanswered",
			  "asked %u times, still holding", cp->n_tries - 1);
}

static void try(struct checkpoint *cp)
{
	if (cp->mode != CHECKPOINT_QMP)
		checkpoint_count_try(cp);
	switch (cp->mode) {
	case CHECKPOINT_HOLD:
		break;
	case CHECKPOINT_NONE:
		checkpoint_finish(cp);
		break;
	case CHECKPOINT_NOTIFY:
		send_message(cp, NOTIFY_ASK);
		clock_timer_start(&cp->retry, cp->retry_ms, 0);
		break;
	case CHECKPOINT_EXEC:
		/* one that hangs counts as asked again */
		run_command(cp);
		clock_timer_start(&cp->retry, cp->retry_ms, 0);
		break;
	case CHECKPOINT_QMP:
		checkpoint_qmp_try(cp);
		break;
	}
}

static uint64_t now_ns(const struct checkpoint *cp)
{
	return clock_now_ns(&cp->loop->clock);
}

static void on_retry(void *arg)
{
	struct checkpoint *cp = arg;

	if (cp->is_asked && !cp->is_stopped)
		try(cp);
}

/* The request goes out. */
static void ask_now(struct checkpoint *cp)
{
	cp->is_asked = true;
	cp->is_pending_told = false;
	cp->n_tries = 0;
	cp->n_asked++;
	cp->asked_ns = now_ns(cp);
	cp->sent_ns = cp->mode == CHECKPOINT_QMP ? 0 : cp->asked_ns;
	budget_take(&cp->budget, cp->asked_ns);
	try(cp);
}

/* For how long the request has to wait; 0 for not at all. */
static uint64_t wait_ms(struct checkpoint *cp)
{
	uint64_t wait = cp->mode == CHECKPOINT_NONE ? 0 :
			budget_wait_ns(&cp->budget, now_ns(cp));

	return (wait + NS_PER_MS - 1) / NS_PER_MS;
}

static void on_later(void *arg)
{
	struct checkpoint *cp = arg;
	uint64_t ms = wait_ms(cp);

	if (ms) {
		clock_timer_start(&cp->later, ms, 0);
		return;
	}
	cp->is_put_off = false;
	ask_now(cp);
}

/**
 * checkpoint_init - begin with no request
 * @cp:		checkpoint_parse() has set the mode
 * @loop:	borrowed
 * @pace:	how often one is asked for; copied
 * @handler:	copied
 */
void checkpoint_init(struct checkpoint *cp, struct loop *loop,
		     const struct checkpoint_pace *pace,
		     const struct checkpoint_handler *handler)
{
	cp->loop = loop;
	cp->retry_ms = pace->retry_ms;
	cp->period_ms = pace->period_ms;
	cp->handler = *handler;
	budget_init(&cp->budget, pace->max_percent, pace->max_per_minute,
		    now_ns(cp));
	clock_timer_init(&loop->clock, &cp->retry, on_retry, cp);
	clock_timer_init(&loop->clock, &cp->later, on_later, cp);
}

/**
 * checkpoint_open - open notify-dev, and begin to connect to QEMU
 * @cp:		after checkpoint_init()
 * @notify:	where; nothing is opened when it is unset
 *
 * Return: 0 or a negative errno, logged
 */
int checkpoint_open(struct checkpoint *cp, const struct endpoint_spec *notify)
{
	const struct endpoint_handler handler = { on_frames, NULL, cp };

	if (cp->mode == CHECKPOINT_QMP)
		checkpoint_qmp_open(cp);
	if (notify->kind == ENDPOINT_UNSET)
		return 0;
	return endpoint_open(&cp->notify, cp->loop, "notify-dev", notify,
			     ENDPOINT_DUPLEX, &handler);
}

/**
 * checkpoint_ask - ask for a checkpoint
 * @cp:		nothing happens while a request stands, and with CHECKPOINT_HOLD
 * @reason:	a word
 * @flow:	which flow shows it, "" for none
 *
 * on_done() may be called before this returns. While the budget is spent the
 * request waits for it.
 */
void checkpoint_ask(struct checkpoint *cp, const char *reason,
		    const char *flow)
{
	uint64_t ms;

	if (cp->is_asked || cp->is_put_off || cp->is_stopped ||
	    cp->mode == CHECKPOINT_HOLD)
		return;
	snprintf(cp->reason, sizeof(cp->reason), "%s", reason);
	snprintf(cp->flow, sizeof(cp->flow), "%s", flow);
	ms = wait_ms(cp);
	if (!ms) {
		ask_now(cp);
		return;
	}
	cp->is_put_off = true;
	cp->n_put_off++;
	clock_timer_start(&cp->later, ms, 0);
	cp->handler.on_put_off(cp->handler.arg);
}

/* The request, if one stands, has cost so much. */
static void charge(struct checkpoint *cp)
{
	uint64_t now = now_ns(cp), took = cp->sent_ns ? now - cp->sent_ns : 0;

	budget_charge(&cp->budget, took, now);
	cp->spent_ms += took / NS_PER_MS;
}

/**
 * checkpoint_done - a checkpoint was made, whoever asked for it
 * @cp:		its request, if one stands or waits, is answered
 */
void checkpoint_done(struct checkpoint *cp)
{
	cp->is_put_off = false;
	clock_timer_stop(&cp->later);
	if (!cp->is_asked)
		return;
	cp->is_asked = false;
	charge(cp);
	clock_timer_stop(&cp->retry);
}

/**
 * checkpoint_stop - ask no more: failover, or the end
 * @cp:		a command that runs is told to end, QEMU's socket is left to
 *		others
 */
void checkpoint_stop(struct checkpoint *cp)
{
	checkpoint_done(cp);
	cp->is_stopped = true;
	command_end(&cp->process);
	qemu_close(&cp->qemu);
}

/**
 * checkpoint_stats - give account
 * @cp:		of messages, and of checkpoints that QEMU has made
 * @s:		rows are appended
 */
void checkpoint_stats(const struct checkpoint *cp, struct stats *s)
{
	s->originated += cp->n_sent;
	stats_drop(s, "notify", cp->n_received);
	stats_note(s, "checkpoint", "asked", cp->n_asked);
	stats_note(s, "checkpoint", "put-off", cp->n_put_off);
	stats_note(s, "checkpoint", "spent-ms", cp->spent_ms);
	if (cp->mode != CHECKPOINT_QMP)
		return;
	stats_note(s, "checkpoint", "made", cp->n_made);
	stats_note(s, "checkpoint", "unasked", cp->n_unasked);
	stats_note(s, "checkpoint", "last-ms", cp->last_ms);
	stats_note(s, "checkpoint", "max-ms", cp->max_ms);
	stats_note(s, "checkpoint", "stopped-last-ms", cp->stopped_last_ms);
	stats_note(s, "checkpoint", "stopped-max-ms", cp->stopped_max_ms);
	qemu_stats(&cp->qemu, s);
}

/**
 * checkpoint_interrupted - frames may have been lost on their way to here
 * @cp:		rather than wait until that shows, have a checkpoint made; one
 *		that is under way will do
 * @name:	of the input
 */
void checkpoint_interrupted(struct checkpoint *cp, const char *name)
{
	if (cp->mode == CHECKPOINT_NONE ||
	    cp->mode == CHECKPOINT_HOLD || cp->is_stopped)
		return;
	log_info(name, "frames may be lost: checkpoint wanted");
	checkpoint_ask(cp, "interrupted", "");
}
