/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_HOLD_H
#define COLO_COMPARE_HOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../common/frame.h"

/*
 * Packets that wait. Each has a node of 64 bytes, which refers to the chunk
 * that its frame came in: nothing is copied. Nodes stand in one array that
 * grows and never shrinks, so that a packet that waits needs no malloc(). They
 * are named by their index: a pointer is good only until the next hold_add().
 *
 * A chunk stays in memory (it is pinned) while a frame in it is held. When the
 * pinned chunks are more than half as large again as the frames that are held,
 * frames of sparse chunks are copied together into new ones, if that frees an
 * eighth of all. To find them every held frame is looked at. That is rare,
 * while a list of each chunk's frames would have to be kept for every packet.
 */
#define HOLD_NONE UINT32_MAX

/* A function that is rarely called, and kept out of those that are not. What it
 * has on the stack is then guarded in its own calls only. */
#define COLD __attribute__((cold, noinline))

enum hold_kind {
	HOLD_PACKET,		/* a packet in its flow's queue */
	HOLD_GATE,		/* a packet or a header in its flow's gate */
	HOLD_PART,		/* a fragment in its group */
	HOLD_WHOLE,		/* a datagram that was put together, in its
				   flow's queue */
};

struct hold_queue {		/* a flow's packets of one side */
	uint32_t head, tail;
	uint32_t n;
	uint32_t order;		/* the number of its index (order.c), or 0 */
};

struct hold {
	uint64_t time_ns;	/* when it came */
	uint32_t pin;		/* the index of what keeps its chunk */
	uint32_t off;		/* of the frame in chunk->bytes */
	uint32_t len;		/* of the frame, vnet header included */
	union {
		uint32_t flow;	/* index in the flow table */
		uint32_t group;	/* HOLD_PART: in the fragment table */
	};
	uint32_t next, prev;	/* in the flow's queue */
	uint32_t age_next, age_prev;	/* among those of this side */
	uint32_t seq;		/* TCP: its own; HOLD_PART: where it begins in
				   the datagram; HOLD_WHOLE: its group */
	uint32_t ack;		/* TCP */
	uint32_t payload_len;
	uint16_t payload_off;	/* from the Ethernet header */
	uint16_t window;	/* TCP, as in the header */
	uint32_t number;	/* as in struct frame */
	uint8_t vnet_len : 4, prefix_len : 4;
	uint8_t flags;		/* TCP's, or those of datagram.c */
	uint8_t kind : 4, side : 4;	/* enum hold_kind, enum compare_side */
	union {
		uint8_t header_len;	/* TCP's, right before payload_off, or
					   0 */
		bool is_last;		/* HOLD_PART: none comes behind it */
	};
};

_Static_assert(sizeof(struct hold) == 64, "one line of the cache");

struct hold_pin {
	struct chunk *chunk;	/* one reference of ours; NULL when free */
	uint32_t n;		/* frames in it that are held */
	uint32_t next;		/* in the list of free ones */
	size_t held_bytes;
};

struct hold_pool {
	struct hold *nodes;
	uint32_t n_nodes, n_fresh;	/* mapped; ever used */
	uint32_t free_node;
	struct hold_pin *pins;
	uint32_t n_pins, free_pin;
	uint32_t current[2];	/* by side: the pin of the newest chunk */
	uint32_t oldest[2], newest[2];
	uint32_t expected[2];	/* by side: the node behind the one that left
				   last: its twin comes next (predict.c) */
	uint64_t n[2];		/* held, by side */
	size_t bytes[2];	/* by side: frames and nodes */
	size_t held_bytes;	/* frames */
	size_t pinned_bytes;	/* their chunks */
};

void hold_pool_init(struct hold_pool *p);
void hold_pool_fini(struct hold_pool *p);

uint32_t hold_add(struct hold_pool *p, const struct frame *f, unsigned side,
		  uint64_t now_ns);
void hold_remove(struct hold_pool *p, uint32_t index);
void hold_replace(struct hold_pool *p, uint32_t index, const struct frame *f);
void hold_trim(struct hold_pool *p, uint32_t index, uint32_t len);
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

/* Filled field by field: of a literal gcc reads wide pieces back that were stored in
 * narrow ones, and the processor waits until they are there. */
static inline struct frame hold_frame(const struct hold_pool *p,
				      const struct hold *h)
{
	struct frame f;

	f.chunk = p->pins[h->pin].chunk;
	f.data = f.chunk->bytes + h->off;
	f.len = h->len;
	f.vnet_len = h->vnet_len;
	f.prefix_len = h->prefix_len;
	f.number = h->number;
	f.cut = 0;
	f.time_ns = h->time_ns;
	return f;
}

#endif
