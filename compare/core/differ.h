/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_DIFFER_H
#define COLO_COMPARE_DIFFER_H

#include <string.h>

#include "core.h"

/* May a packet lack an equal because the secondary sent it before the
 * checkpoint? */
static inline bool differ_is_graced(const struct compare *c,
				    enum compare_side side, uint64_t time_ns)
{
	return side == COMPARE_SECONDARY && time_ns < c->episode.grace_ns;
}

/* Do two Ethernet frames go to the same station, or does that not matter? */
static inline bool differ_is_same_mac(const struct compare *c, const uint8_t *a,
				      const uint8_t *b)
{
	return c->config.ignore_mac || !memcmp(a, b, 6);
}

void differ_end_episode(struct compare *c);
void differ_grace(struct compare *c, uint64_t until_ns);
struct compare_difference differ_describe(const struct compare *c,
					  const struct cmp_flow *fl,
					  enum compare_reason reason,
					  const struct hold *p,
					  const struct hold *s);
void differ_place(const struct compare *c, const struct cmp_flow *fl,
		  const struct hold *h, struct compare_difference *d);
void differ_tell(struct compare *c, struct compare_difference *d);
void differ_ask(struct compare *c, enum compare_reason reason,
		const struct cmp_flow *fl, const struct hold *h);
void differ_flow(struct compare *c, struct cmp_flow *fl,
		 struct compare_difference *d);
void differ_midstream(struct compare *c, struct cmp_flow *fl, bool is_found,
		      const uint32_t skipped[2]);
bool differ_may_begin(struct compare *c, struct cmp_flow *fl,
		      uint32_t primary, uint32_t secondary);
void differ_bytes(struct compare *c, struct cmp_flow *fl,
		  struct compare_difference *d, uint32_t len[2]);

#endif
