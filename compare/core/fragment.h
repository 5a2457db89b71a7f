/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_FRAGMENT_H
#define COLO_COMPARE_FRAGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "../../common/packet.h"
#include "hold.h"

struct fragment_key {
	uint8_t src[16];
	uint8_t dst[16];
	uint32_t id;
	uint32_t vlan;
	uint8_t proto;
	uint8_t ip_version;
	uint8_t side;
	uint8_t zero;
};

/* The fragments of one datagram of one side. */
struct fragment_group {
	struct fragment_key key;
	uint32_t parts;		/* holds, by offset */
	uint32_t n_parts;
	uint32_t whole;		/* the hold of the datagram, once complete */
	uint32_t next, prev;	/* open ones, newest first; or free ones */
	bool is_open;		/* more fragments may join */
};

struct fragment_table {
	struct fragment_group *groups;
	uint32_t n_groups, free_group;
	uint32_t n_used;
	uint32_t open, oldest;	/* list of the open ones */
	uint32_t n_open;
};

/* What a fragment is a piece of, and which piece. */
struct fragment_piece {
	struct fragment_key key;
	uint32_t from, to;	/* bytes of the datagram */
	uint32_t off;		/* where they are in the frame */
	bool is_last;
};

enum fragment_state {
	FRAGMENT_HELD,		/* others are missing */
	FRAGMENT_WHOLE,		/* they make a datagram */
	FRAGMENT_BAD,		/* they overlap, or are too many */
};

static inline struct fragment_group *fragment_at(const struct fragment_table *t,
						 uint32_t i)
{
	return &t->groups[i];
}

void fragment_init(struct fragment_table *t);
void fragment_fini(struct fragment_table *t);
bool fragment_piece(struct fragment_piece *piece, const struct packet *p,
		    unsigned side);
bool fragment_is_full(const struct fragment_table *t,
		      const struct fragment_piece *piece);
enum fragment_state fragment_add(struct fragment_table *t,
				 struct hold_pool *pool, const struct frame *f,
				 const struct fragment_piece *piece,
				 uint64_t now_ns, uint32_t *group);
struct frame fragment_whole(struct fragment_table *t,
			    const struct hold_pool *pool, uint32_t group);
void fragment_close(struct fragment_table *t, uint32_t i);
void fragment_free(struct fragment_table *t, uint32_t i);

#endif
