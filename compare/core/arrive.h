/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_ARRIVE_H
#define COLO_COMPARE_ARRIVE_H

#include "core.h"

/* Frames on their way to their flows, parsed and hashed together. */
struct arrivals {
	struct packet p[FLOW_HASH_MAX];
	struct {
		uint32_t twin;		/* what waits with its headers: it is
					   not parsed yet; or HOLD_NONE */
		bool is_guessed;	/* it is in that flow, most likely */
		uint32_t at;		/* the flow's index, or that of key
					   and hash */
	} flow[FLOW_HASH_MAX];
	struct flow_key key[FLOW_HASH_MAX];
	uint32_t hash[FLOW_HASH_MAX];
};

void compare_flow_arrive(struct compare *c, enum compare_side side,
			 struct arrivals *a, const struct frame *v, unsigned n);
struct cmp_flow *compare_flow_find(struct compare *c, enum compare_side side,
				   struct arrivals *a, unsigned i);
struct cmp_flow *arrive_find_whole(struct compare *c, enum compare_side side,
				   const struct packet *p);

#endif
