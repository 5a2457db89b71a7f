/* SPDX-License-Identifier: ISC */
/*
 * ICMP and ICMPv6 errors, and the packet that caused them, of which they quote
 * the beginning. A quote may end anywhere. There is no state.
 */
#include "icmp_quote.h"

#include "bytes.h"
#include "checksum.h"

#define ICMP_LEN 8u

/**
 * icmp_quote_is_error() - Does a packet quote another one?
 * @p:	packet
 *
 * Return: true for destination unreachable, source quench, redirect, time
 *	   exceeded and parameter problem, and for all types of ICMPv6 below
 *	   128 (RFC 4443 section 2.1).
 */
bool icmp_quote_is_error(const struct packet *p)
{
	uint8_t type;

	if (p->level != PACKET_L4)
		return false;
	if (p->proto != PACKET_ICMP && p->proto != PACKET_ICMP6)
		return false;
	type = *packet_l4(p);
	if (p->proto == PACKET_ICMP6)
		return type < 128;
	return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

/**
 * icmp_quote_is_intact() - Is the checksum of an error right?
 * @p:	packet of which icmp_quote_is_error() is true
 *
 * Nobody leaves the checksum of ICMP to an interface: it is never partial.
 *
 * Return: false when it is wrong; of a fragment, or one of which bytes are
 *	   missing, nothing can be said against it.
 */
bool icmp_quote_is_intact(const struct packet *p)
{
	uint32_t sum = 0;

	if (p->fragment || p->truncated)
		return true;
	if (p->proto == PACKET_ICMP6)
		sum = checksum_pseudo(6, p->src, p->dst, p->proto, p->l4_len);
	return checksum_fold(checksum_add(sum, packet_l4(p), p->l4_len)) == 0;
}

/* Read a quoted IP header. Return: its length, or 0 when no transport header
 * follows that could be found. */
static uint32_t ipv4_header(struct packet *q, const uint8_t *ip, uint32_t len)
{
	uint32_t header_len = (ip[0] & 15u) * 4u;

	if (len < 20 || ip[0] >> 4 != 4 || header_len < 20 ||
	    bytes_get16(ip + 6) & 0x1fff)
		return 0;
	q->ip_version = 4;
	q->proto = ip[9];
	q->src = ip + 12;
	q->dst = ip + 16;
	return header_len;
}

static uint32_t ipv6_header(struct packet *q, const uint8_t *ip, uint32_t len)
{
	uint32_t off = 40;

	if (len < off || ip[0] >> 4 != 6)
		return 0;
	q->ip_version = 6;
	q->proto = ip[6];
	q->src = ip + 8;
	q->dst = ip + 24;
	while (q->proto == 0 || q->proto == 43 || q->proto == 44 ||
	       q->proto == 60) {		/* RFC 8200 section 4 */
		const uint8_t *h = ip + off;

		if (len - off < 8)
			return 0;
		if (q->proto == 44 && bytes_get16(h + 2) & 0xfff8)
			return 0;
		off += q->proto == 44 ? 8 : (h[1] + 1u) * 8u;
		q->proto = h[0];
		if (off > len)
			return 0;
	}
	return off;
}

/**
 * icmp_quote_find() - Find the packet that an error quotes
 * @q:	set; borrows the bytes of @p
 * @p:	packet of which icmp_quote_is_error() is true
 *
 * Return: false when there are less than 8 bytes behind its IP headers, or it is
 *	   a later fragment.
 */
bool icmp_quote_find(struct icmp_quote *q, const struct packet *p)
{
	uint8_t *ip = packet_l4(p) + ICMP_LEN;
	uint32_t len = p->l4_len - ICMP_LEN;
	uint32_t header_len;

	*q = (struct icmp_quote){ .p = { .eth = ip, .vlan = p->vlan,
					 .level = PACKET_L4 } };
	if (!len)
		return false;
	header_len = p->proto == PACKET_ICMP ? ipv4_header(&q->p, ip, len) :
					       ipv6_header(&q->p, ip, len);
	if (!header_len || len < header_len + 8)
		return false;
	q->l4 = ip + header_len;
	q->len = len - header_len;
	q->p.l4_off = (uint16_t)header_len;
	if (q->p.proto == PACKET_TCP || q->p.proto == PACKET_UDP) {
		q->p.sport = bytes_get16(q->l4);
		q->p.dport = bytes_get16(q->l4 + 2);
	}
	return true;
}
