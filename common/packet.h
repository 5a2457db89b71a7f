/* SPDX-License-Identifier: ISC */
#ifndef COLO_PACKET_H
#define COLO_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A checked view of an Ethernet frame: every offset below was compared with
 * the length before it was written. Offsets count from the first byte of the
 * Ethernet header. Nothing is copied; the view is valid while the bytes are.
 */
enum {
	PACKET_TCP = 6,
	PACKET_UDP = 17,
	PACKET_ICMP = 1,
	PACKET_ICMP6 = 58,
	/* not looked into, but for the ports that they begin with */
	PACKET_DCCP = 33,
	PACKET_SCTP = 132,
	PACKET_UDPLITE = 136,
};

enum {
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_PSH = 0x08,
	TCP_ACK = 0x10,
	TCP_URG = 0x20,
	TCP_CWR = 0x80,
};

enum packet_level {
	PACKET_ETHER,		/* not IP, or an IP header that does not hold */
	PACKET_IP,		/* IP is sound; the transport header is not, or
				   is a later fragment, or is none we know */
	PACKET_L4,		/* TCP, UDP, ICMP, ICMPv6 header is sound */
};

#define PACKET_TAGS (1u << 31)

struct packet {
	uint8_t *eth;		/* the frame; borrowed */
	uint32_t len;		/* bytes at eth */
	enum packet_level level;
	uint16_t ethertype;	/* behind the VLAN tags and MPLS labels */
	uint8_t n_vlan;		/* VLAN tags and MPLS labels */
	uint8_t ip_version;	/* 4, 6, or 0 */
	uint32_t vlan;		/* the VLAN ids: outer << 12 | inner; 0 without
				   tags; PACKET_TAGS and a hash of what there is
				   else */
	uint8_t proto;		/* behind the IPv6 extension headers */
	bool fragment;		/* any fragment of a larger datagram */
	uint16_t frag_off;	/* bytes; 0 for the first fragment */
	bool more_frags;
	uint16_t l3_off;
	uint16_t l4_off;	/* first byte behind the IP headers */
	uint32_t l4_len;	/* bytes there that IP says exist and are captured;
				   Ethernet padding is not among them */
	bool truncated;		/* IP says more bytes than the frame has */
	uint32_t payload_off;	/* behind the transport header (L4 only) */
	uint32_t payload_len;
	const uint8_t *src;	/* 4 or 16 bytes */
	const uint8_t *dst;
	uint16_t sport;		/* TCP, UDP; 0 for the others */
	uint16_t dport;
	/* TCP only */
	uint32_t seq;
	uint32_t ack;
	uint16_t window;
	uint8_t flags;
	uint8_t tcp_opt_len;	/* bytes of options behind the 20 fixed ones */
};

void packet_parse(struct packet *p, uint8_t *eth, size_t len);
uint32_t packet_wire_len(const struct packet *p);
uint32_t packet_body_off(const struct packet *p);
uint32_t packet_fragment_off(const struct packet *p);

/* The transport header. */
static inline uint8_t *packet_l4(const struct packet *p)
{
	return p->eth + p->l4_off;
}

static inline uint8_t *packet_payload(const struct packet *p)
{
	return p->eth + p->payload_off;
}

#endif
