/* SPDX-License-Identifier: ISC */
#ifndef COLO_REWRITE_HOLD_H
#define COLO_REWRITE_HOLD_H

#include "rewrite_segment.h"

int rewrite_hold_init(struct rewrite_hold *h, uint64_t seed);
void rewrite_hold_fini(struct rewrite_hold *h);
bool rewrite_hold_is_plausible(const struct rewrite_flow *fl,
			       enum rewrite_side side, const struct packet *p);
int rewrite_hold_add(struct rewrite *r, struct rewrite_flow *fl,
		     const struct rewrite_segment *s, bool first);
bool rewrite_hold_pop(struct rewrite *r, struct rewrite_flow *fl,
		      struct rewrite_held *out);
void rewrite_hold_discard(struct rewrite *r, struct rewrite_flow *fl,
			  uint64_t *counter);
void rewrite_hold_drop_guest(struct rewrite *r, struct rewrite_flow *fl);
void rewrite_hold_expire(struct rewrite *r);
struct rewrite_flow *rewrite_hold_oldest(const struct rewrite *r);

#endif
