/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_TOLD_H
#define COLO_COMPARE_TOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "../../common/flow_key.h"

/*
 * The flows of which something was told that lasts: it is told once when it
 * begins, and once when it is over. Pure. Memory and lines are both bounded: a
 * flow that finds its place in the table taken, or the lines of this second
 * used up, is told of later.
 */
#define TOLD_SLOTS 256u		/* power of two */
#define TOLD_LINES 8u		/* in a second */

struct told_flow {
	struct flow_key key;
	uint64_t since_ns;
	uint64_t seen_ns;	/* when it was noted last */
	uint64_t n;		/* how often it was noted */
	uint32_t flow;		/* its index in the flow table */
	uint8_t what;		/* whatever the caller puts there */
	bool is_used;
};

struct told {
	struct told_flow slots[TOLD_SLOTS];
	uint64_t second_ns;	/* since when n_lines are counted */
	unsigned n_lines;
	uint32_t n;		/* slots in use */
};

struct told_flow *told_note(struct told *t, uint32_t flow,
			    const struct flow_key *key, uint64_t now_ns,
			    bool *is_new);
bool told_over(struct told *t, uint64_t before_ns, uint64_t now_ns,
	       struct told_flow *over);

#endif
