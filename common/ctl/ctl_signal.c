/* SPDX-License-Identifier: ISC */
/* The end of what would go on for ever, and a clock for it. */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <time.h>

#include "ctl.h"

#define BROKEN (POLLHUP | POLLERR | POLLNVAL)

/**
 * ctl_signal_open() - From now on signals end no process, only a wait
 *
 * Return: a descriptor for ctl_signal_wait(), to be closed
 */
int ctl_signal_open(void)
{
	static const int ends[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
	struct sigaction was;
	sigset_t all;
	int fd;

	sigemptyset(&all);
	for (unsigned i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		sigaction(ends[i], NULL, &was);
		if (was.sa_handler != SIG_IGN)	/* as nohup has it */
			sigaddset(&all, ends[i]);
	}
	sigprocmask(SIG_BLOCK, &all, NULL);
	fd = signalfd(-1, &all, SFD_CLOEXEC);
	if (fd < 0)
		abort();
	return fd;
}

/**
 * ctl_signal_wait() - Wait until a process says something by itself
 * @fd:		of ctl_signal_open()
 * @more:	is waited for, too; -1: nothing
 * @v:		links
 * @n:		how many
 * @timeout_ms:	for so long at most
 *
 * Return: false when this has to end: a signal came, or nobody is behind @more
 */
bool ctl_signal_wait(int fd, int more, const struct ctl *v, unsigned n,
		     int timeout_ms)
{
	struct pollfd polls[CTL_SOCKETS_MAX + 2] = {
		{ fd, POLLIN, 0 }, { more, POLLIN, 0 },
	};

	for (unsigned i = 0; i < n; i++)
		polls[i + 2] = (struct pollfd){ v[i].fd, POLLIN, 0 };
	if (poll(polls, n + 2, timeout_ms) < 0)
		return true;		/* the terminal has another size */
	return !polls[0].revents && !(polls[1].revents & BROKEN);
}

/**
 * ctl_signal_now_ms() - Milliseconds of a clock that never goes back
 */
uint64_t ctl_signal_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}
