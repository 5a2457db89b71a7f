/* SPDX-License-Identifier: ISC */
/*
 * IP fragments: compared as the datagram they make, released as they came.
 *
 * The fragments of a datagram are held as a group. When it is complete, a copy
 * of the whole datagram takes its place in the queue of its flow, next to
 * datagrams that were never cut; when that is released or dropped, all
 * fragments of the group are.
 *
 * Bounds: OPEN_MAX incomplete groups, PARTS_MAX fragments in each. Fragments
 * that overlap, which no sane sender makes (RFC 5722), end their group too: what
 * was compared might not be what the receiver makes of them. The primary's are
 * held until the next checkpoint, the secondary's dropped; both are where no
 * checkpoint will come.
 */
#include <stdlib.h>
#include <string.h>

#include "../../common/bytes.h"
#include "core.h"

#define OPEN_MAX 256u
#define PARTS_MAX 128u
#define FIRST_GROUPS 64u
#define IPV6_LEN 40u
#define IPV6_FRAGMENT 44u
#define IPV4_FRAG_OFF 6u	/* the field's place in the header */

/* What a fragment is a piece of, and which piece. */
struct piece {
	struct fragment_key key;
	uint32_t from, to;	/* bytes of the datagram */
	uint32_t off;		/* where they are in the frame */
	bool is_last;
};

/**
 * compare_fragment_init - no fragments
 * @t:		filled
 */
void compare_fragment_init(struct fragment_table *t)
{
	*t = (struct fragment_table){
		.free_group = HOLD_NONE,
		.open = HOLD_NONE,
		.oldest = HOLD_NONE,
	};
}

/**
 * compare_fragment_fini - free the table; the packets are the pool's
 * @t:		the table
 */
void compare_fragment_fini(struct fragment_table *t)
{
	free(t->groups);
}

static void grow(struct fragment_table *t)
{
	uint32_t n = t->n_groups ? t->n_groups * 2 : FIRST_GROUPS;

	t->groups = realloc(t->groups, n * sizeof(*t->groups));
	if (!t->groups)
		abort();
	for (uint32_t i = n; i-- > t->n_groups;) {
		t->groups[i].next = t->free_group;
		t->free_group = i;
	}
	t->n_groups = n;
}

static uint32_t group_open(struct compare *c, const struct fragment_key *key)
{
	struct fragment_table *t = &c->fragments;
	struct fragment_group *g;
	uint32_t i;

	if (t->free_group == HOLD_NONE)
		grow(t);
	i = t->free_group;
	g = fragment_at(&c->fragments, i);
	t->free_group = g->next;
	*g = (struct fragment_group){
		.key = *key, .parts = HOLD_NONE, .whole = HOLD_NONE,
		.next = t->open, .prev = HOLD_NONE, .is_open = true,
	};
	if (t->open == HOLD_NONE)
		t->oldest = i;
	else
		fragment_at(&c->fragments, t->open)->prev = i;
	t->open = i;
	t->n_open++;
	t->n_used++;
	return i;
}

static void group_close(struct fragment_table *t, uint32_t i)
{
	struct fragment_group *g = fragment_at(t, i);

	if (!g->is_open)
		return;
	g->is_open = false;
	t->n_open--;
	if (g->prev == HOLD_NONE)
		t->open = g->next;
	else
		fragment_at(t, g->prev)->next = g->next;
	if (g->next == HOLD_NONE)
		t->oldest = g->prev;
	else
		fragment_at(t, g->next)->prev = g->prev;
}

/**
 * fragment_free() - Forget a group
 * @t:		The table
 * @i:		The group; its fragments are let go of by the caller
 */
void fragment_free(struct fragment_table *t, uint32_t i)
{
	group_close(t, i);
	fragment_at(t, i)->next = t->free_group;
	t->free_group = i;
	t->n_used--;
}

static uint32_t group_find(struct compare *c, const struct fragment_key *key)
{
	uint32_t i = c->fragments.open;

	while (i != HOLD_NONE &&
	       memcmp(&fragment_at(&c->fragments, i)->key, key, sizeof(*key)))
		i = fragment_at(&c->fragments, i)->next;
	return i;
}

