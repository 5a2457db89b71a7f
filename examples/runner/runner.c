/* SPDX-License-Identifier: ISC */
/*
 * The processes of one host, in their order. The next one is started when the
 * one before it is up for the first time; whatever ends is started again.
 *
 * There is one exception: until all have been up once, the statuses 2, 126 and
 * 127 (bad arguments, cannot be run, not found) are taken as mistakes in the
 * file, which time does not mend. Then, and when it is told to, the runner
 * stops: the last one first, each when the one behind it has ended.
 */
#include "runner.h"

#include <assert.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "process.h"
#include "sink.h"

#define N_SIGNALS 6
static const int signal_numbers[N_SIGNALS] = {
	SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2,
};

struct runner {
	const struct runner_config *config;
	uv_loop_t loop;
	uv_signal_t signals[N_SIGNALS];
	struct sink sink;
	struct process_owner owner;
	unsigned n;		/* processes */
	unsigned n_opened;	/* of them, whole or in part */
	unsigned n_started;	/* at least once */
	bool all_up;		/* all have been, once */
	bool stopping;
	int status;
	struct process processes[PROCFILE_MAX];
};

/* --- up --- */

static void runner_say_all_up(struct runner *r)
{
	r->all_up = true;
	sink_say(&r->sink, "info", NULL, "all ready");
	if (r->config->notify_fd < 0)
		return;
	if (write(r->config->notify_fd, "\n", 1) != 1)
		sink_say(&r->sink, "warn", NULL, "nobody at --notify-fd");
	close(r->config->notify_fd);	/* there is nothing more to say */
}

static void runner_start_next(struct runner *r)
{
	if (r->stopping || r->all_up)
		return;
	if (r->n_started > 0 &&
	    r->processes[r->n_started - 1].state != PROCESS_UP)
		return;
	if (r->n_started == r->n)
		runner_say_all_up(r);
	else
		process_start(&r->processes[r->n_started++]);
}

static void on_up(struct process *p, void *arg)
{
	(void)p;
	runner_start_next(arg);
}

/* --- down --- */

static void on_walk_close(uv_handle_t *handle, void *arg)
{
	(void)arg;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

/* The last one that lives is stopped; with none left the loop ends. */
static void runner_stop_next(struct runner *r)
{
	for (unsigned i = r->n_started; i-- > 0;) {
		struct process *p = &r->processes[i];

		if (p->state != PROCESS_STOPPING)
			process_stop(p);
		if (p->pid != 0)
			return;
	}
	uv_walk(&r->loop, on_walk_close, NULL);
}

static void runner_stop(struct runner *r)
{
	r->stopping = true;
	/* nothing starts any more, in whatever order the rest goes */
	for (unsigned i = 0; i < r->n_started; i++)
		if (r->processes[i].pid == 0)
			process_stop(&r->processes[i]);
	runner_stop_next(r);
}

/* Only the first failure is told by the exit status. */
static void runner_set_failed(struct runner *r, const struct process *p)
{
	if (r->status == 0)
		r->status = RUNNER_FAILED + (int)(p - r->processes) + 1;
}

/* Told to stop, is that what it did? 143 is how a shell says SIGTERM. */
static bool is_stopped(int status)
{
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGTERM;
	return WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 128 + SIGTERM;
}

static bool is_hopeless(int status)
{
	return WIFEXITED(status) &&
	       (WEXITSTATUS(status) == 2 || WEXITSTATUS(status) == 126 ||
		WEXITSTATUS(status) == 127);
}

static void on_end(struct process *p, int status, void *arg)
{
	struct runner *r = arg;

	if (r->stopping) {
		if (p->state == PROCESS_STOPPING && !is_stopped(status))
			runner_set_failed(r, p);
		runner_stop_next(r);
	} else if (!r->all_up && is_hopeless(status)) {
		runner_set_failed(r, p);
		runner_stop(r);
	} else {
		process_wait(p);
	}
}

/* --- signals --- */

static void on_signal(uv_signal_t *handle, int sig)
{
	struct runner *r = handle->data;

	if (sig == SIGTERM || sig == SIGINT) {
		if (!r->stopping) {
			runner_stop(r);
			return;
		}
		for (unsigned i = 0; i < r->n_started; i++)
			process_kill(&r->processes[i]);
	} else if (sig == SIGCHLD) {
		for (unsigned i = 0; i < r->n_started; i++)
			process_reap(&r->processes[i]);
	} else if (!r->stopping) {
		for (unsigned i = 0; i < r->n; i++)
			process_signal(&r->processes[i], sig);
	}
}

/* --- all of it --- */

static int runner_open(struct runner *r)
{
	int ret = 0;

	for (unsigned i = 0; i < N_SIGNALS && ret == 0; i++) {
		uv_signal_init(&r->loop, &r->signals[i]);
		r->signals[i].data = r;
		ret = uv_signal_start(&r->signals[i], on_signal,
				      signal_numbers[i]);
	}
	for (; r->n_opened < r->n && ret == 0; r->n_opened++)
		ret = process_open(&r->processes[r->n_opened], &r->owner,
				   &r->config->file->entries[r->n_opened]);
	return ret;
}

/**
 * runner_run() - Start the processes and stay until they are stopped
 * @config:	which, and how to tell about them; borrowed
 *
 * Return: the exit status, see runner.h
 */
int runner_run(const struct runner_config *config)
{
	struct runner *r = calloc(1, sizeof(*r));
	int ret;

	if (!r)
		return RUNNER_TROUBLE;
	r->config = config;
	r->n = config->file->n;
	r->owner = (struct process_owner){
		&r->loop, &r->sink, config->pid_dir, on_up, on_end, r,
	};
	ret = uv_loop_init(&r->loop);
	if (ret < 0)
		goto out;
	ret = runner_open(r);
	if (ret == 0)
		runner_start_next(r);
	else
		uv_walk(&r->loop, on_walk_close, NULL);
	uv_run(&r->loop, UV_RUN_DEFAULT);
	for (unsigned i = 0; i < r->n_opened; i++)
		process_close(&r->processes[i]);
	assert(uv_loop_close(&r->loop) == 0);
out:
	if (ret < 0) {
		sink_say(&r->sink, "error", NULL, "%s", uv_strerror(ret));
		r->status = RUNNER_TROUBLE;
	}
	ret = r->status;
	free(r);
	return ret;
}
