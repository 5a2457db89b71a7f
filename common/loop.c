/* SPDX-License-Identifier: ISC */
/*
 * The life of a process.
 *
 * start:	endpoints are opened, then loop_run(). Inputs are read once
 *		every output has made its first attempt to connect.
 * running:	a turn is: timers, the pump (files, captures), flush, poll,
 *		flush.
 * draining:	every input has ended, or SIGTERM or SIGINT came: nothing is
 *		read any more, what is queued is written. After a signal absent
 *		peers are not waited for, and slow ones DRAIN_MS at most.
 * closing:	handles are closed, the loop runs dry.
 */
#include "loop.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "endpoint_all.h"
#include "log.h"
#include "process.h"
#include "starter.h"

#define DRAIN_MS 5000

static void close_all(struct loop *loop);

/* --- the account --- */

/**
 * loop_stats() - The account of the process
 * @loop:	The loop
 * @s:		All zero; filled in
 */
void loop_stats(const struct loop *loop, struct stats *s)
{
	endpoint_all_stats(&loop->endpoints, s);
	if (loop->handler.on_stats)
		loop->handler.on_stats(loop->handler.arg, s);
}

static void print_stats(const struct loop *loop)
{
	struct stats s = { 0 };

	loop_stats(loop, &s);
	stats_print(&s);
}

/* --- signals --- */

static void on_signal(uv_signal_t *handle, int signum)
{
	struct loop *loop = handle->data;

	if (signum == SIGUSR1) {
		print_stats(loop);
	} else if (signum == SIGUSR2) {
		if (loop->handler.on_failover)
			loop->handler.on_failover(loop->handler.arg);
	} else if (signum == SIGHUP) {
		if (loop->handler.on_checkpoint)
			loop->handler.on_checkpoint(loop->handler.arg);
	} else {
		loop_stop(loop);
	}
}

/* --- ending --- */

static void on_drain_timeout(uv_timer_t *timer)
{
	struct loop *loop = timer->data;

	log_error(NULL, "output was not taken within %d s: giving up",
		  DRAIN_MS / 1000);
	loop_fail(loop);
	close_all(loop);
}

/**
 * loop_end() - Stop reading, deliver what is queued, then end
 * @loop:	The loop; calling again is harmless
 */
void loop_end(struct loop *loop)
{
	if (loop->hurried && !loop->closing &&
	    !uv_is_active((uv_handle_t *)&loop->drain_timer))
		uv_timer_start(&loop->drain_timer, on_drain_timeout, DRAIN_MS,
			       0);
	if (loop->draining)
		return;
	loop->draining = true;
	clock_resume(&loop->clock);
	endpoint_set_end(&loop->endpoints);
	if (loop->handler.on_end)
		loop->handler.on_end(loop->handler.arg);
}

/**
 * loop_stop() - End as SIGTERM does
 * @loop:	The loop; the second time what is queued is not delivered
 */
void loop_stop(struct loop *loop)
{
	if (loop->hurried)
		close_all(loop);
	loop->hurried = true;
	loop_end(loop);
}

/**
 * loop_fail() - The process has failed: exit status 1, whatever comes
 * @loop:	The loop; it is not ended by this
 */
void loop_fail(struct loop *loop)
{
	endpoint_set_fail(&loop->endpoints);
}

static void close_all(struct loop *loop)
{
	if (loop->closing)
		return;
	loop->closing = true;
	if (loop->options->log_level >= LOG_INFO)
		print_stats(loop);
	if (loop->handler.on_close)
		loop->handler.on_close(loop->handler.arg);
	endpoint_all_close(&loop->endpoints);
	clock_close(&loop->clock);
	for (unsigned i = 0; i < 5; i++)
		uv_close((uv_handle_t *)&loop->signals[i], NULL);
	uv_close((uv_handle_t *)&loop->before_poll, NULL);
	uv_close((uv_handle_t *)&loop->after_poll, NULL);
	endpoint_pump_close(&loop->pump);
	uv_close((uv_handle_t *)&loop->drain_timer, NULL);
}

/* --- a turn --- */