/* Offset of the IPv6 fragment header, 0 if there is none in sight. */
static uint32_t ipv6_fragment_off(const struct packet *p)
{
	uint32_t off = p->l3_off + IPV6_LEN;
	uint8_t next = p->eth[p->l3_off + 6];

	while (next != IPV6_FRAGMENT && off + 8 <= p->l4_off) {
		next = p->eth[off];
		off += (p->eth[off + 1] + 1u) * 8;
	}
	return next == IPV6_FRAGMENT && off + 8 <= p->l4_off ? off : 0;
}

static bool piece_of(struct piece *piece, const struct packet *p,
		     enum compare_side side)
{
	size_t addr_len = p->ip_version == 4 ? 4 : 16;
	struct fragment_key *key = &piece->key;

	*piece = (struct piece){ .off = p->l4_off, .from = p->frag_off };
	memcpy(key->src, p->src, addr_len);
	memcpy(key->dst, p->dst, addr_len);
	key->vlan = p->vlan;
	key->ip_version = p->ip_version;
	key->side = (uint8_t)side;
	if (p->ip_version == 4) {
		key->id = bytes_get16(p->eth + p->l3_off + 4);
		key->proto = p->proto;
	} else {
		uint32_t at = ipv6_fragment_off(p);

		if (!at)
			return false;
		key->id = bytes_get32(p->eth + at + 4);
		piece->off = at + 8;
	}
	piece->to = piece->from + p->l4_off + p->l4_len - piece->off;
	piece->is_last = !p->more_frags;
	return piece->to <= UINT16_MAX && piece->to > piece->from;
}

static uint32_t part_end(const struct hold *h)
{
	return h->seq + h->payload_len;
}

/* Would two receivers make different datagrams of them? The same piece again is
 * fine, other bytes for it are not, nor is anything behind the last one. */
static bool is_conflict(const struct compare *c, const struct hold *h,
			const struct piece *piece, const uint8_t *bytes)
{
	if (h->seq == piece->from && part_end(h) == piece->to)
		return h->is_last != piece->is_last ||
		       memcmp(hold_payload(&c->pool, h), bytes,
			      h->payload_len);
	return (h->seq < piece->to && part_end(h) > piece->from) ||
	       (h->is_last && piece->from > h->seq) ||
	       (piece->is_last && h->seq > piece->from);
}

/* Its place in the list: behind what begins no later. */
static bool overlaps(const struct compare *c, const struct fragment_group *g,
		     const struct piece *piece, const uint8_t *bytes,
		     uint32_t *after)
{
	uint32_t i = g->parts;

	*after = HOLD_NONE;
	for (; i != HOLD_NONE; i = hold_at(&c->pool, i)->next) {
		const struct hold *h = hold_at(&c->pool, i);

		if (is_conflict(c, h, piece, bytes))
			return true;
		if (h->seq <= piece->from)
			*after = i;
	}
	return false;
}

static void add_part(struct compare *c, uint32_t group, enum compare_side side,
		     const struct frame *f, const struct piece *piece,
		     uint32_t after)
{
	struct fragment_group *g = fragment_at(&c->fragments, group);
	uint32_t i = hold_add(&c->pool, f, side, c->now_ns);
	struct hold *h = hold_at(&c->pool, i);

	h->kind = HOLD_PART;
	h->group = group;
	h->seq = piece->from;
	h->payload_len = piece->to - piece->from;
	h->payload_off = (uint16_t)piece->off;
	h->is_last = piece->is_last;
	if (after == HOLD_NONE) {
		h->next = g->parts;
		g->parts = i;
	} else {
		h->next = hold_at(&c->pool, after)->next;
		hold_at(&c->pool, after)->next = i;
	}
	g->n_parts++;
}

