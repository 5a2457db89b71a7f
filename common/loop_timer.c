/* SPDX-License-Identifier: ISC */
/*
 * The clock of a loop, and timers on it. It is CLOCK_MONOTONIC, or, when every
 * input is a capture, the time of the last packet read: timeouts then happen on
 * the packets' clock, as fast as the machine can read.
 */
#include <string.h>

#include "loop.h"
#include "time.h"

#define CATCH_UP_MAX 1000	/* periods of a timer that a gap in captures has */

/**
 * loop_now_ns() - The time, for timeouts and ages
 * @loop:	The loop
 *
 * Return: nanoseconds, monotonic; on captures the time of the last packet
 */
uint64_t loop_now_ns(const struct loop *loop)
{
	/* uv_now() is cached per turn but only in ms: exact enough for
	 * timeouts, and free */
	return loop->is_virtual ? loop->virtual_ns :
				  uv_now(&loop->uv) * NS_PER_MS;
}

static void fire(struct loop_timer *t, uint64_t by_ns)
{
	if (t->period_ns && (by_ns - t->due_ns) / t->period_ns > CATCH_UP_MAX)
		t->due_ns += (by_ns - t->due_ns) / t->period_ns * t->period_ns;
	else if (t->period_ns)
		t->due_ns += t->period_ns;
	else
		t->armed = false;
	t->on_timer(t->arg);
}

static struct loop_timer *first_due(const struct loop *loop, uint64_t by_ns)
{
	struct loop_timer *first = NULL;

	for (struct loop_timer *t = loop->timers; t; t = t->next) {
		if (t->armed && t->due_ns <= by_ns &&
		    (!first || t->due_ns < first->due_ns))
			first = t;
	}
	return first;
}

/**
 * loop_advance() - The captures have reached a point of time
 * @loop:	The loop; nothing happens unless all inputs are captures
 * @now_ns:	The capture time; going backwards is ignored
 *
 * Timers that became due since are run first, in order; a periodic one that
 * missed very many periods runs once for all of them.
 */
void loop_advance(struct loop *loop, uint64_t now_ns)
{
	struct loop_timer *t;

	if (!loop->is_virtual || now_ns <= loop->virtual_ns)
		return;
	if (!loop->virtual_ns) {	/* the first packet starts the clock */
		for (t = loop->timers; t; t = t->next)
			t->due_ns += now_ns;
	}
	while ((t = first_due(loop, now_ns))) {
		loop->virtual_ns = t->due_ns;
		fire(t, now_ns);
	}
	loop->virtual_ns = now_ns;
}

static void on_uv_timer(uv_timer_t *handle)
{
	struct loop_timer *t = handle->data;

	if (!t->loop->is_virtual || t->loop->draining) {
		t->armed = t->period_ns != 0;
		t->on_timer(t->arg);
	}
}

/**
 * loop_timers_resume() - Let the timers go on by the real clock
 * @loop:	The loop, whose captures are over
 *
 * Captures that are over move no clock: what is left of a timer's time passes
 * on the real one, or what waits for it would wait for ever.
 */
void loop_timers_resume(struct loop *loop)
{
	for (struct loop_timer *t = loop->timers; t; t = t->next) {
		uint64_t left_ns = t->due_ns > loop->virtual_ns ?
				   t->due_ns - loop->virtual_ns : 0;

		if (t->armed)
			uv_timer_start(&t->uv, on_uv_timer,
				       left_ns / NS_PER_MS,
				       t->period_ns / NS_PER_MS);
	}
}

/**
 * loop_timer_init() - A timer on the loop's clock
 * @loop:	The loop; it closes the timer when it ends
 * @t:		To be filled in; must live as long as the loop
 * @on_timer:	Called when it is due
 * @arg:	For @on_timer
 */
void loop_timer_init(struct loop *loop, struct loop_timer *t,
		     void (*on_timer)(void *arg), void *arg)
{
	memset(t, 0, sizeof(*t));
	t->loop = loop;
	t->on_timer = on_timer;
	t->arg = arg;
	t->next = loop->timers;
	loop->timers = t;
	uv_timer_init(&loop->uv, &t->uv);
	t->uv.data = t;
}

/**
 * loop_timer_start() - Arm a timer, anew if it is armed
 * @t:		The timer
 * @delay_ms:	Until it is due for the first time
 * @period_ms:	From then on; 0 = once
 */
void loop_timer_start(struct loop_timer *t, uint64_t delay_ms,
		      uint64_t period_ms)
{
	if (t->loop->closing)
		return;
	t->armed = true;
	t->due_ns = t->loop->virtual_ns + delay_ms * NS_PER_MS;
	t->period_ns = period_ms * NS_PER_MS;
	uv_timer_start(&t->uv, on_uv_timer, delay_ms, period_ms);
}

/**
 * loop_timer_stop() - Disarm a timer
 * @t:		The timer, armed or not
 */
void loop_timer_stop(struct loop_timer *t)
{
	t->armed = false;
	if (!t->loop->closing)
		uv_timer_stop(&t->uv);
}
