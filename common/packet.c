/* SPDX-License-Identifier: ISC */
/*
 * The checked view of a frame. Each layer is compared with the bytes that are
 * there before it is read, and hands the next one an end that it must not
 * pass. A layer that does not hold leaves the level where it was: hostile
 * bytes yield a lower level, never an error.
 */
#include "bytes.h"
#include "packet.h"

#define MACS_LEN 12u
#define ETH_LEN 14u
#define VLAN_LEN 4u
#define LABEL_LEN 4u
#define TAGS_MAX 32u		/* VLAN tags and MPLS labels that are followed */
#define IPV4_LEN 20u
#define IPV6_LEN 40u
#define TCP_LEN 20u
#define UDP_LEN 8u
#define ICMP_LEN 8u		/* also the least that any ICMPv6 message has */

#define IPV6_EXT_MAX 8u		/* extension headers that are followed */

enum {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_IPV6 = 0x86dd,
	ETHERTYPE_VLAN = 0x8100,
	ETHERTYPE_QINQ = 0x88a8,
	ETHERTYPE_QINQ_OLD = 0x9100,
	ETHERTYPE_MPLS = 0x8847,
	ETHERTYPE_MPLS_MULTICAST = 0x8848,
};

enum {
	IPV6_HOPOPTS = 0,
	IPV6_ROUTING = 43,
	IPV6_FRAGMENT = 44,
	IPV6_AH = 51,
	IPV6_DSTOPTS = 60,
};

/* A view of nothing. To be copied: to clear so much gcc takes a string
 * instruction, and that as long as to parse a frame. */
static const struct packet blank;

static bool ethertype_is_vlan(uint16_t type)
{
	return type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ ||
	       type == ETHERTYPE_QINQ_OLD;
}

/* What IP says exists, from off on, cut at the end of the capture. */
static void l4_bound(struct packet *p, uint32_t off, uint64_t end)
{
	p->truncated = end > p->len;
	if (p->truncated)
		end = p->len;
	p->l4_off = (uint16_t)off;
	p->l4_len = (uint32_t)end - off;
}

static bool ipv4_parse(struct packet *p)
{
	const uint8_t *ip = p->eth + p->l3_off;
	uint32_t left = p->len - p->l3_off;
	uint32_t header_len, total_len;
	uint16_t frag;

	if (left < IPV4_LEN || ip[0] >> 4 != 4)
		return false;
	header_len = (ip[0] & 15u) * 4u;
	total_len = bytes_get16(ip + 2);
	if (!total_len)			/* the hardware would have set it */
		total_len = left;
	if (header_len < IPV4_LEN || header_len > left ||
	    total_len < header_len)
		return false;
	frag = bytes_get16(ip + 6);
	p->frag_off = (uint16_t)((frag & 0x1fff) * 8);
	p->more_frags = frag & 0x2000;
	p->fragment = frag & 0x3fff;
	p->ip_version = 4;
	p->proto = ip[9];
	p->src = ip + 12;
	p->dst = ip + 16;
	l4_bound(p, p->l3_off + header_len, (uint64_t)p->l3_off + total_len);
	return true;
}

/* The jumbo payload option (RFC 2675) of a hop-by-hop header, or 0. */
static uint32_t ipv6_jumbo_len(const uint8_t *opt, uint32_t len)
{
	uint32_t jumbo_len;
	uint32_t i = 2;

	while (i < len) {
		if (opt[i] == 0) {		/* Pad1 */
			i++;
			continue;
		}
		if (len - i < 2 || len - i - 2 < opt[i + 1])
			return 0;
		if (opt[i] == 0xc2 && opt[i + 1] == 4) {
			jumbo_len = bytes_get32(opt + i + 2);
			return jumbo_len > UINT16_MAX ? jumbo_len : 0;
		}
		i += 2u + opt[i + 1];
	}
	return 0;
}

