/* SPDX-License-Identifier: ISC */
#ifndef COLO_RANDOM_H
#define COLO_RANDOM_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/*
 * Repeatable randomness for tests (splitmix64). The seed is the first argument,
 * or the clock; it is printed, so that a failure can be had again.
 */
struct random {
	uint64_t state;
};

static inline void random_init(struct random *r, int argc, char **argv)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	r->state = argc > 1 ? strtoull(argv[1], NULL, 0) :
			      (uint64_t)ts.tv_sec ^ (uint64_t)ts.tv_nsec << 20;
	printf("# seed %#llx\n", (unsigned long long)r->state);
	fflush(stdout);
}

static inline uint64_t random_next(struct random *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

/* 0 .. n - 1; n is not 0 */
static inline size_t random_below(struct random *r, size_t n)
{
	assert(n);
	return (size_t)(random_next(r) % n);
}

static inline void random_fill(struct random *r, uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)random_next(r);
}

/* How often a random test goes round: SOAK_N in the environment, or n. */
static inline size_t soak_n(size_t n)
{
	const char *s = getenv("SOAK_N");

	return s ? (size_t)strtoull(s, NULL, 0) : n;
}

#endif
