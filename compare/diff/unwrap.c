/* SPDX-License-Identifier: ISC */
/*
 * What a packet of a capture has around it: PPPoE, LLC/SNAP, pseudowires, and
 * tunnels over IP, which are GRE (with ERSPAN and PPTP's PPP), VXLAN, Geneve,
 * IP in IP, 6in4, MPLS in IP. Two captures of the same packets may have been
 * made behind different tunnels, and a tunnel numbers its packets: so what is
 * inside is compared, as if it had been captured there.
 *
 * Live traffic is not unwrapped: what the guest sends is what clients get.
 *
 * The number of a virtual network (VNI, GRE key) is kept as two VLAN tags, its
 * upper and lower 12 bits: two of them may use the same addresses. Pure; each
 * header is compared with what is there before it is read.
 */
#include "unwrap.h"

#include <string.h>

#include "../../common/bytes.h"

enum {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_IPV6 = 0x86dd,
	ETHERTYPE_VLAN = 0x8100,
	ETHERTYPE_QINQ = 0x88a8,
	ETHERTYPE_MPLS = 0x8847,
	ETHERTYPE_MPLS_MULTICAST = 0x8848,
	ETHERTYPE_PPPOE = 0x8864,
	ETHERTYPE_PPP = 0x880b,
	ETHERTYPE_ETHER = 0x6558,	/* in GRE and Geneve: an Ethernet frame */
	ETHERTYPE_ERSPAN = 0x88be,
	ETHERTYPE_ERSPAN3 = 0x22eb,
	LLC_LEN_MAX = 1500,		/* a length, not an EtherType */
	PROTO_IPIP = 4,
	PROTO_6IN4 = 41,
	PROTO_GRE = 47,
	PROTO_MPLS = 137,
	PORT_VXLAN = 4789,
	PORT_VXLAN_LINUX = 8472,	/* before it had a number */
	PORT_VXLAN_GPE = 4790,
	PORT_GENEVE = 6081,
};

enum {					/* the first word of GRE */
	GRE_CHECKSUM = 0x8000,
	GRE_ROUTING = 0x4000,
	GRE_KEY = 0x2000,
	GRE_SEQUENCE = 0x1000,
	GRE_ACK = 0x0080,		/* version 1 */
	GRE_VERSION = 7,
};

#define MACS_LEN 12u
#define ETH_LEN 14u
#define TAG_LEN 4u
#define TAGS_LEN (2 * TAG_LEN)

/* What was found inside. */
struct inner {
	const uint8_t *at, *end;
	uint16_t type;		/* its EtherType, or ETHERTYPE_ETHER */
	bool has_number;
	uint32_t number;	/* of the virtual network: 24 bits */
	bool is_link;		/* tags in front of it stay */
};

static uint32_t left(const struct inner *in)
{
	return (uint32_t)(in->end - in->at);
}

/* Step over a header, if all of it is there. */
static bool skip(struct inner *in, uint32_t len)
{
	if (left(in) < len)
		return false;
	in->at += len;
	return true;
}

static bool take_ppp(struct inner *in)
{
	unsigned number;

	if (left(in) >= 2 && in->at[0] == 0xff && in->at[1] == 3)
		in->at += 2;		/* address and control */
	if (left(in) < 2)
		return false;
	number = in->at[0] & 1 ? in->at[0] : bytes_get16(in->at);
	in->at += in->at[0] & 1 ? 1 : 2;
	in->type = number == 0x21 ? ETHERTYPE_IPV4 :
		   number == 0x57 ? ETHERTYPE_IPV6 :
		   number == 0x281 ? ETHERTYPE_MPLS : 0;
	return in->type;
}

/* SNAP with an EtherType in it. */
static bool take_llc(struct inner *in, uint32_t len)
{
	static const uint8_t snap[6] = { 0xaa, 0xaa, 3 };

	if (left(in) > len)
		in->end = in->at + len;		/* then there is padding */
	if (left(in) < 8 || memcmp(in->at, snap, sizeof(snap)))
		return false;
	in->type = bytes_get16(in->at + 6);
	in->at += 8;
	return in->type > LLC_LEN_MAX;
}

