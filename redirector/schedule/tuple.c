/* SPDX-License-Identifier: ISC */
/*
 * Keys of the flow table. A connection has one: that of a frame from the net,
 * and a frame from a guest is looked up as its mirror. Tags tell templates and
 * fragments apart from connections. There is no state.
 *
 * ICMP queries have pseudo-ports: a request goes from its identifier to type *
 * 256 + code, and the reply's tuple is the mirror of that.
 */
#include "tuple.h"

#include <string.h>

#include "../../common/bytes.h"

#define TAG_TEMPLATE 1
#define TAG_FRAGMENT 2

/* Requests and their replies: RFC 792, RFC 950, RFC 4443. */
static const struct {
	uint8_t proto, request, reply;
} queries[] = {
	{ PACKET_ICMP, 8, 0 }, { PACKET_ICMP, 13, 14 },
	{ PACKET_ICMP, 15, 16 }, { PACKET_ICMP, 17, 18 },
	{ PACKET_ICMP6, 128, 129 },
};

static enum tuple_kind query_kind(uint8_t proto, uint8_t type,
				  uint8_t *request)
{
	for (unsigned i = 0; i < sizeof(queries) / sizeof(*queries); i++) {
		*request = queries[i].request;
		if (queries[i].proto != proto)
			continue;
		if (queries[i].request == type)
			return TUPLE_QUERY;
		if (queries[i].reply == type)
			return TUPLE_REPLY;
	}
	return TUPLE_OTHER;
}

/**
 * tuple_kind() - What a packet may begin or belong to
 * @p:	parsed packet, with an IP header, no later fragment
 */
enum tuple_kind tuple_kind(const struct packet *p)
{
	uint8_t request;

	switch (p->proto) {
	case PACKET_TCP:
		return p->level == PACKET_L4 ? TUPLE_TCP : TUPLE_SHORT;
	case PACKET_UDP:
		return p->level == PACKET_L4 ? TUPLE_UDP : TUPLE_SHORT;
	case PACKET_ICMP:
	case PACKET_ICMP6:
		if ((p->proto == PACKET_ICMP) != (p->ip_version == 4))
			return TUPLE_OTHER;
		if (p->level != PACKET_L4)
			return TUPLE_SHORT;
		return query_kind(p->proto, *packet_l4(p), &request);
	default:
		return TUPLE_OTHER;
	}
}

/**
 * tuple_of() - The key of the connection that a packet belongs to
 * @key:	set
 * @p:		parsed packet with an IP header
 * @from_guest:	it comes from a guest
 */
void tuple_of(struct flow_key *key, const struct packet *p, bool from_guest)
{
	enum tuple_kind kind;
	uint16_t id, what;
	uint8_t request;

	flow_key_of(key, p, from_guest);
	if (p->level != PACKET_L4 ||
	    (p->proto != PACKET_ICMP && p->proto != PACKET_ICMP6))
		return;
	kind = query_kind(p->proto, *packet_l4(p), &request);
	key->sport = key->dport = 0;
	if (kind == TUPLE_OTHER)
		return;
	id = bytes_get16(packet_l4(p) + 4);
	what = (uint16_t)(request << 8 | packet_l4(p)[1]);
	/* from the net a request has its identifier in front, a reply behind;
	 * those of guests are turned round */
	if ((kind == TUPLE_QUERY) != from_guest) {
		key->sport = id;
		key->dport = what;
	} else {
		key->sport = what;
		key->dport = id;
	}
}

/**
 * tuple_fragment() - The key of the datagram that a fragment is of
 * @key:	set
 * @p:		fragment, the first one or a later one
 *
 * Return: false when its header is not to be found.
 */
bool tuple_fragment(struct flow_key *key, const struct packet *p)
{
	uint32_t at = p->ip_version == 6 ? packet_fragment_off(p) : 0;

	if (p->ip_version == 6 && !at)
		return false;
	flow_key_of(key, p, false);
	key->sport = at ? bytes_get16(p->eth + at + 4) : 0;
	key->dport = bytes_get16(p->eth + (at ? at + 6 : p->l3_off + 4u));
	key->proto = at ? 0 : p->proto;
	key->tag[0] = TAG_FRAGMENT;
	return true;
}

static void mask_addr(uint8_t *addr, unsigned bits)
{
	for (unsigned i = 0; i < 16; i++) {
		unsigned left = bits > i * 8 ? bits - i * 8 : 0;

		if (left < 8)
			addr[i] &= (uint8_t)(0xff00 >> left);
	}
}

/**
 * tuple_template() - The key of the template that a connection follows
 * @key:	set
 * @conn:	the connection's
 * @svc:	its service: a mask, and whether it is one port or all
 */
void tuple_template(struct flow_key *key, const struct flow_key *conn,
		    const struct service *svc)
{
	*key = *conn;
	mask_addr(key->src, svc->mask);
	key->sport = 0;
	if (!svc->port)
		key->dport = 0;
	key->tag[0] = TAG_TEMPLATE;
}

/**
 * tuple_is_template() - Is a key one of a template?
 * @key:	any key
 */
bool tuple_is_template(const struct flow_key *key)
{
	return key->tag[0] == TAG_TEMPLATE;
}
