/* SPDX-License-Identifier: ISC */
#ifndef COLO_CONTROL_PROCESS_H
#define COLO_CONTROL_PROCESS_H

#include "control.h"
#include "control_flows.h"
#include "control_options.h"
#include "failover.h"
#include "loop.h"
#include "verdict.h"

/*
 * What every process can be asked over its control socket, and its verdict,
 * which subscribers and systemd are told of when it changes.
 */
struct control_process_handler {
	/* @v: PROTECTED; to be changed when it is not so. Not called after a
	 * failover; or NULL: there is no verdict */
	void (*on_verdict)(void *arg, struct verdict *v);
	void *arg;
	/* an option was changed; or NULL: nothing of this tool's can be */
	void (*on_set)(void *arg);
	const struct control_method *methods;	/* of this program alone; or NULL */
	void *methods_arg;
	struct control_flows *flows;		/* borrowed; NULL: it has none */
};

struct control_process {
	struct loop *loop;
	struct failover *failover;
	struct control_process_handler handler;
	struct control control;
	struct control_options options;
	struct clock_timer look;		/* at the verdict, once */
	uv_check_t after_poll;		/* something has happened */
	struct verdict verdict;
	uint64_t since_s;		/* 1970: of its state */
	uint64_t since_ns;		/* the same on the loop's clock */
	bool has_verdict;		/* looked at already */
};

int control_process_open(struct control_process *p, struct loop *loop,
			 struct failover *failover,
			 const struct control_process_handler *handler);
void control_process_close(struct control_process *p);

#endif
