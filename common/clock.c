/* SPDX-License-Identifier: ISC */
/*
 * The clock owns the list of timers and, on captures, the time. loop.c says
 * when all inputs are captures and when they are over; endpoint_pcap.c moves the
 * time. A timer has a libuv timer for the real clock, which does nothing while
 * the time is the captures'.
 */
#include "clock.h"

#include <string.h>

#include "time.h"

#define CATCH_UP_MAX 1000	/* periods of a timer that a gap in captures has */

/**
 * clock_init() - A clock without timers
 * @c:		To be filled in
 * @uv:		Whose time it is; borrowed
 */
void clock_init(struct clock *c, uv_loop_t *uv)
{
	*c = (struct clock){ .uv = uv };
}

/**
 * clock_close() - Close all timers
 * @c:		The clock; its timers can be started and stopped without effect
 */
void clock_close(struct clock *c)
{
	c->is_closed = true;
	for (struct clock_timer *t = c->timers; t; t = t->next)
		uv_close((uv_handle_t *)&t->uv, NULL);
}

/**
 * clock_now_ns() - The time, for timeouts and ages
 * @c:		The clock
 *
 * Return: nanoseconds, monotonic; on captures the time of the last packet
 */
uint64_t clock_now_ns(const struct clock *c)
{
	/* uv_now() is cached per turn but only in ms: exact enough for
	 * timeouts, and free */
	return c->is_virtual ? c->virtual_ns : uv_now(c->uv) * NS_PER_MS;
}

static void fire(struct clock_timer *t, uint64_t by_ns)
{
	if (t->period_ns && (by_ns - t->due_ns) / t->period_ns > CATCH_UP_MAX)
		t->due_ns += (by_ns - t->due_ns) / t->period_ns * t->period_ns;
	else if (t->period_ns)
		t->due_ns += t->period_ns;
	else
		t->armed = false;
	t->on_timer(t->arg);
}

static struct clock_timer *first_due(const struct clock *c, uint64_t by_ns)
{
	struct clock_timer *first = NULL;

	for (struct clock_timer *t = c->timers; t; t = t->next) {
		if (t->armed && t->due_ns <= by_ns &&
		    (!first || t->due_ns < first->due_ns))
			first = t;
	}
	return first;
}

/**
 * clock_wall_us() - The time of day, for people
 *
 * Return: microseconds since 1970; they may jump
 */
uint64_t clock_wall_us(void)
{
	uv_timeval64_t now = { 0 };

	uv_gettimeofday(&now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_usec;
}

/**
 * clock_advance() - The captures have reached a point of time
 * @c:		The clock; nothing happens unless all inputs are captures
 * @now_ns:	The capture time; going backwards is ignored
 *
 * Timers that became due since are run first, in order; a periodic one that
 * missed very many periods runs once for all of them.
 */
void clock_advance(struct clock *c, uint64_t now_ns)
{
	struct clock_timer *t;

	if (!c->is_virtual || now_ns <= c->virtual_ns)
		return;
	if (!c->virtual_ns) {		/* the first packet starts the clock */
		for (t = c->timers; t; t = t->next)
			t->due_ns += now_ns;
	}
	while ((t = first_due(c, now_ns))) {
		c->virtual_ns = t->due_ns;
		fire(t, now_ns);
	}
	c->virtual_ns = now_ns;
}

static void on_uv_timer(uv_timer_t *handle)
{
	struct clock_timer *t = handle->data;

	if (!t->clock->is_virtual || t->clock->is_resumed) {
		t->armed = t->period_ns != 0;
		t->on_timer(t->arg);
	}
}

/**
 * clock_resume() - Let the timers go on by the real clock
 * @c:		The clock, whose captures are over, if it had any
 *
 * Captures that are over move no clock: what is left of a timer's time passes
 * on the real one, or what waits for it would wait for ever.
 */
void clock_resume(struct clock *c)
{
	c->is_resumed = true;
	if (!c->is_virtual)
		return;
	for (struct clock_timer *t = c->timers; t; t = t->next) {
		uint64_t left_ns = t->due_ns > c->virtual_ns ?
				   t->due_ns - c->virtual_ns : 0;

		if (t->armed)
			uv_timer_start(&t->uv, on_uv_timer,
				       left_ns / NS_PER_MS,
				       t->period_ns / NS_PER_MS);
	}
}

/**
 * clock_timer_init() - A timer on the clock
 * @c:		The clock; clock_close() closes the timer
 * @t:		To be filled in; must live until the loop has run dry
 * @on_timer:	Called when it is due
 * @arg:	For @on_timer
 */
void clock_timer_init(struct clock *c, struct clock_timer *t,
		      void (*on_timer)(void *arg), void *arg)
{
	memset(t, 0, sizeof(*t));
	t->clock = c;
	t->on_timer = on_timer;
	t->arg = arg;
	t->next = c->timers;
	c->timers = t;
	uv_timer_init(c->uv, &t->uv);
	t->uv.data = t;
}

/**
 * clock_timer_start() - Arm a timer, anew if it is armed
 * @t:		The timer
 * @delay_ms:	Until it is due for the first time
 * @period_ms:	From then on; 0 = once
 */
void clock_timer_start(struct clock_timer *t, uint64_t delay_ms,
		       uint64_t period_ms)
{
	if (t->clock->is_closed)
		return;
	t->armed = true;
	t->due_ns = t->clock->virtual_ns + delay_ms * NS_PER_MS;
	t->period_ns = period_ms * NS_PER_MS;
	uv_timer_start(&t->uv, on_uv_timer, delay_ms, period_ms);
}

/**
 * clock_timer_stop() - Disarm a timer
 * @t:		The timer, armed or not
 */
void clock_timer_stop(struct clock_timer *t)
{
	t->armed = false;
	if (!t->clock->is_closed)
		uv_timer_stop(&t->uv);
}
