/* SPDX-License-Identifier: ISC */
#ifndef COLO_ENDPOINT_PUMP_H
#define COLO_ENDPOINT_PUMP_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "endpoint_set.h"

/*
 * It keeps the loop from sleeping while there is something to read that cannot
 * be polled, and reads that: regular files, and captures in the order of their
 * packets' times. With --busy-poll a frame that came lately does so, too.
 */
struct endpoint_pump {
	struct endpoint_set *set;
	uv_idle_t idle;
	bool runs;
	uint64_t busy_us;
	uint64_t n_in;		/* frames of all endpoints, and until when the */
	uint64_t busy_until_ns;	/* last ones keep us from sleeping */
};

void endpoint_pump_init(struct endpoint_pump *p, struct endpoint_set *set,
			uint64_t busy_us);
void endpoint_pump_update(struct endpoint_pump *p);
void endpoint_pump_close(struct endpoint_pump *p);

#endif
