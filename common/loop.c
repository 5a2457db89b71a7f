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

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "endpoint_impl.h"
#include "starter.h"

#define DRAIN_MS 5000
#define FILES_MIN 32u

static void close_all(struct loop *loop);

/* --- the account --- */

static void add_counters(struct stats *s, const struct endpoint_counters *c)
{
	s->in += c->in;
	s->originated += c->segmented;
	s->out += c->out;
	s->held += c->queued;
	if (c->drop_down)
		stats_drop(s, "down", c->drop_down);
	if (c->drop_full)
		stats_drop(s, "full", c->drop_full);
	if (c->drop_link)
		stats_drop(s, "link", c->drop_link);
}

static void add_endpoint_stats(struct stats *s, const struct endpoint *ep)
{
	struct endpoint_counters c = endpoint_counters(ep);

	add_counters(s, &c);
	stats_note(s, ep->name, "in", c.in);
	stats_note(s, ep->name, "out", c.out);
	stats_note(s, ep->name, "queued", c.queued);
	if (c.truncated)
		stats_note(s, ep->name, "truncated", c.truncated);
	if (c.bad)
		stats_note(s, ep->name, "bad", c.bad);
	if (c.refused)
		stats_note(s, ep->name, "refused", c.refused);
}

/**
 * loop_stats() - The account of the process
 * @loop:	The loop
 * @s:		All zero; filled in
 */
void loop_stats(const struct loop *loop, struct stats *s)
{
	add_counters(s, &loop->gone);
	for (struct endpoint *ep = loop->endpoints; ep; ep = ep->next)
		add_endpoint_stats(s, ep);
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

static bool has_undelivered(const struct loop *loop)
{
	for (struct endpoint *ep = loop->endpoints; ep; ep = ep->next) {
		if (ep->outq.count && !ep->dead &&
		    (ep->up || !(loop->hurried || ep->lossy)))
			return true;
	}
	return false;
}

static bool inputs_are_over(const struct loop *loop)
{
	bool has_input = false;

	for (struct endpoint *ep = loop->endpoints; ep; ep = ep->next) {
		if (!(ep->mode & ENDPOINT_READ))
			continue;
		has_input = true;
		if (!ep->ended)
			return false;
	}
	return has_input;
}

static void on_drain_timeout(uv_timer_t *timer)
{
	struct loop *loop = timer->data;

	log_error(NULL, "output was not taken within %d s: giving up",
		  DRAIN_MS / 1000);
	loop->exit_code = 1;
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
	for (struct endpoint *ep = loop->endpoints; ep; ep = ep->next)
		endpoint_watch(ep);
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
	loop->exit_code = 1;
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
	while (loop->endpoints)
		endpoint_close(loop->endpoints);
	clock_close(&loop->clock);
	for (unsigned i = 0; i < 5; i++)
		uv_close((uv_handle_t *)&loop->signals[i], NULL);
	uv_close((uv_handle_t *)&loop->before_poll, NULL);
	uv_close((uv_handle_t *)&loop->after_poll, NULL);
	uv_close((uv_handle_t *)&loop->pump, NULL);
	uv_close((uv_handle_t *)&loop->drain_timer, NULL);
}

/* --- a turn --- */

static void flush_all(struct loop *loop)
{
	struct endpoint *next;

	for (struct endpoint *ep = loop->endpoints; ep; ep = next) {
		next = ep->next;
		endpoint_flush(ep);
		endpoint_last_words(ep);
	}
}

static void on_turn(struct loop *loop)
{
	flush_all(loop);
	if (loop->started && !loop->draining && inputs_are_over(loop)) {
		loop_end(loop);
		flush_all(loop);
	}
	if (loop->draining && !has_undelivered(loop)) {
		close_all(loop);
		return;
	}
	loop_pump_update(loop);
}

static void on_before_poll(uv_prepare_t *handle)
{
	on_turn(handle->data);
}

static void on_after_poll(uv_check_t *handle)
{
	flush_all(handle->data);
}

/* --- start --- */

static void notify_ready(const struct loop *loop)
{
	uint64_t fd = loop->options->notify_fd;

	starter_tell("READY=1");
	if (fd != OPTION_NO_FD)
		starter_ready((int)fd);
}

static bool all_inputs_are_captures(const struct loop *loop)
{
	bool any = false;

	for (struct endpoint *ep = loop->endpoints; ep; ep = ep->next) {
		if (!(ep->mode & ENDPOINT_READ))
			continue;
		if (ep->spec.kind == ENDPOINT_PCAP)
			any = true;
		else if (ep->spec.kind != ENDPOINT_NULL)
			return false;
	}
	return any;
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

/* Chunks come and go by the thousand a second. glibc would give their pages
 * back each time and have the kernel clear new ones. */
static void keep_memory(void)
{
#ifdef __GLIBC__
	mallopt(M_MMAP_THRESHOLD, 4 << 20);
	mallopt(M_TRIM_THRESHOLD, 16 << 20);
#endif
}

/* A descriptor of ours in the place of a closed standard one would get the
 * log, or be taken for standard input. Open for the wrong direction, as libc
 * does it for setuid programs: who uses it is told. */
static void fill_stdio(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
		    open("/dev/null", fd ? O_RDONLY : O_WRONLY) < 0)
			return;
	}
}

