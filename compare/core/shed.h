/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_SHED_H
#define COLO_COMPARE_SHED_H

#include "core.h"

void shed_excess(struct compare *c, struct cmp_flow *fl);
void shed_expire(struct compare *c);

#endif
