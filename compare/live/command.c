/* SPDX-License-Identifier: ISC */
#include "command.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* A file may be one that we were started with, or one that a library opened:
 * the child gets none of them. */
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

/* Our standard output may carry frames: what the command prints goes to our
 * standard error. */
static bool set_files(void)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	return null >= 0 && dup2(null, STDIN_FILENO) >= 0 &&
	       dup2(STDERR_FILENO, STDOUT_FILENO) >= 0;
}

/* Is there a variable of this name, NAME=VALUE, in the list? */
static bool is_named(const char *const *vars, const char *entry)
{
	size_t len = strcspn(entry, "=");

	for (; *vars; vars++)
		if (!strncmp(*vars, entry, len) && (*vars)[len] == '=')
			return true;
	return false;
}

/* Our environment with these variables in it. The caller frees the list, and
 * borrows the texts. */
static const char **make_environment(const char *const *vars)
{
	size_t n = 0, n_vars = 0, len = 0;
	const char **env;

	while (environ && environ[n])
		n++;
	while (vars[n_vars])
		n_vars++;
	env = calloc(n + n_vars + 1, sizeof(*env));
	if (!env)
		abort();
	for (size_t i = 0; i < n; i++)
		if (!is_named(vars, environ[i]))
			env[len++] = environ[i];
	memcpy(env + len, vars, n_vars * sizeof(*vars));
	return env;
}

static _Noreturn void child_main(const char *text, const char **env,
				 pid_t parent)
{
	setpgid(0, 0);		/* a group that can be signalled */
	reset_signals();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent && set_files())
		execle("/bin/sh", "sh", "-c", text, (char *)NULL, env);
	_exit(126);
}

static void on_closed(uv_handle_t *handle)
{
	struct command *c = handle->data;

	c->is_running = false;
	c->on_exit(c->arg, c->status);
}

static void on_child(uv_signal_t *handle, int signum)
{
	struct command *c = handle->data;

	(void)signum;
	if (waitpid(c->pid, &c->status, WNOHANG) != c->pid)
		return;
	c->pid = 0;
	uv_close((uv_handle_t *)&c->on_child, on_closed);
}

static void on_not_started(uv_handle_t *handle)
{
	struct command *c = handle->data;

	c->is_running = false;
}

static int fork_child(struct command *c, const char *text, const char **env)
{
	pid_t parent = getpid(), child;
	sigset_t all, old;

	/* a signal handler in the child would write to our loop's pipe */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	child = fork();
	if (child == 0)
		child_main(text, env, parent);
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (child < 0)
		return -errno;
	setpgid(child, child);	/* the child does so too: one is first */
	c->pid = child;
	return 0;
}

/**
 * command_start() - Start a command of the shell
 * @c:		Its on_exit and arg are set; command_is_running() is false
 * @loop:	Calls on_exit when the command has ended
 * @text:	What /bin/sh is given
 * @vars:	NAME=VALUE, set in the command's environment; the last one is
 *		NULL; borrowed for the call
 *
 * Return: 0 or a negative errno
 */
int command_start(struct command *c, uv_loop_t *loop, const char *text,
		  const char *const *vars)
{
	int err = close_files_on_exec();
	const char **env;

	if (err < 0)
		return err;
	env = make_environment(vars);
	uv_signal_init(loop, &c->on_child);
	c->on_child.data = c;
	c->is_running = true;
	err = uv_signal_start(&c->on_child, on_child, SIGCHLD);
	if (err == 0)
		err = fork_child(c, text, env);
	free(env);
	if (err < 0)
		uv_close((uv_handle_t *)&c->on_child, on_not_started);
	return err;
}

/**
 * command_is_running() - Does the command run?
 * @c:		The command
 *
 * Return: true from command_start() until on_exit is called; after a start that
 * failed until libuv's next turn
 */
bool command_is_running(const struct command *c)
{
	return c->is_running;
}

/**
 * command_end() - Tell the command, and all that it has started, to end
 * @c:		The command, running or not; on_exit is called when it has ended
 */
void command_end(struct command *c)
{
	if (c->pid)
		kill(-c->pid, SIGTERM);
}
