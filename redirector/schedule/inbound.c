/* SPDX-License-Identifier: ISC */
/*
 * Frames from the net go to the destination that has their connection; a new one's
 * is picked. What is of no connection goes to the guest whose address it has, or as
 * --unscheduled says.
 *
 * A closed connection whose ports come again with a SYN is forgotten, and this
 * SYN is scheduled. So is one whose destination is down, or wants no new
 * connections while this one was not established: TCP itself finds out what
 * a SYN for an established one means.
 *
 * Errors of ICMP go to the guest whose connection they are about and never renew its
 * time: anybody can send them.
 *
 * No state of its own; it changes struct schedule's parts through their files.
 */
#include "inbound.h"

#include "../../common/icmp_quote.h"
#include "answer.h"
#include "conn.h"
#include "core.h"
#include "dest.h"
#include "fragments.h"
#include "pick.h"
#include "state.h"

/* --- frames without a connection --- */

/* In the order of the command line: one for new connections, or any. */
static uint16_t first_up(const struct dest_set *set)
{
	uint16_t any = DEST_NONE;

	for (unsigned at = set->n; at--;) {
		uint16_t i = set->order[at];

		if (dest_is_usable(&set->v[i]))
			return i;
		if (set->v[i].is_up && any == DEST_NONE)
			any = i;
	}
	return any;
}

/* To the guest whose address this is, or as --unscheduled says. Answers of ARP
 * and ND to guests that share an address are for all of them. */
static struct schedule_verdict unscheduled(const struct visit *v,
					   enum schedule_reason reason)
{
	struct schedule *s = v->s;
	uint16_t i = CLAIMS_NONE;

	if (v->p->len >= 12 && !(v->p->eth[0] & 1))
		i = claims_find(&s->claims, v->p->eth);
	if (i < DESTS_MAX && s->dests.v[i].is_up)
		return visit_verdict(SCHEDULE_TO_DEST, reason, i);
	if (i == CLAIMS_SHARED && visit_is_neighbour(v->p))
		return visit_verdict(SCHEDULE_FLOOD, reason, DEST_NONE);
	if (s->config.unscheduled == SCHEDULE_UN_FLOOD)
		return visit_verdict(SCHEDULE_FLOOD, reason, DEST_NONE);
	if (s->config.unscheduled == SCHEDULE_UN_DROP)
		return visit_drop(SCHEDULE_UNSCHEDULED);
	i = first_up(&s->dests);
	return i == DEST_NONE ? visit_drop(SCHEDULE_NO_DEST) :
				visit_verdict(SCHEDULE_TO_DEST, reason, i);
}

/* --- connections --- */

static struct schedule_verdict unknown_from_net(const struct visit *v)
{
	return v->s->config.unknown_drop ? visit_drop(SCHEDULE_STRAY) :
					   unscheduled(v, SCHEDULE_UNKNOWN);
}

static struct schedule_verdict new_from_net(const struct visit *v)
{
	struct schedule *s = v->s;
	struct conn_init init = { .state = visit_first_state(v, false) };
	const struct service *svc;
	struct pick pick;

	if (!visit_begins(v))
		return unknown_from_net(v);
	init.service = service_find(&s->services, v->key);
	if (init.service == SERVICE_NONE)
		return unscheduled(v, SCHEDULE_NO_SERVICE);
	pick = pick_dest(s, init.service, v->key, v->now_ns);
	if (pick.dest == DEST_NONE)
		return pick.reason == SCHEDULE_OVERLOAD_PASSED ?
				unscheduled(v, pick.reason) :
				visit_drop(pick.reason);
	svc = &s->services.v[init.service];
	init.dest = pick.dest;
	init.template = pick.template;
	init.timeout_s = svc->timeout_s;
	if (!svc->one_packet &&
	    !conn_new(&s->conns, v->key, &init, v->now_ns))
		return visit_drop(SCHEDULE_TABLE_FULL);
	s->dests.v[pick.dest].conns++;
	return visit_to_dest(v, pick.dest, SCHEDULE_NEW);
}

/* Is a connection to end because its destination wants no more? */
static bool is_ended(const struct schedule *s, const struct dest *d)
{
	return d->is_over || (s->config.expire_quiescent &&
			      (!d->is_member || !d->weight));
}

