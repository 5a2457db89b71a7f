/* SPDX-License-Identifier: ISC */
#ifndef COLO_SCHEDULE_MAGLEV_H
#define COLO_SCHEDULE_MAGLEV_H

#include "slots.h"

#define MAGLEV_SLOTS 4093u	/* IPVS's and DPVS's; a prime */

void maglev_fill(struct scheduler *s, const struct dest_set *set);
uint16_t maglev_pick(const struct scheduler *s, const struct dest_set *set,
		     const struct slots_key *key);

#endif
