/* SPDX-License-Identifier: ISC */
/*
 * What a packet is for. Pure.
 */
#include "kind.h"

#include <string.h>

#include "../../common/bytes.h"
#include "../../common/packet.h"

#define PROTO_IGMP 2
#define ICMP6_MLD_FIRST 130
#define ICMP6_ND_LAST 137
#define ICMP6_MLD2_REPORT 143

#define LLC_LEN_MAX 1500	/* a length, not an EtherType */
#define PPP_CONTROL 0x80	/* from here on PPP's numbers are of protocols
				   that keep the link */

enum {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_ARP = 0x0806,
	ETHERTYPE_RARP = 0x8035,
	ETHERTYPE_IPV6 = 0x86dd,
	ETHERTYPE_PAUSE = 0x8808,
	ETHERTYPE_SLOW = 0x8809,	/* LACP and others */
	ETHERTYPE_PPP = 0x880b,
	ETHERTYPE_PPPOE_DISCOVERY = 0x8863,
	ETHERTYPE_PPPOE = 0x8864,
	ETHERTYPE_EAPOL = 0x888e,
	ETHERTYPE_LLDP = 0x88cc,
	ETHERTYPE_MVRP = 0x88f5,
	ETHERTYPE_MMRP = 0x88f6,
	ETHERTYPE_CFM = 0x8902,
	ETHERTYPE_WIFI = 0x890d,	/* frames of 802.11 without data */
	ETHERTYPE_LOOP = 0x9000,
};

/* A byte of what stands behind the Ethernet header and its tags; 0 when it is
 * not there. */
static uint8_t at(const struct packet *p, uint32_t off)
{
	return p->l3_off + off < p->len ? p->eth[p->l3_off + off] : 0;
}

/* Spanning tree, IS-IS, and Cisco's own: CDP, VTP, UDLD and so on. */
static bool is_llc_housekeeping(const struct packet *p)
{
	uint8_t dsap = at(p, 0), ssap = at(p, 1);

	return (dsap == 0x42 && ssap == 0x42) ||
	       (dsap == 0xfe && ssap == 0xfe) ||
	       (dsap == 0xaa && ssap == 0xaa && at(p, 3) == 0 &&
		at(p, 4) == 0 && at(p, 5) == 0x0c);
}

static bool is_link_housekeeping(const struct packet *p)
{
	switch (p->ethertype) {
	case ETHERTYPE_ARP:
	case ETHERTYPE_RARP:
	case ETHERTYPE_PAUSE:
	case ETHERTYPE_SLOW:
	case ETHERTYPE_PPPOE_DISCOVERY:
	case ETHERTYPE_EAPOL:
	case ETHERTYPE_LLDP:
	case ETHERTYPE_MVRP:
	case ETHERTYPE_MMRP:
	case ETHERTYPE_CFM:
	case ETHERTYPE_WIFI:
	case ETHERTYPE_LOOP:
		return true;
	case ETHERTYPE_PPPOE:
		return at(p, 6) >= PPP_CONTROL;
	case ETHERTYPE_PPP:
		return at(p, 0) >= PPP_CONTROL && at(p, 0) != 0xff;
	default:
		return p->ethertype <= LLC_LEN_MAX && is_llc_housekeeping(p);
	}
}

/**
 * kind_is_housekeeping() - Does a packet keep the network together rather than
 * serve anybody?
 * @p:		The packet, parsed
 *
 * Its timing is each replica's own then. That is ARP, LLDP, spanning tree and so
 * on, IGMP, MLD, neighbour discovery. Of ICMPv6 that was captured in part the first
 * byte is enough.
 */
bool kind_is_housekeeping(const struct packet *p)
{
	uint8_t type;

	if (p->level == PACKET_ETHER)
		return is_link_housekeeping(p);
	if (p->proto == PROTO_IGMP)
		return true;
	if (p->proto != PACKET_ICMP6 || p->ip_version != 6 ||
	    !(p->level == PACKET_L4 || (p->truncated && !p->frag_off && p->l4_len)))
		return false;
	type = *packet_l4(p);
	return (type >= ICMP6_MLD_FIRST && type <= ICMP6_ND_LAST) ||
	       type == ICMP6_MLD2_REPORT;
}

/**
 * kind_is_unknown() - Is a packet neither IP nor housekeeping?
 * @p:		The packet, parsed
 */
bool kind_is_unknown(const struct packet *p)
{
	return p->level == PACKET_ETHER && !is_link_housekeeping(p);
}
