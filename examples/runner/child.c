/* SPDX-License-Identifier: ISC */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void reset_signals(void)
{
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int set_files(const struct child_spec *spec)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 ||
	    dup2(spec->log_fd, STDOUT_FILENO) < 0 ||
	    dup2(spec->log_fd, STDERR_FILENO) < 0)
		return -errno;
	if (spec->notify_to < 0)
		return 0;
	if (spec->notify_from == spec->notify_to)	/* dup2() does nothing */
		return fcntl(spec->notify_to, F_SETFD, 0) < 0 ? -errno : 0;
	return dup2(spec->notify_from, spec->notify_to) < 0 ? -errno : 0;
}

static _Noreturn void child_main(const struct child_spec *spec,
				 const char *script, pid_t parent)
{
	setpgid(0, 0);
	reset_signals();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent && set_files(spec) == 0)
		execl("/bin/sh", "sh", "-c", script, (char *)NULL);
	_exit(126);
}

/**
 * child_spawn() - Start a command
 * @spec:	what and with which files; borrowed
 * @pid:	the process, which is also its group
 *
 * Return: 0 or negative errno
 */
int child_spawn(const struct child_spec *spec, pid_t *pid)
{
	pid_t parent = getpid(), child;
	sigset_t all, old;
	char *script;

	if (asprintf(&script, "exec %s", spec->command) < 0)
		return -ENOMEM;
	/* a handler that ran in the child would write to the loop's pipe */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	child = fork();
	if (child == 0)
		child_main(spec, script, parent);
	sigprocmask(SIG_SETMASK, &old, NULL);
	free(script);
	if (child < 0)
		return -errno;
	setpgid(child, child);	/* as the child does: whoever is first */
	*pid = child;
	return 0;
}

/**
 * child_reap() - Has it ended?
 * @pid:	from child_spawn()
 * @status:	as from waitpid(), when it has
 *
 * What it left behind in its group is killed: its successor must find its
 * sockets and devices free.
 *
 * Return: true if it has; @pid is then no longer ours
 */
bool child_reap(pid_t pid, int *status)
{
	siginfo_t info = { .si_pid = 0 };

	if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
	    info.si_pid != pid)
		return false;
	kill(-pid, SIGKILL);
	return waitpid(pid, status, 0) == pid;
}
