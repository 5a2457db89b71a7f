/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_SHARE_H
#define COLO_COMPARE_SHARE_H

#include "core.h"

/* Is so much held that somebody may be over his share? */
static inline bool share_is_counted(const struct compare *c)
{
	return c->share.is_counting ||
	       c->pool.bytes[COMPARE_PRIMARY] > c->share.start;
}

void share_init(struct compare *c);
void share_count(struct compare *c, struct cmp_flow *fl, const struct hold *h,
		 bool is_held);
void share_count_all(struct compare *c, bool is_held);
uint64_t share_held_bytes(const struct compare *c, const struct cmp_flow *fl);
bool share_is_over(struct compare *c, const struct cmp_flow *fl,
		   bool *is_client);

#endif