static void on_turn(struct loop *loop)
{
	endpoint_all_flush(&loop->endpoints);
	if (loop->endpoints.state == ENDPOINT_SET_FLOWS &&
	    endpoint_all_are_over(&loop->endpoints)) {
		loop_end(loop);
		endpoint_all_flush(&loop->endpoints);
	}
	if (loop->draining &&
	    endpoint_all_are_delivered(&loop->endpoints, loop->hurried)) {
		close_all(loop);
		return;
	}
	endpoint_pump_update(&loop->pump);
}

static void on_before_poll(uv_prepare_t *handle)
{
	on_turn(handle->data);
}

static void on_after_poll(uv_check_t *handle)
{
	struct loop *loop = handle->data;

	endpoint_all_flush(&loop->endpoints);
}

static void notify_ready(const struct loop *loop)
{
	uint64_t fd = loop->options->notify_fd;

	starter_tell("READY=1");
	if (fd != OPTION_NO_FD)
		starter_ready((int)fd);
}

static void init_signals(struct loop *loop)
{
	static const int signums[5] = { SIGTERM, SIGINT, SIGUSR1, SIGUSR2,
					SIGHUP };

	signal(SIGPIPE, SIG_IGN);
	for (unsigned i = 0; i < 5; i++) {
		uv_signal_init(&loop->uv, &loop->signals[i]);
		loop->signals[i].data = loop;
		uv_signal_start(&loop->signals[i], on_signal, signums[i]);
	}
}

/**
 * loop_init() - The loop of a process, its signals handled from here on
 * @loop:	To be filled in; must stay where it is
 * @options:	Borrowed
 * @handler:	Copied
 *
 * Return: 0, or a negative errno, logged
 */
int loop_init(struct loop *loop, const struct option_common *options,
	      const struct loop_handler *handler)
{
	int err;

	log_open();
	err = process_init();
	if (err < 0)
		return err;
	memset(loop, 0, sizeof(*loop));
	loop->options = options;
	loop->handler = *handler;
	err = uv_loop_init(&loop->uv);
	if (err < 0) {
		log_error(NULL, "event loop: %s", uv_strerror(err));
		return err;
	}
	clock_init(&loop->clock, &loop->uv);
	endpoint_set_init(&loop->endpoints, &loop->uv, &loop->clock);
	init_signals(loop);
	uv_prepare_init(&loop->uv, &loop->before_poll);
	uv_check_init(&loop->uv, &loop->after_poll);
	endpoint_pump_init(&loop->pump, &loop->endpoints);
	endpoint_pump_spin(&loop->pump, options->busy_poll);
	uv_timer_init(&loop->uv, &loop->drain_timer);
	loop->before_poll.data = loop->after_poll.data = loop;
	loop->drain_timer.data = loop;
	uv_prepare_start(&loop->before_poll, on_before_poll);
	uv_check_start(&loop->after_poll, on_after_poll);
	return 0;
}

/**
 * loop_take_options() - Options of the loop may have been changed
 * @loop:	The loop
 */
void loop_take_options(struct loop *loop)
{
	log_init(log_program(), (enum log_level)loop->options->log_level);
	endpoint_pump_spin(&loop->pump, loop->options->busy_poll);
}

/**
 * loop_run() - Say that the process is ready, and run until it ends
 * @loop:	All its endpoints are open
 *
 * Return: the exit status
 */
int loop_run(struct loop *loop)
{
	loop->clock.is_virtual = endpoint_all_are_captures(&loop->endpoints);
	notify_ready(loop);
	endpoint_set_settle(&loop->endpoints);
	uv_run(&loop->uv, UV_RUN_DEFAULT);
	/* a handle that is still open would be a leak */
	if (uv_loop_close(&loop->uv))
		abort();
	return loop->endpoints.failed;
}

/**
 * loop_abandon() - Start-up failed: close what is open
 * @loop:	The loop, instead of loop_run()
 */
void loop_abandon(struct loop *loop)
{
	close_all(loop);
	uv_run(&loop->uv, UV_RUN_DEFAULT);
	if (uv_loop_close(&loop->uv))
		abort();
}
