/* SPDX-License-Identifier: ISC */
#ifndef COLO_SCHEDULE_CLAIMS_H
#define COLO_SCHEDULE_CLAIMS_H

#include "types.h"

#define CLAIMS_SHARED UINT16_MAX	/* of more than one destination */
#define CLAIMS_NONE (UINT16_MAX - 1)

struct claims {
	struct flow_table *macs;
	uint8_t last[DESTS_MAX][6];	/* that each destination sent from */
};

bool claims_init(struct claims *c, uint64_t seed);
void claims_fini(struct claims *c);
bool claims_learn(struct claims *c, const uint8_t mac[6], uint16_t dest,
		  uint64_t now_ns);
uint16_t claims_find(const struct claims *c, const uint8_t mac[6]);
void claims_forget(struct claims *c, uint16_t dest);

#endif
