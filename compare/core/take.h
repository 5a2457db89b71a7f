/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_TAKE_H
#define COLO_COMPARE_TAKE_H

#include "core.h"

void take_apart(struct compare *c, uint32_t group);
void take_frames(struct compare *c, enum compare_side side,
		 const struct frame *v, unsigned n);

#endif
