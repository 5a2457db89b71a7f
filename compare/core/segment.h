/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_SEGMENT_H
#define COLO_COMPARE_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "../../common/packet.h"

/* What a TCP segment says. */
struct segment {
	unsigned l4_off, payload_off;
	unsigned flags;
	uint32_t end;			/* sequence number behind it */
	uint32_t ack;
	uint16_t window;
};

/* Can a packet be compared as TCP? It must have a sound TCP header, and not be
 * a fragment. */
static inline bool segment_is(const struct packet *p)
{
	return p->level == PACKET_L4 && p->proto == PACKET_TCP && !p->fragment;
}

/* What a packet says for which segment_is(). */
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
