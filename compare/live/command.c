/* SPDX-License-Identifier: ISC */
#include "command.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Those that we were started with, too, and those that libraries opened. */
static int close_files_on_exec(void)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir)) != NULL) {
		int fd = atoi(entry->d_name);

		if (fd > STDERR_FILENO)
			fcntl(fd, F_SETFD, FD_CLOEXEC);
	}
	closedir(dir);
	return 0;
}

static void reset_signals(void)
{
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Standard output may be our wire: what it says goes to standard error. */
static bool set_files(void)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	return null >= 0 && dup2(null, STDIN_FILENO) >= 0 &&
	       dup2(STDERR_FILENO, STDOUT_FILENO) >= 0;
}

static _Noreturn void child_main(const char *text, pid_t parent)
{
	setpgid(0, 0);		/* a group that can be signalled */
	reset_signals();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent && set_files())
		execl("/bin/sh", "sh", "-c", text, (char *)NULL);
	_exit(126);
}

static void on_child(uv_signal_t *handle, int signum)
{
	struct command *c = handle->data;
	int status;

	(void)signum;
	if (waitpid(c->pid, &status, WNOHANG) != c->pid)
		return;
	c->pid = 0;
	uv_close((uv_handle_t *)&c->on_child, NULL);
	c->on_exit(c->arg, status);
}

static int fork_child(struct command *c, const char *text)
{
	pid_t parent = getpid(), child;
	sigset_t all, old;

	/* a handler that ran in the child would write to the loop's pipe */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	child = fork();
	if (child == 0)
		child_main(text, parent);
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (child < 0)
		return -errno;
	setpgid(child, child);	/* as the child does: whoever is first */
	c->pid = child;
	return 0;
}

/**
 * command_start() - Start a command
 * @c:		its on_exit and arg are set; none runs
 * @loop:	tells when it has ended
 * @text:	for /bin/sh
 *
 * Return: 0 or a negative errno
 */
int command_start(struct command *c, uv_loop_t *loop, const char *text)
{
	int err = close_files_on_exec();

	if (err < 0)
		return err;
	uv_signal_init(loop, &c->on_child);
	c->on_child.data = c;
	err = uv_signal_start(&c->on_child, on_child, SIGCHLD);
	if (err == 0)
		err = fork_child(c, text);
	if (err < 0)
		uv_close((uv_handle_t *)&c->on_child, NULL);
	return err;
}

/**
 * command_is_running() - Has one been started that has not ended?
 * @c:		the command
 */
bool command_is_running(const struct command *c)
{
	return c->pid != 0;
}

/**
 * command_end() - Tell it, and what it has started, to end
 * @c:		the command, running or not
 */
void command_end(struct command *c)
{
	if (c->pid)
		kill(-c->pid, SIGTERM);
}
