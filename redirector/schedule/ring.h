/* SPDX-License-Identifier: ISC */
#ifndef COLO_SCHEDULE_RING_H
#define COLO_SCHEDULE_RING_H

#include "slots.h"

bool ring_fill(struct scheduler *s, const struct dest_set *set);
uint16_t ring_pick(const struct scheduler *s, const struct dest_set *set,
		   const struct slots_key *key);

#endif
