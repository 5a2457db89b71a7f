/* SPDX-License-Identifier: ISC */
/*
 * Which packets of a capture were captured in part, and which so short that a
 * header is not whole: the report counts both. Pure.
 */
#include "cut.h"

#define IPV4_LEN 20u
#define IPV6_LEN 40u
#define PORTS_LEN 4u

enum {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_IPV6 = 0x86dd,
	IPV6_HOPOPTS = 0,
	IPV6_ROUTING = 43,
	IPV6_FRAGMENT = 44,
	IPV6_AH = 51,
	IPV6_DSTOPTS = 60,
};

/**
 * cut_is_short() - Was a packet captured in part?
 * @f:		Its frame
 * @p:		The frame, parsed
 *
 * Of IP what is behind it does not count.
 */
bool cut_is_short(const struct frame *f, const struct packet *p)
{
	return p->level == PACKET_ETHER ? f->cut : p->truncated;
}

/* Does the frame end in front of IP, or in its header? It was cut. */
static bool ends_in_ip_header(const struct packet *p)
{
	uint32_t left = p->len - p->l3_off, len;
	const uint8_t *ip = p->eth + p->l3_off;

	if (!p->l3_off)			/* in the addresses, or in tags */
		return true;
	if (p->ethertype != ETHERTYPE_IPV4 && p->ethertype != ETHERTYPE_IPV6)
		return false;
	if (!left)
		return true;
	len = p->ethertype == ETHERTYPE_IPV6 ? IPV6_LEN :
	      left < IPV4_LEN ? IPV4_LEN : (ip[0] & 15u) * 4u;
	return left < len &&
	       ip[0] >> 4 == (p->ethertype == ETHERTYPE_IPV6 ? 6 : 4);
}

/* Is the header that the walk over IP's has stopped at not whole? It was cut. */
static bool ends_behind_ip_header(const struct packet *p)
{
	switch (p->proto) {
	case PACKET_TCP:
	case PACKET_UDP:
	case PACKET_ICMP:
	case PACKET_ICMP6:
		return true;
	case PACKET_DCCP:
	case PACKET_SCTP:
	case PACKET_UDPLITE:
		return p->l4_len < PORTS_LEN;
	case IPV6_HOPOPTS:
	case IPV6_ROUTING:
	case IPV6_FRAGMENT:
	case IPV6_AH:
	case IPV6_DSTOPTS:
		return p->ip_version == 6;
	default:
		return false;
	}
}

/**
 * cut_is_in_headers() - Was so little of a packet captured that a header, or a
 * part of a fragment, is missing?
 * @f:		Its frame
 * @p:		The frame, parsed
 *
 * Then it is compared as far as it is there, and equal only to one that was
 * captured as far.
 */
bool cut_is_in_headers(const struct frame *f, const struct packet *p)
{
	if (!cut_is_short(f, p))
		return false;
	if (p->level == PACKET_ETHER)
		return ends_in_ip_header(p);
	return p->fragment ||
	       (p->level == PACKET_IP && ends_behind_ip_header(p));
}
