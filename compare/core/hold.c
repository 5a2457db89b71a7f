/* SPDX-License-Identifier: ISC */
/*
 * The pool of held packets: nodes, the chunks that they keep, the order of
 * their age, and the queues that nodes are put into. hold.h says how. It knows
 * nothing of flows and of TCP: those stand in fields of a node that others
 * fill.
 */
#include "hold.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define FIRST_NODES 65536u	/* untouched ones cost nothing */
#define FIRST_PINS 64u
#define SLACK_BYTES (16u * (size_t)CHUNK_BYTES)

static_assert(sizeof(struct hold) == 64, "a held packet costs 64 bytes");

static void *grow(void *array, uint32_t *n, uint32_t first, size_t size)
{
	uint32_t more = *n ? *n * 2 : first;
	void *p = *n < HOLD_NONE / 2 ? realloc(array, more * size) : NULL;

	if (!p)
		abort();
	*n = more;
	return p;
}

/* The nodes have pages of their own: growing moves these and copies nothing. */
static COLD void nodes_grow(struct hold_pool *p)
{
	size_t len = p->n_nodes * sizeof(*p->nodes);
	size_t more = len ? len * 2 : FIRST_NODES * sizeof(*p->nodes);
	void *at = MAP_FAILED;

	if (!len)
		at = mmap(NULL, more, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	else if (p->n_nodes < HOLD_NONE / 2)
		at = mremap(p->nodes, len, more, MREMAP_MAYMOVE);
	if (at == MAP_FAILED)
		abort();
	p->nodes = at;
	p->n_nodes = (uint32_t)(more / sizeof(*p->nodes));
}

static uint32_t node_take(struct hold_pool *p)
{
	uint32_t i = p->free_node;

	if (i != HOLD_NONE) {
		p->free_node = p->nodes[i].next;
		if (p->free_node != HOLD_NONE)	/* its link is needed next */
			__builtin_prefetch(&p->nodes[p->free_node]);
		return i;
	}
	if (p->n_fresh == p->n_nodes)
		nodes_grow(p);
	return p->n_fresh++;
}

static COLD uint32_t pin_take(struct hold_pool *p, struct chunk *chunk)
{
	uint32_t i = p->free_pin;

	if (i == HOLD_NONE) {
		uint32_t from = p->n_pins;

		p->pins = grow(p->pins, &p->n_pins, FIRST_PINS,
			       sizeof(*p->pins));
		for (i = p->n_pins; i-- > from;) {
			p->pins[i].chunk = NULL;
			p->pins[i].next = p->free_pin;
			p->free_pin = i;
		}
		i = p->free_pin;
	}
	p->free_pin = p->pins[i].next;
	p->pins[i] = (struct hold_pin){ .chunk = chunk_ref(chunk) };
	p->pinned_bytes += chunk->cap;
	return i;
}

static COLD void pin_put(struct hold_pool *p, uint32_t i)
{
	struct hold_pin *pin = &p->pins[i];

	for (unsigned side = 0; side < 2; side++)
		if (p->current[side] == i)
			p->current[side] = HOLD_NONE;
	p->pinned_bytes -= pin->chunk->cap;
	chunk_unref(pin->chunk);
	pin->chunk = NULL;
	pin->next = p->free_pin;
	p->free_pin = i;
}

static void pin_attach(struct hold_pool *p, uint32_t i, struct hold *h)
{
	h->pin = i;
	p->pins[i].n++;
	p->pins[i].held_bytes += h->len;
}

static void pin_detach(struct hold_pool *p, const struct hold *h)
{
	struct hold_pin *pin = &p->pins[h->pin];

	pin->held_bytes -= h->len;
	if (!--pin->n)
		pin_put(p, h->pin);
}

/**
 * hold_pool_init() - Begin with nothing held
 * @p:		Filled
 */
void hold_pool_init(struct hold_pool *p)
{
	*p = (struct hold_pool){
		.free_node = HOLD_NONE,
		.free_pin = HOLD_NONE,
		.current = { HOLD_NONE, HOLD_NONE },
		.oldest = { HOLD_NONE, HOLD_NONE },
		.newest = { HOLD_NONE, HOLD_NONE },
		.expected = { HOLD_NONE, HOLD_NONE },
	};
}

/**
 * hold_pool_fini() - Let go of everything held and the memory
 * @p:		As hold_pool_init() left it, or used
 */
void hold_pool_fini(struct hold_pool *p)
{
	for (uint32_t i = 0; i < p->n_pins; i++)
		chunk_unref(p->pins[i].chunk);
	free(p->pins);
	if (p->nodes)
		munmap(p->nodes, p->n_nodes * sizeof(*p->nodes));
	hold_pool_init(p);
}

static void age_append(struct hold_pool *p, unsigned side, uint32_t index)
{
	struct hold *h = &p->nodes[index];

	h->age_next = HOLD_NONE;
	h->age_prev = p->newest[side];
	if (h->age_prev == HOLD_NONE)
		p->oldest[side] = index;
	else
		p->nodes[h->age_prev].age_next = index;
	p->newest[side] = index;
}

static void age_remove(struct hold_pool *p, const struct hold *h)
{
	p->expected[h->side] = h->age_next;
	if (h->age_prev == HOLD_NONE)
		p->oldest[h->side] = h->age_next;
	else
		p->nodes[h->age_prev].age_next = h->age_next;
	if (h->age_next == HOLD_NONE)
		p->newest[h->side] = h->age_prev;
	else
		p->nodes[h->age_next].age_prev = h->age_prev;
}

/* The pin for a frame: most often the one of the side's newest chunk. */
static uint32_t pin_for(struct hold_pool *p, unsigned side,
			struct chunk *chunk)
{
	uint32_t pin = p->current[side];

	if (pin == HOLD_NONE || p->pins[pin].chunk != chunk)
		p->current[side] = pin = pin_take(p, chunk);
	return pin;
}

static void set_frame(struct hold *h, const struct frame *f)
{
	h->off = (uint32_t)(f->data - f->chunk->bytes);
	h->len = f->len;
	h->vnet_len = f->vnet_len & 15u;
	h->prefix_len = f->prefix_len & 15u;
	h->number = f->number;
}

static void count_frame(struct hold_pool *p, const struct hold *h)
{
	p->bytes[h->side] += h->len + sizeof(*h);
	p->held_bytes += h->len;
}

static void uncount_frame(struct hold_pool *p, const struct hold *h)
{
	p->bytes[h->side] -= h->len + sizeof(*h);
	p->held_bytes -= h->len;
}

/**
 * hold_add() - Hold a frame without copying it
 * @p:		The pool
 * @f:		The frame; borrowed, a reference on its chunk is taken
 * @side:	0 or 1
 * @now_ns:	When it came
 *
 * Return: the index of its node, which is in no queue yet
 */
uint32_t hold_add(struct hold_pool *p, const struct frame *f, unsigned side,
		  uint64_t now_ns)
{
	uint32_t index = node_take(p), pin = pin_for(p, side, f->chunk);
	struct hold *h = &p->nodes[index];

	*h = (struct hold){
		.time_ns = now_ns,
		.next = HOLD_NONE,
		.prev = HOLD_NONE,
		.side = side & 1,
	};
	set_frame(h, f);
	pin_attach(p, pin, h);
	age_append(p, side, index);
	p->n[side]++;
	count_frame(p, h);
	return index;
}

/**
 * hold_remove() - Let go of a frame
 * @p:		The pool
 * @index:	A node that is in no queue any more
 */
void hold_remove(struct hold_pool *p, uint32_t index)
{
	struct hold *h = &p->nodes[index];

	p->n[h->side]--;
	uncount_frame(p, h);
	age_remove(p, h);
	pin_detach(p, h);
	h->next = p->free_node;
	p->free_node = index;
}

/**
 * hold_replace() - Hold another frame in a node
 * @p:		The pool
 * @index:	The node; its age stays
 * @f:		The frame; borrowed, a reference on its chunk is taken
 */
void hold_replace(struct hold_pool *p, uint32_t index, const struct frame *f)
{
	struct hold *h = &p->nodes[index];

	uncount_frame(p, h);
	/* first: with its last node the pin goes, even if it is the same */
	pin_detach(p, h);
	set_frame(h, f);
	pin_attach(p, pin_for(p, h->side, f->chunk), h);
	count_frame(p, h);
}

/**
 * hold_trim() - A frame that is held begins later in its chunk
 * @p:		The pool
 * @index:	Its node
 * @len:	By so many bytes, which are no longer its own
 */
void hold_trim(struct hold_pool *p, uint32_t index, uint32_t len)
{
	struct hold *h = &p->nodes[index];

	uncount_frame(p, h);
	p->pins[h->pin].held_bytes -= len;
	h->off += len;
	h->len -= len;
	h->prefix_len = 0;
	count_frame(p, h);
}

/**
 * hold_touch() - Make a node the youngest of its side
 * @p:		The pool
 * @index:	The node
 * @now_ns:	Its time from now on
 */
void hold_touch(struct hold_pool *p, uint32_t index, uint64_t now_ns)
{
	struct hold *h = &p->nodes[index];

	age_remove(p, h);
	age_append(p, h->side, index);
	h->time_ns = now_ns;
}

/* Where frames are copied to: a chunk of ours that is being filled. */
struct target {
	uint32_t pin;		/* HOLD_NONE before the first */
	uint32_t used;
};

static void move_frame(struct hold_pool *p, struct hold *h, struct target *to)
{
	const uint8_t *from = hold_eth(p, h) - h->vnet_len - h->prefix_len;
	uint32_t len = h->prefix_len + h->len;

	if (to->pin == HOLD_NONE ||
	    p->pins[to->pin].chunk->cap - to->used < len) {
		struct chunk *chunk = chunk_new(CHUNK_BYTES);

		to->pin = pin_take(p, chunk);
		to->used = 0;
		chunk_unref(chunk);
	}
	memcpy(p->pins[to->pin].chunk->bytes + to->used, from, len);
	pin_detach(p, h);
	h->off = to->used + h->prefix_len;
	pin_attach(p, to->pin, h);
	to->used += len;
}

static bool is_sparse(const struct hold_pool *p, uint32_t i)
{
	const struct hold_pin *pin = &p->pins[i];

	return pin->chunk && i != p->current[0] && i != p->current[1] &&
	       pin->held_bytes < pin->chunk->cap / 2;
}

static size_t sparse_bytes(const struct hold_pool *p)
{
	size_t sum = 0;

	for (uint32_t i = 0; i < p->n_pins; i++) {
		if (is_sparse(p, i))
			sum += p->pins[i].chunk->cap - p->pins[i].held_bytes;
	}
	return sum;
}

static void compact_now(struct hold_pool *p)
{
	struct target to = { .pin = HOLD_NONE };

	for (unsigned side = 0; side < 2; side++) {
		struct hold *h = hold_at(p, p->oldest[side]);

		for (; h; h = hold_at(p, h->age_next)) {
			if (h->pin != to.pin && is_sparse(p, h->pin))
				move_frame(p, h, &to);
		}
	}
}

/**
 * hold_compact() - Keep the memory of held frames in proportion to them
 * @p:		The pool
 *
 * This is cheap when nothing is to be gained. Something is gained only after
 * as many bytes have come as may be wasted, so that the cost is a share of
 * theirs.
 */
void hold_compact(struct hold_pool *p)
{
	if (p->pinned_bytes > p->held_bytes + p->held_bytes / 2 + SLACK_BYTES &&
	    sparse_bytes(p) > p->pinned_bytes / 8)
		compact_now(p);
}

/**
 * hold_queue_init() - An empty queue
 * @q:		Filled
 */
void hold_queue_init(struct hold_queue *q)
{
	*q = (struct hold_queue){ .head = HOLD_NONE, .tail = HOLD_NONE };
}

/**
 * hold_queue_insert() - Put a node in a queue
 * @p:		The pool
 * @q:		The queue
 * @after:	The node it comes behind, HOLD_NONE for the front
 * @index:	The node
 */
void hold_queue_insert(struct hold_pool *p, struct hold_queue *q,
		       uint32_t after, uint32_t index)
{
	struct hold *h = &p->nodes[index];

	h->prev = after;
	h->next = after == HOLD_NONE ? q->head : p->nodes[after].next;
	if (h->prev == HOLD_NONE)
		q->head = index;
	else
		p->nodes[h->prev].next = index;
	if (h->next == HOLD_NONE)
		q->tail = index;
	else
		p->nodes[h->next].prev = index;
	q->n++;
}

/**
 * hold_queue_remove() - Take a node out of its queue
 * @p:		The pool
 * @q:		The queue it is in
 * @index:	The node
 */
void hold_queue_remove(struct hold_pool *p, struct hold_queue *q,
		       uint32_t index)
{
	const struct hold *h = &p->nodes[index];

	if (h->prev == HOLD_NONE)
		q->head = h->next;
	else
		p->nodes[h->prev].next = h->next;
	if (h->next == HOLD_NONE)
		q->tail = h->prev;
	else
		p->nodes[h->next].prev = h->prev;
	q->n--;
}