/* Bytes of the datagram, 0 while some are missing. */
static uint32_t whole_len(const struct compare *c,
			  const struct fragment_group *g)
{
	const struct hold *h = hold_at(&c->pool, g->parts);
	uint32_t end = 0;

	for (; h; h = hold_at(&c->pool, h->next)) {
		if (h->seq > end)
			return 0;
		end = part_end(h);
		if (h->is_last)
			return end;
	}
	return 0;
}

/* The headers of the first fragment, as if there had been no other. */
static uint8_t *put_headers(uint8_t *at, const uint8_t *eth, uint32_t off,
			    uint32_t len)
{
	struct packet p;
	uint8_t *ip;

	packet_parse(&p, (uint8_t *)(uintptr_t)eth, off);
	ip = at + p.l3_off;
	if (p.ip_version == 4) {
		memcpy(at, eth, off);
		bytes_put16(ip + 2, (uint16_t)(off - p.l3_off + len));
		bytes_put16(ip + IPV4_FRAG_OFF, 0);
		return at + off;
	}
	memcpy(at, eth, p.l3_off + IPV6_LEN);
	bytes_put16(ip + 4, (uint16_t)len);
	ip[6] = eth[off - 8];
	return ip + IPV6_LEN;
}

static struct frame make_whole(const struct compare *c,
			       const struct fragment_group *g, uint32_t len)
{
	const struct hold *h = hold_at(&c->pool, g->parts);
	struct chunk *chunk = chunk_new(h->payload_off + len);
	struct frame f = { .chunk = chunk, .data = chunk->bytes };
	uint8_t *at = put_headers(chunk->bytes, hold_eth(&c->pool, h),
				  h->payload_off, len);

	for (; h; h = hold_at(&c->pool, h->next))
		memcpy(at + h->seq, hold_payload(&c->pool, h), h->payload_len);
	f.len = (uint32_t)(at - f.data) + len;
	return f;
}

/* Nothing good will come of the group. */
static void give_up(struct compare *c, uint32_t group,
		    enum compare_reason reason)
{
	if (fragment_at(&c->fragments, group)->key.side == COMPARE_SECONDARY ||
	    c->config.holds) {
		act_drop_group(c, group, DROP_DIFFERENT);
		return;
	}
	group_close(&c->fragments, group);
	compare_ask(c, reason, NULL,
		    hold_at(&c->pool, fragment_at(&c->fragments, group)->parts));
}

static void complete(struct compare *c, uint32_t group, uint32_t len)
{
	enum compare_side side = fragment_at(&c->fragments, group)->key.side;
	struct frame f = make_whole(c, fragment_at(&c->fragments, group), len);

	group_close(&c->fragments, group);
	c->whole = group;
	compare_input_frame(c, side, &f);
	c->whole = HOLD_NONE;
	chunk_unref(f.chunk);
}

static uint32_t group_for(struct compare *c, const struct fragment_key *key)
{
	uint32_t group = group_find(c, key);

	if (group != HOLD_NONE)
		return group;
	if (c->fragments.n_open >= OPEN_MAX)
		give_up(c, c->fragments.oldest, COMPARE_QUEUE);
	return group_open(c, key);
}

/**
 * compare_fragment_input - take a fragment
 * @c:		the comparison
 * @side:	whose it is
 * @f:		the frame; borrowed
 * @p:		what is in it
 *
 * Return: false when it is not a fragment that can be part of anything
 */
bool compare_fragment_input(struct compare *c, enum compare_side side,
			    const struct frame *f, const struct packet *p)
{
	struct piece piece;
	uint32_t group, after, len;
	bool is_bad;

	if (!piece_of(&piece, p, side))
		return false;
	group = group_for(c, &piece.key);
	is_bad = overlaps(c, fragment_at(&c->fragments, group), &piece,
			  frame_eth(f) + piece.off, &after);
	add_part(c, group, side, f, &piece, after);
	len = whole_len(c, fragment_at(&c->fragments, group));
	if (is_bad || fragment_at(&c->fragments, group)->n_parts > PARTS_MAX)
		give_up(c, group, COMPARE_PAYLOAD);
	else if (len)
		complete(c, group, len);
	return true;
}
