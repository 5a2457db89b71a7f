/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_HOLD_H
#define COLO_COMPARE_HOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../common/frame.h"

/*
 * Packets that wait. A node is 64 bytes and refers to the chunk its frame
 * arrived in; nodes come from one array that grows but never shrinks, so a
 * packet that waits costs no malloc. Nodes are named by index: a pointer is
 * good only until the next hold_add().
 *
 * A chunk with held frames is pinned. When the pinned chunks are more than
 * half as large again as what is held, the survivors of sparse chunks are
 * copied together into new ones, if that frees an eighth of all. To find them
 * every held frame is looked at: rarely, while a list of a chunk's frames
 * would have to be kept for every packet.
 */
#define HOLD_NONE UINT32_MAX

/* A function that is rarely called, and kept out of those that are not. What it
 * has on the stack is then guarded in its own calls only. */
#define COLD __attribute__((cold, noinline))

enum hold_kind {
	HOLD_PACKET,		/* in its flow's queue */
	HOLD_GATE,		/* in its flow's gate */
	HOLD_PART,		/* a fragment, in its group */
	HOLD_WHOLE,		/* what a group makes, in its flow's queue */
};

struct hold_queue {		/* a flow's packets of one side */
	uint32_t head, tail;
	uint32_t n;
	uint32_t order;		/* names its index: order.c; or 0 */
};

struct hold {
	uint64_t time_ns;	/* when it came */
	uint32_t pin;		/* what keeps its chunk */
	uint32_t off;		/* of the frame in chunk->bytes */
	uint32_t len;		/* of the frame, vnet header included */
	union {
		uint32_t flow;	/* index in the flow table */
		uint32_t group;	/* HOLD_PART: in the fragment table */
	};
	uint32_t next, prev;	/* in the flow's queue */
	uint32_t age_next, age_prev;	/* all of this side, oldest first */
	uint32_t seq;		/* TCP; a part's offset; a whole's group */
	uint32_t ack;		/* TCP */
	uint32_t payload_len;
	uint16_t payload_off;	/* from the Ethernet header */
	uint16_t window;	/* TCP, as in the header */
	uint8_t vnet_len;
	uint8_t prefix_len;
	uint8_t flags;		/* TCP's, or HOLD_MATCHED */
	uint8_t kind;		/* enum hold_kind */
	uint8_t side;		/* enum compare_side */
	union {
		uint8_t header_len;	/* TCP's, right before payload_off */
		bool is_last;		/* HOLD_PART */
	};
};

struct hold_pin {
	struct chunk *chunk;	/* one reference of ours; NULL when free */
	uint32_t n;		/* holds */
	uint32_t next;		/* of the free list */
	size_t held_bytes;
};

struct hold_pool {
	struct hold *nodes;
	uint32_t n_nodes, n_fresh;	/* mapped; ever used */
	uint32_t free_node;
	struct hold_pin *pins;
	uint32_t n_pins, free_pin;
	uint32_t current[2];	/* the pin a side's arrivals go to */
	uint32_t oldest[2], newest[2];
	uint32_t expected[2];	/* behind what left last: its twin is next */
	uint64_t n[2];		/* held, by side */
	size_t bytes[2];	/* of frames and nodes, by side */
	size_t held_bytes;	/* of frames */
	size_t pinned_bytes;	/* of their chunks */
};

void hold_pool_init(struct hold_pool *p);
void hold_pool_fini(struct hold_pool *p);

uint32_t hold_add(struct hold_pool *p, const struct frame *f, unsigned side,
		  uint64_t now_ns);
void hold_remove(struct hold_pool *p, uint32_t index);
void hold_replace(struct hold_pool *p, uint32_t index, const struct frame *f);
void hold_touch(struct hold_pool *p, uint32_t index, uint64_t now_ns);
void hold_compact(struct hold_pool *p);

void hold_queue_init(struct hold_queue *q);
void hold_queue_insert(struct hold_pool *p, struct hold_queue *q,
		       uint32_t after, uint32_t index);
void hold_queue_remove(struct hold_pool *p, struct hold_queue *q,
		       uint32_t index);

static inline struct hold *hold_at(const struct hold_pool *p, uint32_t index)
{
	return index == HOLD_NONE ? NULL : &p->nodes[index];
}

static inline uint32_t hold_index(const struct hold_pool *p,
				  const struct hold *h)
{
	return (uint32_t)(h - p->nodes);
}

/* The first byte of the Ethernet header. */
static inline uint8_t *hold_eth(const struct hold_pool *p,
				const struct hold *h)
{
	return p->pins[h->pin].chunk->bytes + h->off + h->vnet_len;
}

static inline uint8_t *hold_payload(const struct hold_pool *p,
				    const struct hold *h)
{
	return hold_eth(p, h) + h->payload_off;
}

/* Bytes of the payload that are there: not all may have been captured. */
static inline uint32_t hold_captured_len(const struct hold *h)
{
	uint32_t there = h->len - h->vnet_len - h->payload_off;

	return there < h->payload_len ? there : h->payload_len;
}

static inline struct frame hold_frame(const struct hold_pool *p,
				      const struct hold *h)
{
	struct chunk *chunk = p->pins[h->pin].chunk;

	return (struct frame){
		.chunk = chunk,
		.data = chunk->bytes + h->off,
		.len = h->len,
		.vnet_len = h->vnet_len,
		.prefix_len = h->prefix_len,
		.time_ns = h->time_ns,
	};
}

#endif
