/* SPDX-License-Identifier: ISC */
#ifndef COLO_SCHEDULE_VISIT_H
#define COLO_SCHEDULE_VISIT_H

#include "conn.h"
#include "core.h"
#include "state.h"
#include "tuple.h"

/*
 * A frame while it is asked where it goes: what it is, and what it does to its
 * connection, in either direction. inbound.c and outbound.c decide. All is inline:
 * each frame comes through here.
 */
#define ETHERTYPE_ARP 0x0806
#define ND_FIRST 133u		/* RFC 4861: 133 to 137 */
#define ND_LAST 137u
#define SYN_FLAGS (TCP_SYN | TCP_ACK | TCP_FIN | TCP_RST)

/* A frame on its way. */
struct visit {
	struct schedule *s;
	const struct packet *p;
	enum tuple_kind kind;
	const struct flow_key *key;
	uint32_t hash;
	uint64_t now_ns;
};

/**
 * visit_verdict() - Where a frame goes and why
 * @way:	where to
 * @reason:	why
 * @dest:	TO_DEST: index of the destination; ANSWER: of the service
 */
static inline struct schedule_verdict
visit_verdict(enum schedule_way way, enum schedule_reason reason, uint16_t dest)
{
	return (struct schedule_verdict){ (uint8_t)way, (uint8_t)reason,
					  dest };
}

/**
 * visit_drop() - It goes nowhere
 * @reason:	why
 */
static inline struct schedule_verdict visit_drop(enum schedule_reason reason)
{
	return visit_verdict(SCHEDULE_DROP, reason, DEST_NONE);
}

/**
 * visit_is_syn() - Is it a pure SYN, which alone begins a connection of TCP?
 * @v:	frame
 */
static inline bool visit_is_syn(const struct visit *v)
{
	return v->kind == TUPLE_TCP && (v->p->flags & SYN_FLAGS) == TCP_SYN;
}

/**
 * visit_begins() - May it begin a connection?
 * @v:	frame
 */
static inline bool visit_begins(const struct visit *v)
{
	return visit_is_syn(v) || v->kind == TUPLE_UDP || v->kind == TUPLE_QUERY;
}

/**
 * visit_is_neighbour() - Is it one of ARP or of neighbour discovery?
 * @p:	parsed frame
 */
static inline bool visit_is_neighbour(const struct packet *p)
{
	return p->ethertype == ETHERTYPE_ARP ||
	       (p->level == PACKET_L4 && p->proto == PACKET_ICMP6 &&
		*packet_l4(p) >= ND_FIRST && *packet_l4(p) <= ND_LAST);
}

/**
 * visit_first_state() - The state of the connection that a frame begins
 * @v:			frame
 * @from_guest:		who opens it
 */
static inline enum state visit_first_state(const struct visit *v,
					   bool from_guest)
{
	switch (v->kind) {
	case TUPLE_TCP:
		return state_next(STATE_NONE, v->p->flags, from_guest);
	case TUPLE_UDP:
		return STATE_UDP_ONE_WAY;
	default:
		return STATE_ICMP;
	}
}

/**
 * visit_advance() - A frame of a connection came: its state and its time
 * @v:			frame
 * @c:			its connection
 * @from_guest:		its direction
 */
static inline void visit_advance(const struct visit *v, struct conn *c,
				 bool from_guest)
{
	bool by_guest = c->flags & CONN_FROM_GUEST;
	enum state next = (enum state)c->state;

	if (v->kind == TUPLE_TCP)
		next = state_next(next, v->p->flags, from_guest);
	else if (next == STATE_UDP_ONE_WAY && from_guest != by_guest)
		next = STATE_UDP;
	if (next != (enum state)c->state)
		conn_set_state(&v->s->conns, c, next, v->now_ns);
	else
		conn_touch(&v->s->conns, c, v->now_ns);
}

/**
 * visit_to_dest() - A frame goes to a destination, and is counted there
 * @v:		frame
 * @i:		index of the destination
 * @reason:	why
 */
static inline struct schedule_verdict
visit_to_dest(const struct visit *v, uint16_t i, enum schedule_reason reason)
{
	struct dest *d = &v->s->dests.v[i];

	d->in_frames++;
	d->in_bytes += v->p->len;
	return visit_verdict(SCHEDULE_TO_DEST, reason, i);
}

/**
 * visit_to_net() - A frame goes to the net, and is counted at its destination
 * @v:		frame
 * @i:		index of the destination that it comes from
 * @reason:	why
 */
static inline struct schedule_verdict
visit_to_net(const struct visit *v, uint16_t i, enum schedule_reason reason)
{
	struct dest *d = &v->s->dests.v[i];

	d->out_frames++;
	d->out_bytes += v->p->len;
	return visit_verdict(SCHEDULE_TO_NET, reason, DEST_NONE);
}

#endif
