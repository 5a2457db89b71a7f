/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_WAITS_H
#define COLO_COMPARE_WAITS_H

#include <stdint.h>

#include "../common/flow_key.h"

#define WAITS_SLOTS 256u	/* power of two */

/* A flow of which it was told that it waits. */
struct told_wait {
	struct flow_key key;
	uint64_t since_ns;
	uint64_t seen_ns;	/* when it was last found to wait */
	uint32_t flow;		/* its index */
	uint8_t what;		/* enum compare_wait_for */
};

struct compare_waits {
	struct told_wait told[WAITS_SLOTS];	/* since_ns 0: free */
	uint64_t next_ns;	/* when to look again */
	uint32_t n;
};

#endif
