/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_ORDER_H
#define COLO_COMPARE_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "hold.h"

#define BLOCK_MAX 64u

/* Segments that stand together in a queue, 1 or more. */
struct order_block {
	uint32_t n;
	uint32_t key[BLOCK_MAX];	/* sequence numbers, from base on */
	uint32_t node[BLOCK_MAX];	/* the holds */
};

/* An index of the segments at the end of a queue. */
struct order {
	struct order_block **blocks;
	uint32_t *first;	/* by block: the first key */
	uint32_t n, room;
	uint32_t base;
	uint32_t rst;		/* the first RST behind them, or HOLD_NONE */
	uint32_t next_free;
};

struct order_table {
	const struct hold_pool *pool;	/* where the segments are held */
	struct order *orders;	/* named by their place, from 1 on */
	uint32_t n, free;
	uint64_t n_looks;	/* segments and keys looked at to find places */
};

void order_init(struct order_table *t, const struct hold_pool *pool);
void order_drop(struct order_table *t, struct hold_queue *q);
void order_fini(struct order_table *t);
uint32_t order_find(struct order_table *t, struct hold_queue *q, uint32_t seq);
uint32_t order_syn(struct order_table *t, struct hold_queue *q,
		   const uint32_t *seq);
void order_added(struct order_table *t, struct hold_queue *q, uint32_t i);
void order_removed(struct order_table *t, struct hold_queue *q, uint32_t i);

#endif
