/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_ORDER_H
#define COLO_COMPARE_ORDER_H

#include <stdbool.h>
#include <stdint.h>

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
	struct order *orders;	/* named by their place, from 1 on */
	uint32_t n, free;
	uint64_t n_looks;	/* segments and keys looked at to find places */
};

#endif