/* May a SYN with the ports of a connection begin another one? */
static bool may_restart(const struct conn *c, const struct dest *d)
{
	return state_is_closed((enum state)c->state) || !d->is_up ||
	       (!dest_is_open(d) && c->state != STATE_ESTABLISHED);
}

static struct schedule_verdict known_from_net(const struct visit *v,
					      struct conn *c)
{
	struct schedule *s = v->s;
	const struct dest *d = &s->dests.v[c->dest];

	if (is_ended(s, d)) {
		conn_remove(&s->conns, c);
		s->n_rescheduled += visit_begins(v);
		return visit_begins(v) ? new_from_net(v) :
					 visit_drop(SCHEDULE_QUIESCENT);
	}
	if (visit_is_syn(v) && may_restart(c, d)) {
		conn_remove(&s->conns, c);
		s->n_rescheduled++;
		return new_from_net(v);
	}
	if (!d->is_up)
		return visit_drop(SCHEDULE_DEST_DOWN);
	visit_advance(v, c, false);
	return visit_to_dest(v, c->dest, SCHEDULE_ORDINARY);
}

/* An error about a packet that a guest has sent goes to that guest, unless its
 * checksum is wrong: IPVS drops it, too. */
static struct schedule_verdict error_from_net(const struct visit *v)
{
	const struct schedule *s = v->s;
	const struct conn *c;
	struct icmp_quote quote;
	struct flow_key key;

	if (!icmp_quote_find(&quote, v->p))
		return unscheduled(v, SCHEDULE_NO_SERVICE);
	tuple_of(&key, &quote.p, true);
	c = conn_find(&s->conns, &key);
	if (!c)
		return unscheduled(v, SCHEDULE_NO_SERVICE);
	if (!icmp_quote_is_intact(v->p))
		return visit_drop(SCHEDULE_ICMP_SUM);
	if (!s->dests.v[c->dest].is_up)
		return visit_drop(SCHEDULE_DEST_DOWN);
	return visit_to_dest(v, c->dest, SCHEDULE_RELATED);
}

/* Neither TCP nor UDP nor a query. */
static struct schedule_verdict other_from_net(const struct visit *v)
{
	return icmp_quote_is_error(v->p) ?
				error_from_net(v) :
				unscheduled(v, SCHEDULE_NO_SERVICE);
}

static struct schedule_verdict whole_from_net(const struct visit *v)
{
	struct conn *c;

	if (v->kind == TUPLE_OTHER)
		return other_from_net(v);
	if (v->kind == TUPLE_SHORT)
		return visit_drop(SCHEDULE_SHORT);
	c = conn_find_hashed(&v->s->conns, v->key, v->hash);
	return c ? known_from_net(v, c) : new_from_net(v);
}

static struct schedule_verdict fragment_from_net(const struct visit *v)
{
	struct flow_table *t = v->s->fragments;
	struct fragments_way way;
	struct schedule_verdict first;

	if (v->p->frag_off) {
		if (!fragments_get(t, v->p, &way, v->now_ns))
			return visit_drop(SCHEDULE_ORPHAN);
		if (way.way != SCHEDULE_TO_DEST)
			return visit_verdict((enum schedule_way)way.way,
					     SCHEDULE_FRAGMENT, DEST_NONE);
		if (!v->s->dests.v[way.dest].is_up)
			return visit_drop(SCHEDULE_DEST_DOWN);
		return visit_to_dest(v, way.dest, SCHEDULE_FRAGMENT);
	}
	first = whole_from_net(v);
	if (first.way != SCHEDULE_DROP) {
		way = (struct fragments_way){ first.dest, first.way };
		fragments_put(t, v->p, way, v->now_ns);
	}
	return first;
}

/**
 * inbound_way() - Where a frame from the net goes
 * @v:	frame
 */
struct schedule_verdict inbound_way(const struct visit *v)
{
	const struct packet *p = v->p;
	uint16_t svc = SERVICE_NONE;

	if (visit_is_neighbour(p))
		svc = answer_find(&v->s->services, p);
	if (svc != SERVICE_NONE)
		return visit_verdict(SCHEDULE_ANSWER, SCHEDULE_ANSWERED, svc);
	if (p->level == PACKET_ETHER || visit_is_neighbour(p))
		return unscheduled(v, SCHEDULE_NOT_IP);
	return p->fragment ? fragment_from_net(v) : whole_from_net(v);
}
