/* SPDX-License-Identifier: ISC */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"

#define DELAY_MIN_MS 100
#define DELAY_MAX_MS 5000
#define LIFE_LONG_MS 10000
#define STOP_MS 10000

#define process_say(p, level, ...)                                           \
	sink_say((p)->owner->sink, (level), (p)->entry->name, __VA_ARGS__)

/* --- its id in a file --- */

static int process_pid_path(const struct process *p, const char *suffix,
			    char *path, size_t size)
{
	int n = snprintf(path, size, "%s/%s.pid%s", p->owner->pid_dir,
			 p->entry->name, suffix);

	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

/* The file is never seen half written. */
static int process_pid_write(const struct process *p)
{
	char path[4096], new_path[4096];
	FILE *file;
	int ret, fd;

	if ((ret = process_pid_path(p, "", path, sizeof(path))) < 0 ||
	    (ret = process_pid_path(p, "~", new_path, sizeof(new_path))) < 0)
		return ret;
	/* a link there could be somebody else's, to any file of ours */
	fd = open(new_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC |
		  O_NOFOLLOW, 0644);
	file = fd < 0 ? NULL : fdopen(fd, "w");
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

	if (p->owner->pid_dir &&
	    process_pid_path(p, "", path, sizeof(path)) == 0)
		unlink(path);
}

/* --- what it writes --- */

static void process_line_end(struct process *p)
{
	sink_line(p->owner->sink, p->entry->name, p->line, p->line_len);
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

/* --- readiness --- */

static bool process_notify_read(struct process *p)
{
	char bytes[256];
	bool ready = false;
	ssize_t n;

	while ((n = read(p->notify_fds[0], bytes, sizeof(bytes))) > 0)
		ready |= memchr(bytes, '\n', (size_t)n) != NULL;
	return ready;
}

static void process_set_up(struct process *p)
{
	p->state = PROCESS_UP;
	process_say(p, "info", "ready, process %d", (int)p->pid);
	if (p->due_hup)
		kill(p->pid, SIGHUP);
	if (p->due_usr2)
		kill(p->pid, SIGUSR2);
	p->due_hup = p->due_usr2 = false;
	p->owner->on_up(p, p->owner->arg);
}

static void on_notify(uv_poll_t *handle, int status, int events)
{
	struct process *p = handle->data;

	(void)events;
	if (status == 0 && process_notify_read(p) &&
	    p->state == PROCESS_STARTING)
		process_set_up(p);
}

/**
 * process_signal() - Pass on SIGUSR1, SIGUSR2 or SIGHUP
 * @p:		to whom
 * @sig:	which
 *
 * SIGHUP and SIGUSR2 change what a process is: one that is not up is given
 * them as soon as it is. SIGUSR1 only asks. A process without a notify
 * descriptor gets none of them: it has not promised to handle signals, and
 * would die of them.
 */
void process_signal(struct process *p, int sig)
{
	if (p->entry->notify_fd < 0)
		return;
	if (p->state == PROCESS_UP)
		kill(p->pid, sig);
	else if (sig == SIGUSR2)
		p->due_usr2 = true;
	else if (sig == SIGHUP)
		p->due_hup = true;
}

/* --- lives --- */

static void on_start_timer(uv_timer_t *timer)
{
	process_start(timer->data);
}

/**
 * process_wait() - Let it start again, after its delay
 * @p:		which has ended
 */
void process_wait(struct process *p)
{
	p->state = PROCESS_WAITING;
	process_say(p, "info", "starts again in %u ms", p->delay_ms);
	uv_timer_start(&p->timer, on_start_timer, p->delay_ms, 0);
	p->delay_ms *= 2;
	if (p->delay_ms > DELAY_MAX_MS)
		p->delay_ms = DELAY_MAX_MS;
}

/**
 * process_start() - Start it, now
 * @p:		which does not run
 *
 * A start that fails for want of resources is tried again later.
 */
void process_start(struct process *p)
{
	const struct child_spec spec = {
		.command = p->entry->command,
		.log_fd = p->log_fds[1],
		.notify_from = p->notify_fds[1],
		.notify_to = p->entry->notify_fd,
	};
	int ret;

	process_notify_read(p);		/* the last words of a former life */
	p->born_ms = uv_now(p->owner->loop);
	ret = child_spawn(&spec, &p->pid);
	if (ret < 0) {
		process_say(p, "error", "%s", uv_strerror(ret));
		process_wait(p);
		return;
	}
	p->state = PROCESS_STARTING;
	ret = p->owner->pid_dir ? process_pid_write(p) : 0;
	if (ret < 0)
		process_say(p, "warn", "process file: %s", uv_strerror(ret));
	if (p->entry->notify_fd < 0)
		process_set_up(p);
}

static void on_kill_timer(uv_timer_t *timer)
{
	struct process *p = timer->data;

	process_say(p, "warn", "does not stop: killed");
	process_kill(p);
}

/**
 * process_stop() - SIGTERM, and SIGKILL when that does not help
 * @p:		if it waits for its next start, there is none
 */
void process_stop(struct process *p)
{
	uv_timer_stop(&p->timer);
	p->state = PROCESS_STOPPING;
	if (p->pid == 0)
		return;
	kill(-p->pid, SIGTERM);
	uv_timer_start(&p->timer, on_kill_timer, STOP_MS, 0);
}

/**
 * process_kill() - SIGKILL, to its whole group
 * @p:		nothing happens if it does not run
 */
void process_kill(struct process *p)
{
	if (p->pid != 0)
		kill(-p->pid, SIGKILL);
}

static void process_say_end(struct process *p, int status)
{
	const char *level = p->state == PROCESS_STOPPING ? "info" : "warn";

	if (WIFSIGNALED(status))
		process_say(p, level, "ended by signal %d", WTERMSIG(status));
	else
		process_say(p, level, "ended with status %d",
			    WEXITSTATUS(status));
}

/**
 * process_reap() - If it has ended, tell its owner
 * @p:		whose last words have then been passed on
 */
void process_reap(struct process *p)
{
	int status;

	if (p->pid == 0 || !child_reap(p->pid, &status))
		return;
	uv_timer_stop(&p->timer);
	while (process_log_read(p))
		;
	if (p->line_len > 0)
		process_line_end(p);
	process_say_end(p, status);
	process_pid_remove(p);
	p->pid = 0;
	if (uv_now(p->owner->loop) - p->born_ms >= LIFE_LONG_MS)
		p->delay_ms = DELAY_MIN_MS;
	p->owner->on_end(p, status, p->owner->arg);
}

/* --- its pipes --- */

static int watch(uv_loop_t *loop, uv_poll_t *poll, int fd, uv_poll_cb cb,
		 void *data)
{
	int ret = uv_poll_init(loop, poll, fd);

	if (ret < 0)
		return ret;
	poll->data = data;
	return uv_poll_start(poll, UV_READABLE, cb);
}

/**
 * process_open() - Make what it needs for its lives; it is not started
 * @p:		to be filled in; whatever is returned, it must stay until its
 *		handles have been closed by uv_walk(), then process_close()
 * @owner:	borrowed
 * @entry:	borrowed
 *
 * Return: 0 or negative errno
 */
int process_open(struct process *p, const struct process_owner *owner,
		 const struct procfile_entry *entry)
{
	int ret;

	p->owner = owner;
	p->entry = entry;
	p->delay_ms = DELAY_MIN_MS;
	p->log_fds[0] = p->log_fds[1] = -1;
	p->notify_fds[0] = p->notify_fds[1] = -1;
	uv_timer_init(owner->loop, &p->timer);
	p->timer.data = p;
	if (pipe2(p->log_fds, O_CLOEXEC) < 0 ||
	    pipe2(p->notify_fds, O_CLOEXEC) < 0)
		return -errno;
	ret = watch(owner->loop, &p->log_poll, p->log_fds[0], on_log, p);
	if (ret < 0)
		return ret;
	return watch(owner->loop, &p->notify_poll, p->notify_fds[0], on_notify,
		     p);
}

/**
 * process_close() - Give its pipes back
 * @p:		whose handles are closed
 */
void process_close(struct process *p)
{
	for (unsigned i = 0; i < 2; i++) {
		if (p->log_fds[i] >= 0)
			close(p->log_fds[i]);
		if (p->notify_fds[i] >= 0)
			close(p->notify_fds[i]);
	}
}
