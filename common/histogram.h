/* SPDX-License-Identifier: ISC */
#ifndef COLO_HISTOGRAM_H
#define COLO_HISTOGRAM_H

#include <stdint.h>

/*
 * How often something took how long. The first bucket is for less than 1024 ns, each
 * other one for up to twice as much as the one before it: no time is too long, and
 * to add one costs a few instructions.
 */
#define HISTOGRAM_FIRST_BITS 10u
#define HISTOGRAM_BUCKETS (64u - HISTOGRAM_FIRST_BITS + 1u)

struct histogram {
	uint64_t n[HISTOGRAM_BUCKETS];
	uint64_t sum_ns;
};

static inline void histogram_add(struct histogram *h, uint64_t ns)
{
	uint64_t at_least = ns | ((1u << HISTOGRAM_FIRST_BITS) - 1);

	h->n[64 - HISTOGRAM_FIRST_BITS - (unsigned)__builtin_clzll(at_least)]++;
	h->sum_ns += ns;
}

/* What is in a bucket took less than so many nanoseconds; of the last one all did. */
static inline uint64_t histogram_below_ns(unsigned bucket)
{
	unsigned bits = bucket + HISTOGRAM_FIRST_BITS;

	return bits < 64 ? (uint64_t)1 << bits : UINT64_MAX;
}

static inline uint64_t histogram_count(const struct histogram *h)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
		n += h->n[i];
	return n;
}

#endif
