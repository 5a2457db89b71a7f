/* SPDX-License-Identifier: ISC */
/*
 * The processes of one host. Each goes through
 *
 *	NEW -> STARTING -> UP -> WAITING -> STARTING ...
 *
 * STARTING becomes UP by the newline on its notify descriptor, at once without
 * one; whatever ends goes to WAITING, for 0.1 s doubling to 5 s and back to
 * 0.1 s after a life of 10 s. The next one in the file is started when the one
 * before it is UP for the first time.
 *
 * On the way down the last process is told first; GONE is what has ended then.
 * There is one exception to starting again: until all have been up once, the
 * statuses 2, 126 and 127 (bad arguments, cannot be run, not found) are taken
 * as mistakes in the file, which time does not mend.
 *
 * SIGHUP and SIGUSR2 change what a process is, so the ones that are not up are
 * given them as soon as they are; SIGUSR1 only asks. All three go to processes
 * with a notify descriptor alone: its newline promises that signals are
 * handled, and those who promise nothing would die of them.
 */
#include "runner.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "child.h"
#include "sink.h"

#define DELAY_MIN_MS 100
#define DELAY_MAX_MS 5000
#define LIFE_LONG_MS 10000
#define STOP_MS 10000
#define LINE_MAX_BYTES (SINK_LINE_MAX - PROCFILE_NAME_MAX - 4)

enum process_state { NEW, STARTING, UP, WAITING, STOPPING, GONE };

struct process {
	struct runner *runner;
	const struct procfile_entry *entry;
	enum process_state state;
	pid_t pid;		/* 0: none */
	uint64_t born_ms;
	unsigned delay_ms;	/* before the next start */
	bool due_usr2, due_hup;	/* to be sent when up */
	int log_fds[2];		/* pipes that outlive their writers; */
	int notify_fds[2];	/* the runner holds both ends */
	uv_poll_t log_poll, notify_poll;
	uv_timer_t timer;	/* the next start, or SIGKILL */
	char line[LINE_MAX_BYTES];
	size_t line_len;
};

#define process_say(p, level, ...)                                           \
	sink_say(&(p)->runner->sink, (level), (p)->entry->name, __VA_ARGS__)

#define N_SIGNALS 6
static const int signal_numbers[N_SIGNALS] = {
	SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2,
};

struct runner {
	const struct runner_config *config;
	uv_loop_t loop;
	uv_signal_t signals[N_SIGNALS];
	struct sink sink;
	unsigned n;		/* processes */
	unsigned n_opened;	/* of them, with pipes and handles */
	unsigned n_started;	/* at least once */
	bool all_up;		/* all have been, once */
	bool stopping;
	int status;
	struct process processes[PROCFILE_MAX];
};

static void process_start(struct process *p);
static void runner_start_next(struct runner *r);
static void runner_stop(struct runner *r);
static void runner_stop_next(struct runner *r);

/* Only the first failure is told by the exit status. */
static void process_set_failed(struct process *p)
{
	struct runner *r = p->runner;

	if (r->status == 0)
		r->status = RUNNER_FAILED + (int)(p - r->processes) + 1;
}

