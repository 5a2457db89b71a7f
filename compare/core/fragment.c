/* SPDX-License-Identifier: ISC */
/*
 * The table of IP fragments. The fragments of a datagram are held as a group.
 * When all are there the group is whole: a copy of the datagram can be made,
 * and takes its place in the queue of its flow, next to datagrams that were
 * never cut. The fragments go when that does.
 *
 * Bounds: OPEN_MAX groups that are not whole, PARTS_MAX fragments in each.
 * Fragments that overlap, which no sane sender makes (RFC 5722), make their
 * group bad: what was compared might not be what the receiver makes of them.
 *
 * The groups are this file's; the fragments are nodes of the pool. It decides
 * nothing about a group that is bad, or in the way of others: take.c does.
 */
#include "fragment.h"

#include <stdlib.h>
#include <string.h>

#include "../../common/bytes.h"

#define OPEN_MAX 256u
#define PARTS_MAX 128u
#define FIRST_GROUPS 64u
#define IPV6_LEN 40u
#define IPV4_FRAG_OFF 6u	/* the field's place in the header */

/**
 * fragment_init() - Begin without fragments
 * @t:		Filled
 */
void fragment_init(struct fragment_table *t)
{
	*t = (struct fragment_table){
		.free_group = HOLD_NONE,
		.open = HOLD_NONE,
		.oldest = HOLD_NONE,
	};
}

/**
 * fragment_fini() - Free the table; the fragments are the pool's
 * @t:		The table
 */
void fragment_fini(struct fragment_table *t)
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

static uint32_t group_open(struct fragment_table *t,
			   const struct fragment_key *key)
{
	struct fragment_group *g;
	uint32_t i;

	if (t->free_group == HOLD_NONE)
		grow(t);
	i = t->free_group;
	g = fragment_at(t, i);
	t->free_group = g->next;
	*g = (struct fragment_group){
		.key = *key, .parts = HOLD_NONE, .whole = HOLD_NONE,
		.next = t->open, .prev = HOLD_NONE, .is_open = true,
	};
	if (t->open == HOLD_NONE)
		t->oldest = i;
	else
		fragment_at(t, t->open)->prev = i;
	t->open = i;
	t->n_open++;
	t->n_used++;
	return i;
}

/**
 * fragment_close() - Let no more fragments join a group
 * @t:		The table
 * @i:		The group
 */
void fragment_close(struct fragment_table *t, uint32_t i)
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
 * @i:		The group; the caller lets go of its fragments
 */
void fragment_free(struct fragment_table *t, uint32_t i)
{
	fragment_close(t, i);
	fragment_at(t, i)->next = t->free_group;
	t->free_group = i;
	t->n_used--;
}

static uint32_t group_find(const struct fragment_table *t,
			   const struct fragment_key *key)
{
	uint32_t i = t->open;

	while (i != HOLD_NONE &&
	       memcmp(&fragment_at(t, i)->key, key, sizeof(*key)))
		i = fragment_at(t, i)->next;
	return i;
}

/**
 * fragment_piece() - Which piece of which datagram is a fragment?
 * @piece:	Set
 * @p:		The fragment
 * @side:	0 or 1: whose it is
 *
 * Return: false when it can be part of nothing
 */
