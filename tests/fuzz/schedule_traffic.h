/* SPDX-License-Identifier: ISC */
#ifndef COLO_FUZZ_SCHEDULE_TRAFFIC_H
#define COLO_FUZZ_SCHEDULE_TRAFFIC_H

#include "../../common/checksum.h"
#include "../../common/packet.h"
#include "../unit/craft.h"
#include "fuzz.h"

/*
 * Whole packets between a few clients and the services of the harness, from a few
 * bytes of input: what begins, continues and ends connections, requests and
 * replies, errors about them, fragments, and questions for an address.
 */
enum {				/* of the first byte; the lowest bits: kind */
	TRAFFIC_KINDS = 7,
	TRAFFIC_V6 = 1 << 3,
	TRAFFIC_VLAN = 1 << 4,
	TRAFFIC_PIECE = 1 << 5,		/* a fragment of it */
	TRAFFIC_CUT = 1 << 6,		/* the frame ends early */
	TRAFFIC_BAD = 1 << 7,		/* one byte is another one */
};

enum {				/* of the second: who */
	TRAFFIC_CLIENT = 7,		/* which one: its port or identifier */
	TRAFFIC_NET = 1 << 3,		/* and its network */
	TRAFFIC_PORT = 3 << 4,		/* the service's */
	TRAFFIC_MAC = 1 << 6,		/* another one than the guests' */
	TRAFFIC_OTHER = 1 << 7,		/* no address of a service */
};

struct traffic {
	struct craft c;
	struct fuzz *z;
	uint8_t kind, who;
	bool from_guest;
};

static inline uint16_t traffic_client_port(const struct traffic *t)
{
	return (uint16_t)(1024 + (t->who & TRAFFIC_CLIENT));
}

static inline uint16_t traffic_service_port(const struct traffic *t)
{
	static const uint16_t ports[] = { 80, 53, 81, 0 };

	return ports[(t->who & TRAFFIC_PORT) >> 4];
}

/* An IP header for len bytes. from_guest: the service's address is the source.
 * Return: its beginning */
static inline uint8_t *put_ip(struct traffic *t, uint8_t proto, size_t len,
			      bool from_guest)
{
	bool v6 = t->kind & TRAFFIC_V6;
	uint8_t *ip = v6 ? craft_ipv6(&t->c, proto, len) :
			   craft_ipv4(&t->c, proto, 0, len);
	uint8_t *src = ip + (v6 ? 8 : 12), *dst = src + (v6 ? 16 : 4);
	unsigned size = v6 ? 16 : 4;

	src[size - 2] = t->who & TRAFFIC_NET ? 1 : 0;
	dst[size - 1] = t->who & TRAFFIC_OTHER ? 3 : 2;
	if (v6)
		ip[7] = 255;		/* as ND has it */
	for (unsigned i = 0; from_guest && i < size; i++) {
		uint8_t byte = src[i];

		src[i] = dst[i];
		dst[i] = byte;
	}
	return ip;
}

static inline void put_ports(const struct traffic *t, uint8_t *l4,
			     bool from_guest)
{
	bytes_put16(l4 + (from_guest ? 2 : 0), traffic_client_port(t));
	bytes_put16(l4 + (from_guest ? 0 : 2), traffic_service_port(t));
}

static inline void put_segment(struct traffic *t)
{
	static const uint8_t flags[] = { 2, 0x12, 0x10, 0x11, 4, 0x14, 0xc2, 0 };

	put_ip(t, PACKET_TCP, 20, t->from_guest);
	put_ports(t, craft_tcp(&t->c, flags[fuzz_byte(t->z) & 7], 0),
		  t->from_guest);
}

static inline void put_datagram(struct traffic *t)
{
	size_t len = fuzz_byte(t->z) % 32;

	put_ip(t, PACKET_UDP, 8 + len, t->from_guest);
	put_ports(t, craft_udp(&t->c, len), t->from_guest);
	craft_payload(&t->c, len);
}

/* A request or its reply. */
static inline void put_query(struct traffic *t)
{
	static const uint8_t types[] = { 8, 0, 13, 14, 15, 16, 17, 18 };
	uint8_t what = fuzz_byte(t->z), *icmp;
	bool v6 = t->kind & TRAFFIC_V6;

	put_ip(t, v6 ? PACKET_ICMP6 : PACKET_ICMP, 8, t->from_guest);
	icmp = craft_bytes(&t->c, 8);
	icmp[0] = v6 ? 128 + (what & 1) : types[what & 7];
	icmp[1] = what >> 7;
	bytes_put16(icmp + 4, traffic_client_port(t));
}

/* The first 8 bytes of a packet that went the other way. */
static inline void put_quote(struct traffic *t, uint8_t what)
{
	static const uint8_t protos[] = { PACKET_TCP, PACKET_UDP, PACKET_ICMP,
					  PACKET_ICMP6 };
	uint8_t proto = protos[what & 3], *l4;

	put_ip(t, proto, 20, !t->from_guest);
	l4 = craft_bytes(&t->c, 8);
	if (proto == PACKET_TCP || proto == PACKET_UDP) {
		put_ports(t, l4, !t->from_guest);
		return;
	}
	l4[0] = (uint8_t)((proto == PACKET_ICMP ? 0 : 129) + (what >> 7));
	bytes_put16(l4 + 4, traffic_client_port(t));
}

