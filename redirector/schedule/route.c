/* SPDX-License-Identifier: ISC */
/*
 * The ways of frames that come together: all are parsed and hashed before the first
 * is asked where it goes, so that memory is read for all at the same time. inbound.c
 * decides about those from the net, outbound.c about those from a guest.
 *
 * No state of its own but the counters of reasons in struct schedule.
 */
#include "route.h"

#include "conn.h"
#include "core.h"
#include "inbound.h"
#include "outbound.h"

/* Frames that are looked at together, so that what their connections' look-ups read
 * comes from memory at the same time. */
struct batch {
	unsigned n;
	struct packet p[ROUTE_MAX];
	struct flow_key key[ROUTE_MAX];
	struct visit v[ROUTE_MAX];
};

/* What of a frame its connection is found by. */
static void look(struct visit *v, struct flow_key *key, bool is_from_dest)
{
	const struct packet *p = v->p;

	v->kind = TUPLE_OTHER;
	if (p->level != PACKET_ETHER && !(p->fragment && p->frag_off))
		v->kind = tuple_kind(p);
	if (v->kind == TUPLE_OTHER || v->kind == TUPLE_SHORT)
		*key = (struct flow_key){ .proto = 0 };
	else
		tuple_of(key, p, is_from_dest);
}

static void batch_look(struct batch *b, struct schedule *s,
		       const struct route_frame *f, unsigned n,
		       bool is_from_dest, uint64_t now_ns)
{
	uint32_t hashes[ROUTE_MAX];

	b->n = n < ROUTE_MAX ? n : ROUTE_MAX;
	for (unsigned k = 0; k < b->n; k++) {
		packet_parse(&b->p[k], f[k].eth, f[k].len);
		b->v[k] = (struct visit){ .s = s, .p = &b->p[k],
					  .key = &b->key[k], .now_ns = now_ns };
		look(&b->v[k], &b->key[k], is_from_dest);
	}
	conn_hash(&s->conns, b->key, hashes, b->n);
	for (unsigned k = 0; k < b->n; k++)
		b->v[k].hash = hashes[k];
}

/**
 * route_from_net() - Where frames from the net go
 * @s:		state
 * @f:		the frames, any bytes; borrowed for the call
 * @n:		how many
 * @ways:	set: the way of each and why
 * @now_ns:	time
 *
 * Return: how many were routed: @n, or ROUTE_MAX when that is less
 */
unsigned route_from_net(struct schedule *s, const struct route_frame *f,
			unsigned n, struct schedule_verdict *ways,
			uint64_t now_ns)
{
	struct batch b;

	batch_look(&b, s, f, n, false, now_ns);
	for (unsigned k = 0; k < b.n; k++) {
		ways[k] = inbound_way(&b.v[k]);
		s->n[ways[k].reason]++;
	}
	return b.n;
}

/**
 * route_from_dest() - Where frames from a guest go
 * @s:		state
 * @i:		index of the destination that they come from
 * @f:		the frames, any bytes; borrowed for the call
 * @n:		how many
 * @ways:	set: the way of each and why
 * @now_ns:	time
 *
 * Return: as route_from_net()
 */
unsigned route_from_dest(struct schedule *s, uint16_t i,
			 const struct route_frame *f, unsigned n,
			 struct schedule_verdict *ways, uint64_t now_ns)
{
	struct batch b;

	batch_look(&b, s, f, n, true, now_ns);
	for (unsigned k = 0; k < b.n; k++) {
		ways[k] = outbound_way(&b.v[k], i);
		s->n[ways[k].reason]++;
	}
	return b.n;
}
