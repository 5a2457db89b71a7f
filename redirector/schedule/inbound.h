/* SPDX-License-Identifier: ISC */
#ifndef COLO_SCHEDULE_INBOUND_H
#define COLO_SCHEDULE_INBOUND_H

#include "visit.h"

struct schedule_verdict inbound_way(const struct visit *v);

#endif
