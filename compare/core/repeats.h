/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_REPEATS_H
#define COLO_COMPARE_REPEATS_H

#include "core.h"

struct repeats *repeats_new(const struct compare_config *config);
void repeats_free(struct repeats *r);
void repeats_shift(struct compare *c, const struct cmp_flow *fl,
		   uint32_t delta);
void repeats_see(struct compare *c, const struct cmp_flow *fl,
		 enum compare_side side, struct frame *f, struct packet *p);
void repeats_differ(struct compare *c, const struct cmp_flow *fl,
		    const struct hold *h, const struct hold *other, uint32_t n);
void repeats_end(struct compare *c);
uint64_t repeats_n_unknown(const struct compare *c, enum compare_side side);

#endif
