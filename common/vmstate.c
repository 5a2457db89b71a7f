/* SPDX-License-Identifier: ISC */
/*
 * From STOP to RESUME a guest stands still, for one of many reasons, and the
 * events do not say for which. What is known:
 *
 *	STOP, "colo", RESUME		a checkpoint
 *	STOP, "colo", COLO_EXIT, RESUME	none: it was torn, or the primary hung;
 *					the old state goes on
 *	COLO_EXIT, STOP, RESUME		none: the failover itself, of which one
 *	STOP, RESUME, COLO_EXIT		thread says COLO_EXIT, another the rest
 *	STOP, "paused" ..., RESUME	none: somebody else's business
 *	"inmigrate", RESUME, in COLO	the beginning, which equals a checkpoint;
 *	"finish-migrate", ...		the same on the primary
 *
 * where "colo" is the answer to query-status while the guest stands. A stop is
 * open from STOP until it is decided, and then one of CHECKPOINT and CONTINUED
 * comes of it:
 *
 *	closed -> open -> closed		decided by an event or an answer
 *	       -> open, resumed -> closed	RESUME came first: only an answer
 *						later than it can say what it was
 *
 * COLO_EXIT freezes: no checkpoint can follow, until a new COLO begins or
 * another QEMU is there. So does a failover, for good as far as its owner goes.
 *
 * Gaps: when the connection was lost within an open stop, the answers on the
 * next one decide: in COLO, and not left with an error or by request, means
 * that the stop ended well, because one that does not leaves COLO. With neither
 * an answer nor a connection the owner calls vmstate_overdue(): a stop that is
 * over counts as a checkpoint when the guest was in COLO, as nearly all of
 * them are; of one that may not be over nothing came.
 *
 * Limits: `stop` and `cont` within the time that an answer takes look like a
 * checkpoint; a checkpoint of a guest that somebody had paused looks like none.
 * Either mistake is a difference that the next checkpoint ends.
 */
#include "vmstate.h"

#include <string.h>

static enum vmstate_kind kind_of(const char *status)
{
	if (!strcmp(status, "running"))
		return VMSTATE_RUNS;
	if (!strcmp(status, "colo"))
		return VMSTATE_COLO;
	if (!strcmp(status, "inmigrate") || !strcmp(status, "finish-migrate"))
		return VMSTATE_ENTRY;
	return VMSTATE_OTHER;
}

static unsigned open_stop(struct vmstate *s)
{
	s->is_open = true;
	return VMSTATE_STOPPED;
}

static unsigned decide(struct vmstate *s, bool is_checkpoint)
{
	s->is_open = s->has_resumed = s->has_gap = false;
	s->kind = VMSTATE_RUNS;
	if (is_checkpoint)
		s->is_unseen = false;
	return is_checkpoint ? VMSTATE_CHECKPOINT : VMSTATE_CONTINUED;
}

/* Without an answer: what it most likely was. */
static unsigned decide_by_rule(struct vmstate *s)
{
	return decide(s, s->has_resumed && s->in_colo && !s->is_frozen);
}

/**
 * vmstate_ask() - Answers to earlier questions do not count any more
 * @s:		The state
 *
 * Return: VMSTATE_ASK
 */
unsigned vmstate_ask(struct vmstate *s)
{
	s->serial++;
	return VMSTATE_ASK;
}

/**
 * vmstate_up() - There is a connection
 * @s:		The state
 * @is_same_vm:	To the process that the last one was to
 *
 * Return: what came of it
 */
unsigned vmstate_up(struct vmstate *s, bool is_same_vm)
{
	unsigned did = 0;

	if (s->was_up && !is_same_vm) {
		if (s->is_open)
			did |= decide(s, false);
		s->is_frozen = s->in_colo = false;
	}
	if (s->is_open)
		s->has_gap = true;
	else
		s->kind = VMSTATE_UNKNOWN;
	s->is_unseen = !s->is_open;
	s->is_up = s->was_up = true;
	return did | vmstate_ask(s);
}

/**
 * vmstate_down() - The connection is gone
 * @s:		The state
 */
void vmstate_down(struct vmstate *s)
{
	s->is_up = false;
	s->serial++;
}

/**
 * vmstate_stop() - The event STOP
 * @s:		The state
 *
 * Return: what came of it
 */
unsigned vmstate_stop(struct vmstate *s)
{
	unsigned did = 0;

	if (s->is_open && s->has_resumed)
		did |= decide_by_rule(s);
	s->kind = VMSTATE_UNKNOWN;
	if (!s->is_open && !s->is_frozen)
		did |= open_stop(s);
	return did | vmstate_ask(s);
}