/* Behind labels, neither IPv4 nor IPv6: an Ethernet frame with a control word
 * (RFC 4448), or something else. */
static bool take_pseudowire(struct inner *in)
{
	in->type = ETHERTYPE_ETHER;
	in->is_link = false;
	return left(in) >= 4 && bytes_get16(in->at) == 0 && skip(in, 4);
}

static bool find_behind_link(struct inner *in, const struct packet *p)
{
	if (p->len < ETH_LEN || p->l3_off < ETH_LEN)
		return false;
	in->at = p->eth + p->l3_off;
	in->end = p->eth + p->len;
	in->is_link = true;
	if (p->ethertype == ETHERTYPE_PPPOE)
		return skip(in, 6) && take_ppp(in);
	if (p->ethertype == ETHERTYPE_PPP)
		return take_ppp(in);
	if (p->ethertype <= LLC_LEN_MAX)
		return take_llc(in, p->ethertype);
	if (p->ethertype == ETHERTYPE_MPLS ||
	    p->ethertype == ETHERTYPE_MPLS_MULTICAST)
		return take_pseudowire(in);
	return false;
}

static void set_number(struct inner *in, uint32_t number)
{
	in->has_number = true;
	in->number = number & 0xffffff;
}

/* Without a sequence number ERSPAN has no header of its own (type I). The third
 * has a subheader when the last bit of its header is set. */
static bool take_erspan(struct inner *in, uint16_t type, unsigned gre)
{
	bool has_more;

	in->type = ETHERTYPE_ETHER;
	if (type == ETHERTYPE_ERSPAN)
		return !(gre & GRE_SEQUENCE) || skip(in, 8);
	if (left(in) < 12)
		return false;
	has_more = in->at[11] & 1;
	return skip(in, has_more ? 20 : 12);
}

static bool take_gre(struct inner *in)
{
	unsigned gre;
	uint16_t type;

	if (left(in) < 4)
		return false;
	gre = bytes_get16(in->at);
	type = in->type = bytes_get16(in->at + 2);
	in->at += 4;
	if ((gre & GRE_VERSION) > 1 ||
	    ((gre & (GRE_CHECKSUM | GRE_ROUTING)) && !skip(in, 4)))
		return false;
	if (gre & GRE_KEY) {
		if (left(in) < 4)
			return false;
		/* NVGRE has 24 bits of network and 8 of flow */
		if ((gre & GRE_VERSION) == 0)
			set_number(in, type == ETHERTYPE_ETHER ?
				       bytes_get32(in->at) >> 8 :
				       bytes_get32(in->at));
		in->at += 4;
	}
	if (((gre & GRE_SEQUENCE) && !skip(in, 4)) ||
	    ((gre & GRE_VERSION) == 1 && (gre & GRE_ACK) && !skip(in, 4)))
		return false;
	if (type == ETHERTYPE_ERSPAN || type == ETHERTYPE_ERSPAN3)
		return take_erspan(in, type, gre);
	return type == ETHERTYPE_PPP ? take_ppp(in) : true;
}

static bool take_vxlan(struct inner *in, bool is_gpe)
{
	static const uint16_t types[] = { 0, ETHERTYPE_IPV4, ETHERTYPE_IPV6,
					  ETHERTYPE_ETHER };
	const uint8_t *h = in->at;

	/* the flag says that there is a network's number */
	if (left(in) < 8 || !(h[0] & 8) || (!is_gpe && h[0] & 0x77))
		return false;
	in->type = !is_gpe || !(h[0] & 4) ? ETHERTYPE_ETHER :
		   h[3] < 4 ? types[h[3]] : 0;
	set_number(in, bytes_get32(h + 4) >> 8);
	return skip(in, 8);
}

static bool take_geneve(struct inner *in)
{
	const uint8_t *h = in->at;

	if (left(in) < 8 || h[0] >> 6)
		return false;
	in->type = bytes_get16(h + 2);
	set_number(in, bytes_get32(h + 4) >> 8);
	return skip(in, 8 + (h[0] & 63u) * 4);
}

