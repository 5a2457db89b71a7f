/* SPDX-License-Identifier: ISC */
#include "process.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Keep the first processor for the generator, or all but it for the others. */
static void pin(bool first)
{
	cpu_set_t all, wanted;
	size_t cpu = 0;

	if (sched_getaffinity(0, sizeof(all), &all) < 0 || CPU_COUNT(&all) < 2)
		return;
	while (!CPU_ISSET(cpu, &all))
		cpu++;
	CPU_ZERO(&wanted);
	if (first) {
		CPU_SET(cpu, &wanted);
	} else {
		wanted = all;
		CPU_CLR(cpu, &wanted);
	}
	sched_setaffinity(0, sizeof(wanted), &wanted);
}

/**
 * process_start() - Start a program under test
 * @g:		group it joins
 * @argv:	program and arguments, ended by NULL
 * @pinned:	it runs on all processors but the generator's
 *
 * It dies with the generator. Its standard output is the generator's standard
 * error.
 *
 * Return: 0 or a negative errno.
 */
int process_start(struct process_group *g, char **argv, bool pinned)
{
	pid_t pid;

	if (g->n == PROCESS_MAX)
		return -E2BIG;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(STDERR_FILENO, STDOUT_FILENO);
		if (pinned)
			pin(false);
		execvp(argv[0], argv);
		fprintf(stderr, "bench: %s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	g->pids[g->n++] = pid;
	return 0;
}

/**
 * process_pin_self() - Keep the generator on a processor of its own
 *
 * After the pinned programs were started, which get the others; what is
 * started afterwards stays on it too.
 */
void process_pin_self(void)
{
	pin(true);
}

/**
 * process_cpu_ns() - CPU time the group has used
 * @g:	group
 *
 * The kernel's own sum of run time of all threads, user and system, to the
 * nanosecond: neither sampled at ticks nor rounded to them.
 *
 * Return: nanoseconds.
 */
uint64_t process_cpu_ns(const struct process_group *g)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < g->n; i++) {
		struct timespec ts;
		clockid_t id;

		if (clock_getcpuclockid(g->pids[i], &id) == 0 &&
		    clock_gettime(id, &ts) == 0)
			sum += (uint64_t)ts.tv_sec * 1000000000u +
			       (uint64_t)ts.tv_nsec;
	}
	return sum;
}

static uint64_t status_kib(pid_t pid, const char *field)
{
	char path[64], line[256];
	uint64_t kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, field, strlen(field)))
			kib = strtoull(line + strlen(field) + 1, NULL, 10);
	}
	fclose(f);
	return kib;
}

/**
 * process_rss_kib() - Memory of the group
 * @g:		group
 * @field:	"VmRSS" now, "VmHWM" at most so far
 *
 * Return: KiB.
 */
uint64_t process_rss_kib(const struct process_group *g, const char *field)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < g->n; i++)
		sum += status_kib(g->pids[i], field);
	return sum;
}

/* The state letter stands behind the name, which may contain anything. */
static bool thread_is_asleep(pid_t pid, const char *tid)
{
	char path[300], text[512];
	const char *state;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%s/stat", (int)pid, tid);
	f = fopen(path, "re");
	if (!f)
		return true;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	state = strrchr(text, ')');
	return state && !strncmp(state, ") S", 3);
}

static bool pid_is_asleep(pid_t pid)
{
	bool asleep = true;
	char path[64];
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	if (!dir)
		return true;
	while (asleep && (e = readdir(dir))) {
		if (e->d_name[0] != '.')
			asleep = thread_is_asleep(pid, e->d_name);
	}
	closedir(dir);
	return asleep;
}

/**
 * process_is_asleep() - Does all of the group wait for something to happen?
 * @g:	group
 */
bool process_is_asleep(const struct process_group *g)
{
	for (unsigned i = 0; i < g->n; i++) {
		if (!pid_is_asleep(g->pids[i]))
			return false;
	}
	return true;
}

/**
 * process_is_alive() - Does everything under test still run?
 * @g:	group
 */
bool process_is_alive(const struct process_group *g)
{
	for (unsigned i = 0; i < g->n; i++) {
		siginfo_t info = { 0 };

		if (waitid(P_PID, (id_t)g->pids[i], &info,
			   WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid)
			return false;
	}
	return true;
}

/**
 * process_stop() - End the group
 * @g:	group, empty afterwards
 *
 * Return: the first exit status that is not 0; 128 + signal for one that a
 *	   signal other than ours ended; else 0.
 */
int process_stop(struct process_group *g)
{
	int status, result = 0;

	for (unsigned i = 0; i < g->n; i++)
		kill(g->pids[i], SIGTERM);
	for (unsigned i = 0; i < g->n; i++) {
		if (waitpid(g->pids[i], &status, 0) < 0 || result)
			continue;
		if (WIFEXITED(status))
			result = WEXITSTATUS(status);
		else if (WTERMSIG(status) != SIGTERM)
			result = 128 + WTERMSIG(status);
	}
	g->n = 0;
	return result;
}
