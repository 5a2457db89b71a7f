/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_VIEW_H
#define COLO_COMPARE_VIEW_H

#include "../../common/flow.h"
#include "compare.h"

/*
 * A flow as who asks sees it. Nothing is changed by looking. live/live_methods
 * calls it.
 */
struct view {
	const char *state;	/* open, half-open, closed, datagrams, suspect,
				   different */
	uint32_t n_held[2];	/* packets, by side; the gate's is the primary's */
	uint64_t held_bytes;	/* of the primary's */
	uint64_t since_ns;	/* when what waits came; 0: nothing waits */
	enum compare_wait_for what;	/* it waits for */
	bool wants_checkpoint;	/* and a checkpoint is asked for already */
	uint64_t due_ns;	/* when it has waited too long; COMPARE_NEVER */
	bool has_dropped;	/* it is known why a packet was dropped last */
	enum drop dropped;	/* then: why */
	uint64_t dropped_ns;
	bool is_tcp;		/* else what follows is not set */
	bool has_edge, has_compared, has_ack[2], has_told;
	uint32_t edge;		/* all below this sequence number was compared */
	uint32_t left;		/* and all below this one has left */
	uint32_t compared;	/* bytes since the SYN, modulo 2^32 */
	uint32_t ack[2];	/* the newest one of a side */
	uint32_t told;		/* the one that the client was told */
};

struct flow_table *view_table(const struct compare *c);
uint64_t view_held_bytes(const struct compare *c, const void *value);
uint64_t view_since_ns(const struct compare *c, const void *value);
uint64_t view_used_ns(const struct compare *c, const void *value);
uint32_t view_holders_end(const struct compare *c);
const void *view_holder(const struct compare *c, uint32_t at);
void view_of(const struct compare *c, const void *value, struct view *v);

#endif
