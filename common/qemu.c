/* SPDX-License-Identifier: ISC */
/*
 * vmstate.c decides; this asks the questions, waits for the answers, and hands
 * on what came of them.
 *
 * How long is waited: for an answer ANSWER_MS, for a connection that was lost
 * while the guest stood still LINK_MS. Then it is decided without.
 */
#include "qemu.h"

#include <string.h>

#include "log.h"
#include "time.h"

#define ANSWER_MS 1000u
#define LINK_MS 5000u

/* A tag is the serial of a question, and which one it is. */
enum { ASK_STATUS, ASK_MIGRATE, ASK_COLO, ASK_CHECKPOINT, ASK_BITS = 2 };

static void send_question(struct qemu *q, unsigned which, const char *execute)
{
	/* without an answer vmstate_overdue() decides */
	qmp_link_send(&q->link, (uint64_t)q->vm.serial << ASK_BITS | which,
		      execute, NULL);
}

static void send_questions(struct qemu *q)
{
	send_question(q, ASK_STATUS, "query-status");
	send_question(q, ASK_MIGRATE, "query-migrate");
	send_question(q, ASK_COLO, "query-colo-status");
}

static void call(const struct qemu *q, void (*handler)(void *arg))
{
	if (handler)
		handler(q->handler.arg);
}

static void on_stop(struct qemu *q)
{
	q->n_stops++;
	q->stopped_ns = clock_now_ns(&q->link.loop->clock);
	call(q, q->handler.on_stop);
}

static void on_checkpoint(struct qemu *q)
{
	uint64_t ns = clock_now_ns(&q->link.loop->clock) - q->stopped_ns;

	if (q->handler.on_checkpoint)
		q->handler.on_checkpoint(q->handler.arg, ns / NS_PER_MS);
}

static void arm_patience(struct qemu *q)
{
	enum vmstate_wait wait = vmstate_waits(&q->vm);

	if (wait == VMSTATE_NOTHING)
		clock_timer_stop(&q->patience);
	else if (!q->patience.armed)
		clock_timer_start(&q->patience, wait == VMSTATE_ANSWER ?
				 ANSWER_MS : LINK_MS, 0);
}

