/* SPDX-License-Identifier: ISC */
#ifndef COLO_CLOCK_H
#define COLO_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

/*
 * The clock of a process, and timers on it. It is CLOCK_MONOTONIC; when every
 * input is a capture it is the time of the last packet read, so that timeouts
 * happen on the packets' clock, as fast as the machine can read.
 */
struct clock {
	uv_loop_t *uv;			/* borrowed */
	bool is_virtual;		/* the captures' time is ours */
	bool is_resumed;		/* they are over: timers go on without */
	bool is_closed;
	uint64_t virtual_ns;		/* 0 before the first packet */
	struct clock_timer *timers;
};

struct clock_timer {
	struct clock *clock;
	struct clock_timer *next;
	uint64_t due_ns, period_ns;
	bool armed;
	void (*on_timer)(void *arg);
	void *arg;
	uv_timer_t uv;
};

void clock_init(struct clock *c, uv_loop_t *uv);
void clock_close(struct clock *c);
uint64_t clock_now_ns(const struct clock *c);
uint64_t clock_wall_us(void);
void clock_advance(struct clock *c, uint64_t now_ns);
void clock_resume(struct clock *c);

void clock_timer_init(struct clock *c, struct clock_timer *t,
		      void (*on_timer)(void *arg), void *arg);
void clock_timer_start(struct clock_timer *t, uint64_t delay_ms,
		       uint64_t period_ms);
void clock_timer_stop(struct clock_timer *t);

#endif
