/* SPDX-License-Identifier: ISC */
#ifndef COLO_ANNOUNCE_H
#define COLO_ANNOUNCE_H

#include <stdint.h>

#include "../common/frame.h"

/*
 * What the guest said about itself, and the frames that tell the net where it
 * lives now: per VLAN a RARP for each MAC, and for each address that the guest
 * claimed by ARP or ND a gratuitous ARP or an unsolicited NA. Pure.
 */
#define ANNOUNCE_MAX 64			/* claims remembered; the oldest go */
#define ANNOUNCE_TAGS_MAX 8u		/* bytes of VLAN tags */

struct announce_claim {
	uint8_t mac[6];
	uint8_t n_tag_bytes;
	uint8_t tags[ANNOUNCE_TAGS_MAX];
	uint8_t ip_len;			/* 0 = the MAC alone, 4, 16 */
	uint8_t ip[16];
	uint8_t nd_flags;		/* latest said; does not tell claims
					   apart: the last member */
};

struct announce {
	struct announce_claim claims[ANNOUNCE_MAX];
	unsigned n_claims;
	unsigned next;			/* to be overwritten when full */
};

void announce_learn(struct announce *a, const struct frame *f);
unsigned announce_emit(const struct announce *a,
		       void (*emit)(void *arg, const struct frame *f),
		       void *arg);

#endif
