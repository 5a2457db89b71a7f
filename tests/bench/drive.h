/* SPDX-License-Identifier: ISC */
#ifndef BENCH_DRIVE_H
#define BENCH_DRIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "traffic.h"

/*
 * Sends a stream into the programs under test, as fast as they take it or at
 * a pace, and checks what comes out, byte by byte.
 */
struct drive_config {
	const struct traffic *traffic;	/* borrowed */
	uint32_t n_flows;		/* of it */
	uint32_t window;		/* packets sent and not released yet */
	uint32_t lag;			/* packets the secondary is behind */
	uint64_t hold;			/* most that drive_hold() will be told */
	bool any_order;			/* only the order in a flow counts */
};

struct drive;

struct drive *drive_new(const struct drive_config *config);
void drive_free(struct drive *d);
void drive_send_to(struct drive *d, int fd, enum traffic_kind kind,
		   bool lagging);
void drive_receive_from(struct drive *d, int fd, const char *name);
int drive_run(struct drive *d, uint64_t n);
int drive_hold(struct drive *d, uint64_t n);
int drive_paced(struct drive *d, uint64_t n, uint32_t rate, uint32_t *ns);

uint64_t drive_now_ns(void);

#endif