/* libuv aborts when it cannot have those that it needs. */
static int check_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	if (limit.rlim_cur < FILES_MIN && limit.rlim_max >= FILES_MIN) {
		limit.rlim_cur = limit.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
			return -errno;
	}
	if (limit.rlim_cur >= FILES_MIN)
		return 0;
	log_error(NULL, "only %llu descriptors may be open (ulimit -n): at "
		  "least %u are needed", (unsigned long long)limit.rlim_cur,
		  FILES_MIN);
	return -EMFILE;
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
	int err = check_limits();

	if (err < 0)
		return err;
	fill_stdio();
	memset(loop, 0, sizeof(*loop));
	loop->options = options;
	loop->handler = *handler;
	loop->n_unsettled = 1;		/* loop_run() settles this one */
	keep_memory();
	err = uv_loop_init(&loop->uv);
	if (err < 0) {
		log_error(NULL, "event loop: %s", uv_strerror(err));
		return err;
	}
	clock_init(&loop->clock, &loop->uv);
	init_signals(loop);
	uv_prepare_init(&loop->uv, &loop->before_poll);
	uv_check_init(&loop->uv, &loop->after_poll);
	loop_pump_init(loop);
	uv_timer_init(&loop->uv, &loop->drain_timer);
	loop->before_poll.data = loop->after_poll.data = loop;
	loop->drain_timer.data = loop;
	uv_prepare_start(&loop->before_poll, on_before_poll);
	uv_check_start(&loop->after_poll, on_after_poll);
	return 0;
}

/**
 * loop_settle() - One attempt to connect fewer is under way
 * @loop:	The loop; its inputs flow when this was the last
 */
void loop_settle(struct loop *loop)
{
	if (--loop->n_unsettled || loop->started)
		return;
	loop->started = true;
	for (struct endpoint *ep = loop->endpoints; ep; ep = ep->next)
		endpoint_watch(ep);
}

/**
 * loop_run() - Say that the process is ready, and run until it ends
 * @loop:	All its endpoints are open
 *
 * Return: the exit status
 */
int loop_run(struct loop *loop)
{
	loop->clock.is_virtual = all_inputs_are_captures(loop);
	notify_ready(loop);
	loop_settle(loop);	/* the one of loop_init() */
	uv_run(&loop->uv, UV_RUN_DEFAULT);
	/* a handle that is still open would be a leak */
	if (uv_loop_close(&loop->uv))
		abort();
	return loop->exit_code;
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
