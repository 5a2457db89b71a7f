/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_COUNTERS_H
#define COLO_COMPARE_COUNTERS_H

#include "core.h"

/* What the comparison has counted, under the names that users see. */
void counters_add(const struct compare *c, struct stats *s);

#endif
