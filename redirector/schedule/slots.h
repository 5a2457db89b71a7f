/* SPDX-License-Identifier: ISC */
#ifndef COLO_SCHEDULE_SLOTS_H
#define COLO_SCHEDULE_SLOTS_H

#include "types.h"

/* What hashes are made of: the ends of a connection. */
struct slots_key {
	const uint8_t *src, *dst;	/* 4 or 16 bytes */
	uint16_t sport;			/* 0 when it does not count */
	uint8_t addr_len;
};

void slots_fill(struct scheduler *s, const struct dest_set *set);
uint16_t slots_pick(const struct scheduler *s, const struct dest_set *set,
		    const struct slots_key *key);

#endif
