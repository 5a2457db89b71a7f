/* SPDX-License-Identifier: ISC */
/*
 * Payloads are cut from a pattern of random bytes, at a place that follows
 * from the flow and the offset in its stream, so a frame costs one memcpy. Sums
 * over the pattern's beginnings give every TCP and UDP checksum at once.
 */
#include "traffic.h"

#include <stdlib.h>
#include <string.h>

#include "../../common/bytes.h"
#include "../../common/checksum.h"

#define PATTERN (128u * 1024u)		/* power of two */
#define PATTERN_ALL (PATTERN + 65536u)	/* so that a payload never wraps */

#define ETH_LEN 14u
#define IP_LEN 20u
#define TCP_LEN 20u
#define UDP_LEN 8u
#define VNET_LEN 12u
#define MSS 1448u

enum {
	FLAG_SYN = 0x02,
	FLAG_ACK = 0x10,
};

struct traffic {
	struct traffic_config config;
	uint32_t payload;		/* bytes in a packet, even */
	uint32_t prefix;		/* wire prefix and virtio-net header */
	unsigned half_bits;		/* of a flow number, for shuffle() */
	uint8_t bytes[PATTERN_ALL];
	uint64_t sums[PATTERN_ALL / 2 + 1];	/* of 16-bit words so far */
};

/* One segment or datagram to write. */
struct piece {
	uint32_t flow;
	uint64_t offset;		/* in the flow's stream */
	uint32_t len;			/* of the payload */
	uint32_t seq, ack;
	uint16_t id;
	uint8_t flags;
	bool to_guest;
};

static uint32_t mix(uint32_t x)
{
	x ^= x >> 16;
	x *= 0x7feb352du;
	x ^= x >> 15;
	x *= 0x846ca68bu;
	return x ^ x >> 16;
}

static uint32_t l4_len(const struct traffic *t)
{
	return t->config.udp ? UDP_LEN : TCP_LEN;
}

/**
 * traffic_new() - Prepare a stream
 * @config:	copied; size is rounded down to an even payload
 *
 * Return: it, for traffic_free(); NULL when the configuration makes no sense
 */
struct traffic *traffic_new(const struct traffic_config *config)
{
	struct traffic *t = calloc(1, sizeof(*t));
	uint32_t header;

	if (!t)
		abort();
	t->config = *config;
	header = ETH_LEN + IP_LEN + l4_len(t);
	if (config->size < TRAFFIC_SIZE_MIN || config->size > TRAFFIC_SIZE_MAX ||
	    !config->n_flows || config->n_flows > TRAFFIC_FLOWS_MAX ||
	    (config->udp && config->vnet)) {
		free(t);
		return NULL;
	}
	t->payload = (config->size - header) & ~1u;
	t->prefix = config->vnet ? 8 + VNET_LEN : 4;
	while (1u << (2 * t->half_bits) < config->n_flows)
		t->half_bits++;
	for (uint32_t i = 0; i < PATTERN; i++)
		t->bytes[i] = (uint8_t)mix(i + 1);
	memcpy(t->bytes + PATTERN, t->bytes, PATTERN_ALL - PATTERN);
	for (uint32_t i = 0; i < PATTERN_ALL / 2; i++)
		t->sums[i + 1] = t->sums[i] + bytes_get16(t->bytes + 2 * i);
	return t;
}

/**
 * traffic_free() - Free a stream
 * @t:	may be NULL
 */
void traffic_free(struct traffic *t)
{
	free(t);
}

/* --- which flow has its turn --- */

/* A Feistel network over the numbers below 4^half_bits, keyed by the round. */
static uint32_t shuffle_once(const struct traffic *t, uint32_t x,
			     uint32_t round)
{
	uint32_t mask = (1u << t->half_bits) - 1;
	uint32_t left = x >> t->half_bits, right = x & mask;

	for (uint32_t i = 0; i < 3; i++) {
		uint32_t f = mix(right ^ (round << 3 | i)) & mask;
		uint32_t next = left ^ f;

		left = right;
		right = next;
	}
	return left << t->half_bits | right;
}

/* A permutation of the flows that differs from round to round. */
static uint32_t flow_at(const struct traffic *t, uint64_t i)
{
	uint32_t n = t->config.n_flows;
	uint32_t round = (uint32_t)(i / n), x = (uint32_t)(i % n);

	if (t->config.in_turn)
		return x;
	do
		x = shuffle_once(t, x, round);
	while (x >= n);
	return x;
}

/* --- one frame --- */

static uint32_t isn(uint32_t flow)
{
	return mix(flow ^ 0x5eed);
}

static uint32_t isn_foreign(uint32_t flow)
{
	return mix(flow ^ 0xa11e);
}

static uint32_t isn_client(uint32_t flow)
{
	return mix(flow ^ 0xc1e7);
}

static uint32_t pattern_at(const struct piece *p)
{
	return (mix(p->flow) + (uint32_t)p->offset) & (PATTERN - 1) & ~1u;
}

