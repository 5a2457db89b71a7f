/* SPDX-License-Identifier: ISC */
/*
 * The service of a TCP connection is the end that did not send the SYN. Where
 * no SYN was captured it is the port that another connection's SYN went to,
 * else the smaller port, as it is for other protocols.
 *
 * A roster that both captures were entered in, and that was settled, knows of
 * each connection whether the other capture has it, too, with the same addresses
 * and ports. That counts for a service when at least half of its connections
 * are such, in the capture that has fewer: two recordings made apart have some
 * in common by chance. A roster that is not settled learns from each packet that
 * it is asked about.
 *
 * live.c fills one from captures that can be read twice; pair.c asks.
 */
#include "roster.h"

#include <stdlib.h>
#include <string.h>

#include "../../common/flow.h"

#define SERVICES_MAX 131072u	/* all ports of TCP and UDP */

enum end { END_UNKNOWN, END_LOW, END_HIGH };

struct connection {
	uint8_t sides;		/* 1 << side: has been seen there */
	uint8_t service;	/* enum end: of the key in the table */
};

struct service {		/* its key has a protocol, and the port in sport */
	bool is_known;		/* a SYN went there */
	uint32_t n[2], n_both;	/* connections, once settled */
};

struct roster {
	struct flow_table *connections, *services;
	bool is_settled;
	uint16_t primary_port[65536];	/* of a secondary's; 0: the same */
};

/**
 * roster_new() - Make a roster without entries
 * @max_connections: How many are known; of others the ports decide
 * @seed:	Of the hashes
 *
 * Return: it, for roster_free(); NULL when memory is short
 */
struct roster *roster_new(uint32_t max_connections, uint64_t seed)
{
	struct roster *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->connections = flow_table_new(max_connections,
					sizeof(struct connection), seed);
	r->services = flow_table_new(SERVICES_MAX, sizeof(struct service),
				     seed);
	if (r->connections && r->services)
		return r;
	roster_free(r);
	return NULL;
}

/**
 * roster_free() - Free a roster
 * @r:		The roster, or NULL
 */
void roster_free(struct roster *r)
{
	if (!r)
		return;
	flow_table_free(r->connections);
	flow_table_free(r->services);
	free(r);
}

/**
 * roster_map() - Say that a service has another port in the secondary's capture
 * @r:		The roster
 * @primary:	Its port in the primary's
 * @secondary:	And in the secondary's
 */
void roster_map(struct roster *r, uint16_t primary, uint16_t secondary)
{
	r->primary_port[secondary] = primary;
}

/* Both directions of a connection have one key: that of the end with the
 * smaller port, then address. Return: whether it is the other direction's */
static bool turn(struct flow_key *key)
{
	struct flow_key other = *key;
	bool is_high = key->sport != key->dport ? key->sport > key->dport :
		       memcmp(key->src, key->dst, sizeof(key->src)) > 0;

	if (!is_high)
		return false;
	memcpy(key->src, other.dst, sizeof(key->src));
	memcpy(key->dst, other.src, sizeof(key->dst));
	key->sport = other.dport;
	key->dport = other.sport;
	return true;
}

static void *find_or_add(struct flow_table *t, const struct flow_key *key)
{
	void *value = flow_find(t, key);

	return value ? value : flow_add(t, key, 0, 0);
}

/* Return: NULL when it is not known, and is not to be added or has no room */
static struct service *service_of(const struct roster *r, uint8_t proto,
				  uint16_t port, bool is_added)
{
	const struct flow_key key = { .proto = proto, .sport = port };

	return is_added ? find_or_add(r->services, &key) :
			  flow_find(r->services, &key);
}

/* A SYN says which end is the service. */
static void note_syn(struct roster *r, struct connection *conn,
		     const struct packet *p, bool is_turned)
{
	bool is_from_service = p->flags & TCP_ACK;
	struct service *s;

	if (conn->service)
		return;
	conn->service = is_from_service != is_turned ? END_LOW : END_HIGH;
	s = service_of(r, PACKET_TCP, is_from_service ? p->sport : p->dport,
		       true);
	if (s)
		s->is_known = true;
}

/* key was turned if is_turned. */
static struct connection *note(struct roster *r, unsigned side,
			       const struct flow_key *key, bool is_turned,
			       const struct packet *p)
{
	struct connection *conn = find_or_add(r->connections, key);

	if (!conn)
		return NULL;
	conn->sides |= (uint8_t)(1u << side);
	if (p->level == PACKET_L4 && p->proto == PACKET_TCP && !p->fragment &&
	    (p->flags & TCP_SYN))
		note_syn(r, conn, p, is_turned);
	return conn;
}

