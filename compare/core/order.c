/* SPDX-License-Identifier: ISC */
/*
 * Where a segment belongs in a queue in which many wait already.
 *
 * The queue is looked through from its end. What comes in order belongs there,
 * and what comes a little late not far from it. A sender that turns the order
 * round would make that quadratic. So when WALK_MAX segments have been looked
 * at in vain the queue gets an index, which it keeps until it is short again.
 *
 * The index is of the last connection's data: the segments behind the last SYN
 * and before the RSTs at the end. It has their sequence numbers and their
 * nodes, in blocks. A block is found by bisection, and the place in the block,
 * too. What is looked at stands close together in memory, unlike the segments.
 *
 * Sequence numbers of a hostile sender may be so far apart that serial
 * arithmetic gives them no order. In an index they are counted from a base far
 * below, so that they have one.
 *
 * This file owns the table of indexes. stream.c and tcp.c ask it for places,
 * act.c tells it what leaves.
 */
#include "order.h"

#include <stdlib.h>
#include <string.h>


#define WALK_MAX 256u		/* segments looked at without an index */
#define FIRST_BLOCKS 64u
#define SPARSE (BLOCK_MAX / 4)	/* joined with the next, if that has room */
#define BASE_BELOW UINT32_C(0x80000000)
#define BASE_TOO_LOW UINT32_C(0xc0000000)	/* numbers may wrap soon */

static bool is_data(const struct hold *h)
{
	return h && !(h->flags & (TCP_SYN | TCP_RST));
}

static struct hold *look(struct order_table *t, uint32_t i)
{
	t->n_looks++;
	return hold_at(t->pool, i);
}

static struct order *order_of(const struct order_table *t,
			      const struct hold_queue *q)
{
	return q->order ? &t->orders[q->order - 1] : NULL;
}

/* Does a segment begin at a sequence number or before it? */
static bool is_before(const struct order *o, const struct hold *h, uint32_t seq)
{
	return o ? h->seq - o->base <= seq - o->base : seq_le(h->seq, seq);
}

/* --- blocks --- */

/* How many of n keys, which are in order, are not larger than key? */
static uint32_t bisect(struct order_table *t, const uint32_t *keys, uint32_t n,
		       uint32_t key)
{
	uint32_t from = 0;

	while (n) {
		uint32_t half = n / 2;
		bool is_behind = keys[from + half] <= key;

		from += is_behind ? half + 1 : 0;
		n = is_behind ? n - half - 1 : half;
		t->n_looks++;
	}
	return from;
}

/* The block that a key belongs into; the first one for keys lower than all. */
static uint32_t block_of(struct order_table *t, const struct order *o,
			 uint32_t key)
{
	uint32_t n = bisect(t, o->first, o->n, key);

	return n ? n - 1 : 0;
}

static void blocks_grow(struct order *o)
{
	o->room = o->room ? o->room * 2 : FIRST_BLOCKS;
	o->blocks = realloc(o->blocks, o->room * sizeof(*o->blocks));
	o->first = realloc(o->first, o->room * sizeof(*o->first));
	if (!o->blocks || !o->first)
		abort();
}

static struct order_block *block_new(struct order *o, uint32_t at)
{
	struct order_block *b = malloc(sizeof(*b));

	if (!b)
		abort();
	if (o->n == o->room)
		blocks_grow(o);
	memmove(o->blocks + at + 1, o->blocks + at,
		(o->n - at) * sizeof(*o->blocks));
	memmove(o->first + at + 1, o->first + at,
		(o->n - at) * sizeof(*o->first));
	b->n = 0;
	o->blocks[at] = b;
	o->n++;
	return b;
}

static void block_free(struct order *o, uint32_t at)
{
	free(o->blocks[at]);
	o->n--;
	memmove(o->blocks + at, o->blocks + at + 1,
		(o->n - at) * sizeof(*o->blocks));
	memmove(o->first + at, o->first + at + 1,
		(o->n - at) * sizeof(*o->first));
}

/* Move the last n entries of a block behind those of another. */
static void block_move(struct order_block *to, struct order_block *from,
		       uint32_t n)
{
	from->n -= n;
	memcpy(to->key + to->n, from->key + from->n, n * sizeof(*to->key));
	memcpy(to->node + to->n, from->node + from->n, n * sizeof(*to->node));
	to->n += n;
}

static void block_insert(struct order_block *b, uint32_t at, uint32_t key,
			 uint32_t i)
{
	memmove(b->key + at + 1, b->key + at, (b->n - at) * sizeof(*b->key));
	memmove(b->node + at + 1, b->node + at, (b->n - at) * sizeof(*b->node));
	b->key[at] = key;
	b->node[at] = i;
	b->n++;
}

