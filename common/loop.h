/* SPDX-License-Identifier: ISC */
#ifndef COLO_LOOP_H
#define COLO_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "clock.h"
#include "endpoint_pump.h"
#include "endpoint_set.h"
#include "option.h"
#include "stats.h"

/*
 * The life of a process: one libuv loop, its signals, its endpoints, its
 * clock. It ends when every input has ended or on SIGTERM: inputs stop, what
 * is queued is delivered, everything is closed, exit status 0.
 */
struct loop_handler {
	/* the tool's part of the account; the endpoints' is added already */
	void (*on_stats)(void *arg, struct stats *s);	/* SIGUSR1; or NULL */
	void (*on_failover)(void *arg);			/* SIGUSR2; or NULL */
	void (*on_checkpoint)(void *arg);		/* SIGHUP; or NULL */
	/* no more input: the last chance to send; or NULL */
	void (*on_end)(void *arg);
	void (*on_close)(void *arg);	/* all handles are closed now; or NULL */
	void *arg;
};

struct loop {
	uv_loop_t uv;
	struct clock clock;
	const struct option_common *options;
	struct loop_handler handler;
	struct endpoint_set endpoints;
	struct endpoint_pump pump;
	uv_signal_t signals[5];
	uv_prepare_t before_poll;	/* what is queued is written twice a */
	uv_check_t after_poll;		/* turn, gathered */
	uv_timer_t drain_timer;
	bool draining;			/* inputs are over */
	bool hurried;			/* by a signal: do not wait for absent peers */
	bool closing;			/* handles are going away */
};

int loop_init(struct loop *loop, const struct option_common *options,
	      const struct loop_handler *handler);
int loop_run(struct loop *loop);
void loop_take_options(struct loop *loop);
void loop_abandon(struct loop *loop);
void loop_fail(struct loop *loop);
void loop_end(struct loop *loop);
void loop_stop(struct loop *loop);
void loop_stats(const struct loop *loop, struct stats *s);

#endif
