/* SPDX-License-Identifier: ISC */
#include "checkpoint.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/log.h"

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

static void on_command_exit(uv_process_t *process, int64_t status, int signum)
{
	struct checkpoint *cp = process->data;

	uv_close((uv_handle_t *)process, NULL);
	cp->is_running = false;
	if (cp->is_stopped || !cp->is_asked)
		return;
	if (!status && !signum) {
		checkpoint_finish(cp);
		return;
	}
	if (signum)
		log_warn("checkpoint", "the command was ended by signal %d",
			 signum);
	else
		log_warn("checkpoint", "the command failed with status %lld",
			 (long long)status);
	loop_timer_start(&cp->retry, cp->retry_ms, 0);
}

static int spawn(struct checkpoint *cp)
{
	char *args[] = { (char *)"sh", (char *)"-c", (char *)cp->command,
			 NULL };
	uv_stdio_container_t stdio[3] = {
		{ .flags = UV_IGNORE },
		/* standard output may be our wire */
		{ .flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO },
		{ .flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO },
	};
	const uv_process_options_t options = {
		.exit_cb = on_command_exit,
		.file = "/bin/sh",
		.args = args,
		.flags = UV_PROCESS_DETACHED,	/* a group we can signal */
		.stdio = stdio,
		.stdio_count = 3,
	};

	cp->process.data = cp;
	return uv_spawn(&cp->loop->uv, &cp->process, &options);
}

static void run_command(struct checkpoint *cp)
{
	int err;

	if (cp->is_running)
		return;
	err = spawn(cp);
	cp->is_running = err == 0;
	if (err == 0)
		return;
	log_warn("checkpoint", "/bin/sh: %s", uv_strerror(err));
	uv_close((uv_handle_t *)&cp->process, NULL);
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
		loop_timer_start(&cp->retry, cp->retry_ms, 0);
		break;
	case CHECKPOINT_EXEC:
		/* one that hangs counts as asked again */
		run_command(cp);
		loop_timer_start(&cp->retry, cp->retry_ms, 0);
		break;
	case CHECKPOINT_QMP:
		checkpoint_qmp_try(cp);
		break;
	}
}

static void on_retry(void *arg)
{
	struct checkpoint *cp = arg;

	if (cp->is_asked && !cp->is_stopped)
		try(cp);
}

/**
 * checkpoint_init - begin with no request
 * @cp:		checkpoint_parse() has set the mode
 * @loop:	borrowed
 * @retry_ms:	how long a request may stay unanswered
 * @period_ms:	CHECKPOINT_QMP: when idle, one is made so often
 * @handler:	copied
 */
void checkpoint_init(struct checkpoint *cp, struct loop *loop,
		     uint64_t retry_ms, uint64_t period_ms,
		     const struct checkpoint_handler *handler)
{
	cp->loop = loop;
	cp->retry_ms = retry_ms;
	cp->period_ms = period_ms;
	cp->handler = *handler;
	loop_timer_init(loop, &cp->retry, on_retry, cp);
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
 * on_done() may be called before this returns.
 */
void checkpoint_ask(struct checkpoint *cp, const char *reason,
		    const char *flow)
{
	if (cp->is_asked || cp->is_stopped || cp->mode == CHECKPOINT_HOLD)
		return;
	cp->is_asked = true;
	cp->is_pending_told = false;
	cp->n_tries = 0;
	cp->asked_ns = loop_now_ns(cp->loop);
	if (cp->mode == CHECKPOINT_EXEC) {
		setenv("COLO_REASON", reason, 1);
		setenv("COLO_FLOW", flow, 1);
	}
	try(cp);
}

/**
 * checkpoint_done - a checkpoint was made, whoever asked for it
 * @cp:		its request, if one stands, is answered
 */
void checkpoint_done(struct checkpoint *cp)
{
	if (!cp->is_asked)
		return;
	cp->is_asked = false;
	loop_timer_stop(&cp->retry);
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
	if (cp->is_running)
		uv_kill(-cp->process.pid, SIGTERM);
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
