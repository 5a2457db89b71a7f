/* SPDX-License-Identifier: ISC */
#ifndef COLO_ENDPOINT_PUMP_H
#define COLO_ENDPOINT_PUMP_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "endpoint_set.h"
#include "spin.h"

/*
 * It keeps the loop from sleeping while there is something to read that cannot
 * be polled, and reads that: regular files, and captures in the order of their
 * packets' times. With --busy-poll a frame that came lately does so, too.
 */
struct endpoint_pump {
	struct endpoint_set *set;
	uv_idle_t idle;
	bool runs;
	struct spin spin;
};

void endpoint_pump_init(struct endpoint_pump *p, struct endpoint_set *set);
void endpoint_pump_spin(struct endpoint_pump *p, uint64_t us);
void endpoint_pump_update(struct endpoint_pump *p);
void endpoint_pump_close(struct endpoint_pump *p);

#endif