/* Whole bytes of the extension header at h, 0 when proto is none. */
static uint32_t ipv6_ext_len(uint8_t proto, const uint8_t *h)
{
	switch (proto) {
	case IPV6_HOPOPTS:
	case IPV6_ROUTING:
	case IPV6_DSTOPTS:
		return (h[1] + 1u) * 8u;
	case IPV6_FRAGMENT:
		return 8;
	case IPV6_AH:
		return (h[1] + 2u) * 4u;
	default:
		return 0;
	}
}

/*
 * Walk the extension headers. It stops in front of the first one that does not
 * fit, whose number stays in proto, and behind that of a later fragment.
 */
static void ipv6_ext_parse(struct packet *p)
{
	for (unsigned n = 0; n < IPV6_EXT_MAX && !p->frag_off; n++) {
		const uint8_t *h = packet_l4(p);
		uint32_t len = p->l4_len < 8 ? 0 : ipv6_ext_len(p->proto, h);

		if (!len || len > p->l4_len)
			return;
		if (p->proto == IPV6_FRAGMENT) {
			p->frag_off = bytes_get16(h + 2) & 0xfff8;
			p->more_frags = h[3] & 1;
			p->fragment = bytes_get16(h + 2) & 0xfff9;
		}
		p->proto = h[0];
		p->l4_off = (uint16_t)(p->l4_off + len);
		p->l4_len -= len;
	}
}

static bool ipv6_parse(struct packet *p)
{
	const uint8_t *ip = p->eth + p->l3_off;
	uint32_t left = p->len - p->l3_off;
	uint32_t payload_len;

	if (left < IPV6_LEN || ip[0] >> 4 != 6)
		return false;
	left -= IPV6_LEN;
	payload_len = bytes_get16(ip + 4);
	p->ip_version = 6;
	p->proto = ip[6];
	p->src = ip + 8;
	p->dst = ip + 24;
	if (!payload_len && p->proto == IPV6_HOPOPTS && left >= 8) {
		const uint8_t *h = ip + IPV6_LEN;
		uint32_t len = (h[1] + 1u) * 8u;

		if (len <= left)
			payload_len = ipv6_jumbo_len(h, len);
	}
	l4_bound(p, p->l3_off + IPV6_LEN,
		 (uint64_t)p->l3_off + IPV6_LEN + payload_len);
	ipv6_ext_parse(p);
	return true;
}

static inline void tcp_fields(struct packet *p, const uint8_t *tcp,
			      uint32_t header_len)
{
	p->sport = bytes_get16(tcp);
	p->dport = bytes_get16(tcp + 2);
	p->seq = bytes_get32(tcp + 4);
	p->ack = bytes_get32(tcp + 8);
	p->flags = tcp[13];
	p->window = bytes_get16(tcp + 14);
	p->tcp_opt_len = (uint8_t)(header_len - TCP_LEN);
}

static bool tcp_parse(struct packet *p)
{
	const uint8_t *tcp = packet_l4(p);
	uint32_t header_len;

	if (p->l4_len < TCP_LEN)
		return false;
	header_len = (tcp[12] >> 4) * 4u;
	if (header_len < TCP_LEN || header_len > p->l4_len)
		return false;
	tcp_fields(p, tcp, header_len);
	p->payload_off = p->l4_off + header_len;
	p->payload_len = p->l4_len - header_len;
	return true;
}

/* May a UDP datagram be so long, whose end the frame does not have? */
static bool udp_goes_on(const struct packet *p, uint32_t udp_len)
{
	return p->more_frags || (p->truncated && p->l4_off + udp_len <=
						 packet_wire_len(p));
}

/* The UDP length may end before IP's does; beyond what was captured of that only
 * as far as IP's goes, or in another fragment. */
static bool udp_parse(struct packet *p)
{
	const uint8_t *udp = packet_l4(p);
	uint32_t udp_len;

	if (p->l4_len < UDP_LEN)
		return false;
	udp_len = bytes_get16(udp + 4);
	if (udp_len > p->l4_len && udp_goes_on(p, udp_len))
		udp_len = p->l4_len;
	if (udp_len < UDP_LEN || udp_len > p->l4_len)
		return false;
	p->sport = bytes_get16(udp);
	p->dport = bytes_get16(udp + 2);
	p->payload_off = p->l4_off + UDP_LEN;
	p->payload_len = udp_len - UDP_LEN;
	return true;
}

