/* SPDX-License-Identifier: ISC */
/*
 * The way of a frame. From the net it goes to the destination that has its
 * connection; a new one's is picked. From a guest it goes to the net, and what
 * the guest opens is remembered, so that the answers find back.
 *
 * Only a pure SYN makes a connection of TCP; any datagram makes one of UDP, and
 * of ICMP a request does. Errors of ICMP go to the guest whose connection they
 * are about and never renew its time: anybody can send them.
 *
 * A closed connection whose ports come again with a SYN is forgotten, and this
 * SYN is scheduled. So is one whose destination is down, or wants no new
 * connections while this one was not established: TCP itself finds out what
 * a SYN for an established one means.
 *
 * No state of its own; it changes struct schedule's parts through their files.
 */
#include "route.h"

#include "../../common/bytes.h"
#include "../../common/icmp_quote.h"
#include "answer.h"
#include "conn.h"
#include "core.h"
#include "dest.h"
#include "fragments.h"
#include "pick.h"
#include "state.h"
#include "tuple.h"

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

/* Frames that are looked at together, so that what their connections' look-ups read
 * comes from memory at the same time. */
struct batch {
	unsigned n;
	struct packet p[ROUTE_MAX];
	struct flow_key key[ROUTE_MAX];
	struct visit v[ROUTE_MAX];
};

static struct schedule_verdict verdict(enum schedule_way way,
				       enum schedule_reason reason,
				       uint16_t dest)
{
	return (struct schedule_verdict){ (uint8_t)way, (uint8_t)reason,
					  dest };
}

static struct schedule_verdict drop(enum schedule_reason reason)
{
	return verdict(SCHEDULE_DROP, reason, DEST_NONE);
}

static bool is_syn(const struct visit *v)
{
	return v->kind == TUPLE_TCP && (v->p->flags & SYN_FLAGS) == TCP_SYN;
}

static bool begins(const struct visit *v)
{
	return is_syn(v) || v->kind == TUPLE_UDP || v->kind == TUPLE_QUERY;
}

static bool is_neighbour(const struct packet *p)
{
	return p->ethertype == ETHERTYPE_ARP ||
	       (p->level == PACKET_L4 && p->proto == PACKET_ICMP6 &&
		*packet_l4(p) >= ND_FIRST && *packet_l4(p) <= ND_LAST);
}

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
		return verdict(SCHEDULE_TO_DEST, reason, i);
	if (i == CLAIMS_SHARED && is_neighbour(v->p))
		return verdict(SCHEDULE_FLOOD, reason, DEST_NONE);
	if (s->config.unscheduled == SCHEDULE_UN_FLOOD)
		return verdict(SCHEDULE_FLOOD, reason, DEST_NONE);
	if (s->config.unscheduled == SCHEDULE_UN_DROP)
		return drop(SCHEDULE_UNSCHEDULED);
	i = first_up(&s->dests);
	return i == DEST_NONE ? drop(SCHEDULE_NO_DEST) :
				verdict(SCHEDULE_TO_DEST, reason, i);
}

/* --- connections --- */

static enum state first_state(const struct visit *v, bool from_guest)
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

static void advance(const struct visit *v, struct conn *c, bool from_guest)
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

static struct schedule_verdict to_dest(const struct visit *v, uint16_t i,
				       enum schedule_reason reason)
{
	struct dest *d = &v->s->dests.v[i];

	d->in_frames++;
	d->in_bytes += v->p->len;
	return verdict(SCHEDULE_TO_DEST, reason, i);
}

static struct schedule_verdict to_net(const struct visit *v, uint16_t i,
				      enum schedule_reason reason)
{
	struct dest *d = &v->s->dests.v[i];

	d->out_frames++;
	d->out_bytes += v->p->len;
	return verdict(SCHEDULE_TO_NET, reason, DEST_NONE);
}

static struct schedule_verdict unknown_from_net(const struct visit *v)
{
	return v->s->config.unknown_drop ? drop(SCHEDULE_STRAY) :
					   unscheduled(v, SCHEDULE_UNKNOWN);
}

static struct schedule_verdict new_from_net(const struct visit *v)
{
	struct schedule *s = v->s;
	struct conn_init init = { .state = first_state(v, false) };
	const struct service *svc;
	struct pick pick;

