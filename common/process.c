/* SPDX-License-Identifier: ISC */
/*
 * What a process needs from its surroundings before it runs: descriptors and
 * memory.
 */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

#include "log.h"

#define FILES_MIN 32u

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
 * process_init() - Make the surroundings fit
 *
 * The standard descriptors are open from here on.
 *
 * Return: 0, or a negative errno, logged: too few descriptors may be open
 */
int process_init(void)
{
	int err = check_limits();

	if (err < 0)
		return err;
	fill_stdio();
	keep_memory();
	return 0;
}
