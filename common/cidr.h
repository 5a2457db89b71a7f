/* SPDX-License-Identifier: ISC */
#ifndef COLO_CIDR_H
#define COLO_CIDR_H

#include <stdbool.h>
#include <stdint.h>

struct cidr {			/* addresses that begin alike (RFC 4632) */
	uint8_t addr[16];	/* IPv4 as v4-mapped; 0 behind the first bits */
	uint8_t bits;		/* of the 128 */
};

int cidr_parse(struct cidr *c, const char *text);
bool cidr_has(const struct cidr *c, const uint8_t addr[16]);

#endif
