/* SPDX-License-Identifier: ISC */
#ifndef COLO_VMSTATE_H
#define COLO_VMSTATE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What a QEMU's guest does, put together from the events and answers of its
 * QMP: pure. The question it decides: when the guest stood still and goes on,
 * was that a COLO checkpoint?
 */
enum {				/* what came of it; bits, in this order */
	VMSTATE_EXITED = 1 << 0,	/* COLO is over */
	VMSTATE_CHECKPOINT = 1 << 1,	/* it goes on, the replicas are equal */
	VMSTATE_CONTINUED = 1 << 2,	/* the stop was not a checkpoint */
	VMSTATE_STOPPED = 1 << 3,	/* it stands still: perhaps for one */
	VMSTATE_MISSED = 1 << 4,	/* checkpoints may have passed unseen */
	VMSTATE_ASK = 1 << 5,		/* the questions are to be asked */
};

enum vmstate_kind {		/* of a stop, or of the present state */
	VMSTATE_UNKNOWN,
	VMSTATE_RUNS,
	VMSTATE_COLO,		/* "colo" */
	VMSTATE_ENTRY,		/* "inmigrate", "finish-migrate" */
	VMSTATE_OTHER,		/* "paused", "io-error", "save-vm", ... */
};

enum vmstate_wait {
	VMSTATE_NOTHING,
	VMSTATE_ANSWER,		/* to the last questions */
	VMSTATE_LINK,		/* the connection, in the middle of a stop */
};

struct vmstate {
	bool is_up;		/* somebody is there to say */
	bool was_up;
	bool is_unseen;		/* what happened before the connection was made */
	bool in_colo;		/* by the last answer; not while frozen */
	bool is_frozen;		/* COLO_EXIT or a failover: no checkpoints */
	bool is_open;		/* a stop that nothing has come of yet */
	bool has_resumed;	/* it is over, an answer will say what it was */
	bool has_gap;		/* something of it may have been missed */
	enum vmstate_kind kind;
	uint32_t serial;	/* of the questions whose answers count */
};

unsigned vmstate_up(struct vmstate *s, bool is_same_vm);
void vmstate_down(struct vmstate *s);
unsigned vmstate_stop(struct vmstate *s);
unsigned vmstate_resume(struct vmstate *s);
unsigned vmstate_exit(struct vmstate *s);
unsigned vmstate_freeze(struct vmstate *s);
unsigned vmstate_ask(struct vmstate *s);
unsigned vmstate_on_status(struct vmstate *s, uint32_t serial,
			   const char *status);
unsigned vmstate_on_colo(struct vmstate *s, uint32_t serial, bool in_colo);
enum vmstate_wait vmstate_waits(const struct vmstate *s);
unsigned vmstate_overdue(struct vmstate *s);

#endif
