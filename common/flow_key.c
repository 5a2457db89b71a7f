/* SPDX-License-Identifier: ISC */
/*
 * The key of the flow that a packet belongs to, made from a parsed packet, and its
 * text for messages. There is no state.
 */
#include "flow_key.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "packet.h"

/*
 * The same identifier stands for both ports: a ping's request and its reply
 * have keys that mirror each other.
 */
static uint16_t icmp_echo_id(const struct packet *p)
{
	uint8_t type = *packet_l4(p);
	bool echo = p->proto == PACKET_ICMP ? type == 8 || type == 0 :
					      type == 128 || type == 129;

	return echo ? bytes_get16(packet_l4(p) + 4) : 0;
}

/* Transports whose header begins with two ports, as TCP's and UDP's do. */
static bool begins_with_ports(uint8_t proto)
{
	return proto == PACKET_DCCP || proto == PACKET_SCTP ||
	       proto == PACKET_UDPLITE;
}

static void key_ports(struct flow_key *key, const struct packet *p)
{
	if (p->level == PACKET_IP && begins_with_ports(p->proto) &&
	    !p->fragment && p->l4_len >= 4) {
		key->sport = bytes_get16(packet_l4(p));
		key->dport = bytes_get16(packet_l4(p) + 2);
	}
	if (p->level != PACKET_L4)
		return;
	key->sport = p->sport;
	key->dport = p->dport;
	if (p->proto == PACKET_ICMP || p->proto == PACKET_ICMP6)
		key->sport = key->dport = icmp_echo_id(p);
}

/**
 * flow_key_of() - Which flow a packet belongs to
 * @key:	set, every byte of it
 * @p:		parsed packet
 * @reverse:	the key of the packets that go the other way
 *
 * ICMP echo has its identifier in place of both ports. The ports of what has
 * none, later fragments included, are 0; a first fragment has its own.
 *
 * Return: 0, or -EINVAL when the packet is not IP.
 */
int flow_key_of(struct flow_key *key, const struct packet *p, bool reverse)
{
	const uint8_t *src = reverse ? p->dst : p->src;
	const uint8_t *dst = reverse ? p->src : p->dst;

	if (p->level == PACKET_ETHER)
		return -EINVAL;
	memset(key, 0, sizeof(*key));
	if (p->ip_version == 4) {
		memcpy(key->src, src, 4);
		memcpy(key->dst, dst, 4);
	} else {
		memcpy(key->src, src, 16);
		memcpy(key->dst, dst, 16);
	}
	key_ports(key, p);
	if (reverse) {
		uint16_t port = key->sport;

		key->sport = key->dport;
		key->dport = port;
	}
	key->vlan = p->vlan;
	key->proto = p->proto;
	key->ip_version = p->ip_version;
	return 0;
}

/**
 * flow_key_is_of() - Does a TCP segment or UDP datagram belong to a flow?
 * @key:	of the flow
 * @p:		parsed packet
 *
 * Return: is it what flow_key_of() makes of @p? A key that its owner has tagged
 *	   is of something else.
 */
bool flow_key_is_of(const struct flow_key *key, const struct packet *p)
{
	if (key->proto != p->proto || key->ip_version != p->ip_version ||
	    key->sport != p->sport || key->dport != p->dport ||
	    key->vlan != p->vlan || key->tag[0] || key->tag[1])
		return false;
	if (p->ip_version == 4)
		return !memcmp(key->src, p->src, 4) &&
		       !memcmp(key->dst, p->dst, 4);
	return !memcmp(key->src, p->src, 16) && !memcmp(key->dst, p->dst, 16);
}

/* "10.0.0.1:80", "[fe80::1]:80"; without ports the address alone. */
static void end_text(const struct flow_key *key, const uint8_t *addr,
		     uint16_t port, char *buf, size_t len)
{
	bool has_ports = key->proto == PACKET_TCP ||
			 key->proto == PACKET_UDP ||
			 begins_with_ports(key->proto);
	bool v6 = key->ip_version == 6;
	char text[INET6_ADDRSTRLEN];

	inet_ntop(v6 ? AF_INET6 : AF_INET, addr, text, sizeof(text));
	if (!has_ports)
		snprintf(buf, len, "%s", text);
	else
		snprintf(buf, len, v6 ? "[%s]:%u" : "%s:%u", text, port);
}

static void proto_text(uint8_t proto, char *buf, size_t len)
{
	switch (proto) {
	case PACKET_TCP:
		snprintf(buf, len, "tcp");
		break;
	case PACKET_UDP:
		snprintf(buf, len, "udp");
		break;
	case PACKET_ICMP:
		snprintf(buf, len, "icmp");
		break;
	case PACKET_ICMP6:
		snprintf(buf, len, "icmp6");
		break;
	case PACKET_DCCP:
		snprintf(buf, len, "dccp");
		break;
	case PACKET_SCTP:
		snprintf(buf, len, "sctp");
		break;
	case PACKET_UDPLITE:
		snprintf(buf, len, "udplite");
		break;
	default:
		snprintf(buf, len, "proto %u", proto);
	}
}

static void vlan_text(uint32_t vlan, char *buf, size_t len)
{
	if (vlan & PACKET_TAGS)
		snprintf(buf, len, " tags #%08x", vlan & ~PACKET_TAGS);
	else if (vlan >> 12)
		snprintf(buf, len, " vlan %u.%u", vlan >> 12, vlan & 0xfff);
	else if (vlan)
		snprintf(buf, len, " vlan %u", vlan);
	else
		*buf = '\0';
}

/**
 * flow_key_text() - A key for people: "tcp 10.0.0.1:80 > 10.0.0.2:5000 vlan 7"
 * @key:	key
 * @buf:	text; ended by a NUL, cut when it does not fit
 * @len:	bytes at @buf, 1 or more; FLOW_TEXT_MAX is enough for all
 *
 * Return: bytes of text at @buf, the NUL not counted.
 */
size_t flow_key_text(const struct flow_key *key, char *buf, size_t len)
{
	char src[INET6_ADDRSTRLEN + 8], dst[INET6_ADDRSTRLEN + 8];
	char proto[16], vlan[24];

	end_text(key, key->src, key->sport, src, sizeof(src));
	end_text(key, key->dst, key->dport, dst, sizeof(dst));
	proto_text(key->proto, proto, sizeof(proto));
	vlan_text(key->vlan, vlan, sizeof(vlan));
	snprintf(buf, len, "%s %s > %s%s", proto, src, dst, vlan);
	return strlen(buf);
}
