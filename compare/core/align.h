/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_ALIGN_H
#define COLO_COMPARE_ALIGN_H

#include "core.h"

void align_end(struct compare *c, struct cmp_flow *fl);
bool align_takes(struct compare *c, struct cmp_flow *fl, enum compare_side side,
		 const struct frame *f, const struct packet *p);

#endif
