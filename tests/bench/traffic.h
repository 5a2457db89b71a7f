/* SPDX-License-Identifier: ISC */
#ifndef BENCH_TRAFFIC_H
#define BENCH_TRAFFIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a guest sends, as a function of the packet's number: pure. Every flow
 * sends one packet a round, mostly in another order each round. The bytes of a
 * frame follow from its flow and round, so whoever gets it can tell what it
 * has to be.
 */
enum traffic_kind {
	TRAFFIC_PRIMARY,	/* the primary's stream */
	TRAFFIC_RESEGMENTED,	/* the same bytes, cut elsewhere (TCP) */
	TRAFFIC_FOREIGN,	/* with the secondary's own sequence numbers */
	TRAFFIC_KINDS
};

enum traffic_handshake {	/* the steps that teach a rewriter an offset */
	TRAFFIC_SYN,		/* to the guest */
	TRAFFIC_SYN_ACK,	/* from the guest, its own number */
	TRAFFIC_ACK,		/* to the guest, the primary's number */
};

struct traffic_config {
	uint32_t size;		/* of a frame, its Ethernet header included */
	uint32_t n_flows;
	bool udp;
	bool in_turn;		/* the same order every round */
	bool vnet;		/* vnet form; a segment for the hardware to cut */
};

#define TRAFFIC_SIZE_MIN 60u
#define TRAFFIC_SIZE_MAX 65549u
#define TRAFFIC_FLOWS_MAX (1u << 21)
#define TRAFFIC_FRAME_MAX (8u + 12u + TRAFFIC_SIZE_MAX)	/* on the wire */
#define TRAFFIC_PACKET_MAX (2u * TRAFFIC_FRAME_MAX)	/* traffic_put() */

struct traffic;

struct traffic *traffic_new(const struct traffic_config *config);
void traffic_free(struct traffic *t);
uint64_t traffic_position(const struct traffic *t, enum traffic_kind kind,
			  uint64_t i);
void traffic_put(const struct traffic *t, enum traffic_kind kind, uint64_t i,
		 uint8_t *at);
void traffic_frame(const struct traffic *t, uint32_t flow, uint64_t round,
		   uint8_t *at);
size_t traffic_handshake_put(const struct traffic *t, uint32_t flow,
			     enum traffic_handshake step, uint8_t *at);
int traffic_flow_of(const struct traffic *t, const uint8_t *wire,
		    uint32_t *flow);

#endif
