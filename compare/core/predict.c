/* SPDX-License-Identifier: ISC */
/*
 * Header prediction, after Jacobson's for the TCP receiver. The frame that
 * comes is most often the twin of the packet that waits longest on the other
 * side, or of the one that waits behind the last one that left. When it has
 * the same headers it need not be parsed, nor its flow be looked up: the bytes
 * that decide about both are the same, so the results are. When all else is
 * the same too, it is taken at once.
 *
 * This is done for TCP and UDP without VLAN tags, IP options and extension
 * headers. Bytes that each replica's stack chooses by itself may differ:
 * IPv4's identification and checksum, IPv6's flow label, UDP's checksum, and
 * in TCP's header all but ports and length.
 *
 * This file owns no state. It never decides that two packets differ: what it
 * does not take goes the long way. arrive.c and take.c call it.
 */
#include "predict.h"

#include <string.h>

#include "../../common/bytes.h"
#include "../../common/seq.h"
#include "act.h"
#include "datagram.h"
#include "differ.h"
#include "gate.h"
#include "stream.h"

#define ETH_LEN 14u
#define L4_IN_IPV4 34u			/* where the header of TCP or UDP begins */
#define L4_IN_IPV6 54u
#define UDP_LEN 8u
#define LINE_BYTES 64u			/* of the cache */
#define FETCHED_MAX 1536u		/* the processor goes on by itself */

static bool is_equal(const uint8_t *a, const uint8_t *b, size_t from, size_t to)
{
	return !memcmp(a + from, b + from, to - from);
}

/* Are these the same: EtherType, version to total length, fragment to protocol,
 * addresses, ports? And is as much there as the total length says? */
static bool is_like_ipv4(const uint8_t *a, const uint8_t *b, uint32_t len)
{
	return bytes_get16(a + 12) == 0x0800 && is_equal(a, b, 12, 18) &&
	       is_equal(a, b, 20, 24) && is_equal(a, b, 26, 34) &&
	       is_equal(a, b, 34, 38) &&
	       ETH_LEN + bytes_get16(a + 16) <= len;
}

/* Are these the same: EtherType and version, payload length to ports? And is
 * as much there as the payload length says? */
static bool is_like_ipv6(const uint8_t *a, const uint8_t *b, uint32_t len)
{
	return bytes_get16(a + 12) == 0x86dd && is_equal(a, b, 12, 15) &&
	       is_equal(a, b, 18, 58) &&
	       L4_IN_IPV6 + bytes_get16(a + 18) <= len;
}

static bool is_like_tcp(const uint8_t *a, const uint8_t *b, uint32_t l4_off)
{
	return a[l4_off + 12] == b[l4_off + 12] && !(a[l4_off + 13] & TCP_SYN);
}

/* Behind longer IP headers another protocol's payload may stand where UDP's
 * does: so the protocol is looked at. */
static bool is_like_udp(const uint8_t *a, const uint8_t *b, uint32_t l4_off)
{
	bool is_udp = l4_off == L4_IN_IPV4 ?
		      a[14] == 0x45 && a[23] == PACKET_UDP :
		      a[20] == PACKET_UDP;

	return is_udp && is_equal(a, b, l4_off + 4, l4_off + 6);
}

static uint32_t l4_off_of(const struct hold *h)
{
	return h->payload_off - (h->header_len ? h->header_len : UDP_LEN);
}

/* Would packet_parse() find the same in the frame a that it found in b, which
 * is the held packet h? */
static bool is_like(const uint8_t *a, const uint8_t *b, uint32_t len,
		    const struct hold *h)
{
	uint32_t l4_off = l4_off_of(h);

	if (l4_off != L4_IN_IPV4 && l4_off != L4_IN_IPV6)
		return false;
	if (h->header_len ? !is_like_tcp(a, b, l4_off) :
			    !is_like_udp(a, b, l4_off))
		return false;
	return l4_off == L4_IN_IPV4 ? is_like_ipv4(a, b, len) :
				      is_like_ipv6(a, b, len);
}

/**
 * predict_first() - Which held packet's twin is expected to come first?
 * @c:		The comparison
 * @side:	Whose frames come
 *
 * Return: a node of the other side, HOLD_NONE when nothing can be expected
 */
uint32_t predict_first(const struct compare *c, enum compare_side side)
{
	unsigned other = !side;
	uint32_t i = c->pool.expected[other];

	if (c->config.pair_order || c->config.ignore_addr ||
	    c->config.own_isn || c->config.repeats)
		return HOLD_NONE;
	return i == HOLD_NONE ? c->pool.oldest[other] : i;
}

/* Fetch what predict_take() will look at: a packet that has waited is in no cache
 * any more, nor is the node of the one behind it. The headers were just read. (gcc
 * takes a function that only prefetches for one without effect.) */
static inline __attribute__((always_inline))
void fetch(const struct compare *c, const struct hold *h)
{
	const uint8_t *eth = hold_eth(&c->pool, h);
	uint32_t len = h->len < FETCHED_MAX ? h->len : FETCHED_MAX;

	if (h->next != HOLD_NONE)
		__builtin_prefetch(hold_at(&c->pool, h->next), 1);
	for (uint32_t i = LINE_BYTES; i < len; i += LINE_BYTES)
		__builtin_prefetch(eth + i, 0, 2);
}

