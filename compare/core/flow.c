/* SPDX-License-Identifier: ISC */
/*
 * The flows of a comparison, and which of them are forgotten when: by their
 * list and its idle time, or at max_flows to make room. One that holds a
 * packet is never forgotten.
 */
#include <assert.h>
#include <string.h>

#include "../../common/age.h"
#include "core.h"

#define SECOND_NS UINT64_C(1000000000)
#define EVICT_SCAN 64u		/* flows looked at to find one to evict */

/* Idle for so long, a flow is forgotten; 0: never. */
static const uint64_t list_idle_ns[FLOW_LISTS] = {
	[LIST_CLOSED] = 60 * SECOND_NS,
	[LIST_HALF] = 60 * SECOND_NS,
	[LIST_DATAGRAM] = 180 * SECOND_NS,
	[LIST_TCP] = 2 * 3600 * SECOND_NS,
};

static unsigned home_list(const struct cmp_flow *fl)
{
	if (fl->flags & FLOW_DIFFERENT)
		return LIST_DIFFERENT;
	if (fl->flags & FLOW_SUSPECT)
		return LIST_SUSPECT;
	if (!fl->is_tcp)
		return LIST_DATAGRAM;
	if (fl->flags & FLOW_CLOSED)
		return LIST_CLOSED;
	return fl->flags & FLOW_BUSY ? LIST_TCP : LIST_HALF;
}

/**
 * compare_flow_touch - a flow was used, or has become another kind
 * @c:		the comparison
 * @fl:		the flow
 *
 * Keeps the lists in about the order of use: to the second is enough.
 */
void compare_flow_touch(struct compare *c, struct cmp_flow *fl)
{
	unsigned list;
	bool has_place;

	if (fl->touched_ns == c->now_ns && fl->touched_flags == fl->flags)
		return;
	fl->touched_ns = c->now_ns;
	fl->touched_flags = fl->flags;
	list = home_list(fl);
	has_place = list == LIST_SUSPECT || list == LIST_DIFFERENT;
	if (!flow_is_recent(c->flows, fl, list, c->now_ns,
			    has_place ? UINT64_MAX : SECOND_NS))
		flow_touch(c->flows, fl, list, c->now_ns);
}

static void forget_flow(struct compare *c, struct cmp_flow *fl)
{
	compare_gate_forget(c, fl);
	flow_remove(c->flows, fl);
}

static bool evict_from(struct compare *c, unsigned list)
{
	struct cmp_flow *fl;

	for (unsigned i = 0; i < EVICT_SCAN; i++) {
		fl = flow_oldest(c->flows, list);
		if (!fl)
			return false;
		if (!compare_flow_holds(fl)) {
			forget_flow(c, fl);
			c->noted[NOTE_EVICTED]++;
			return true;
		}
		flow_touch(c->flows, fl, list, c->now_ns);
	}
	return false;
}

static void make_room(struct compare *c)
{
	if (flow_count(c->flows) < c->config.max_flows ||
	    c->n_holding >= flow_count(c->flows))
		return;
	for (unsigned list = LIST_CLOSED; list <= LIST_TCP; list++)
		if (evict_from(c, list))
			return;
}

/* A frame that is not IP goes by its type and addresses. */
static void ether_key(struct flow_key *key, const struct packet *p)
{
	*key = (struct flow_key){ .sport = p->ethertype, .vlan = p->vlan };
	if (p->len < 14)
		return;
	memcpy(key->dst, p->eth, 6);
	memcpy(key->src, p->eth + 6, 6);
}

static bool is_tcp_key(const struct flow_key *key)
{
	return key->proto == PACKET_TCP && !(key->tag[1] & KEY_DATAGRAM);
}

static struct cmp_flow *add_flow(struct compare *c, const struct flow_key *key)
{
	struct cmp_flow *fl;
	bool is_tcp = is_tcp_key(key);

	make_room(c);
	fl = flow_add(c->flows, key, is_tcp ? LIST_HALF : LIST_DATAGRAM,
		      c->now_ns);
	if (!fl)
		return NULL;
	fl->is_tcp = is_tcp;
	hold_queue_init(&fl->q[COMPARE_PRIMARY]);
	hold_queue_init(&fl->q[COMPARE_SECONDARY]);
	fl->gate.waiting = HOLD_NONE;
	return fl;
}

