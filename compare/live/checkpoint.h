/* SPDX-License-Identifier: ISC */
#ifndef COLO_CHECKPOINT_H
#define COLO_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "../../common/endpoint.h"
#include "../../common/flow_key.h"
#include "../../common/loop.h"
#include "../../common/qemu.h"
#include "budget.h"
#include "command.h"

/*
 * How a checkpoint is asked for. One request at a time; it stands until it is
 * answered, and is repeated when that takes too long.
 */
enum checkpoint_mode {
	CHECKPOINT_NONE,	/* as if it had been made at once */
	CHECKPOINT_HOLD,	/* there are none: what differs waits */
	CHECKPOINT_NOTIFY,	/* QEMU's Xen protocol on notify-dev */
	CHECKPOINT_EXEC,	/* a command: exit status 0 = made */
	CHECKPOINT_QMP,		/* the primary's QEMU */
};

struct checkpoint_handler {
	void (*on_done)(void *arg);	/* the replicas are equal */
	void (*on_put_off)(void *arg);	/* a request waits for the budget */
	/* CHECKPOINT_QMP: the primary stands still; and goes on as it was */
	void (*on_stop)(void *arg);
	void (*on_continue)(void *arg);
	void *arg;
};

struct checkpoint_pace {
	uint64_t retry_ms;	/* how long a request may stay unanswered */
	uint64_t period_ms;	/* CHECKPOINT_QMP: when idle, one is made so often */
	uint64_t max_percent;	/* of time; 0 for all */
	uint64_t max_per_minute;	/* requests; 0 for any number */
};

struct checkpoint {
	struct loop *loop;
	enum checkpoint_mode mode;
	const char *command;		/* of CHECKPOINT_EXEC; borrowed */
	const char *path;		/* of CHECKPOINT_QMP; borrowed */
	uint64_t retry_ms, period_ms;
	struct endpoint *notify;	/* or NULL */
	bool is_asked;			/* and not answered yet */
	bool is_stopped;		/* no more requests */
	bool is_put_off;		/* a request waits for the budget */
	bool is_pending_told;		/* that QEMU cannot be asked */
	unsigned n_tries;
	uint64_t asked_ns;		/* since when is_asked */
	uint64_t sent_ns;		/* since when it is known to be; or 0 */
	struct clock_timer retry, later;
	struct budget budget;
	uint64_t n_asked, n_put_off, spent_ms;
	char reason[16], flow[FLOW_TEXT_MAX];	/* of the request */
	struct command process;		/* of CHECKPOINT_EXEC */
	uint64_t n_sent, n_received;	/* messages on notify-dev */
	struct qemu qemu;		/* of CHECKPOINT_QMP */
	uint64_t n_made, n_unasked;	/* checkpoints; of them QEMU's own idea */
	uint64_t last_ms, max_ms;	/* from the request on, or from the stop */
	uint64_t stopped_last_ms, stopped_max_ms;
	struct checkpoint_handler handler;
};

int checkpoint_parse(struct checkpoint *cp, const char *text, bool has_notify);
void checkpoint_init(struct checkpoint *cp, struct loop *loop,
		     const struct checkpoint_pace *pace,
		     const struct checkpoint_handler *handler);
int checkpoint_open(struct checkpoint *cp, const struct endpoint_spec *notify);
void checkpoint_ask(struct checkpoint *cp, const char *reason,
		    const char *flow);
void checkpoint_interrupted(struct checkpoint *cp, const char *name);
void checkpoint_done(struct checkpoint *cp);
void checkpoint_stop(struct checkpoint *cp);
void checkpoint_stats(const struct checkpoint *cp, struct stats *s);

/* Between the files of this module. */
void checkpoint_finish(struct checkpoint *cp);
void checkpoint_count_try(struct checkpoint *cp);
void checkpoint_qmp_open(struct checkpoint *cp);
void checkpoint_qmp_try(struct checkpoint *cp);

#endif
