/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_PREDICT_H
#define COLO_COMPARE_PREDICT_H

#include "core.h"

uint32_t predict_first(const struct compare *c, enum compare_side side);
uint32_t predict_twin(const struct compare *c, uint32_t *at,
		      const struct frame *f);
struct cmp_flow *predict_take(struct compare *c, enum compare_side side,
			      const struct frame *f, uint32_t twin);

#endif