/* A TCP segment that was cut is a datagram here: it cannot be changed on its
 * way out. */
static bool is_cut(const struct compare *c, const struct packet *p)
{
	return p->fragment ||
	       (c->whole != HOLD_NONE && p->proto == PACKET_TCP);
}

/* Says also by which rules the packet is compared, so that nobody who chooses
 * addresses and ports can bring one into a flow that goes by others. */
static void key_of(const struct compare *c, struct flow_key *key,
		   const struct packet *p)
{
	bool cut = is_cut(c, p);

	if (flow_key_of(key, p, false) < 0) {
		ether_key(key, p);
		return;
	}
	if (cut)
		key->sport = key->dport = 0;
	if (p->proto == PACKET_TCP && (cut || !compare_is_segment(p)))
		key->tag[1] = KEY_DATAGRAM;
}

/* Do the addresses and ports of a packet say all of its flow? Not where it was
 * cut, and where flows go by other names. */
static bool is_hinted(const struct compare *c, const struct packet *p)
{
	return (p->proto == PACKET_TCP || p->proto == PACKET_UDP) &&
	       p->level == PACKET_L4 && !p->fragment && c->whole == HOLD_NONE &&
	       !c->config.pair_order && !c->config.ignore_addr;
}

/* Who makes packets collide here gains that their flows are looked up. */
static uint64_t hint_hash(const struct packet *p)
{
	uint64_t x = (uint64_t)p->sport << 16 | p->dport, addr;
	unsigned n = p->ip_version == 4 ? 1 : 4;

	for (unsigned i = 0; i < n; i++) {
		memcpy(&addr, p->src + i * sizeof(addr), sizeof(addr));
		x = (x ^ addr) * UINT64_C(0x9e3779b97f4a7c15);
	}
	return x ^ x >> 32;
}

static struct flow_hint *hint_of(struct compare *c, const struct packet *p,
				 uint32_t *tag)
{
	uint64_t hash = hint_hash(p);

	*tag = (uint32_t)(hash >> 32);
	return &c->hints[hash & (FLOW_HINTS - 1)];
}

/**
 * compare_flow_arrive - look at frames and say which flows they belong to
 * @c:		the comparison
 * @side:	whose they are
 * @a:		filled
 * @v:		the frames; borrowed
 * @n:		how many, FLOW_HASH_MAX at most
 *
 * What each of them has to wait for, memory and the hash, all wait for at once.
 */
void compare_flow_arrive(struct compare *c, enum compare_side side,
			 struct arrivals *a, const struct frame *v, unsigned n)
{
	uint32_t expected = compare_predict_first(c, side);
	unsigned n_keys = 0;

	for (unsigned i = 0; i < n; i++) {
		uint32_t twin = compare_predict(c, &expected, &v[i]);
		struct packet *p = &a->p[i];
		struct flow_hint *hint;
		uint32_t tag;

		a->flow[i].twin = twin;
		a->flow[i].is_guessed = true;
		if (twin != HOLD_NONE) {
			a->flow[i].at = hold_at(&c->pool, twin)->flow;
			flow_prefetch(c->flows, a->flow[i].at);
			continue;
		}
		packet_parse(p, frame_eth(&v[i]), frame_eth_len(&v[i]));
		if (is_hinted(c, p)) {
			hint = hint_of(c, p, &tag);
			if (hint->tag == tag) {
				a->flow[i].at = hint->flow;
				flow_prefetch(c->flows, a->flow[i].at);
				continue;
			}
		}
		a->flow[i].is_guessed = false;
		a->flow[i].at = n_keys++;
	}
	for (unsigned i = 0; i < n && n_keys; i++) {
		if (!a->flow[i].is_guessed)
			key_of(c, &a->key[a->flow[i].at], &a->p[i]);
	}
	flow_hash(c->flows, a->key, a->hash, n_keys);
}

/* The flow of a packet, by its key. */
static struct cmp_flow *find_by_key(struct compare *c, enum compare_side side,
				    const struct packet *p,
				    struct flow_key *key, uint32_t hash)
{
	struct cmp_flow *fl;