/* An error of ICMP, with a right checksum unless it is not to have one. */
static inline void put_error(struct traffic *t)
{
	static const uint8_t types[] = { 3, 4, 11, 12, 5, 1, 2, 3 };
	uint8_t what = fuzz_byte(t->z), *ip, *icmp;
	bool v6 = t->kind & TRAFFIC_V6;
	uint8_t proto = v6 ? PACKET_ICMP6 : PACKET_ICMP;
	size_t len = 8 + (v6 ? 40 : 20) + 8;
	uint32_t sum;

	ip = put_ip(t, proto, len, t->from_guest);
	icmp = craft_bytes(&t->c, 8);
	icmp[0] = types[what >> 2 & 7];
	put_quote(t, what);
	sum = v6 ? checksum_pseudo(6, ip + 8, ip + 24, proto, (uint32_t)len) : 0;
	sum = checksum_fold(checksum_add(sum, icmp, (uint32_t)len));
	bytes_put16(icmp + 2, (uint16_t)(what & 64 ? 1 : sum));
}

/* Who asks for the service's address, or for another one. */
static inline void put_question(struct traffic *t)
{
	uint8_t what = fuzz_byte(t->z), *at, *ip;

	if (!(t->kind & TRAFFIC_V6)) {
		at = craft_bytes(&t->c, 28);
		memcpy(at, "\0\1\x08\0\6\4\0\1\x52\x54\0\0\0\1\x0a\0\0\1", 18);
		at[7] = (uint8_t)(1 + (what & 1));
		memcpy(at + 24, "\x0a\0\0\2", 4);
		at[27] = (uint8_t)(2 + (what >> 1 & 1));
		return;
	}
	ip = put_ip(t, PACKET_ICMP6, 24, t->from_guest);
	at = craft_bytes(&t->c, 24);
	at[0] = (uint8_t)(135 + (what & 1));
	at[8] = 0xfd;
	at[23] = (uint8_t)(2 + (what >> 1 & 1));
	if (what & 4)			/* is the address free? */
		memset(ip + 8, 0, 16);
}

static inline void put_packet(struct traffic *t)
{
	switch (t->kind & TRAFFIC_KINDS) {
	case 3:
		put_datagram(t);
		break;
	case 4:
		put_query(t);
		break;
	case 5:
		put_error(t);
		break;
	case 6:
		put_question(t);
		break;
	case 7:
		put_ip(t, 132, 8, t->from_guest);
		craft_bytes(&t->c, 8);
		break;
	default:
		put_segment(t);
	}
}

/* Makes a fragment of the packet behind ip: the first one or a later one. */
static inline void put_piece(struct traffic *t, size_t ip)
{
	uint8_t what = fuzz_byte(t->z), *at = t->c.b + ip;
	uint16_t off = what & 1 ? (uint16_t)(what & 0x38) : 0;
	uint8_t id = what >> 6;

	if (!(t->kind & TRAFFIC_V6)) {
		at[5] = id;
		bytes_put16(at + 6, (uint16_t)(off / 8 | (what & 2 ? 0x2000 : 0)));
		return;
	}
	craft_bytes(&t->c, 8);
	memmove(at + 48, at + 40, t->c.len - ip - 48);
	at[40] = at[6];
	at[41] = 0;
	bytes_put16(at + 42, (uint16_t)(off | (what >> 1 & 1)));
	bytes_put32(at + 44, id);
	at[6] = 44;
	bytes_put16(at + 4, (uint16_t)(t->c.len - ip - 40));
}

static inline uint16_t traffic_ethertype(const struct traffic *t)
{
	if (t->kind & TRAFFIC_V6)
		return 0x86dd;
	return (t->kind & TRAFFIC_KINDS) == 6 ? 0x0806 : 0x0800;
}

/* The next packet of the input, in t->c. */
static inline void traffic_next(struct traffic *t, struct fuzz *z,
				bool from_guest)
{
	size_t ip;

	t->z = z;
	t->kind = fuzz_byte(z);
	t->who = fuzz_byte(z);
	t->from_guest = from_guest;
	craft_ether(&t->c, t->kind & TRAFFIC_VLAN ? 0x8100 :
						     traffic_ethertype(t));
	t->c.b[from_guest ? 11 : 5] = t->who & TRAFFIC_MAC ? 9 : 2;
	if (t->kind & TRAFFIC_VLAN)
		craft_vlan(&t->c, 5, traffic_ethertype(t));
	ip = t->c.len;
	put_packet(t);
	if (t->kind & TRAFFIC_PIECE && traffic_ethertype(t) != 0x0806)
		put_piece(t, ip);
	if (t->kind & TRAFFIC_BAD)
		t->c.b[fuzz_byte(z) % t->c.len] = fuzz_byte(z);
	if (t->kind & TRAFFIC_CUT)
		t->c.len -= fuzz_byte(z) % t->c.len;
}

#endif
