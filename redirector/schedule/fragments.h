/* SPDX-License-Identifier: ISC */
#ifndef COLO_SCHEDULE_FRAGMENTS_H
#define COLO_SCHEDULE_FRAGMENTS_H

#include "../../common/packet.h"
#include "types.h"

/* Where the first fragment of a datagram went. */
struct fragments_way {
	uint16_t dest;
	uint8_t way;		/* enum schedule_way */
};

bool fragments_get(struct flow_table *t, const struct packet *p,
		   struct fragments_way *way, uint64_t now_ns);
void fragments_put(struct flow_table *t, const struct packet *p,
		   struct fragments_way way, uint64_t now_ns);
void fragments_forget(struct flow_table *t, uint16_t dest);
struct flow_table *fragments_new(uint64_t seed);

#endif