static int process_pid_path(const struct process *p, const char *suffix,
			    char *path, size_t size)
{
	int n = snprintf(path, size, "%s/%s.pid%s", p->runner->config->pid_dir,
			 p->entry->name, suffix);

	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

/* The file is never seen half written. */
static int process_pid_write(const struct process *p)
{
	char path[4096], new_path[4096];
	FILE *file;
	int ret;

	if ((ret = process_pid_path(p, "", path, sizeof(path))) < 0 ||
	    (ret = process_pid_path(p, "~", new_path, sizeof(new_path))) < 0)
		return ret;
	file = fopen(new_path, "we");
	if (!file)
		return -errno;
	fprintf(file, "%d\n", (int)p->pid);
	if (fclose(file) != 0 || rename(new_path, path) < 0)
		return -errno;
	return 0;
}

static void process_pid_remove(const struct process *p)
{
	char path[4096];

	if (p->runner->config->pid_dir &&
	    process_pid_path(p, "", path, sizeof(path)) == 0)
		unlink(path);
}

static void process_line_end(struct process *p)
{
	sink_line(&p->runner->sink, p->entry->name, p->line, p->line_len);
	p->line_len = 0;
}

/* Passes on what it wrote, whole lines, longer ones in pieces. Is there more? */
static bool process_log_read(struct process *p)
{
	char bytes[16384];
	ssize_t n = read(p->log_fds[0], bytes, sizeof(bytes));

	for (ssize_t i = 0; i < n; i++) {
		if (bytes[i] != '\n')
			p->line[p->line_len++] = bytes[i];
		if (bytes[i] == '\n' || p->line_len == sizeof(p->line))
			process_line_end(p);
	}
	return n == (ssize_t)sizeof(bytes);
}

static void on_log(uv_poll_t *handle, int status, int events)
{
	(void)events;
	if (status == 0)
		process_log_read(handle->data);
}

static bool process_notify_read(struct process *p)
{
	char bytes[256];
	bool ready = false;
	ssize_t n;

	while ((n = read(p->notify_fds[0], bytes, sizeof(bytes))) > 0)
		ready |= memchr(bytes, '\n', (size_t)n) != NULL;
	return ready;
}

static void process_signal(struct process *p, int sig)
{
	if (p->entry->notify_fd < 0 || p->state == GONE)
		return;
	if (p->state == UP)
		kill(p->pid, sig);
	else if (sig == SIGUSR2)
		p->due_usr2 = true;
	else if (sig == SIGHUP)
		p->due_hup = true;
}

static void process_set_up(struct process *p)
{
	p->state = UP;
	process_say(p, "info", "ready, process %d", (int)p->pid);
	if (p->due_hup)
		kill(p->pid, SIGHUP);
	if (p->due_usr2)
		kill(p->pid, SIGUSR2);
	p->due_hup = p->due_usr2 = false;
	runner_start_next(p->runner);
}

static void on_notify(uv_poll_t *handle, int status, int events)
{
	struct process *p = handle->data;

	(void)events;
	if (status == 0 && process_notify_read(p) && p->state == STARTING)
		process_set_up(p);
}

static void on_start_timer(uv_timer_t *timer)
{
	process_start(timer->data);
}

static void process_wait(struct process *p)
{
	p->state = WAITING;
	process_say(p, "info", "starts again in %u ms", p->delay_ms);
	uv_timer_start(&p->timer, on_start_timer, p->delay_ms, 0);
	p->delay_ms *= 2;
	if (p->delay_ms > DELAY_MAX_MS)
		p->delay_ms = DELAY_MAX_MS;
}

static void process_start(struct process *p)
{
	const struct child_spec spec = {
		.command = p->entry->command,
		.log_fd = p->log_fds[1],
		.notify_from = p->notify_fds[1],
		.notify_to = p->entry->notify_fd,
	};
	int ret;

	process_notify_read(p);		/* the last words of a former life */
	p->born_ms = uv_now(&p->runner->loop);
	ret = child_spawn(&spec, &p->pid);
	if (ret < 0) {
		process_say(p, "error", "%s", uv_strerror(ret));
		process_wait(p);
		return;
	}
	p->state = STARTING;
	ret = p->runner->config->pid_dir ? process_pid_write(p) : 0;
	if (ret < 0)
		process_say(p, "warn", "process file: %s", uv_strerror(ret));
	if (p->entry->notify_fd < 0)
		process_set_up(p);
}

static void process_say_end(struct process *p, int status)
{
	const char *level = p->state == STOPPING ? "info" : "warn";

	if (WIFSIGNALED(status))
		process_say(p, level, "ended by signal %d", WTERMSIG(status));
	else
		process_say(p, level, "ended with status %d",
			    WEXITSTATUS(status));
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

static void process_end(struct process *p, int status)
{
	struct runner *r = p->runner;

	while (process_log_read(p))
		;
	if (p->line_len > 0)
		process_line_end(p);
	process_say_end(p, status);
	process_pid_remove(p);
	p->pid = 0;
	if (r->stopping) {
		uv_timer_stop(&p->timer);
		if (p->state == STOPPING && !is_stopped(status))
			process_set_failed(p);
		p->state = GONE;
		runner_stop_next(r);
	} else if (!r->all_up && is_hopeless(status)) {
		process_set_failed(p);
		runner_stop(r);
	} else {
		if (uv_now(&r->loop) - p->born_ms >= LIFE_LONG_MS)
			p->delay_ms = DELAY_MIN_MS;
		process_wait(p);
	}
}

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
	if (r->n_started > 0 && r->processes[r->n_started - 1].state != UP)
		return;
	if (r->n_started == r->n)
		runner_say_all_up(r);
	else
		process_start(&r->processes[r->n_started++]);
}

static void on_kill_timer(uv_timer_t *timer)
{
	struct process *p = timer->data;

	process_say(p, "warn", "does not stop: killed");
	kill(-p->pid, SIGKILL);
}

static void process_stop(struct process *p)
{
	p->state = STOPPING;
	kill(-p->pid, SIGTERM);
	uv_timer_start(&p->timer, on_kill_timer, STOP_MS, 0);
}

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

		if (p->pid == 0)
			continue;
		if (p->state != STOPPING)
			process_stop(p);
		return;
	}
	uv_walk(&r->loop, on_walk_close, NULL);
}