	if (!begins(v))
		return unknown_from_net(v);
	init.service = service_find(&s->services, v->key);
	if (init.service == SERVICE_NONE)
		return unscheduled(v, SCHEDULE_NO_SERVICE);
	pick = pick_dest(s, init.service, v->key, v->now_ns);
	if (pick.dest == DEST_NONE)
		return pick.reason == SCHEDULE_OVERLOAD_PASSED ?
				unscheduled(v, pick.reason) :
				drop(pick.reason);
	svc = &s->services.v[init.service];
	init.dest = pick.dest;
	init.template = pick.template;
	init.timeout_s = svc->timeout_s;
	if (!svc->one_packet &&
	    !conn_new(&s->conns, v->key, &init, v->now_ns))
		return drop(SCHEDULE_TABLE_FULL);
	s->dests.v[pick.dest].conns++;
	return to_dest(v, pick.dest, SCHEDULE_NEW);
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
		s->n_rescheduled += begins(v);
		return begins(v) ? new_from_net(v) : drop(SCHEDULE_QUIESCENT);
	}
	if (is_syn(v) && may_restart(c, d)) {
		conn_remove(&s->conns, c);
		s->n_rescheduled++;
		return new_from_net(v);
	}
	if (!d->is_up)
		return drop(SCHEDULE_DEST_DOWN);
	advance(v, c, false);
	return to_dest(v, c->dest, SCHEDULE_ORDINARY);
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
		return drop(SCHEDULE_ICMP_SUM);
	if (!s->dests.v[c->dest].is_up)
		return drop(SCHEDULE_DEST_DOWN);
	return to_dest(v, c->dest, SCHEDULE_RELATED);
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
		return drop(SCHEDULE_SHORT);
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
			return drop(SCHEDULE_ORPHAN);
		if (way.way == SCHEDULE_TO_DEST && v->s->dests.v[way.dest].is_up)
			return to_dest(v, way.dest, SCHEDULE_FRAGMENT);
		return way.way == SCHEDULE_TO_DEST ? drop(SCHEDULE_DEST_DOWN) :
			verdict((enum schedule_way)way.way, SCHEDULE_FRAGMENT,
				DEST_NONE);
	}
	first = whole_from_net(v);
	if (first.way != SCHEDULE_DROP) {
		way = (struct fragments_way){ first.dest, first.way };
		fragments_put(t, v->p, way, v->now_ns);
	}
	return first;
}

static struct schedule_verdict from_net(const struct visit *v)
{
	const struct packet *p = v->p;
	uint16_t svc = SERVICE_NONE;

	if (is_neighbour(p))
		svc = answer_find(&v->s->services, p);
	if (svc != SERVICE_NONE)
		return verdict(SCHEDULE_ANSWER, SCHEDULE_ANSWERED, svc);
	if (p->level == PACKET_ETHER || is_neighbour(p))
		return unscheduled(v, SCHEDULE_NOT_IP);
	return p->fragment ? fragment_from_net(v) : whole_from_net(v);
}

/* --- from a guest --- */

static struct schedule_verdict new_from_dest(const struct visit *v, uint16_t i)
{
	struct schedule *s = v->s;
	struct conn_init init = { .dest = i, .service = SERVICE_NONE,
				  .state = first_state(v, true),
				  .flags = CONN_FROM_GUEST };
	uint16_t svc = service_find(&s->services, v->key);

	if (!begins(v))
		return s->config.unknown_drop ? drop(SCHEDULE_STRAY) :
						to_net(v, i, SCHEDULE_UNKNOWN);
	/* what answers a one-packet service begins nothing */
	if (svc != SERVICE_NONE && s->services.v[svc].one_packet)
		return to_net(v, i, SCHEDULE_ORDINARY);
	if (!conn_new(&s->conns, v->key, &init, v->now_ns))
		return drop(SCHEDULE_TABLE_FULL);
	return to_net(v, i, SCHEDULE_NEW);
}

/* Two guests that share an address are two ends of one connection to the peer:
 * only the one that has it may speak. */
static struct schedule_verdict known_from_dest(const struct visit *v,
					       struct conn *c, uint16_t i)
{
	if (is_syn(v) && c->dest != i && state_is_closed((enum state)c->state)) {
		conn_remove(&v->s->conns, c);
		return new_from_dest(v, i);
	}
	if (c->dest != i)
		return drop(begins(v) ? SCHEDULE_CLASH : SCHEDULE_WRONG_DEST);
	advance(v, c, true);
	return to_net(v, i, SCHEDULE_ORDINARY);
}

static struct schedule_verdict ip_from_dest(const struct visit *v, uint16_t i)
{
	struct conn *c;

	if (v->p->fragment && v->p->frag_off)
		return to_net(v, i, SCHEDULE_FRAGMENT);
	if (v->kind == TUPLE_OTHER || v->kind == TUPLE_SHORT)
		return to_net(v, i, icmp_quote_is_error(v->p) ?
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

static struct schedule_verdict from_dest(const struct visit *v, uint16_t i)
{
	const struct packet *p = v->p;

	if (v->s->dests.v[i].is_over)
		return drop(SCHEDULE_QUIESCENT);
	learn(v, i);
	return p->level == PACKET_ETHER || is_neighbour(p) ?
				to_net(v, i, SCHEDULE_NOT_IP) :
				ip_from_dest(v, i);
}

/* --- batches --- */

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
		ways[k] = from_net(&b.v[k]);
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
		ways[k] = from_dest(&b.v[k], i);
		s->n[ways[k].reason]++;
	}
	return b.n;
}
