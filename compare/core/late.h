/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_LATE_H
#define COLO_COMPARE_LATE_H

#include "core.h"

void late_tell(struct compare *c, struct cmp_flow *fl,
	       enum compare_side side);

#endif