static void runner_stop(struct runner *r)
{
	r->stopping = true;
	for (unsigned i = 0; i < r->n_opened; i++)
		uv_timer_stop(&r->processes[i].timer);
	runner_stop_next(r);
}

static void runner_kill(struct runner *r)
{
	for (unsigned i = 0; i < r->n_started; i++)
		if (r->processes[i].pid != 0)
			kill(-r->processes[i].pid, SIGKILL);
}

static void runner_reap(struct runner *r)
{
	int status;

	for (unsigned i = 0; i < r->n_started; i++) {
		struct process *p = &r->processes[i];

		if (p->pid != 0 && child_reap(p->pid, &status))
			process_end(p, status);
	}
}

static void on_signal(uv_signal_t *handle, int sig)
{
	struct runner *r = handle->data;

	switch (sig) {
	case SIGCHLD:
		runner_reap(r);
		break;
	case SIGTERM:
	case SIGINT:
		if (r->stopping)
			runner_kill(r);
		else
			runner_stop(r);
		break;
	default:
		for (unsigned i = 0; !r->stopping && i < r->n; i++)
			process_signal(&r->processes[i], sig);
	}
}

static int watch(uv_loop_t *loop, uv_poll_t *poll, int fd, uv_poll_cb cb,
		 void *data)
{
	int ret = uv_poll_init(loop, poll, fd);

	if (ret < 0)
		return ret;
	poll->data = data;
	return uv_poll_start(poll, UV_READABLE, cb);
}

static int process_open(struct process *p, struct runner *r,
			const struct procfile_entry *entry)
{
	int ret;

	p->runner = r;
	p->entry = entry;
	p->delay_ms = DELAY_MIN_MS;
	uv_timer_init(&r->loop, &p->timer);
	p->timer.data = p;
	p->notify_fds[0] = p->notify_fds[1] = -1;
	if (pipe2(p->log_fds, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(p->notify_fds, O_CLOEXEC) < 0)
		return -errno;
	ret = watch(&r->loop, &p->log_poll, p->log_fds[0], on_log, p);
	if (ret < 0)
		return ret;
	return watch(&r->loop, &p->notify_poll, p->notify_fds[0], on_notify, p);
}

static void process_close(struct process *p)
{
	for (unsigned i = 0; i < 2; i++) {
		close(p->log_fds[i]);
		close(p->notify_fds[i]);
	}
}

static int runner_open(struct runner *r)
{
	int ret = 0;

	for (unsigned i = 0; i < N_SIGNALS && ret == 0; i++) {
		uv_signal_init(&r->loop, &r->signals[i]);
		r->signals[i].data = r;
		ret = uv_signal_start(&r->signals[i], on_signal,
				      signal_numbers[i]);
	}
	for (unsigned i = 0; i < r->n && ret == 0; i++, r->n_opened++)
		ret = process_open(&r->processes[i], r,
				   &r->config->file->entries[i]);
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
