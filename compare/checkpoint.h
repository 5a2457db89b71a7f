/* SPDX-License-Identifier: ISC */
#ifndef COLO_CHECKPOINT_H
#define COLO_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "../common/endpoint.h"
#include "../common/loop.h"

/*
 * How a checkpoint is asked for. One request at a time; it stands until it is
 * answered, and is repeated when that takes too long.
 */
enum checkpoint_mode {
	CHECKPOINT_NONE,	/* as if it had been made at once */
	CHECKPOINT_NOTIFY,	/* QEMU's Xen protocol on notify-dev */
	CHECKPOINT_EXEC,	/* a command: exit status 0 = made */
};

struct checkpoint {
	struct loop *loop;
	enum checkpoint_mode mode;
	const char *command;		/* of CHECKPOINT_EXEC; borrowed */
	uint64_t retry_ms;
	struct endpoint *notify;	/* or NULL */
	bool is_asked;			/* and not answered yet */
	bool is_running;		/* the command */
	bool is_stopped;		/* no more requests */
	unsigned n_tries;
	struct loop_timer retry;
	uv_process_t process;
	uint64_t n_sent, n_received;	/* messages on notify-dev */
	void (*on_done)(void *arg);	/* the replicas are equal */
	void *arg;
};

int checkpoint_parse(struct checkpoint *cp, const char *text, bool has_notify);
void checkpoint_init(struct checkpoint *cp, struct loop *loop,
		     uint64_t retry_ms, void (*on_done)(void *arg), void *arg);
int checkpoint_open(struct checkpoint *cp, const struct endpoint_spec *notify);
void checkpoint_ask(struct checkpoint *cp, const char *reason,
		    const char *flow);
void checkpoint_done(struct checkpoint *cp);
void checkpoint_stop(struct checkpoint *cp);

#endif
