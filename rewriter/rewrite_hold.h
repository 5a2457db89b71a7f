/* SPDX-License-Identifier: ISC */
#ifndef COLO_REWRITE_HOLD_H
#define COLO_REWRITE_HOLD_H

#include "rewrite_segment.h"

int rewrite_hold_init(struct rewrite_hold *h, const struct flow_table *flows,
		      size_t max_bytes, uint64_t seed);
void rewrite_hold_fini(struct rewrite_hold *h);
void rewrite_hold_add(struct rewrite_hold *h, struct rewrite_flow *fl,
		      const struct rewrite_segment *s, bool first,
		      uint64_t now_ns);
bool rewrite_hold_release(struct rewrite_hold *h, struct rewrite_flow *fl,
			  uint64_t now_ns, struct rewrite_held *out);
void rewrite_hold_discard(struct rewrite_hold *h, struct rewrite_flow *fl,
			  enum drop reason);
void rewrite_hold_drop_guest(struct rewrite_hold *h, struct rewrite_flow *fl);
void rewrite_hold_forget(struct rewrite_hold *h, const struct rewrite_flow *fl);
size_t rewrite_hold_bytes(const struct rewrite_hold *h,
			  const struct rewrite_flow *fl, uint64_t *since_ns);
void rewrite_hold_expire(struct rewrite_hold *h, uint64_t now_ns);
struct rewrite_flow *rewrite_hold_oldest(const struct rewrite_hold *h);

#endif