static bool icmp_parse(struct packet *p)
{
	if (p->l4_len < ICMP_LEN)
		return false;
	p->payload_off = p->l4_off + ICMP_LEN;
	p->payload_len = p->l4_len - ICMP_LEN;
	return true;
}

static bool l4_parse(struct packet *p)
{
	if (p->frag_off)
		return false;
	switch (p->proto) {
	case PACKET_TCP:
		return tcp_parse(p);
	case PACKET_UDP:
		return udp_parse(p);
	case PACKET_ICMP:
		return p->ip_version == 4 && icmp_parse(p);
	case PACKET_ICMP6:
		return p->ip_version == 6 && icmp_parse(p);
	default:
		return false;
	}
}

/* One or two VLAN ids are kept as they are. Of more, and of labels, a hash is
 * made: it tells flows apart, no more. */
static void tag_add(struct packet *p, uint32_t id, bool is_label)
{
	if (!is_label && p->n_vlan < 2 && !(p->vlan & PACKET_TAGS)) {
		p->vlan = p->vlan << 12 | id;
	} else {
		p->vlan = (p->vlan ^ id ^ (uint32_t)is_label << 20) * 0x9e3779b1u;
		p->vlan = (p->vlan ^ p->vlan >> 15) | PACKET_TAGS;
	}
	p->n_vlan++;
}

/* Labels do not say what follows the last one, but IP's first four bits do (RFC
 * 4928). Return: where it is, 0 when the frame ends before. */
static uint32_t mpls_parse(struct packet *p, uint32_t off)
{
	bool is_last = false;
	uint8_t version;

	while (!is_last && p->n_vlan < TAGS_MAX) {
		if (p->len - off < LABEL_LEN)
			return 0;
		tag_add(p, bytes_get32(p->eth + off) >> 12, true);
		is_last = p->eth[off + 2] & 1;
		off += LABEL_LEN;
	}
	version = is_last && off < p->len ? p->eth[off] >> 4 : 0;
	if (version == 4)
		p->ethertype = ETHERTYPE_IPV4;
	else if (version == 6)
		p->ethertype = ETHERTYPE_IPV6;
	return off;
}

/* The type and length at offset 12, behind what VLAN tags and labels there
 * are. */
static bool ether_parse(struct packet *p)
{
	uint32_t off = ETH_LEN;

	if (p->len < ETH_LEN)
		return false;
	p->ethertype = bytes_get16(p->eth + 12);
	while (ethertype_is_vlan(p->ethertype) && p->n_vlan < TAGS_MAX) {
		if (p->len - off < VLAN_LEN)
			return false;
		tag_add(p, bytes_get16(p->eth + off) & 0xfff, false);
		p->ethertype = bytes_get16(p->eth + off + 2);
		off += VLAN_LEN;
	}
	if (p->ethertype == ETHERTYPE_MPLS ||
	    p->ethertype == ETHERTYPE_MPLS_MULTICAST)
		off = mpls_parse(p, off);
	p->l3_off = (uint16_t)off;
	return off;
}

/* What most frames are, read in one go: an IPv4 header without options and
 * TCP's, all there. Of all others it says nothing. */
