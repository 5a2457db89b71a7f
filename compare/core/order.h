/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_ORDER_H
#define COLO_COMPARE_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "../../common/packet.h"
#include "../../common/seq.h"
#include "hold.h"

#define BLOCK_MAX 64u

/* Segments that stand behind each other in a queue: one at least. */
struct order_block {
	uint32_t n;
	uint32_t key[BLOCK_MAX];	/* their sequence numbers, less base */
	uint32_t node[BLOCK_MAX];	/* their nodes in the pool */
};

/* The index of a queue: the segments of its last connection. */
struct order {
	struct order_block **blocks;
	uint32_t *first;	/* by block: its first key */
	uint32_t n, room;	/* blocks: used, allocated */
	uint32_t base;
	uint32_t rst;		/* the first RST behind the segments, or HOLD_NONE */
	uint32_t next_free;	/* of the table's unused indexes */
};

struct order_table {
	const struct hold_pool *pool;	/* where the segments are held */
	struct order *orders;	/* hold_queue.order counts them from 1 on */
	uint32_t n, free;	/* the number; the first unused one, or 0 */
	uint64_t n_looks;	/* segments and keys that were looked at: a test
				   sees how much work that is */
};

void order_init(struct order_table *t, const struct hold_pool *pool);
void order_drop(struct order_table *t, struct hold_queue *q);
void order_fini(struct order_table *t);
uint32_t order_find_among(struct order_table *t, struct hold_queue *q,
			  uint32_t seq);
uint32_t order_syn(struct order_table *t, struct hold_queue *q,
		   const uint32_t *seq);
void order_added(struct order_table *t, struct hold_queue *q, uint32_t i);
void order_removed(struct order_table *t, struct hold_queue *q, uint32_t i);

/**
 * order_find() - What does a segment stand behind?
 * @t:		The table of indexes
 * @q:		A queue of segments; it may get an index
 * @seq:	The segment's sequence number
 *
 * Nearly always it stands behind all others, and no call is needed.
 *
 * Return: the last segment of the last connection that begins there or before;
 * if there is none, what stands before the connection: a SYN, or HOLD_NONE
 */
static inline uint32_t order_find(struct order_table *t, struct hold_queue *q,
				  uint32_t seq)
{
	const struct hold *last = hold_at(t->pool, q->tail);

	if (!last)
		return HOLD_NONE;
	if (!q->order && !(last->flags & (TCP_SYN | TCP_RST)) &&
	    seq_le(last->seq, seq)) {
		t->n_looks++;
		return q->tail;
	}
	return order_find_among(t, q, seq);
}

#endif
