/* SPDX-License-Identifier: ISC */
#ifndef COLO_SPIN_H
#define COLO_SPIN_H

#include <stdbool.h>
#include <stdint.h>

#include "time.h"

/*
 * How long a process looks for more after a frame before it sleeps
 * (--busy-poll). To be woken takes longer than anything that a process does with
 * a frame; but who looks takes a processor from whoever wants it.
 */
#define SPIN_AUTO		UINT64_MAX	/* instead of microseconds */
#define SPIN_GAP_MAX_NS		100000u		/* auto: no sense beyond this */
#define SPIN_CHECK_NS		NS_PER_MS
#define SPIN_REST_MIN_NS	(10 * NS_PER_MS)
#define SPIN_REST_MAX_NS	(10 * NS_PER_S)

struct spin {
	uint64_t us;		/* or SPIN_AUTO; 0: sleep at once */
	bool is_alone;		/* auto: there is one processor only */
	uint64_t n_in;		/* frames so far */
	uint64_t last_ns;	/* when the last one came */
	uint64_t gap_ns;	/* auto: between two, lately; 0: unknown */
	uint64_t until_ns;	/* look so long */
	uint64_t rest_ns;	/* auto: the last rest's length */
	uint64_t rested_ns;	/* and its end */
	uint64_t check_ns;	/* auto, while we look: when to ask for preemptions
				   again; else 0 */
	uint64_t n_preempted;	/* what the last answer was */
};

void spin_init(struct spin *s, uint64_t us, unsigned n_processors);
bool spin_goes_on(struct spin *s, uint64_t n_in, uint64_t now_ns,
		  uint64_t (*preempted)(void));

#endif
