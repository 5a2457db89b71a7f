/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_CHECKPOINT_H
#define COLO_COMPARE_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "../../common/endpoint_spec.h"
#include "../../common/flow_key.h"
#include "../../common/loop.h"
#include "../../common/qemu.h"
#include "budget.h"
#include "command.h"
#include "notify.h"

/*
 * Asks for checkpoints, one at a time. A request
 *
 *	waits		while the budget is spent (budget.c)
 *	stands		from when it goes out until a checkpoint is made; it is
 *			repeated after retry_ms
 *	is answered	by any checkpoint, whoever asked for it
 *
 * live.c opens it and is told by the handlers; feed.c and others ask. It never
 * touches a packet: what a checkpoint means for these, the handlers know.
 * checkpoint_qmp.c is the part that speaks with QEMU over QMP.
 */
enum checkpoint_mode {
	CHECKPOINT_NONE,	/* as if it had been made at once */
	CHECKPOINT_HOLD,	/* there are none: what differs waits */
	CHECKPOINT_NOTIFY,	/* QEMU's Xen protocol on notify-dev */
	CHECKPOINT_EXEC,	/* a command: exit status 0 = made */
	CHECKPOINT_QMP,		/* the primary's QEMU */
};

/* What --checkpoint says. */
struct checkpoint_choice {
	enum checkpoint_mode mode;
	const char *command;	/* of CHECKPOINT_EXEC; borrowed */
	const char *path;	/* of CHECKPOINT_QMP; borrowed */
};

struct checkpoint_pace {
	uint64_t retry_ms;	/* how long a request may stay unanswered */
	uint64_t period_ms;	/* CHECKPOINT_QMP: QEMU makes one so often when
				   nobody asks */
	uint64_t max_percent;	/* of the time; 0: all of it */
	uint64_t max_per_minute;	/* requests; 0: any number */
};

struct checkpoint_handler {
	void (*on_asked)(void *arg);	/* a request goes out for the first time */
	void (*on_done)(void *arg);	/* a checkpoint was made */
	void (*on_put_off)(void *arg);	/* a request waits for the budget */
	/* CHECKPOINT_QMP: the primary stands still; it goes on as it was */
	void (*on_stop)(void *arg);
	void (*on_continue)(void *arg);
	void *arg;
};

struct checkpoint_request {
	bool is_put_off;	/* it waits for the budget */
	bool is_asked;		/* it stands */
	bool is_pending_told;	/* there was an event that QEMU cannot be asked */
	unsigned n_tries;	/* how often it has gone out */
	uint64_t asked_ns;	/* when it began to stand */
	uint64_t sent_ns;	/* when it first reached somebody; 0: not yet */
	char reason[16], flow[FLOW_TEXT_MAX];
};

/* The last checkpoint that was made. */
struct checkpoint_last {
	bool is_asked;		/* a request stood */
	uint64_t took_ms;	/* since it began to stand */
	bool has_stopped;	/* QEMU has made it: */
	uint64_t stopped_ms;	/* for so long the primary stood still */
};

/* Checkpoints that QEMU has made: of checkpoint_qmp.c. */
struct checkpoint_made {
	uint64_t n, n_unasked;		/* all; those that nobody asked for */
	uint64_t last_ms, max_ms;	/* how long, from the request or stop on */
	uint64_t stopped_last_ms, stopped_max_ms;
};

struct checkpoint {		/* zeroed to begin with */
	struct loop *loop;
	struct checkpoint_choice choice;
	struct checkpoint_pace pace;
	struct checkpoint_handler handler;
	bool is_stopped;	/* no more requests */
	struct checkpoint_request request;
	struct checkpoint_last last;
	struct clock_timer retry, later;	/* while it stands; while it waits */
	struct budget budget;
	uint64_t n_asked, n_put_off, spent_ms;
	struct histogram answered;	/* how long requests stood */
	struct notify notify;
	struct command process;		/* of CHECKPOINT_EXEC */
	struct qemu qemu;		/* of CHECKPOINT_QMP */
	struct checkpoint_made made;
};

int checkpoint_parse(struct checkpoint_choice *choice, const char *text,
		     bool has_notify);
void checkpoint_init(struct checkpoint *cp, struct loop *loop,
		     const struct checkpoint_choice *choice,
		     const struct checkpoint_pace *pace,
		     const struct checkpoint_handler *handler);
int checkpoint_open(struct checkpoint *cp, const struct endpoint_spec *notify);
void checkpoint_set_pace(struct checkpoint *cp,
			 const struct checkpoint_pace *pace);
void checkpoint_ask(struct checkpoint *cp, const char *reason,
		    const char *flow);
void checkpoint_interrupted(struct checkpoint *cp, const char *name);
void checkpoint_look(struct checkpoint *cp);
void checkpoint_done(struct checkpoint *cp);
void checkpoint_stop(struct checkpoint *cp);
int checkpoint_start(struct checkpoint *cp);
void checkpoint_stats(const struct checkpoint *cp, struct stats *s);

/* For checkpoint_qmp.c. */
void checkpoint_count_try(struct checkpoint *cp);

#endif
