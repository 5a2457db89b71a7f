/* SPDX-License-Identifier: ISC */
#ifndef COLO_SCHEDULE_TURN_H
#define COLO_SCHEDULE_TURN_H

#include "types.h"

void turn_changed(struct scheduler *s, const struct dest_set *set);
uint16_t turn_pick(struct scheduler *s, struct dest_set *set, uint64_t now_ns);

#endif