static bool find_in_udp(struct inner *in, const struct packet *p)
{
	if (p->level != PACKET_L4)
		return false;
	in->at = packet_payload(p);
	in->end = in->at + p->payload_len;
	switch (p->dport) {
	case PORT_VXLAN:
	case PORT_VXLAN_LINUX:
		return take_vxlan(in, false);
	case PORT_VXLAN_GPE:
		return take_vxlan(in, true);
	case PORT_GENEVE:
		return take_geneve(in);
	default:
		return false;
	}
}

static bool find_in_ip(struct inner *in, const struct packet *p)
{
	in->at = packet_l4(p);
	in->end = in->at + p->l4_len;
	switch (p->proto) {
	case PROTO_IPIP:
		in->type = ETHERTYPE_IPV4;
		return true;
	case PROTO_6IN4:
		in->type = ETHERTYPE_IPV6;
		return true;
	case PROTO_MPLS:
		in->type = ETHERTYPE_MPLS;
		return true;
	case PROTO_GRE:
		return take_gre(in);
	case PACKET_UDP:
		return find_in_udp(in, p);
	default:
		return false;
	}
}

static bool is_looked_into(const struct inner *in)
{
	switch (in->type) {
	case ETHERTYPE_ETHER:
		return left(in) >= ETH_LEN;
	case ETHERTYPE_IPV4:
	case ETHERTYPE_IPV6:
		/* what cannot be IP is left as it is */
		return left(in) &&
		       *in->at >> 4 == (in->type == ETHERTYPE_IPV4 ? 4 : 6);
	case ETHERTYPE_VLAN:
	case ETHERTYPE_QINQ:
	case ETHERTYPE_MPLS:
	case ETHERTYPE_MPLS_MULTICAST:
	case ETHERTYPE_PPPOE:
		return left(in) >= TAG_LEN;
	default:
		return false;
	}
}

static uint8_t *put(uint8_t *at, const uint8_t *bytes, size_t len)
{
	memcpy(at, bytes, len);
	return at + len;
}

static uint8_t *put_number(uint8_t *at, uint32_t number)
{
	bytes_put16(at, ETHERTYPE_QINQ);
	bytes_put16(at + 2, (uint16_t)(number >> 12));
	bytes_put16(at + 4, ETHERTYPE_VLAN);
	bytes_put16(at + 6, (uint16_t)(number & 0xfff));
	return at + TAGS_LEN;
}

/* An Ethernet frame of what is inside: with its own addresses, else with those
 * of the frame around it. */
static void make(struct frame *f, const struct frame *outer,
		 const struct packet *p, const struct inner *in)
{
	bool is_ether = in->type == ETHERTYPE_ETHER;
	uint32_t tags_len = in->is_link ? p->l3_off - ETH_LEN : 0;
	struct chunk *chunk = chunk_new(ETH_LEN + TAGS_LEN + tags_len +
					left(in));
	const uint8_t *rest = is_ether ? in->at + MACS_LEN : in->at;
	uint8_t *at = put(chunk->bytes, is_ether ? in->at : p->eth, MACS_LEN);

	if (in->has_number)
		at = put_number(at, in->number);
	at = put(at, p->eth + MACS_LEN, tags_len);
	if (!is_ether) {
		bytes_put16(at, in->type);
		at += 2;
	}
	at = put(at, rest, (size_t)(in->end - rest));
	*f = (struct frame){
		.chunk = chunk,
		.data = chunk->bytes,
		.len = (uint32_t)(at - chunk->bytes),
		.number = outer->number,
		.cut = outer->cut,
		.time_ns = outer->time_ns,
	};
}

/**
 * unwrap_frame() - Take off the outermost thing that is around a packet
 * @inner:	Set to a frame with what is inside; the caller gives the reference
 *		on its chunk back. There may be more around that
 * @f:		The frame; borrowed
 * @p:		The frame, parsed
 *
 * A fragment is not looked into.
 *
 * Return: false when nothing that is known here is around the packet
 */
bool unwrap_frame(struct frame *inner, const struct frame *f,
		  const struct packet *p)
{
	struct inner in = { 0 };
	bool found = p->level == PACKET_ETHER ? find_behind_link(&in, p) :
		     !p->fragment && find_in_ip(&in, p);

	if (!found || !is_looked_into(&in))
		return false;
	make(inner, f, p, &in);
	return true;
}
