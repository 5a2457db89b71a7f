/* SPDX-License-Identifier: ISC */
/*
 * Header prediction, after Jacobson's for the TCP receiver: what comes is most
 * often the twin of what waits longest on the other side, or of what waits
 * behind the last one that left. When its headers are that one's, it need be
 * neither parsed nor looked up: the bytes that say how to parse it and to which
 * flow it belongs are the same, so the answers are.
 *
 * Only for TCP without VLAN tags, IP options and extension headers. The bytes
 * that each replica's stack chooses by itself may differ: IPv4's identification
 * and checksum, IPv6's flow label, and in TCP's header all but ports and length.
 */
#include "../common/bytes.h"
#include "compare_core.h"

#define ETH_LEN 14u
#define TCP_IN_IPV4 34u			/* where TCP's header begins */
#define TCP_IN_IPV6 54u
#define TCP_LEN 20u

static bool is_equal(const uint8_t *a, const uint8_t *b, size_t from, size_t to)
{
	return !memcmp(a + from, b + from, to - from);
}

/* EtherType, version to total length, fragment to protocol, addresses, ports;
 * and that the total length is all there. */
static bool is_like_ipv4(const uint8_t *a, const uint8_t *b, uint32_t len)
{
	return bytes_get16(a + 12) == 0x0800 && is_equal(a, b, 12, 18) &&
	       is_equal(a, b, 20, 24) && is_equal(a, b, 26, 34) &&
	       is_equal(a, b, 34, 38) &&
	       ETH_LEN + bytes_get16(a + 16) <= len;
}

/* EtherType and version, payload length to ports. */
static bool is_like_ipv6(const uint8_t *a, const uint8_t *b, uint32_t len)
{
	return bytes_get16(a + 12) == 0x86dd && is_equal(a, b, 12, 15) &&
	       is_equal(a, b, 18, 58) &&
	       TCP_IN_IPV6 + bytes_get16(a + 18) <= len;
}

static bool is_like(const uint8_t *a, const uint8_t *b, uint32_t len,
		    uint32_t l4_off)
{
	if (a[l4_off + 12] != b[l4_off + 12] || (a[l4_off + 13] & TCP_SYN))
		return false;
	return l4_off == TCP_IN_IPV4 ? is_like_ipv4(a, b, len) :
				       is_like_ipv6(a, b, len);
}

/* What packet_parse() would find. */
static void parse_like(struct packet *p, uint8_t *eth, uint32_t len,
		       const struct hold *h)
{
	uint32_t l4_off = (uint32_t)h->payload_off - h->header_len;
	bool is_v4 = l4_off == TCP_IN_IPV4;
	const uint8_t *tcp = eth + l4_off;

	*p = packet_blank;
	p->eth = eth;
	p->len = len;
	p->level = PACKET_L4;
	p->ethertype = is_v4 ? 0x0800 : 0x86dd;
	p->ip_version = is_v4 ? 4 : 6;
	p->proto = PACKET_TCP;
	p->l3_off = ETH_LEN;
	p->l4_off = (uint16_t)l4_off;
	p->l4_len = h->header_len + h->payload_len;
	p->payload_off = h->payload_off;
	p->payload_len = h->payload_len;
	p->src = eth + (is_v4 ? 26 : 22);
	p->dst = eth + (is_v4 ? 30 : 38);
	p->sport = bytes_get16(tcp);
	p->dport = bytes_get16(tcp + 2);
	p->seq = bytes_get32(tcp + 4);
	p->ack = bytes_get32(tcp + 8);
	p->flags = tcp[13];
	p->window = bytes_get16(tcp + 14);
	p->tcp_opt_len = (uint8_t)(h->header_len - TCP_LEN);
}

/**
 * compare_predict_first - whose twin is expected next
 * @c:		the comparison
 * @side:	whose frames come
 *
 * Return: a node of the other side, HOLD_NONE when there is nothing to expect
 */
uint32_t compare_predict_first(const struct compare *c, enum compare_side side)
{
	unsigned other = !side;
	uint32_t i = c->pool.expected[other];

	/* a datagram put together is of another flow than a whole one */
	if (c->config.pair_order || c->config.ignore_addr ||
	    c->whole != HOLD_NONE)
		return HOLD_NONE;
	return i == HOLD_NONE ? c->pool.oldest[other] : i;
}

/**
 * compare_predict - is a frame what was expected?
 * @c:		the comparison
 * @at:		from compare_predict_first(); goes on to the next
 * @f:		the frame; borrowed
 * @p:		set if it is, to what packet_parse() would find
 * @flow:	set if it is, to its flow's index
 *
 * Return: is it?
 */
bool compare_predict(const struct compare *c, uint32_t *at,
		     const struct frame *f, struct packet *p, uint32_t *flow)
{
	const struct hold *h = hold_at(&c->pool, *at);
	uint32_t l4_off, len = frame_eth_len(f);
	bool is_it;

	if (!h)
		return false;
	l4_off = (uint32_t)h->payload_off - h->header_len;
	is_it = h->kind == HOLD_PACKET && h->len - h->vnet_len == len &&
		h->header_len &&
		(l4_off == TCP_IN_IPV4 || l4_off == TCP_IN_IPV6) &&
		is_like(frame_eth(f), hold_eth(&c->pool, h), len, l4_off);
	if (is_it || h->kind != HOLD_PACKET)
		*at = h->age_next;
	if (!is_it)
		return false;
	parse_like(p, frame_eth(f), len, h);
	*flow = h->flow;
	return true;
}