/**
 * roster_add() - Enter a packet
 * @r:		The roster, not settled
 * @side:	0 or 1: whose capture it is in
 * @p:		The packet, parsed
 */
void roster_add(struct roster *r, unsigned side, const struct packet *p)
{
	struct flow_key key;
	bool is_turned;

	if (flow_key_of(&key, p, false) < 0 || (!key.sport && !key.dport))
		return;
	is_turned = turn(&key);
	note(r, side, &key, is_turned, p);
}

static bool is_known(const struct roster *r, uint8_t proto, uint16_t port)
{
	const struct service *s = service_of(r, proto, port, false);

	return s && s->is_known;
}

/* Which end of a connection is the service? The key's low end has the smaller
 * port. */
static enum end end_of(const struct roster *r, const struct flow_key *key,
		       const struct connection *conn)
{
	bool low, high;

	if (conn && conn->service)
		return conn->service;
	low = is_known(r, key->proto, key->sport);
	high = is_known(r, key->proto, key->dport);
	return high && !low ? END_HIGH : END_LOW;
}

static struct service *service_at(const struct roster *r,
				  const struct flow_key *key,
				  const struct connection *conn, bool is_added)
{
	return service_of(r, key->proto, end_of(r, key, conn) == END_LOW ?
			  key->sport : key->dport, is_added);
}

static void count_connections(struct roster *r)
{
	const struct connection *conn = flow_oldest(r->connections, 0);

	for (; conn; conn = flow_next(r->connections, conn)) {
		struct service *s = service_at(
			r, flow_get_key(r->connections, conn), conn, true);

		for (unsigned side = 0; s && side < 2; side++)
			s->n[side] += conn->sides >> side & 1;
		if (s && conn->sides == 3)
			s->n_both++;
	}
}

/* The only service to which TCP connects in one capture, and not in the other:
 * its port; 0 when there is none, or more than one. */
static uint16_t lone_port(const struct roster *r, unsigned side)
{
	const struct service *s = flow_oldest(r->services, 0);
	uint16_t port = 0;

	for (; s; s = flow_next(r->services, s)) {
		uint16_t of = flow_get_key(r->services, s)->sport;

		if (!s->is_known || s->n[!side] || !s->n[side] ||
		    (side && r->primary_port[of]))
			continue;
		if (port)
			return 0;
		port = of;
	}
	return port;
}

static bool is_mapped(const struct roster *r, uint16_t primary)
{
	for (unsigned i = 0; i < 65536; i++)
		if (r->primary_port[i] == primary)
			return true;
	return false;
}

/**
 * roster_settle() - Both captures have been entered: what do they have in common?
 * @r:		The roster
 * @mapped:	Set when there is one service in each capture that the other
 *		lacks: their ports, by side. They are taken for each other's
 *
 * Return: whether @mapped was set
 */
bool roster_settle(struct roster *r, uint16_t mapped[2])
{
	count_connections(r);
	r->is_settled = true;
	mapped[0] = lone_port(r, 0);
	mapped[1] = lone_port(r, 1);
	if (!mapped[0] || !mapped[1] || is_mapped(r, mapped[0]))
		return false;
	roster_map(r, mapped[0], mapped[1]);
	return true;
}

static bool counts(const struct service *s)
{
	uint32_t fewer = s->n[0] < s->n[1] ? s->n[0] : s->n[1];

	return s->n_both && s->n_both >= fewer - s->n_both;
}

/**
 * roster_find() - What is known of the connection of a packet?
 * @r:		The roster; if it is not settled the packet is entered
 * @side:	0 or 1: whose capture it is in
 * @key:	Its flow, with ports
 * @p:		The packet, parsed
 *
 * Return: that
 */
struct roster_place roster_find(struct roster *r, unsigned side,
				const struct flow_key *key,
				const struct packet *p)
{
	struct flow_key low = *key;
	bool is_turned = turn(&low), is_low;
	const struct connection *conn;
	const struct service *s;
	uint16_t port;

	conn = r->is_settled ? flow_find(r->connections, &low) :
			       note(r, side, &low, is_turned, p);
	is_low = end_of(r, &low, conn) == END_LOW;
	port = is_low ? low.sport : low.dport;
	s = r->is_settled ? service_of(r, low.proto, port, false) : NULL;
	if (side && r->primary_port[port])
		port = r->primary_port[port];
	return (struct roster_place){
		.is_from_service = is_low != is_turned,
		.is_in_both = s && conn && conn->sides == 3 && counts(s),
		.port = port,
	};
}
