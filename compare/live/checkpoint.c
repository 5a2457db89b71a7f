/* SPDX-License-Identifier: ISC */
#include "checkpoint.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "../../common/log.h"
#include "../../common/time.h"
#include "checkpoint_qmp.h"

#define EXEC_PREFIX "exec:"
#define QMP_PREFIX "qmp:"
#define TRIES_BEFORE_EVENT 3u

/* The text behind the prefix. NULL when there is none, or no such prefix. */
static const char *argument_of(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);

	return !strncmp(text, prefix, len) && text[len] ? text + len : NULL;
}

/**
 * checkpoint_parse() - Read the value of --checkpoint
 * @choice:	Filled; it borrows from @text
 * @text:	The value; NULL when the option was not given
 * @has_notify:	Was a notify-dev given?
 *
 * Return: 0, -EINVAL for text that is none of the modes, -ENODEV for `notify`
 * without a notify-dev
 */
int checkpoint_parse(struct checkpoint_choice *choice, const char *text,
		     bool has_notify)
{
	choice->command = choice->path = NULL;
	if (!text) {
		choice->mode = has_notify ? CHECKPOINT_NOTIFY : CHECKPOINT_NONE;
	} else if (!strcmp(text, "none")) {
		choice->mode = CHECKPOINT_NONE;
	} else if (!strcmp(text, "hold")) {
		choice->mode = CHECKPOINT_HOLD;
	} else if (!strcmp(text, "notify")) {
		if (!has_notify)
			return -ENODEV;
		choice->mode = CHECKPOINT_NOTIFY;
	} else if ((choice->command = argument_of(text, EXEC_PREFIX))) {
		choice->mode = CHECKPOINT_EXEC;
	} else if ((choice->path = argument_of(text, QMP_PREFIX))) {
		choice->mode = CHECKPOINT_QMP;
	} else {
		return -EINVAL;
	}
	return 0;
}

static void finish(struct checkpoint *cp)
{
	checkpoint_done(cp);
	cp->handler.on_done(cp->handler.arg);
}

static void on_command_exit(void *arg, int status)
{
	struct checkpoint *cp = arg;

	if (cp->is_stopped || !cp->request.is_asked)
		return;
	if (status == 0) {
		finish(cp);
		return;
	}
	if (WIFSIGNALED(status))
		log_warn("checkpoint", "the command was ended by signal %d",
			 WTERMSIG(status));
	else
		log_warn("checkpoint", "the command failed with status %d",
			 WEXITSTATUS(status));
	clock_timer_start(&cp->retry, cp->pace.retry_ms, 0);
}

