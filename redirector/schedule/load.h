/* SPDX-License-Identifier: ISC */
#ifndef COLO_SCHEDULE_LOAD_H
#define COLO_SCHEDULE_LOAD_H

#include "types.h"

uint16_t load_pick(const struct scheduler *s, const struct dest_set *set,
		   uint64_t now_ns);
uint16_t load_least(const struct dest_set *set);

#endif