static void act(struct qemu *q, unsigned did)
{
	if (did & VMSTATE_EXITED)
		call(q, q->handler.on_exit);
	if (did & VMSTATE_CHECKPOINT)
		on_checkpoint(q);
	if (did & VMSTATE_CONTINUED)
		call(q, q->handler.on_continue);
	if (did & VMSTATE_STOPPED)
		on_stop(q);
	if (did & VMSTATE_MISSED)
		call(q, q->handler.on_missed);
	if (did & VMSTATE_ASK)
		send_questions(q);
	arm_patience(q);
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static void on_exit_event(struct qemu *q, const struct qmp_message *m)
{
	unsigned did = vmstate_exit(&q->vm);

	q->n_exits++;
	if (did & VMSTATE_EXITED)
		log_event("colo-exit", "%s, reason %s: no checkpoints any more",
			  text_of(m->data, "mode"), text_of(m->data, "reason"));
	act(q, did);
}

static void on_event(struct qemu *q, const struct qmp_message *m)
{
	if (!strcmp(m->name, "STOP")) {
		act(q, vmstate_stop(&q->vm));
	} else if (!strcmp(m->name, "RESUME")) {
		act(q, vmstate_resume(&q->vm));
	} else if (!strcmp(m->name, "COLO_EXIT")) {
		on_exit_event(q, m);
	}
}

/* In COLO, and neither failing nor failing over. A QEMU without the command
 * says by query-migrate whether it is in COLO. */
static bool is_in_colo(const struct qemu *q, const struct qmp_message *m)
{
	if (m->kind == QMP_ERROR)
		return q->is_migrating_in_colo;
	return (!strcmp(text_of(m->data, "mode"), "primary") ||
		!strcmp(text_of(m->data, "mode"), "secondary")) &&
	       !strcmp(text_of(m->data, "reason"), "none");
}

static void on_colo_answer(struct qemu *q, uint32_t serial,
			   const struct qmp_message *m)
{
	bool was_ready = q->was_ready;
	const char *mode = text_of(m->data, "mode");

	if (is_in_colo(q, m) && *mode && strcmp(mode, q->handler.side))
		log_warn("qmp", "%s: this is the %s, not the %s", q->link.path,
			 mode, q->handler.side);
	act(q, vmstate_on_colo(&q->vm, serial, is_in_colo(q, m)));
	q->has_answered |= serial == q->vm.serial;
	q->was_ready = qemu_in_colo(q);
	if (q->was_ready && !was_ready)
		call(q, q->handler.on_ready);
}

static void on_checkpoint_answer(struct qemu *q, const struct qmp_message *m)
{
	if (m->kind == QMP_ERROR)
		log_warn("qmp", "%s: migrate-set-parameters: %s: %s",
			 q->link.path, m->name, m->text);
}

static void on_answer(struct qemu *q, const struct qmp_message *m)
{
	uint32_t serial = (uint32_t)(m->tag >> ASK_BITS);

	switch (m->tag & ((1u << ASK_BITS) - 1)) {
	case ASK_STATUS:
		if (m->kind == QMP_RETURN)
			act(q, vmstate_on_status(&q->vm, serial,
						 text_of(m->data, "status")));
		break;
	case ASK_MIGRATE:
		q->is_migrating_in_colo = !strcmp(text_of(m->data, "status"),
						  "colo");
		break;
	case ASK_COLO:
		on_colo_answer(q, serial, m);
		break;
	case ASK_CHECKPOINT:
		on_checkpoint_answer(q, m);
		break;
	}
}

static void on_message(void *arg, const struct qmp_message *m)
{
	struct qemu *q = arg;

	if (m->kind == QMP_EVENT)
		on_event(q, m);
	else
		on_answer(q, m);
}

static void on_up(void *arg, bool is_same_peer)
{
	struct qemu *q = arg;

	q->n_up++;
	act(q, vmstate_up(&q->vm, is_same_peer));
}

static void on_down(void *arg)
{
	struct qemu *q = arg;

	q->was_ready = q->has_answered = false;
	vmstate_down(&q->vm);
	arm_patience(q);
}

static void on_overdue(void *arg)
{
	struct qemu *q = arg;
	bool is_lost = vmstate_waits(&q->vm) == VMSTATE_LINK;

	if (is_lost)
		log_event("qmp-lost", "the guest stood still %u s ago: going "
			  "on as if it had not", LINK_MS / 1000);
	act(q, vmstate_overdue(&q->vm));
}

/**
 * qemu_open() - Connect, once the loop runs, and stay connected
 * @q:		To be filled in; must live as long as the loop
 * @loop:	Borrowed
 * @path:	The QMP socket's; it passed qmp_link_check(); borrowed
 * @handler:	Copied
 */
void qemu_open(struct qemu *q, struct loop *loop, const char *path,
	       const struct qemu_handler *handler)
{
	const struct qmp_link_handler link = {
		on_up, on_down, on_message, q
	};

	q->handler = *handler;
	clock_timer_init(&loop->clock, &q->patience, on_overdue, q);
	qmp_link_open(&q->link, loop, path, &link);
}

/**
 * qemu_close() - Disconnect, and stay so
 * @q:		Opened or not; no handler is called any more
 */
void qemu_close(struct qemu *q)
{
	if (!q->link.loop)
		return;
	clock_timer_stop(&q->patience);
	qmp_link_close(&q->link);
}

/**
 * qemu_reopen() - Connect again after qemu_close(), and know nothing of the guest
 * @q:		Opened, and closed since; or never opened: nothing is done
 */
void qemu_reopen(struct qemu *q)
{
	if (!q->link.loop)
		return;
	q->vm = (struct vmstate){ 0 };
	q->was_ready = q->has_answered = q->is_migrating_in_colo = false;
	qmp_link_reopen(&q->link);
}

/**
 * qemu_read() - Handle now what QEMU has said already
 * @q:		Handlers are called
 */
void qemu_read(struct qemu *q)
{
	if (qemu_is_up(q))
		qmp_link_read(&q->link);
}

/**
 * qemu_ask() - Ask again what state it is in
 * @q:		qemu_in_colo() may change when the answers come
 */
void qemu_ask(struct qemu *q)
{
	if (qemu_is_up(q) && !q->vm.is_open)
		act(q, vmstate_ask(&q->vm));
}

/**
 * qemu_request_checkpoint() - Have a checkpoint made now
 * @q:		A primary
 * @period_ms:	When idle, QEMU makes one each time so long has passed; setting
 *		this is what makes it do one at once
 *
 * Return: 0, -ENOTCONN, -EBUSY, or another negative errno
 */
int qemu_request_checkpoint(struct qemu *q, uint64_t period_ms)
{
	return qmp_link_send(&q->link, ASK_CHECKPOINT, "migrate-set-parameters",
			     json_pack("{s:I}", "x-checkpoint-delay",
				       (json_int_t)period_ms));
}

/**
 * qemu_freeze() - There was a failover: no stop is a checkpoint any more
 * @q:		Opened or not
 */
void qemu_freeze(struct qemu *q)
{
	if (q->link.loop)
		act(q, vmstate_freeze(&q->vm));
}

/**
 * qemu_is_up() - Is there a connection that commands can be sent over?
 * @q:		Opened or not
 */
bool qemu_is_up(const struct qemu *q)
{
	return q->link.is_up;
}

/**
 * qemu_in_colo() - Would a checkpoint be made if one were asked for?
 * @q:		Opened or not
 */
bool qemu_in_colo(const struct qemu *q)
{
	return q->link.is_up && q->vm.in_colo;
}

/**
 * qemu_is_known() - Has QEMU said whether it is in COLO?
 * @q:		Opened or not
 *
 * Return: true when qemu_in_colo() is what it has said
 */
bool qemu_is_known(const struct qemu *q)
{
	return q->link.is_up && q->has_answered;
}

#define COUNT(n, u, member, h) \
	{ "qmp", n, u, h, STATS_AT(struct qemu, member) }

static const struct stats_def table[] = {
	COUNT("connections", "connections", n_up, "Connections to QEMU's QMP "
	      "socket that were made."),
	COUNT("stops", "stops", n_stops, "Times that QEMU has stopped the guest."),
	COUNT("colo-exits", "events", n_exits, "Times that QEMU has said that "
	      "COLO is over."),
};

/**
 * qemu_stats() - Add what was seen to the account
 * @q:		Opened, or zeroed
 * @s:		The account
 */
void qemu_stats(const struct qemu *q, struct stats *s)
{
	stats_add(s, table, sizeof(table) / sizeof(*table), NULL, q);
}