/**
 * predict_twin() - Has a frame the headers of the packet whose twin is expected?
 * @c:		The comparison
 * @at:		The packet, from predict_first(); set to the next one
 * @f:		The frame; borrowed
 *
 * Return: the packet's node, HOLD_NONE when the frame has to be parsed
 */
uint32_t predict_twin(const struct compare *c, uint32_t *at,
		      const struct frame *f)
{
	uint32_t i = *at, len = frame_eth_len(f);
	const struct hold *h = hold_at(&c->pool, i);
	bool is_it;

	if (!h)
		return HOLD_NONE;
	is_it = h->kind == HOLD_PACKET && h->len - h->vnet_len == len &&
		is_like(frame_eth(f), hold_eth(&c->pool, h), len, h);
	if (is_it)
		fetch(c, h);
	if (is_it || h->kind != HOLD_PACKET)
		*at = h->age_next;
	return is_it ? i : HOLD_NONE;
}

/* Does a flow only compare bytes in their order? */
static bool is_plain(const struct compare *c, const struct cmp_flow *fl)
{
	const unsigned special = FLOW_DIFFERENT | FLOW_SYN_LATE;

	return (fl->flags & (FLOW_EDGE | special)) == FLOW_EDGE &&
	       !gate_holds_acks(c, fl);
}

/* Has the frame the bytes of the held segment h, and are they the next ones
 * behind the edge? predict_twin() has compared the headers, except for what is
 * compared here. */
static bool has_twins_bytes(const struct compare *c, const struct cmp_flow *fl,
			    const struct hold *h, const uint8_t *eth)
{
	const uint8_t *tcp = eth + h->payload_off - h->header_len;
	const unsigned odd = TCP_SYN | TCP_FIN | TCP_RST;

	return h->seq == fl->edge && bytes_get32(tcp + 4) == h->seq &&
	       h->payload_len && !((h->flags | tcp[13]) & odd) &&
	       differ_is_same_mac(c, hold_eth(&c->pool, h), eth) &&
	       !memcmp(hold_payload(&c->pool, h), eth + h->payload_off,
		       h->payload_len);
}

/* Do the frame and the held segment h acknowledge only what has been
 * acknowledged before? */
static bool has_no_news(const struct compare *c, const struct cmp_flow *fl,
			enum compare_side side, const struct hold *h,
			const uint8_t *eth)
{
	const uint8_t *tcp = eth + h->payload_off - h->header_len;
	uint32_t ack = bytes_get32(tcp + 8);
	uint16_t window = bytes_get16(tcp + 14);

	if (side == COMPARE_PRIMARY)
		return gate_is_told(fl, ack, window);
	return gate_is_told(fl, h->ack, h->window) &&
	       gate_is_known(c, fl, ack, window);
}

/* Will the segment behind h, if any, go on waiting when h has left? */
static bool is_next_in_step(const struct compare *c, const struct hold *h)
{
	const struct hold *next = hold_at(&c->pool, h->next);

	return !next || (!(next->flags & (TCP_SYN | TCP_RST)) &&
			 next->payload_len &&
			 seq_ge(next->seq, h->seq + h->payload_len));
}

/**
 * predict_take() - Take a frame at once that has the headers of one that waits
 * @c:		The comparison
 * @side:	Whose frame it is
 * @f:		The frame; borrowed
 * @twin:	From predict_twin(); it may have left since then
 *
 * This does what tcp_primary() and tcp_secondary() do, for the common case
 * alone: both have the same bytes, they are the next ones behind the edge, and
 * nothing else about the flow is new. Or both are the same datagram, the next
 * one.
 *
 * Return: the flow; NULL when it is another case, and nothing was done
 */
struct cmp_flow *predict_take(struct compare *c, enum compare_side side,
			      const struct frame *f, uint32_t twin)
{
	struct hold *h = hold_at(&c->pool, twin);
	struct cmp_flow *fl = flow_at(c->flows, h->flow);
	const struct frame *out = f;
	struct frame held;

	if (!fl || fl->q[!side].head != twin || fl->q[side].n)
		return NULL;
	if (!fl->is_tcp)
		return datagram_twin(c, side, fl, f, h) ? fl : NULL;
	if (!is_plain(c, fl) || !has_no_news(c, fl, side, h, frame_eth(f)) ||
	    !is_next_in_step(c, h) ||
	    !has_twins_bytes(c, fl, h, frame_eth(f)))
		return NULL;
	if (side == COMPARE_SECONDARY) {
		held = hold_frame(&c->pool, h);
		out = &held;
	}
	fl->flags |= FLOW_BUSY;
	fl->edge += h->payload_len;
	stream_note_left(fl, h->seq, fl->edge);
	act_drop(c, DROP_MATCHED);
	act_release(c, out, NOTE_COMPARED);
	act_unhold(c, fl, h);
	return fl;
}
