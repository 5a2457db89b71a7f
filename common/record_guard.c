/* SPDX-License-Identifier: ISC */
/*
 * Protection of a mapped file that somebody else cuts short. The next access
 * behind its new end is a SIGBUS, and no check before the access can rule that
 * out: a lock is only advice, and a sealed memfd, which cannot be cut, has no
 * name by which the next process could find it. To write with pwrite(2) instead
 * would cost a system call for each segment that brings a new timestamp.
 *
 * So the signal is caught, for the range of one mapping only. Memory takes the
 * place of the file, the access is repeated and succeeds, and the owner of the
 * mapping asks now and then whether that happened. Any other SIGBUS ends the
 * process as before.
 *
 * The state is the four variables below: a signal handler is given no pointer
 * of ours. record_file.c is the only caller, for one mapping at a time.
 */

#include "record_guard.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>

static void *guard_map;
static size_t guard_len;
static volatile sig_atomic_t guard_hit;
static struct sigaction guard_before;

/* mmap(2) is a system call and nothing else: safe in a signal handler. */
static void on_bus_error(int sig, siginfo_t *info, void *context)
{
	uintptr_t at = (uintptr_t)info->si_addr - (uintptr_t)guard_map;

	(void)context;
	if (info->si_code > 0 && at < guard_len &&
	    mmap(guard_map, guard_len, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
		 0) != MAP_FAILED) {
		guard_hit = 1;
		return;
	}
	sigaction(sig, &guard_before, NULL);
	raise(sig);
}

/**
 * record_guard_set() - Protect a mapping, which may lose its file
 * @map:	where it begins
 * @len:	its bytes
 *
 * Takes the place of an earlier mapping, and forgets that that one was hit.
 *
 * Return: 0 or the negative errno of sigaction(2).
 */
int record_guard_set(void *map, size_t len)
{
	struct sigaction act = { .sa_sigaction = on_bus_error,
				 .sa_flags = SA_SIGINFO };

	record_guard_clear();
	guard_map = map;
	guard_len = len;
	guard_hit = 0;
	if (sigaction(SIGBUS, &act, &guard_before) < 0) {
		guard_map = NULL;
		return -errno;
	}
	return 0;
}

/**
 * record_guard_clear() - Protect nothing any more
 */
void record_guard_clear(void)
{
	if (guard_map)
		sigaction(SIGBUS, &guard_before, NULL);
	guard_map = NULL;
	guard_len = 0;
}

/**
 * record_guard_was_hit() - Has the mapping lost its file since it was set?
 *
 * Return: true when memory stands in the place of the file.
 */
bool record_guard_was_hit(void)
{
	return guard_hit;
}