static void block_remove(struct order_block *b, uint32_t at)
{
	b->n--;
	memmove(b->key + at, b->key + at + 1, (b->n - at) * sizeof(*b->key));
	memmove(b->node + at, b->node + at + 1,
		(b->n - at) * sizeof(*b->node));
}

/* Add a segment behind all whose keys are not larger. */
static void key_add(struct order_table *t, struct order *o, uint32_t key,
		    uint32_t i)
{
	uint32_t at = block_of(t, o, key);
	struct order_block *b = o->n ? o->blocks[at] : block_new(o, 0);

	if (b->n == BLOCK_MAX) {
		struct order_block *half = block_new(o, at + 1);

		block_move(half, b, BLOCK_MAX / 2);
		o->first[at + 1] = half->key[0];
		if (key >= half->key[0]) {
			b = half;
			at++;
		}
	}
	block_insert(b, bisect(t, b->key, b->n, key), key, i);
	o->first[at] = b->key[0];
}

/* Find a segment in the index. Return: false when it is not there. */
static bool key_find(struct order_table *t, const struct order *o, uint32_t key,
		     uint32_t i, uint32_t *at, uint32_t *place)
{
	if (!o->n)
		return false;
	/* the same key may be in several blocks */
	for (*at = block_of(t, o, key);; --*at) {
		const struct order_block *b = o->blocks[*at];

		for (*place = 0; *place < b->n; ++*place)
			if (b->node[*place] == i)
				return true;
		if (!*at || o->first[*at] != key)
			return false;
	}
}

static void join_next(struct order *o, uint32_t at)
{
	struct order_block *next = o->blocks[at + 1];

	block_move(o->blocks[at], next, next->n);
	block_free(o, at + 1);
}

/* Remove a segment; one that is not there belongs to an earlier connection. */
static void key_remove(struct order_table *t, struct order *o, uint32_t key,
		       uint32_t i)
{
	struct order_block *b;
	uint32_t at, place;

	if (o->n && o->blocks[0]->node[0] == i)
		at = place = 0;
	else if (!key_find(t, o, key, i, &at, &place))
		return;
	b = o->blocks[at];
	block_remove(b, place);
	if (at + 1 < o->n && b->n < SPARSE &&
	    o->blocks[at + 1]->n <= BLOCK_MAX / 2)
		join_next(o, at);
	if (b->n)
		o->first[at] = b->key[0];
	else
		block_free(o, at);
}

/* --- an index --- */

static struct order *order_new(struct order_table *t, struct hold_queue *q)
{
	struct order *o;

	if (!t->free) {
		t->orders = realloc(t->orders, (t->n + 1) * sizeof(*o));
		if (!t->orders)
			abort();
		t->orders[t->n] = (struct order){ .next_free = 0 };
		t->free = ++t->n;
	}
	q->order = t->free;
	o = order_of(t, q);
	t->free = o->next_free;
	o->rst = HOLD_NONE;
	return o;
}

static void free_blocks(struct order *o)
{
	for (uint32_t at = 0; at < o->n; at++)
		free(o->blocks[at]);
	free(o->blocks);
	free(o->first);
}

/**
 * order_drop() - Throw away the index of a queue
 * @t:		The table of indexes
 * @q:		The queue, with or without an index
 */
void order_drop(struct order_table *t, struct hold_queue *q)
{
	struct order *o = order_of(t, q);

	if (!o)
		return;
	free_blocks(o);
	*o = (struct order){ .next_free = t->free };
	t->free = q->order;
	q->order = 0;
}

/**
 * order_init() - Begin without an index
 * @t:		Filled
 * @pool:	Where the segments are held; it outlives the table
 */
void order_init(struct order_table *t, const struct hold_pool *pool)
{
	*t = (struct order_table){ .pool = pool };
}

/**
 * order_fini() - Free all indexes
 * @t:		The table of indexes
 */
void order_fini(struct order_table *t)
{
	for (uint32_t i = 0; i < t->n; i++)
		free_blocks(&t->orders[i]);
	free(t->orders);
}

/* Go back from segment i as long as the segments are in order. Return: the
 * first. */
static uint32_t first_of(struct order_table *t, const struct order *o,
			 uint32_t i)
{
	for (;;) {
		const struct hold *h = look(t, i);
		const struct hold *prev = hold_at(t->pool, h->prev);

		if (!is_data(prev) || !is_before(o, prev, h->seq))
			return i;
		i = h->prev;
	}
}

static struct order *order_build(struct order_table *t, struct hold_queue *q)
{
	struct order *o = order_new(t, q);
	uint32_t i = q->tail;

