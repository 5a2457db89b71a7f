/* SPDX-License-Identifier: ISC */
#ifndef COLO_IMPAIR_H
#define COLO_IMPAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../common/frame.h"

/*
 * A bad link, for tests: pure. What happens to the n-th frame of a direction
 * follows from the seed and n alone, not from time or from the other
 * direction; when it leaves also depends on when it came.
 */
#define IMPAIR_PPM_MAX 1000000u		/* 100 percent */
#define IMPAIR_DIRS 2u

struct impair_options {
	uint32_t loss_ppm;
	uint32_t duplicate_ppm;
	uint32_t reorder_ppm;
	uint64_t delay_ns;
	uint64_t jitter_ns;		/* added: 0 to this */
	uint64_t reorder_ns;		/* how far back a reordered one falls */
	uint64_t max_bytes;		/* held; over it the first due leaves */
	uint64_t seed;
	uint64_t break_after;		/* frames of a direction; 0 = never */
};

struct impair_held {
	uint64_t due_ns;
	uint64_t number;		/* breaks ties: first come, first out */
	unsigned dir;
	struct frame frame;		/* in a chunk of its own */
};

struct impair {
	struct impair_options options;
	uint64_t random[IMPAIR_DIRS];
	uint64_t entered[IMPAIR_DIRS];	/* frames */
	uint64_t last_ns[IMPAIR_DIRS];	/* due times within a direction only
					   grow, reordered frames apart */
	struct impair_held *heap;	/* the first due at 0 */
	size_t count, cap;
	uint64_t bytes;			/* of the frames in the heap */
	uint64_t next_number;
	uint64_t lost, duplicated, reordered;
	uint64_t early;			/* left before they were due */
};

void impair_init(struct impair *m, const struct impair_options *options);
void impair_fini(struct impair *m);
void impair_put(struct impair *m, unsigned dir, const struct frame *f,
		uint64_t now_ns);
bool impair_next(struct impair *m, uint64_t now_ns, struct impair_held *out);
uint64_t impair_due_ns(const struct impair *m);
int impair_percent(const char *text, uint32_t *ppm);

#endif
