/* SPDX-License-Identifier: ISC */
/*
 * For tests only: preloaded into Debian 12's QEMU 7.2, it lets that QEMU do COLO
 * without KVM, by working around two faults of QEMU under TCG.
 *
 * It hangs at the second checkpoint. The migration thread waits on a condition
 * with the global mutex without having locked that, and keeps it afterwards.
 * Here such a caller gets what it expected: a short wait, and the mutex as it
 * was.
 *
 * It loses pages. When the record of what the guest has written is fetched and
 * cleared, the virtual CPU's TLB still says that those pages need no record, so
 * that what is written there next goes unseen, and the secondary never gets it:
 * its guest crashes, or forgets, for example, who its neighbours are. (Mended
 * upstream in 9.0 by "physmem: Fix migration dirty bitmap coherency with TCG
 * memory access".) Here the TLB is flushed whenever a virtual CPU has slept, as
 * it does while its guest stands still, and when the thread above waits, which
 * it does when it has fetched the record from a running one.
 *
 * The threads of virtual CPUs are known by the names that `-name
 * debug-threads=on` gives them. QEMU is refused without that option.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define WAIT_NS 2000000

static struct {
	int (*wait)(pthread_cond_t *restrict, pthread_mutex_t *restrict);
	/* QEMU's own, exported for its plugins */
	void *(*get_cpu)(int index);
	void (*flush)(void *cpu);
} call;

static void find(void *handle, const char *name, const char *version, void *f)
{
	void *found = version ? dlvsym(handle, name, version) :
				dlsym(handle, name);

	memcpy(f, &found, sizeof(found));
}

/* Is @arg among the arguments of this process? */
static bool has_argument(const char *arg)
{
	FILE *f = fopen("/proc/self/cmdline", "r");
	char *line = NULL;
	size_t size = 0;
	bool found = false;

	while (f && !found && getdelim(&line, &size, '\0', f) > 0)
		found = strstr(line, arg) != NULL;
	free(line);
	if (f)
		fclose(f);
	return found;
}

__attribute__((constructor)) static void find_all(void)
{
	/* the default version: older ones know another pthread_cond_t */
	find(RTLD_NEXT, "pthread_cond_wait", "GLIBC_2.3.2", &call.wait);
	if (!call.wait)
		abort();
	find(RTLD_DEFAULT, "qemu_get_cpu", NULL, &call.get_cpu);
	find(RTLD_DEFAULT, "tlb_flush", NULL, &call.flush);
	if (call.flush && !has_argument("debug-threads=on")) {
		fputs("tcg.so: QEMU needs -name debug-threads=on\n", stderr);
		_exit(1);
	}
}

/* Whose thread is this? -1: none's. */
static int own_cpu(void)
{
	static _Thread_local int cpu = -2;
	char name[16] = "";

	if (cpu == -2 &&
	    (prctl(PR_GET_NAME, name) || sscanf(name, "CPU %d/TCG", &cpu) != 1))
		cpu = -1;
	return cpu;
}

static void flush_tlb(int index)
{
	void *cpu = call.flush && index >= 0 ? call.get_cpu(index) : NULL;

	if (cpu)
		call.flush(cpu);
}

int pthread_cond_wait(pthread_cond_t *restrict cond,
		      pthread_mutex_t *restrict mutex)
{
	struct timespec until;

	if (mutex->__data.__owner == gettid()) {
		int err = call.wait(cond, mutex);

		flush_tlb(own_cpu());
		return err;
	}
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += WAIT_NS;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_mutex_lock(mutex);
	flush_tlb(0);
	pthread_cond_clockwait(cond, mutex, CLOCK_MONOTONIC, &until);
	pthread_mutex_unlock(mutex);
	return 0;
}
