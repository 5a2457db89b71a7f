/* SPDX-License-Identifier: ISC */
#ifndef COLO_SCHEDULE_ROUTE_H
#define COLO_SCHEDULE_ROUTE_H

#include "schedule.h"

struct schedule_verdict route_from_net(struct schedule *s, uint8_t *eth,
				       size_t len, uint64_t now_ns);
struct schedule_verdict route_from_dest(struct schedule *s, uint16_t i,
					uint8_t *eth, size_t len,
					uint64_t now_ns);

#endif
