/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_GAP_H
#define COLO_COMPARE_GAP_H

#include "core.h"

void gap_watch(struct compare *c, const struct cmp_flow *fl);
void gap_expire(struct compare *c);

#endif
