/* SPDX-License-Identifier: ISC */
/*
 * Frames that have come are parsed, and their flows found: by the packet that
 * waits with the same headers (predict.c), else by a hint of where the last
 * packet with these addresses and ports went, else by the flow's key.
 *
 * Frames are looked at together, because the processor can wait for the memory
 * of several flows at once. This file owns the arrivals and the hints, and
 * makes new flows. take.c calls it.
 */
#include "arrive.h"

#include <string.h>

#include "evict.h"
#include "pair.h"
#include "predict.h"
#include "segment.h"

/* The key of a frame that is not IP is its EtherType and addresses. */
static void ether_key(struct flow_key *key, const struct packet *p)
{
	*key = (struct flow_key){ .sport = p->ethertype, .vlan = p->vlan };
	if (!packet_body_off(p))
		return;		/* it is shorter than them */
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

	evict_make_room(c);
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

/* The key of a packet. It says by which rules the packet is compared, too:
 * nobody who chooses addresses and ports can bring a packet into a flow with
 * other rules. */
static void key_of(const struct compare *c, struct flow_key *key,
		   const struct packet *p, bool is_whole)
{
	/* TCP in fragments is compared as datagrams: it cannot be changed on its
	 * way out, unless it has gone already */
	bool cut = p->fragment || (is_whole && p->proto == PACKET_TCP &&
				   !c->config.report_only);

	if (flow_key_of(key, p, false) < 0) {
		ether_key(key, p);
		return;
	}
	if (cut)
		key->sport = key->dport = 0;
	if (p->proto == PACKET_TCP && (cut || !segment_is(p)))
		key->tag[1] = KEY_DATAGRAM;
}

/* Do the addresses and ports of a packet decide which flow it belongs to? Not
 * of a fragment, and not where flows are paired. */
static bool is_hinted(const struct compare *c, const struct packet *p)
{
	return (p->proto == PACKET_TCP || p->proto == PACKET_UDP) &&
	       p->level == PACKET_L4 && !p->fragment && !c->config.pair_order &&
	       !c->config.ignore_addr;
}

/* A hash for the hints. Somebody may choose packets that collide: then their
 * flows are looked up by their keys, no more. */
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
	return &c->arrivals.hints[hash & (FLOW_HINTS - 1)];
}

/* Guess which flow a frame belongs to, without hashing its key; it is parsed
 * unless its headers are known. Return: the flow's index, HOLD_NONE for no
 * guess. */
static inline uint32_t guess(struct compare *c, const struct frame *f,
			     unsigned i, uint32_t *expected)
{
	struct packet *p = &c->arrivals.p[i];
	uint32_t twin = predict_twin(c, expected, f), tag;
	const struct flow_hint *hint;

	c->arrivals.flow[i].twin = twin;
	if (twin != HOLD_NONE)
		return hold_at(&c->pool, twin)->flow;
	packet_parse(p, frame_eth(f), frame_eth_len(f));
	if (!is_hinted(c, p))
		return HOLD_NONE;
	hint = hint_of(c, p, &tag);
	return hint->tag == tag ? hint->flow : HOLD_NONE;
}

/**
 * arrive_frames() - Parse frames and prepare to find their flows
 * @c:		The comparison; its arrivals are filled
 * @side:	Whose frames these are
 * @v:		The frames; borrowed
 * @n:		How many, FLOW_HASH_MAX at most
 *
 * Keys are hashed and memory is fetched for all of them together.
 */
void arrive_frames(struct compare *c, enum compare_side side,
		   const struct frame *v, unsigned n)
{
	struct arrivals *a = &c->arrivals;
	uint32_t expected = predict_first(c, side);
	unsigned n_keys = 0;

	for (unsigned i = 0; i < n; i++) {
		uint32_t at = guess(c, &v[i], i, &expected);

		a->flow[i].is_guessed = at != HOLD_NONE;
		a->flow[i].at = at;
		if (at != HOLD_NONE)
			flow_prefetch(c->flows, at);
		else
			a->flow[i].at = n_keys++;
	}
	for (unsigned i = 0; i < n && n_keys; i++) {
		if (!a->flow[i].is_guessed)
			key_of(c, &a->key[a->flow[i].at], &a->p[i],
			       false);
	}
	flow_hash(c->flows, a->key, a->hash, n_keys);
}

/* Find a packet's flow by its key, or make it. */
static struct cmp_flow *find_by_key(struct compare *c, enum compare_side side,
				    const struct packet *p,
				    struct flow_key *key, uint32_t hash)
{
	struct cmp_flow *fl;

	if (c->config.pair_order || c->config.ignore_addr) {
		pair_key(c, side, key, p);
		fl = flow_find(c->flows, key);
	} else {
		fl = flow_find_hashed(c->flows, key, hash);
	}
	return fl ? fl : add_flow(c, key);
}

/* The same for a packet that came whole: a hint is left for the next one. */
static struct cmp_flow *find_and_hint(struct compare *c,
				      enum compare_side side,
				      const struct packet *p,
				      struct flow_key *key, uint32_t hash)
{
	struct cmp_flow *fl = find_by_key(c, side, p, key, hash);

	if (fl && is_hinted(c, p)) {
		uint32_t tag;
		struct flow_hint *hint = hint_of(c, p, &tag);

		*hint = (struct flow_hint){ tag, flow_index(c->flows, fl) };
	}
	return fl;
}

/**
 * arrive_find() - Find the flow of a packet, or make it
 * @c:		The comparison
 * @side:	Whose packet it is
 * @i:		Its index among those of the last arrive_frames()
 *
 * Return: the flow, NULL when the table is full
 */
struct cmp_flow *arrive_find(struct compare *c, enum compare_side side,
			     unsigned i)
{
	struct arrivals *a = &c->arrivals;
	uint32_t at = a->flow[i].at;
	struct flow_key key;
	struct cmp_flow *fl;
	uint32_t hash;

	if (!a->flow[i].is_guessed)
		return find_and_hint(c, side, &a->p[i], &a->key[at],
				     a->hash[at]);
	fl = flow_at(c->flows, at);
	if (fl && flow_key_is_of(flow_get_key(c->flows, fl), &a->p[i]))
		return fl;
	key_of(c, &key, &a->p[i], false);
	flow_hash(c->flows, &key, &hash, 1);
	return find_and_hint(c, side, &a->p[i], &key, hash);
}

/**
 * arrive_find_whole() - Find the flow of a packet made of fragments, or make it;
 * or that of a fragment by itself
 * @c:		The comparison
 * @side:	Whose packet it is
 * @p:		The packet, parsed
 *
 * Return: the flow, NULL when the table is full
 */
struct cmp_flow *arrive_find_whole(struct compare *c, enum compare_side side,
				   const struct packet *p)
{
	struct flow_key key;
	uint32_t hash;

	key_of(c, &key, p, true);
	flow_hash(c->flows, &key, &hash, 1);
	return find_by_key(c, side, p, &key, hash);
}
