/* SPDX-License-Identifier: ISC */
/*
 * Preloaded, it moves the wall clock, and that alone, by as many seconds as the
 * file says that CLOCK_STEP names, each time it is looked at: what settimeofday
 * does to a whole machine, for one process.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long step_s(void)
{
	const char *path = getenv("CLOCK_STEP");
	FILE *f = path ? fopen(path, "re") : NULL;
	long s = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%ld", &s) != 1)
		s = 0;
	fclose(f);
	return s;
}

int clock_gettime(clockid_t clock, struct timespec *ts)
{
	int rc = (int)syscall(SYS_clock_gettime, clock, ts);

	if (rc == 0 && (clock == CLOCK_REALTIME ||
			clock == CLOCK_REALTIME_COARSE))
		ts->tv_sec += step_s();
	return rc;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec ts;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &ts);
	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = ts.tv_nsec / 1000;
	return 0;
}

time_t time(time_t *t)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	if (t)
		*t = ts.tv_sec;
	return ts.tv_sec;
}
