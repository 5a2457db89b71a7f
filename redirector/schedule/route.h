/* SPDX-License-Identifier: ISC */
#ifndef COLO_SCHEDULE_ROUTE_H
#define COLO_SCHEDULE_ROUTE_H

#include "schedule.h"

#define ROUTE_MAX FLOW_HASH_MAX	/* frames that are routed at once */

struct route_frame {
	uint8_t *eth;
	size_t len;
};

unsigned route_from_net(struct schedule *s, const struct route_frame *f,
			unsigned n, struct schedule_verdict *ways,
			uint64_t now_ns);
unsigned route_from_dest(struct schedule *s, uint16_t i,
			 const struct route_frame *f, unsigned n,
			 struct schedule_verdict *ways, uint64_t now_ns);

#endif