	if (c->config.pair_order || c->config.ignore_addr) {
		compare_pair_key(c, side, key, p);
		fl = flow_find(c->flows, key);
	} else {
		fl = flow_find_hashed(c->flows, key, hash);
	}
	if (!fl)
		fl = add_flow(c, key);
	if (fl && is_hinted(c, p)) {
		uint32_t tag;
		struct flow_hint *hint = hint_of(c, p, &tag);

		*hint = (struct flow_hint){ tag, flow_index(c->flows, fl) };
	}
	return fl;
}

/**
 * compare_flow_find - the flow of a packet, a new one if need be
 * @c:		the comparison
 * @side:	whose packet
 * @a:		from compare_flow_arrive()
 * @i:		which of them
 *
 * Return: the flow, NULL when the table is full
 */
struct cmp_flow *compare_flow_find(struct compare *c, enum compare_side side,
				   struct arrivals *a, unsigned i)
{
	uint32_t at = a->flow[i].at;
	struct flow_key key;
	struct cmp_flow *fl;
	uint32_t hash;

	if (!a->flow[i].is_guessed)
		return find_by_key(c, side, &a->p[i], &a->key[at], a->hash[at]);
	fl = flow_at(c->flows, at);
	if (fl && flow_key_is_of(flow_key_get(c->flows, fl), &a->p[i]))
		return fl;
	key_of(c, &key, &a->p[i]);
	flow_hash(c->flows, &key, &hash, 1);
	return find_by_key(c, side, &a->p[i], &key, hash);
}

static void expire_list(struct compare *c, unsigned list)
{
	struct cmp_flow *fl;

	while ((fl = flow_oldest(c->flows, list)) &&
	       age_ns(c->now_ns, flow_used_ns(c->flows, fl)) >=
	       list_idle_ns[list]) {
		if (compare_flow_holds(fl))
			flow_touch(c->flows, fl, list, c->now_ns);
		else
			forget_flow(c, fl);
	}
}

/**
 * compare_flow_expire_idle - forget the flows that have been idle
 * @c:		the comparison
 */
void compare_flow_expire_idle(struct compare *c)
{
	for (unsigned list = 0; list < FLOW_LISTS; list++)
		if (list_idle_ns[list])
			expire_list(c, list);
}

/* Since when the first packets of both sides have waited together. */
static uint64_t suspect_since(const struct hold *p, const struct hold *s)
{
	return p->time_ns > s->time_ns ? p->time_ns : s->time_ns;
}

/**
 * compare_flow_expire_suspects - what waits on both sides does differ
 * @c:		the comparison
 *
 * A flow's place in the list says when suspicion began; the packets it is
 * about may be newer ones by now.
 */
void compare_flow_expire_suspects(struct compare *c)
{
	uint64_t reorder_ns = c->config.reorder_ns;
	struct cmp_flow *fl;

	while ((fl = flow_oldest(c->flows, LIST_SUSPECT)) &&
	       age_ns(c->now_ns, flow_used_ns(c->flows, fl)) >= reorder_ns) {
		const struct hold *p =
			hold_at(&c->pool, fl->q[COMPARE_PRIMARY].head);
		struct hold *s =
			hold_at(&c->pool, fl->q[COMPARE_SECONDARY].head);
		uint64_t since;

		assert(p && s);
		since = suspect_since(p, s);

		if (age_ns(c->now_ns, since) >= reorder_ns)
			compare_datagram_differ(c, fl, p, s);
		else
			flow_touch(c->flows, fl, LIST_SUSPECT, since);
	}
}

/**
 * compare_flow_clear_marks - no flow differs any more
 * @c:		the comparison, which holds nothing, so that no flow is suspect
 */
void compare_flow_clear_marks(struct compare *c)
{
	struct cmp_flow *fl;

	while ((fl = flow_oldest(c->flows, LIST_DIFFERENT))) {
		fl->flags &= (uint16_t)~FLOW_DIFFERENT;
		flow_touch(c->flows, fl, home_list(fl), c->now_ns);
	}
}
