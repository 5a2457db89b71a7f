/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_DIFF_FROM_H
#define COLO_COMPARE_DIFF_FROM_H

#include <stdbool.h>
#include <stdint.h>

#include "../../common/packet.h"

/* --from: the service whose packets are compared, and no others. Pure. */
struct diff_from {
	bool is_set;		/* else all packets are compared */
	uint8_t ip_version;	/* 0: any address */
	uint8_t addr[16];
	uint16_t port;		/* 0: any port */
};

int diff_from_parse(struct diff_from *from, const char *text);
bool diff_from_selects(const struct diff_from *from, const struct packet *p);

#endif