	while (i != HOLD_NONE && (look(t, i)->flags & TCP_RST)) {
		o->rst = i;
		i = hold_at(t->pool, i)->prev;
	}
	if (!is_data(hold_at(t->pool, i)))
		return o;
	o->base = hold_at(t->pool, i)->seq - BASE_BELOW;
	i = first_of(t, o, i);
	while (is_data(hold_at(t->pool, i))) {
		const struct hold *h = look(t, i);

		key_add(t, o, h->seq - o->base, i);
		i = h->next;
	}
	return o;
}

/* What the first segment of the index stands behind, or would. */
static uint32_t before_all(const struct order_table *t,
			   const struct hold_queue *q,
			   const struct order *o)
{
	uint32_t first = o->n ? o->blocks[0]->node[0] : o->rst;

	return first == HOLD_NONE ? q->tail : hold_at(t->pool, first)->prev;
}

static uint32_t find_indexed(struct order_table *t, const struct hold_queue *q,
			     const struct order *o, uint32_t seq)
{
	uint32_t key = seq - o->base;
	const struct order_block *b;

	if (!o->n || key < o->first[0])
		return before_all(t, q, o);
	b = o->blocks[block_of(t, o, key)];
	return b->node[bisect(t, b->key, b->n, key) - 1];
}

/**
 * order_find_among() - What does a segment stand behind that is not the last?
 * @t:		The table of indexes
 * @q:		A queue of segments, not empty; it may get an index
 * @seq:	The segment's sequence number
 *
 * Return: as order_find(), which calls this
 */
uint32_t order_find_among(struct order_table *t, struct hold_queue *q,
			  uint32_t seq)
{
	const struct order *o = order_of(t, q);
	uint32_t i = q->tail;

	/* where there is an index, only the last is looked at */
	for (unsigned n = 0; i != HOLD_NONE && n < (o ? 1 : WALK_MAX); n++) {
		const struct hold *h = look(t, i);

		if ((h->flags & TCP_SYN) ||
		    (!(h->flags & TCP_RST) && is_before(o, h, seq)))
			return i;
		i = h->prev;
	}
	if (i == HOLD_NONE)
		return i;
	return find_indexed(t, q, o ? o : order_build(t, q), seq);
}

/**
 * order_syn() - Find a SYN that waits
 * @t:		The table of indexes
 * @q:		A queue of segments; it may get an index
 * @seq:	The sequence number it has, NULL for any
 *
 * Return: the last such SYN, HOLD_NONE when none is found. Not more than
 * WALK_MAX segments are looked at
 */
uint32_t order_syn(struct order_table *t, struct hold_queue *q,
		   const uint32_t *seq)
{
	const struct order *o = order_of(t, q);
	uint32_t i = q->tail;

	if (!o && q->n > WALK_MAX)
		o = order_build(t, q);
	if (o)
		i = before_all(t, q, o);
	for (unsigned n = 0; i != HOLD_NONE && n < WALK_MAX; n++) {
		const struct hold *h = look(t, i);

		if ((h->flags & TCP_SYN) && (!seq || h->seq == *seq))
			return i;
		i = h->prev;
	}
	return HOLD_NONE;
}

/**
 * order_added() - Note that a segment was put into a queue
 * @t:		The table of indexes
 * @q:		The queue, which has an index
 * @i:		The segment: data stands where order_find() wanted it, a SYN behind the
 *		same one or at the end, a RST at the end
 */
void order_added(struct order_table *t, struct hold_queue *q, uint32_t i)
{
	const struct hold *h = hold_at(t->pool, i);
	struct order *o = order_of(t, q);

	if (h->flags & TCP_SYN) {
		if (h->next == HOLD_NONE)	/* another connection */
			order_drop(t, q);
	} else if (!(h->flags & TCP_RST)) {
		if (!o->n)
			o->base = h->seq - BASE_BELOW;
		key_add(t, o, h->seq - o->base, i);
	} else if (o->rst == HOLD_NONE) {
		o->rst = i;
	}
}

/**
 * order_removed() - Note that a segment leaves a queue
 * @t:		The table of indexes
 * @q:		The queue, which has an index, and still the segment
 * @i:		The segment
 */
void order_removed(struct order_table *t, struct hold_queue *q, uint32_t i)
{
	const struct hold *h = hold_at(t->pool, i);
	struct order *o = order_of(t, q);

	if ((h->flags & TCP_SYN) || q->n <= WALK_MAX / 2) {
		order_drop(t, q);
		return;
	}
	if (o->rst == i)
		o->rst = h->next;
	if (is_data(h))
		key_remove(t, o, h->seq - o->base, i);
	if (o->n && o->first[0] > BASE_TOO_LOW)
		order_drop(t, q);
}
