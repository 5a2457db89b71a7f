/* SPDX-License-Identifier: ISC */
/*
 * Frames from a guest go to the net, unless another guest has their connection. What
 * the guest opens is remembered, so that the answers find back, and so is the
 * address that it sends from.
 *
 * No state of its own; it changes struct schedule's parts through their files.
 */
#include "outbound.h"

#include "../../common/icmp_quote.h"
#include "conn.h"
#include "core.h"
#include "dest.h"
#include "state.h"

static struct schedule_verdict new_from_dest(const struct visit *v, uint16_t i)
{
	struct schedule *s = v->s;
	struct conn_init init = { .dest = i, .service = SERVICE_NONE,
				  .state = visit_first_state(v, true),
				  .flags = CONN_FROM_GUEST };
	uint16_t svc = service_find(&s->services, v->key);

	if (!visit_begins(v) && s->config.unknown_drop)
		return visit_drop(SCHEDULE_STRAY);
	if (!visit_begins(v))
		return visit_to_net(v, i, SCHEDULE_UNKNOWN);
	/* what answers a one-packet service begins nothing */
	if (svc != SERVICE_NONE && s->services.v[svc].one_packet)
		return visit_to_net(v, i, SCHEDULE_ORDINARY);
	if (!conn_new(&s->conns, v->key, &init, v->now_ns))
		return visit_drop(SCHEDULE_TABLE_FULL);
	return visit_to_net(v, i, SCHEDULE_NEW);
}

/* Two guests that share an address are two ends of one connection to the peer:
 * only the one that has it may speak. */
static struct schedule_verdict known_from_dest(const struct visit *v,
					       struct conn *c, uint16_t i)
{
	if (visit_is_syn(v) && c->dest != i &&
	    state_is_closed((enum state)c->state)) {
		conn_remove(&v->s->conns, c);
		return new_from_dest(v, i);
	}
	if (c->dest != i)
		return visit_drop(visit_begins(v) ? SCHEDULE_CLASH :
						    SCHEDULE_WRONG_DEST);
	visit_advance(v, c, true);
	return visit_to_net(v, i, SCHEDULE_ORDINARY);
}

static struct schedule_verdict ip_from_dest(const struct visit *v, uint16_t i)
{
	struct conn *c;

	if (v->p->fragment && v->p->frag_off)
		return visit_to_net(v, i, SCHEDULE_FRAGMENT);
	if (v->kind == TUPLE_OTHER || v->kind == TUPLE_SHORT)
		return visit_to_net(v, i, icmp_quote_is_error(v->p) ?
					SCHEDULE_RELATED : SCHEDULE_NO_SERVICE);
	c = conn_find_hashed(&v->s->conns, v->key, v->hash);
	return c ? known_from_dest(v, c, i) : new_from_dest(v, i);
}

/* Where frames to a destination are to be addressed: mac=learn. */
static void learn(const struct visit *v, uint16_t i)
{
	struct schedule *s = v->s;
	const uint8_t *mac = v->p->eth + 6;

	if (v->p->len >= 12 && claims_learn(&s->claims, mac, i, v->now_ns) &&
	    s->dests.v[i].learns_mac)
		dest_set_mac(&s->dests.v[i], mac);
}

/**
 * outbound_way() - Where a frame from a guest goes
 * @v:	frame
 * @i:	index of the destination that it comes from
 */
struct schedule_verdict outbound_way(const struct visit *v, uint16_t i)
{
	const struct packet *p = v->p;

	if (v->s->dests.v[i].is_over)
		return visit_drop(SCHEDULE_QUIESCENT);
	learn(v, i);
	return p->level == PACKET_ETHER || visit_is_neighbour(p) ?
				visit_to_net(v, i, SCHEDULE_NOT_IP) :
				ip_from_dest(v, i);
}
