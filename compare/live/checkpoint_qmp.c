/* SPDX-License-Identifier: ISC */
/*
 * QEMU makes a checkpoint as soon as it is told a period, which is how it is
 * asked, and by itself whenever that period has passed. A checkpoint that it
 * makes already answers a difference that is found meanwhile, too.
 *
 * A checkpoint is made when the primary goes on, not when it stops. Before
 * that it is not certain that the secondary will have the primary's state: a
 * packet released then could be unknown to it after a failover.
 *
 * While QEMU cannot be asked, because there is no connection or it is not in
 * COLO, a request stands, and an event says so once. After COLO_EXIT it stands
 * until the failover that somebody else decides on.
 */
#include "checkpoint_qmp.h"

#include "../../common/log.h"
#include "../../common/time.h"

/**
 * checkpoint_qmp_try() - Ask QEMU, or wait until it can be asked
 * @cp:		A request stands
 */
void checkpoint_qmp_try(struct checkpoint *cp)
{
	clock_timer_start(&cp->retry, cp->pace.retry_ms, 0);
	if (cp->qemu.vm.is_open)	/* QEMU may be making one now */
		return;
	if (qemu_in_colo(&cp->qemu)) {
		checkpoint_count_try(cp);
		if (!cp->request.sent_ns)
			cp->request.sent_ns = clock_now_ns(&cp->loop->clock);
		qemu_request_checkpoint(&cp->qemu, cp->pace.period_ms);
		return;
	}
	if (!cp->request.is_pending_told)
		log_event("checkpoint-pending", "%s: packets stay held",
			  qemu_is_up(&cp->qemu) ? "QEMU is not in COLO" :
						  "QMP is not connected");
	cp->request.is_pending_told = true;
	qemu_ask(&cp->qemu);
}

static void keep_max(uint64_t *max, uint64_t n)
{
	if (n > *max)
		*max = n;
}

static void on_checkpoint(void *arg, uint64_t stopped_ms)
{
	struct checkpoint *cp = arg;
	struct checkpoint_made *made = &cp->made;
	uint64_t waited_ns = clock_now_ns(&cp->loop->clock) - cp->request.asked_ns;
	bool is_asked = cp->request.is_asked;

	if (cp->is_stopped)
		return;
	made->n++;
	made->n_unasked += !is_asked;
	made->last_ms = is_asked ? waited_ns / NS_PER_MS : stopped_ms;
	made->stopped_last_ms = stopped_ms;
	keep_max(&made->max_ms, made->last_ms);
	keep_max(&made->stopped_max_ms, stopped_ms);
	checkpoint_done(cp);
	cp->last.has_stopped = true;
	cp->last.stopped_ms = stopped_ms;
	cp->handler.on_done(cp->handler.arg);
}

static void on_stop(void *arg)
{
	struct checkpoint *cp = arg;

	if (!cp->is_stopped)
		cp->handler.on_stop(cp->handler.arg);
}

static void on_continue(void *arg)
{
	struct checkpoint *cp = arg;

	if (cp->is_stopped)
		return;
	cp->handler.on_continue(cp->handler.arg);
	if (cp->request.is_asked)
		checkpoint_qmp_try(cp);
}

static void on_colo_exit(void *arg)
{
	struct checkpoint *cp = arg;

	if (!cp->is_stopped)
		log_warn("checkpoint", "COLO is over: packets that differ are "
			 "held until a failover");
}

static void on_ready(void *arg)
{
	struct checkpoint *cp = arg;

	if (cp->request.is_asked && !cp->is_stopped)
		checkpoint_qmp_try(cp);
}

/**
 * checkpoint_qmp_open() - Connect to QEMU as soon as the loop runs
 * @cp:		Its path was checked
 */
void checkpoint_qmp_open(struct checkpoint *cp)
{
	const struct qemu_handler handler = {
		.side = "primary",
		.on_stop = on_stop,
		.on_checkpoint = on_checkpoint,
		.on_continue = on_continue,
		.on_exit = on_colo_exit,
		.on_ready = on_ready,
		.arg = cp,
	};

	qemu_open(&cp->qemu, cp->loop, cp->choice.path, &handler);
}

#define COUNT(n, u, member, h) \
	{ "checkpoint", n, u, h, STATS_AT(struct checkpoint_made, member) }
#define GAUGE(n, member, h) \
	{ "checkpoint", n, "ms", h, .is_gauge = true, \
	  STATS_AT(struct checkpoint_made, member) }

static const struct stats_def table[] = {
	COUNT("made", "checkpoints", n, "With --checkpoint qmp: checkpoints that "
	      "QEMU has made."),
	COUNT("unasked", "checkpoints", n_unasked, "Those of them that nobody "
	      "here has asked for."),
	GAUGE("last-ms", last_ms, "How long the last one took, from the request, "
	      "or the stop, until the guest went on."),
	GAUGE("max-ms", max_ms, "How long the longest one took."),
	GAUGE("stopped-last-ms", stopped_last_ms, "How long the guest stood still "
	      "for the last one."),
	GAUGE("stopped-max-ms", stopped_max_ms, "How long it stood still at "
	      "most."),
};

/**
 * checkpoint_qmp_stats() - Add up the checkpoints that QEMU has made
 * @cp:		The counters
 * @s:		Rows are appended
 */
void checkpoint_qmp_stats(const struct checkpoint *cp, struct stats *s)
{
	stats_add(s, table, sizeof(table) / sizeof(*table), NULL, &cp->made);
	qemu_stats(&cp->qemu, s);
}