bool fragment_piece(struct fragment_piece *piece, const struct packet *p,
		    unsigned side)
{
	size_t addr_len = p->ip_version == 4 ? 4 : 16;
	struct fragment_key *key = &piece->key;

	*piece = (struct fragment_piece){
		.off = p->l4_off, .from = p->frag_off,
	};
	memcpy(key->src, p->src, addr_len);
	memcpy(key->dst, p->dst, addr_len);
	key->vlan = p->vlan;
	key->ip_version = p->ip_version;
	key->side = (uint8_t)side;
	if (p->ip_version == 4) {
		key->id = bytes_get16(p->eth + p->l3_off + 4);
		key->proto = p->proto;
	} else {
		uint32_t at = packet_fragment_off(p);

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
static bool is_conflict(const struct hold_pool *pool, const struct hold *h,
			const struct fragment_piece *piece,
			const uint8_t *bytes)
{
	if (h->seq == piece->from && part_end(h) == piece->to)
		return h->is_last != piece->is_last ||
		       memcmp(hold_payload(pool, h), bytes,
			      h->payload_len);
	return (h->seq < piece->to && part_end(h) > piece->from) ||
	       (h->is_last && piece->from > h->seq) ||
	       (piece->is_last && h->seq > piece->from);
}

/* after: its place in the list, behind what begins no later. */
static bool has_conflict(const struct hold_pool *pool,
			 const struct fragment_group *g,
			 const struct fragment_piece *piece,
			 const uint8_t *bytes, uint32_t *after)
{
	uint32_t i = g->parts;

	*after = HOLD_NONE;
	for (; i != HOLD_NONE; i = hold_at(pool, i)->next) {
		const struct hold *h = hold_at(pool, i);

		if (is_conflict(pool, h, piece, bytes))
			return true;
		if (h->seq <= piece->from)
			*after = i;
	}
	return false;
}

/* Bytes of the datagram, 0 while some are missing. */
static uint32_t whole_len(const struct hold_pool *pool,
			  const struct fragment_group *g)
{
	const struct hold *h = hold_at(pool, g->parts);
	uint32_t end = 0;

	for (; h; h = hold_at(pool, h->next)) {
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

static void add_part(struct hold_pool *pool, struct fragment_group *g,
		     uint32_t i, const struct fragment_piece *piece,
		     uint32_t after)
{
	struct hold *h = hold_at(pool, i);

	h->kind = HOLD_PART;
	h->seq = piece->from;
	h->payload_len = piece->to - piece->from;
	h->payload_off = (uint16_t)piece->off;
	h->is_last = piece->is_last;
	if (after == HOLD_NONE) {
		h->next = g->parts;
		g->parts = i;
	} else {
		h->next = hold_at(pool, after)->next;
		hold_at(pool, after)->next = i;
	}
	g->n_parts++;
}

/**
 * fragment_is_full() - Is a group in the way of a fragment's?
 * @t:		The table
 * @piece:	From fragment_piece()
 *
 * Return: true when the oldest open group has to be closed or freed before
 * fragment_add()
 */
bool fragment_is_full(const struct fragment_table *t,
		      const struct fragment_piece *piece)
{
	return t->n_open >= OPEN_MAX && group_find(t, &piece->key) == HOLD_NONE;
}

/**
 * fragment_add() - Hold a fragment in its group, a new one if need be
 * @t:		The table, which is not full
 * @pool:	Where fragments are held
 * @f:		The frame; borrowed, a reference on its chunk is taken
 * @piece:	From fragment_piece()
 * @now_ns:	The time
 * @group:	Set: the group
 *
 * Return: what the group is now; one that is bad stays open
 */
enum fragment_state fragment_add(struct fragment_table *t,
				 struct hold_pool *pool, const struct frame *f,
				 const struct fragment_piece *piece,
				 uint64_t now_ns, uint32_t *group)
{
	uint32_t i = group_find(t, &piece->key), after, part;
	struct fragment_group *g;
	bool is_bad;

	if (i == HOLD_NONE)
		i = group_open(t, &piece->key);
	g = fragment_at(t, i);
	*group = i;
	is_bad = has_conflict(pool, g, piece, frame_eth(f) + piece->off,
			      &after);
	part = hold_add(pool, f, piece->key.side, now_ns);
	add_part(pool, g, part, piece, after);
	hold_at(pool, part)->group = i;
	if (is_bad || g->n_parts > PARTS_MAX)
		return FRAGMENT_BAD;
	return whole_len(pool, g) ? FRAGMENT_WHOLE : FRAGMENT_HELD;
}

/**
 * fragment_whole() - Make the datagram of a group that is whole, and close it
 * @t:		The table
 * @pool:	Where the fragments are held
 * @group:	The group
 *
 * Return: a copy; the caller gives the reference on its chunk back
 */
struct frame fragment_whole(struct fragment_table *t,
			    const struct hold_pool *pool, uint32_t group)
{
	const struct fragment_group *g = fragment_at(t, group);
	const struct hold *h = hold_at(pool, g->parts);
	uint32_t len = whole_len(pool, g);
	struct chunk *chunk = chunk_new(h->payload_off + len);
	struct frame f = { .chunk = chunk, .data = chunk->bytes,
			   .number = h->number };
	uint8_t *at = put_headers(chunk->bytes, hold_eth(pool, h),
				  h->payload_off, len);

	for (; h; h = hold_at(pool, h->next))
		memcpy(at + h->seq, hold_payload(pool, h), h->payload_len);
	f.len = (uint32_t)(at - f.data) + len;
	fragment_close(t, group);
	return f;
}
