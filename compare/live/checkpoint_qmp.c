/* SPDX-License-Identifier: ISC */
/*
 * Checkpoints of a QEMU, over its QMP socket. It makes one as soon as its
 * period is set, one by itself whenever that has passed, and a difference that
 * is seen while it makes one is answered by it, too.
 *
 * A checkpoint is made when the primary goes on, not when it stops: before
 * that it is not certain that the secondary will have the primary's state, and
 * what was let out then could be missing after a failover.
 *
 * While QEMU cannot be asked, because there is no connection or it is not in
 * COLO, a request waits, and it is said once. After COLO_EXIT it waits for
 * the failover that somebody else decides on.
 */
#include "checkpoint.h"

#include "../../common/log.h"
#include "../../common/time.h"

/**
 * checkpoint_qmp_try - ask QEMU, or wait until it can be asked
 * @cp:		a request stands
 */
void checkpoint_qmp_try(struct checkpoint *cp)
{
	clock_timer_start(&cp->retry, cp->retry_ms, 0);
	if (cp->qemu.vm.is_open)	/* it may be making one now */
		return;
	if (qemu_in_colo(&cp->qemu)) {
		checkpoint_count_try(cp);
		if (!cp->sent_ns)
			cp->sent_ns = clock_now_ns(&cp->loop->clock);
		qemu_request_checkpoint(&cp->qemu, cp->period_ms);
		return;
	}
	if (!cp->is_pending_told)
		log_event("checkpoint-pending", "%s: holding",
			  qemu_is_up(&cp->qemu) ? "QEMU is not in COLO" :
						  "QMP is not connected");
	cp->is_pending_told = true;
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
	bool is_asked = cp->is_asked;

	if (cp->is_stopped)
		return;
	cp->n_made++;
	cp->n_unasked += !is_asked;
	cp->last_ms = is_asked ?
		      (clock_now_ns(&cp->loop->clock) - cp->asked_ns) / NS_PER_MS :
		      stopped_ms;
	cp->stopped_last_ms = stopped_ms;
	keep_max(&cp->max_ms, cp->last_ms);
	keep_max(&cp->stopped_max_ms, stopped_ms);
	log_event("checkpoint", "%s, %llu ms, the primary stood still for "
		  "%llu ms", is_asked ? "asked for" : "by itself",
		  (unsigned long long)cp->last_ms,
		  (unsigned long long)stopped_ms);
	checkpoint_finish(cp);
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
	if (cp->is_asked)
		checkpoint_qmp_try(cp);
}

static void on_colo_exit(void *arg)
{
	struct checkpoint *cp = arg;

	if (!cp->is_stopped)
		log_warn("checkpoint", "COLO is over: what differs is held "
			 "until a failover");
}

static void on_ready(void *arg)
{
	struct checkpoint *cp = arg;

	if (cp->is_asked && !cp->is_stopped)
		checkpoint_qmp_try(cp);
}

/**
 * checkpoint_qmp_open - connect, once the loop runs
 * @cp:		its path was checked
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

	qemu_open(&cp->qemu, cp->loop, cp->path, &handler);
}