static uint32_t payload_sum(const struct traffic *t, const struct piece *p)
{
	uint32_t from = pattern_at(p) / 2;
	uint64_t sum = t->sums[from + p->len / 2] - t->sums[from];

	return (uint32_t)((sum & 0xffff) + (sum >> 16));
}

/* The guest is 10.0.0.1:80; its clients sit behind 10.1.0.0/16. */
static void put_ends(uint8_t *ip, uint8_t *l4, const struct piece *p)
{
	uint8_t *guest = ip + (p->to_guest ? 16 : 12);
	uint8_t *client = ip + (p->to_guest ? 12 : 16);
	uint8_t *guest_port = l4 + (p->to_guest ? 2 : 0);
	uint8_t *client_port = l4 + (p->to_guest ? 0 : 2);

	bytes_put32(guest, 0x0a000001);
	bytes_put32(client, 0x0a010001 + (p->flow >> 15));
	bytes_put16(guest_port, 80);
	bytes_put16(client_port, (uint16_t)(1024 + (p->flow & 0x7fff)));
}

static void put_ip(uint8_t *ip, const struct traffic *t, const struct piece *p)
{
	memset(ip, 0, IP_LEN);
	ip[0] = 0x45;
	bytes_put16(ip + 2, (uint16_t)(IP_LEN + l4_len(t) + p->len));
	bytes_put16(ip + 4, p->id);
	ip[6] = 0x40;			/* don't fragment */
	ip[8] = 64;
	ip[9] = t->config.udp ? 17 : 6;
}

static void put_l4(uint8_t *l4, const struct traffic *t, const struct piece *p)
{
	if (t->config.udp) {
		bytes_put16(l4 + 4, (uint16_t)(UDP_LEN + p->len));
		bytes_put16(l4 + 6, 0);
		return;
	}
	bytes_put32(l4 + 4, p->seq);
	bytes_put32(l4 + 8, p->ack);
	l4[12] = 5 << 4;
	l4[13] = p->flags;
	bytes_put16(l4 + 14, 512);
	bytes_put32(l4 + 16, 0);
}

/* Partial when the hardware is to finish it, as virtio says. */
static void put_sums(uint8_t *ip, uint8_t *l4, const struct traffic *t,
		     const struct piece *p)
{
	uint32_t len = l4_len(t);
	uint32_t sum = checksum_pseudo(4, ip + 12, ip + 16, ip[9],
				       len + p->len);
	uint8_t *field = l4 + (t->config.udp ? 6 : 16);

	bytes_put16(ip + 10, checksum_fold(checksum_add(0, ip, IP_LEN)));
	if (t->config.vnet) {
		bytes_put16(field, (uint16_t)~checksum_fold(sum));
		return;
	}
	sum = checksum_add(sum, l4, len);
	bytes_put16(field, checksum_fold(sum + payload_sum(t, p)));
}

/* VIRTIO_NET_HDR_F_NEEDS_CSUM and VIRTIO_NET_HDR_GSO_TCPV4; little-endian. */
static void put_vnet(uint8_t *v, const struct piece *p)
{
	memset(v, 0, VNET_LEN);
	v[0] = 1;
	if (p->len > MSS) {
		v[1] = 1;
		v[2] = ETH_LEN + IP_LEN + TCP_LEN;
		v[4] = MSS & 0xff;
		v[5] = MSS >> 8;
	}
	v[6] = ETH_LEN + IP_LEN;
	v[8] = 16;
}

static size_t put_piece(const struct traffic *t, const struct piece *p,
			uint8_t *at)
{
	uint8_t *eth = at + t->prefix;
	uint8_t *ip = eth + ETH_LEN;
	uint8_t *l4 = ip + IP_LEN;
	size_t len = ETH_LEN + IP_LEN + l4_len(t) + p->len;

	bytes_put32(at, (uint32_t)(len + (t->config.vnet ? VNET_LEN : 0)));
	if (t->config.vnet) {
		bytes_put32(at + 4, VNET_LEN);
		put_vnet(at + 8, p);
	}
	memcpy(eth, "\x52\x54\0\0\0\1\x52\x54\0\0\0\2\x08\0", ETH_LEN);
	put_ip(ip, t, p);
	put_ends(ip, l4, p);
	put_l4(l4, t, p);
	memcpy(l4 + l4_len(t), t->bytes + pattern_at(p), p->len);
	put_sums(ip, l4, t, p);
	return t->prefix + len;
}

static struct piece piece_of(const struct traffic *t, uint32_t flow,
			     uint64_t round, uint32_t skip, uint32_t len)
{
	uint64_t offset = round * t->payload + skip;

	return (struct piece){
		.flow = flow,
		.offset = offset,
		.len = len,
		.seq = isn(flow) + 1 + (uint32_t)offset,
		.ack = isn_client(flow) + 1,
		.id = (uint16_t)round,
		.flags = FLAG_ACK,
	};
}