/* The command finds the reason and the flow in its environment. */
static int start_command(struct checkpoint *cp)
{
	char reason[sizeof("COLO_REASON=") + sizeof(cp->request.reason)];
	char flow[sizeof("COLO_FLOW=") + sizeof(cp->request.flow)];
	const char *const vars[] = { reason, flow, NULL };

	snprintf(reason, sizeof(reason), "COLO_REASON=%s", cp->request.reason);
	snprintf(flow, sizeof(flow), "COLO_FLOW=%s", cp->request.flow);
	return command_start(&cp->process, &cp->loop->uv, cp->choice.command,
			     vars);
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
 * checkpoint_count_try() - Count that the request goes out
 * @cp:		Tells an event when it has gone out too often for nothing
 */
void checkpoint_count_try(struct checkpoint *cp)
{
	unsigned n_before = cp->request.n_tries++;

	if (n_before == TRIES_BEFORE_EVENT)
		log_event("checkpoint-unanswered",
			  "asked %u times, no answer: packets stay held", n_before);
}

static void try(struct checkpoint *cp)
{
	if (cp->choice.mode != CHECKPOINT_QMP)
		checkpoint_count_try(cp);
	switch (cp->choice.mode) {
	case CHECKPOINT_HOLD:
		break;
	case CHECKPOINT_NONE:
		finish(cp);
		break;
	case CHECKPOINT_NOTIFY:
		notify_ask(&cp->notify);
		clock_timer_start(&cp->retry, cp->pace.retry_ms, 0);
		break;
	case CHECKPOINT_EXEC:
		/* a command that hangs counts as asked again */
		run_command(cp);
		clock_timer_start(&cp->retry, cp->pace.retry_ms, 0);
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

	if (cp->request.is_asked && !cp->is_stopped)
		try(cp);
}

/* The request begins to stand. */
static void ask_now(struct checkpoint *cp)
{
	struct checkpoint_request *r = &cp->request;
	uint64_t now = now_ns(cp);

	r->is_put_off = false;
	r->is_asked = true;
	r->is_pending_told = false;
	r->n_tries = 0;
	r->asked_ns = now;
	r->sent_ns = cp->choice.mode == CHECKPOINT_QMP ? 0 : now;
	cp->n_asked++;
	budget_take(&cp->budget, now);
	cp->handler.on_asked(cp->handler.arg);
	try(cp);
}

/* How long does the request have to wait for the budget? */
static uint64_t wait_ms(struct checkpoint *cp)
{
	uint64_t wait = cp->choice.mode == CHECKPOINT_NONE ? 0 :
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
	ask_now(cp);
}

/**
 * checkpoint_init() - Begin with no request
 * @cp:		Zeroed
 * @loop:	Borrowed
 * @choice:	From checkpoint_parse(); copied
 * @pace:	How often to ask; copied
 * @handler:	Whom to tell; copied
 */
void checkpoint_init(struct checkpoint *cp, struct loop *loop,
		     const struct checkpoint_choice *choice,
		     const struct checkpoint_pace *pace,
		     const struct checkpoint_handler *handler)
{
	cp->loop = loop;
	cp->choice = *choice;
	cp->pace = *pace;
	cp->handler = *handler;
	budget_init(&cp->budget, pace->max_percent, pace->max_per_minute,
		    now_ns(cp));
	clock_timer_init(&loop->clock, &cp->retry, on_retry, cp);
	clock_timer_init(&loop->clock, &cp->later, on_later, cp);
}

static void on_made(void *arg)
{
	finish(arg);
}

/**
 * checkpoint_open() - Open notify-dev, and begin to connect to QEMU
 * @cp:		After checkpoint_init()
 * @notify:	Where notify-dev is; its kind is ENDPOINT_UNSET without one
 *
 * Return: 0 or a negative errno, logged
 */
int checkpoint_open(struct checkpoint *cp, const struct endpoint_spec *notify)
{
	if (cp->choice.mode == CHECKPOINT_QMP)
		checkpoint_qmp_open(cp);
	cp->notify.on_made = on_made;
	cp->notify.arg = cp;
	return notify_open(&cp->notify, &cp->loop->endpoints, notify);
}

/**
 * checkpoint_set_pace() - Ask more often from now on, or less
 * @cp:		A request that stands keeps its next try
 * @pace:	Copied. With other limits the budget begins full
 */
void checkpoint_set_pace(struct checkpoint *cp,
			 const struct checkpoint_pace *pace)
{
	bool is_same = cp->pace.max_percent == pace->max_percent &&
		       cp->pace.max_per_minute == pace->max_per_minute;

	cp->pace = *pace;
	if (!is_same)
		budget_init(&cp->budget, pace->max_percent,
			    pace->max_per_minute, now_ns(cp));
	if (!is_same && cp->request.is_put_off)
		clock_timer_start(&cp->later, 1, 0);
}

/**
 * checkpoint_ask() - Ask for a checkpoint
 * @cp:		It does nothing while a request stands or waits, after
 *		checkpoint_stop(), and with CHECKPOINT_HOLD
 * @reason:	A word; copied
 * @flow:	The flow that differs, or ""; copied
 *
 * Any handler may be called before this returns.
 */
void checkpoint_ask(struct checkpoint *cp, const char *reason,
		    const char *flow)
{
	struct checkpoint_request *r = &cp->request;
	uint64_t ms;

	if (r->is_asked || r->is_put_off || cp->is_stopped ||
	    cp->choice.mode == CHECKPOINT_HOLD)
		return;
	snprintf(r->reason, sizeof(r->reason), "%s", reason);
	snprintf(r->flow, sizeof(r->flow), "%s", flow);
	ms = wait_ms(cp);
	if (!ms) {
		ask_now(cp);
		return;
	}
	r->is_put_off = true;
	cp->n_put_off++;
	clock_timer_start(&cp->later, ms, 0);
	cp->handler.on_put_off(cp->handler.arg);
}

/**
 * checkpoint_interrupted() - Ask because frames may be lost on their way to us
 * @cp:		It does nothing where no checkpoint is to be had; one that is
 *		under way will do
 * @name:	The input whose frames may be lost
 *
 * Else it would take until a timeout to see that frames are missing.
 */
void checkpoint_interrupted(struct checkpoint *cp, const char *name)
{
	if (cp->choice.mode == CHECKPOINT_NONE ||
	    cp->choice.mode == CHECKPOINT_HOLD || cp->is_stopped)
		return;
	log_info(name, "frames may be lost: asking for a checkpoint");
	checkpoint_ask(cp, "interrupted", "");
}

/**
 * checkpoint_look() - Handle now what QEMU has said already
 * @cp:		Without CHECKPOINT_QMP it does nothing. Any handler but
 *		on_put_off() may be called before this returns
 */
void checkpoint_look(struct checkpoint *cp)
{
	qemu_read(&cp->qemu);
}

/* Take out of the budget what the request has cost. */
static void charge(struct checkpoint *cp)
{
	uint64_t now = now_ns(cp), sent = cp->request.sent_ns;
	uint64_t took = sent ? now - sent : 0;

	budget_charge(&cp->budget, took, now);
	histogram_add(&cp->answered, now - cp->request.asked_ns);
	cp->spent_ms += took / NS_PER_MS;
}

/**
 * checkpoint_done() - A checkpoint was made, whoever asked for it
 * @cp:		The request, if one stands or waits, is answered; on_done() is
 *		not called
 */
void checkpoint_done(struct checkpoint *cp)
{
	cp->request.is_put_off = false;
	clock_timer_stop(&cp->later);
	cp->last = (struct checkpoint_last){
		.is_asked = cp->request.is_asked,
	};
	if (!cp->request.is_asked)
		return;
	cp->last.took_ms = (now_ns(cp) - cp->request.asked_ns) / NS_PER_MS;
	cp->request.is_asked = false;
	charge(cp);
	clock_timer_stop(&cp->retry);
}

/**
 * checkpoint_stop() - Ask no more, for there is a failover, or the end
 * @cp:		A command that runs is told to end; QEMU's socket is closed, so
 *		that others can use it
 */
void checkpoint_stop(struct checkpoint *cp)
{
	checkpoint_done(cp);
	cp->is_stopped = true;
	command_end(&cp->process);
	qemu_close(&cp->qemu);
}

/**
 * checkpoint_start() - Ask again, after checkpoint_stop()
 * @cp:		There is no request
 *
 * Return: 0; -EBUSY while a command that was told to end still runs
 */
int checkpoint_start(struct checkpoint *cp)
{
	if (command_is_running(&cp->process))
		return -EBUSY;
	cp->is_stopped = false;
	qemu_reopen(&cp->qemu);
	return 0;
}

#define COUNT(n, u, member, h) \
	{ "checkpoint", n, u, h, STATS_AT(struct checkpoint, member) }

static const struct stats_def table[] = {
	COUNT("asked", "checkpoints", n_asked, "Checkpoints that were asked for."),
	COUNT("time", "checkpoints", answered, "Checkpoints that were made because "
	      "they were asked for, and how long that took, as a histogram: from "
	      "the request until what was held left."),
	COUNT("put-off", "checkpoints", n_put_off, "Requests that had to wait for "
	      "--max-checkpoint-share or --max-checkpoint-rate."),
	COUNT("spent-ms", "ms", spent_ms, "How much time these checkpoints took, "
	      "from the request until they were made."),
};

/**
 * checkpoint_stats() - Add up messages, requests, and QEMU's checkpoints
 * @cp:		The counters
 * @s:		Rows are appended
 */
void checkpoint_stats(const struct checkpoint *cp, struct stats *s)
{
	s->originated += cp->notify.n_sent;
	stats_drop(s, DROP_NOTIFY, cp->notify.n_received);
	stats_add(s, table, sizeof(table) / sizeof(*table), NULL, cp);
	checkpoint_qmp_stats(cp, s);
}
