/* SPDX-License-Identifier: ISC */
#ifndef COLO_SCHEDULE_OUTBOUND_H
#define COLO_SCHEDULE_OUTBOUND_H

#include "visit.h"

struct schedule_verdict outbound_way(const struct visit *v, uint16_t i);

#endif