/* Rounds go in pairs: the end of the first one's packet comes with the first
 * half of the second one's. */
static uint32_t half_of(const struct traffic *t)
{
	return t->payload / 2 & ~1u;
}

static void put_resegmented(const struct traffic *t, uint32_t flow,
			    uint64_t round, uint8_t *at)
{
	uint32_t half = half_of(t), rest = t->payload - half;
	struct piece p;

	if (!(round & 1)) {
		p = piece_of(t, flow, round, 0, half);
		put_piece(t, &p, at);
		return;
	}
	p = piece_of(t, flow, round - 1, half, rest + half);
	at += put_piece(t, &p, at);
	p = piece_of(t, flow, round, half, rest);
	put_piece(t, &p, at);
}

/**
 * traffic_frame() - The frame that a flow sends in a round
 * @t:		stream
 * @flow:	below n_flows
 * @round:	0 is the first
 * @at:		wire bytes, TRAFFIC_FRAME_MAX of room
 */
void traffic_frame(const struct traffic *t, uint32_t flow, uint64_t round,
		   uint8_t *at)
{
	struct piece p = piece_of(t, flow, round, 0, t->payload);

	put_piece(t, &p, at);
}

/**
 * traffic_put() - What is sent as packet number i
 * @t:		stream
 * @kind:	which of its forms
 * @i:		number of the packet
 * @at:		wire bytes of one or two frames, TRAFFIC_PACKET_MAX of room;
 *		traffic_position() says how many it will be
 */
void traffic_put(const struct traffic *t, enum traffic_kind kind, uint64_t i,
		 uint8_t *at)
{
	uint32_t flow = flow_at(t, i);
	uint64_t round = i / t->config.n_flows;
	struct piece p;

	if (kind == TRAFFIC_RESEGMENTED) {
		put_resegmented(t, flow, round, at);
		return;
	}
	p = piece_of(t, flow, round, 0, t->payload);
	if (kind == TRAFFIC_FOREIGN)
		p.seq += isn_foreign(flow) - isn(flow);
	put_piece(t, &p, at);
}

/**
 * traffic_position() - Where packet number i begins
 * @t:		stream
 * @kind:	which of its forms
 * @i:		number of the packet
 *
 * Return: bytes of all packets before it.
 */
uint64_t traffic_position(const struct traffic *t, enum traffic_kind kind,
			  uint64_t i)
{
	uint64_t n = t->config.n_flows;
	uint64_t header = t->prefix + ETH_LEN + IP_LEN + l4_len(t);
	uint64_t even = header + half_of(t);
	uint64_t odd = 2 * header + 2 * t->payload - half_of(t);
	uint64_t in_pair = i % (2 * n);

	if (kind != TRAFFIC_RESEGMENTED)
		return i * (header + t->payload);
	return i / (2 * n) * n * (even + odd) +
	       (in_pair < n ? in_pair * even : n * even + (in_pair - n) * odd);
}

/**
 * traffic_handshake_put() - A step of a connection's beginning
 * @t:		stream, TCP
 * @flow:	which connection
 * @step:	which step
 * @at:		wire bytes, TRAFFIC_FRAME_MAX of room
 *
 * Return: bytes written.
 */
size_t traffic_handshake_put(const struct traffic *t, uint32_t flow,
			     enum traffic_handshake step, uint8_t *at)
{
	struct piece p = { .flow = flow, .flags = FLAG_ACK,
			   .to_guest = step != TRAFFIC_SYN_ACK };

	switch (step) {
	case TRAFFIC_SYN:
		p.seq = isn_client(flow);
		p.flags = FLAG_SYN;
		break;
	case TRAFFIC_SYN_ACK:
		p.seq = isn_foreign(flow);
		p.ack = isn_client(flow) + 1;
		p.flags |= FLAG_SYN;
		break;
	case TRAFFIC_ACK:
		p.seq = isn_client(flow) + 1;
		p.ack = isn(flow) + 1;
		break;
	}
	return put_piece(t, &p, at);
}

/**
 * traffic_flow_of() - Whose frame is this?
 * @t:		stream
 * @wire:	a frame of the primary's size, with its prefix
 * @flow:	set on success
 *
 * Return: 0, or -1 when no flow of the stream has this address and port.
 */
int traffic_flow_of(const struct traffic *t, const uint8_t *wire,
		    uint32_t *flow)
{
	const uint8_t *ip = wire + t->prefix + ETH_LEN;
	uint32_t host = bytes_get32(ip + 16) - 0x0a010001;
	uint32_t port = bytes_get16(ip + IP_LEN + 2) - 1024u;

	if (port > 0x7fff || host >= TRAFFIC_FLOWS_MAX >> 15 ||
	    (host << 15 | port) >= t->config.n_flows)
		return -1;
	*flow = host << 15 | port;
	return 0;
}
