/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_SHED_H
#define COLO_COMPARE_SHED_H

#include "core.h"

void compare_share_keep(struct compare *c, struct cmp_flow *fl);
void compare_share_expire(struct compare *c);

#endif
