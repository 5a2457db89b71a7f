/* SPDX-License-Identifier: ISC */
#ifndef COLO_DIRECTOR_RATE_H
#define COLO_DIRECTOR_RATE_H

#include "schedule/types.h"

enum {
	RATE_CONNS, RATE_IN_FRAMES, RATE_OUT_FRAMES, RATE_IN_BYTES,
	RATE_OUT_BYTES, RATES
};

struct director_rate {
	uint64_t at_ns;			/* when the counters were looked at */
	uint64_t last[RATES];		/* and what they were */
	uint64_t per_s[RATES];
};

void director_rate_note(struct director_rate *r, const struct dest *d,
			uint64_t now_ns);

#endif
