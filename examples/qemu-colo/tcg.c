/* SPDX-License-Identifier: ISC */
/*
 * For tests only: lets Debian 12's QEMU 7.2 make more than one COLO checkpoint
 * without KVM. Its migration thread waits on a condition with the global lock's
 * mutex without having locked that, and keeps it afterwards: under TCG the next
 * checkpoint finds it taken, for ever. Preloaded, this gives such a caller what
 * it expected: a short wait, and the mutex as it was.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WAIT_NS 2000000

int pthread_cond_wait(pthread_cond_t *restrict cond,
		      pthread_mutex_t *restrict mutex)
{
	static int (*real)(pthread_cond_t *restrict, pthread_mutex_t *restrict);
	struct timespec until;

	if (!real) {
		/* the default version: older ones know another pthread_cond_t */
		void *f = dlvsym(RTLD_NEXT, "pthread_cond_wait",
				 "GLIBC_2.3.2");

		if (!f)
			abort();
		memcpy(&real, &f, sizeof(real));
	}
	if (mutex->__data.__owner == gettid())
		return real(cond, mutex);
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += WAIT_NS;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_mutex_lock(mutex);
	pthread_cond_clockwait(cond, mutex, CLOCK_MONOTONIC, &until);
	pthread_mutex_unlock(mutex);
	return 0;
}