static bool plain_parse(struct packet *p, uint8_t *eth, uint32_t len)
{
	uint8_t *ip = eth + ETH_LEN, *tcp = ip + IPV4_LEN;
	uint32_t total_len, header_len;

	if (len < ETH_LEN + IPV4_LEN + TCP_LEN ||
	    bytes_get16(eth + 12) != ETHERTYPE_IPV4 || ip[0] != 0x45 ||
	    (bytes_get16(ip + 6) & 0x3fff) || ip[9] != PACKET_TCP)
		return false;
	total_len = bytes_get16(ip + 2);
	header_len = (tcp[12] >> 4) * 4u;
	if (ETH_LEN + total_len > len || header_len < TCP_LEN ||
	    IPV4_LEN + header_len > total_len)
		return false;
	*p = blank;
	p->eth = eth;
	p->len = len;
	p->level = PACKET_L4;
	p->ethertype = ETHERTYPE_IPV4;
	p->ip_version = 4;
	p->proto = PACKET_TCP;
	p->l3_off = ETH_LEN;
	p->l4_off = ETH_LEN + IPV4_LEN;
	p->l4_len = total_len - IPV4_LEN;
	p->payload_off = ETH_LEN + IPV4_LEN + header_len;
	p->payload_len = p->l4_len - header_len;
	p->src = ip + 12;
	p->dst = ip + 16;
	tcp_fields(p, tcp, header_len);
	return true;
}

/**
 * packet_parse() - Look at a frame, layer by layer
 * @p:		view to fill, every member of it
 * @eth:	first byte of the Ethernet header; borrowed by the view
 * @len:	bytes there
 *
 * Safe for every byte sequence and length; no checksum is looked at. Lengths
 * are those of IP, so Ethernet padding is not payload. With an IPv4 total length
 * of 0, which capture points show for segments that the hardware is to cut, all
 * that the frame has is the datagram's. ICMP's payload begins behind its first 8 bytes.
 */
void packet_parse(struct packet *p, uint8_t *eth, size_t len)
{
	bool sound = false;

	if (plain_parse(p, eth, (uint32_t)len))
		return;
	*p = blank;
	p->eth = eth;
	p->len = (uint32_t)len;
	if (!ether_parse(p))
		return;
	if (p->ethertype == ETHERTYPE_IPV4)
		sound = ipv4_parse(p);
	else if (p->ethertype == ETHERTYPE_IPV6)
		sound = ipv6_parse(p);
	if (sound)
		p->level = l4_parse(p) ? PACKET_L4 : PACKET_IP;
}

/**
 * packet_wire_len() - How long was the frame when it was sent?
 * @p:		A parsed frame, perhaps cut short by who captured it
 *
 * Return: its bytes according to IP, when that says more than there are
 */
uint32_t packet_wire_len(const struct packet *p)
{
	const uint8_t *ip = p->eth + p->l3_off;

	if (!p->truncated)
		return p->len;
	if (p->ip_version == 4)
		return p->l3_off + (uint32_t)bytes_get16(ip + 2);
	/* a jumbogram says so elsewhere, and no capture has one */
	return p->l3_off + IPV6_LEN + (uint32_t)bytes_get16(ip + 4);
}

/**
 * packet_body_off() - Where what two replicas have in common begins
 * @p:		a parsed frame
 *
 * Return: the offset of the payload of TCP and UDP that is not in fragments, else of
 *	   what follows the IP headers. Without IP, of what follows the MAC addresses
 *	   in a frame that has both, else 0.
 */
uint32_t packet_body_off(const struct packet *p)
{
	if (p->level == PACKET_ETHER)
		return p->len < MACS_LEN ? 0 : MACS_LEN;
	if (p->level == PACKET_L4 && !p->fragment &&
	    (p->proto == PACKET_TCP || p->proto == PACKET_UDP))
		return p->payload_off;
	return p->l4_off;
}

/**
 * packet_fragment_off() - Where the fragment header of IPv6 is
 * @p:		a parsed frame with IPv6
 *
 * Return: its offset, 0 when there is none among the headers that were followed
 */
uint32_t packet_fragment_off(const struct packet *p)
{
	uint32_t off = p->l3_off + IPV6_LEN;
	uint8_t next = p->eth[p->l3_off + 6];

	while (next != IPV6_FRAGMENT && off + 8 <= p->l4_off) {
		next = p->eth[off];
		off += (p->eth[off + 1] + 1u) * 8;
	}
	return next == IPV6_FRAGMENT && off + 8 <= p->l4_off ? off : 0;
}
