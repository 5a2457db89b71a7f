/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_SEGMENT_H
#define COLO_COMPARE_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "../../common/packet.h"

struct segment {			/* a TCP header, in short */
	unsigned l4_off, payload_off;
	unsigned flags;
	uint32_t end;			/* sequence number behind it */
	uint32_t ack;
	uint16_t window;
};

/* Only what has a sound header of its own may go by the rules of TCP. */
static inline bool segment_is(const struct packet *p)
{
	return p->level == PACKET_L4 && p->proto == PACKET_TCP && !p->fragment;
}

static inline struct segment segment_of(const struct packet *p)
{
	return (struct segment){
		.l4_off = p->l4_off,
		.ack = p->ack,
		.window = p->window,
		.flags = p->flags,
		.end = p->seq + p->payload_len + !!(p->flags & TCP_FIN),
		.payload_off = p->payload_off,
	};
}

#endif