/* What it was, an answer must say that is asked for only now. */
static unsigned await_answer(struct vmstate *s)
{
	unsigned did = s->is_open ? 0 : open_stop(s);

	s->has_resumed = true;
	return did | vmstate_ask(s);
}

/**
 * vmstate_resume() - The event RESUME
 * @s:		The state
 *
 * Return: what came of it
 */
unsigned vmstate_resume(struct vmstate *s)
{
	if (s->is_open && s->has_resumed)
		return 0;
	if (s->kind == VMSTATE_ENTRY)
		return await_answer(s);
	if (s->is_open && s->kind == VMSTATE_COLO && !s->has_gap)
		return decide(s, true);
	/* not open: nothing is known of it yet, or all, or it is frozen */
	if (s->is_open || (s->kind == VMSTATE_UNKNOWN && !s->is_frozen))
		return await_answer(s);
	s->kind = VMSTATE_RUNS;
	return 0;
}

/**
 * vmstate_exit() - The event COLO_EXIT
 * @s:		The state
 *
 * When it comes so soon after RESUME that nothing has said what the stop was,
 * it was the failover: a checkpoint takes long enough for an answer. One more
 * of them says nothing new.
 *
 * Return: what came of it
 */
unsigned vmstate_exit(struct vmstate *s)
{
	unsigned did = s->is_frozen ? 0 : VMSTATE_EXITED;

	if (s->is_open)
		did |= decide(s, false);
	s->is_frozen = true;
	s->in_colo = false;
	s->serial++;
	return did;
}

/**
 * vmstate_freeze() - There was a failover: nothing is a checkpoint any more
 * @s:		The state
 *
 * Return: what came of it
 */
unsigned vmstate_freeze(struct vmstate *s)
{
	s->is_frozen = true;
	s->in_colo = false;
	return s->is_open ? decide(s, false) : 0;
}

/* The answer while a stop is open. */
static unsigned open_status(struct vmstate *s, enum vmstate_kind kind)
{
	unsigned did = 0;

	if (s->has_resumed)
		return 0;
	if (kind == VMSTATE_RUNS) {	/* RESUME comes, or was missed */
		s->has_resumed = s->has_gap;
		return 0;
	}
	if (kind == VMSTATE_OTHER)
		did = decide(s, false);
	s->kind = kind;
	return did;
}

/**
 * vmstate_on_status() - The answer to query-status
 * @s:		The state
 * @serial:	That of the question
 * @status:	QEMU's word
 *
 * Return: what came of it
 */
unsigned vmstate_on_status(struct vmstate *s, uint32_t serial,
			   const char *status)
{
	enum vmstate_kind kind = kind_of(status);

	if (serial != s->serial)
		return 0;
	if (s->is_open)
		return open_status(s, kind);
	s->kind = kind;
	if (kind != VMSTATE_COLO || s->is_frozen)
		return 0;
	s->has_gap = true;		/* its beginning was not seen */
	return open_stop(s);
}

/**
 * vmstate_on_colo() - The answer to query-colo-status, always the last one
 * @s:		The state
 * @serial:	That of the question
 * @in_colo:	The guest is in COLO and on no way out of it
 *
 * Return: what came of it
 */
unsigned vmstate_on_colo(struct vmstate *s, uint32_t serial, bool in_colo)
{
	bool begins = s->kind == VMSTATE_ENTRY && s->has_resumed && in_colo;
	bool is_missed = s->is_unseen && s->kind == VMSTATE_RUNS;

	if (serial != s->serial)
		return 0;
	if (begins)
		s->is_frozen = false;
	s->in_colo = in_colo && !s->is_frozen;
	s->is_unseen = false;
	if (s->is_open && s->has_resumed)
		return decide(s, s->in_colo);
	return is_missed && s->in_colo ? VMSTATE_MISSED : 0;
}

/**
 * vmstate_waits() - What an open stop waits for, apart from the guest
 * @s:		The state
 *
 * Return: see enum vmstate_wait; not for ever, see vmstate_overdue()
 */
enum vmstate_wait vmstate_waits(const struct vmstate *s)
{
	if (!s->is_open)
		return VMSTATE_NOTHING;
	if (s->has_resumed)
		return VMSTATE_ANSWER;
	return s->is_up ? VMSTATE_NOTHING : VMSTATE_LINK;
}

/**
 * vmstate_overdue() - What vmstate_waits() named has not come in time
 * @s:		The state
 *
 * Return: what came of it
 */
unsigned vmstate_overdue(struct vmstate *s)
{
	return vmstate_waits(s) == VMSTATE_NOTHING ? 0 : decide_by_rule(s);
}
