/* SPDX-License-Identifier: ISC */
/*
 * Which flow of one recording belongs to which flow of another, when clients
 * have chosen other ports and hosts have other addresses: the n-th connection
 * of a service on one side goes with the n-th on the other. A connection that
 * both have, with the same addresses and ports, goes with itself. roster.c
 * knows both.
 *
 * This file owns the table of numbers. arrive.c asks it for the key that both
 * flows have in common.
 */
#include "pair.h"

#include <string.h>

#include "../../common/time.h"
#include "roster.h"

#define SERVICES_MAX 131072u	/* all ports, of both sides */

enum { LIST_FLOWS, LIST_SERVICES };

struct pair {			/* of a flow or a service */
	uint32_t n;
	uint32_t isn;		/* of a TCP flow, when has_isn */
	bool has_isn;
};

/**
 * pair_table() - Make the table of numbers
 * @config:	The comparison's
 *
 * Return: it, for flow_table_free(); NULL when memory is short
 */
struct flow_table *pair_table(const struct compare_config *config)
{
	return flow_table_new(2 * config->max_flows + SERVICES_MAX,
			      sizeof(struct pair), config->seed);
}

/* When the table is full the flow is forgotten that was idle longest. */
static struct pair *find_or_add(struct compare *c, const struct flow_key *key,
				unsigned list, bool *is_new)
{
	struct pair *pair = flow_find(c->pairs, key);

	*is_new = !pair;
	if (!pair)
		pair = flow_add(c->pairs, key, list, c->now_ns);
	else if (!flow_is_recent(c->pairs, pair, list, c->now_ns, NS_PER_S))
		flow_touch(c->pairs, pair, list, c->now_ns);
	if (pair || !flow_oldest(c->pairs, LIST_FLOWS))
		return pair;
	flow_remove(c->pairs, flow_oldest(c->pairs, LIST_FLOWS));
	return flow_add(c->pairs, key, list, c->now_ns);
}

static bool is_from_service(const struct flow_key *key)
{
	if (key->tag[1] & (KEY_FROM_SERVICE | KEY_TO_SERVICE))
		return key->tag[1] & KEY_FROM_SERVICE;
	return key->sport <= key->dport;
}

/**
 * pair_service() - Say which service a flow belongs to
 * @service:	Set: protocol, VLAN and the service's port, where the flow has it
 * @key:	The flow's key. Where pair_key() did not say which end is the
 *		service, the smaller port is
 */
void pair_service(struct flow_key *service, const struct flow_key *key)
{
	*service = (struct flow_key){
		.vlan = key->vlan,
		.proto = key->proto,
		.ip_version = key->ip_version,
	};
	if (is_from_service(key))
		service->sport = key->sport;
	else
		service->dport = key->dport;
}

static uint32_t next_number(struct compare *c, enum compare_side side,
			    const struct flow_key *service)
{
	struct flow_key key = *service;
	struct pair *count;
	bool is_new;

	key.tag[1] = KEY_SERVICE;
	if (side == COMPARE_SECONDARY)
		key.tag[1] |= KEY_SECONDARY;
	count = find_or_add(c, &key, LIST_SERVICES, &is_new);
	return count ? ++count->n : 0;
}

static uint32_t number_of(struct compare *c, enum compare_side side,
			  const struct flow_key *key, const struct packet *p,
			  const struct flow_key *service)
{
	bool is_syn = p->level == PACKET_L4 && p->proto == PACKET_TCP &&
		      (p->flags & TCP_SYN);
	struct flow_key own = *key;
	struct pair *pair;
	bool is_new;

	if (side == COMPARE_SECONDARY)
		own.tag[1] |= KEY_SECONDARY;
	pair = find_or_add(c, &own, LIST_FLOWS, &is_new);
	if (!pair)
		return 0;
	if (is_new || (is_syn && pair->has_isn && pair->isn != p->seq))
		pair->n = next_number(c, side, service);
	if (is_syn) {
		pair->isn = p->seq;
		pair->has_isn = true;
	}
	return pair->n;
}

/* The client's port is replaced by a number. */
static void number_key(struct compare *c, enum compare_side side,
		       struct flow_key *key, const struct packet *p)
{
	struct flow_key service, own = *key;
	struct roster_place place = roster_find(c->roster, side, key, p);
	uint32_t n;

	key->tag[1] |= place.is_from_service ? KEY_FROM_SERVICE :
					       KEY_TO_SERVICE;
	if (place.is_in_both) {
		key->tag[1] |= KEY_TUPLE;
		return;
	}
	*(place.is_from_service ? &key->sport : &key->dport) = place.port;
	pair_service(&service, key);
	n = number_of(c, side, &own, p, &service);
	*(place.is_from_service ? &key->dport : &key->sport) = (uint16_t)n;
	key->tag[0] = (uint8_t)(n >> 16);
}

/**
 * pair_key() - Make the key that a flow has in common with the other side's
 * @c:		The comparison, with pair_order or ignore_addr
 * @side:	Whose packet it is
 * @key:	The flow's key; changed
 * @p:		The packet, parsed
 */
void pair_key(struct compare *c, enum compare_side side, struct flow_key *key,
	      const struct packet *p)
{
	/* what is not IP has its EtherType there */
	if (c->config.pair_order && key->ip_version &&
	    (key->sport || key->dport))
		number_key(c, side, key, p);
	if (c->config.ignore_addr && !(key->tag[1] & KEY_TUPLE)) {
		memset(key->src, 0, sizeof(key->src));
		memset(key->dst, 0, sizeof(key->dst));
	}
}
