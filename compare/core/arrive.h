/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_ARRIVE_H
#define COLO_COMPARE_ARRIVE_H

#include "core.h"

void arrive_frames(struct compare *c, enum compare_side side,
		   const struct frame *v, unsigned n);
struct cmp_flow *arrive_find(struct compare *c, enum compare_side side,
			     unsigned i);
struct cmp_flow *arrive_find_whole(struct compare *c, enum compare_side side,
				   const struct packet *p);

#endif
