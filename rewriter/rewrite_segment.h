/* SPDX-License-Identifier: ISC */
#ifndef COLO_REWRITE_SEGMENT_H
#define COLO_REWRITE_SEGMENT_H

#include "rewrite_types.h"

/* Where a segment's options lie, counted from the TCP header; 0 = absent. */
struct rewrite_options {
	uint8_t timestamp;	/* its TSval; TSecr is 4 bytes on */
	uint8_t sack;		/* its first edge */
	uint8_t n_edges;
	bool is_signed;
};

/*
 * Numbers that change under one or two checksums: the segment's own and, in
 * an ICMP error, that of the message around it.
 */
struct rewrite_edit {
	uint8_t *base;		/* where the checksummed bytes begin */
	uint8_t *sum;		/* or NULL: partial, or not quoted */
	uint8_t *outer_sum;	/* or NULL */
};

struct rewrite_segment {
	struct packet p;	/* as it came in */
	const struct frame *frame;
	enum rewrite_side side;
	struct rewrite_options options;
};

void rewrite_options_find(struct rewrite_options *o, const uint8_t *tcp,
			  size_t len);
void rewrite_edit32(const struct rewrite_edit *e, uint8_t *at, uint32_t to);
void rewrite_segment_init(struct rewrite_segment *s, enum rewrite_side side,
			  const struct frame *f);
void rewrite_segment_translate(struct rewrite *r, struct rewrite_flow *fl,
			       const struct rewrite_segment *s);

#endif
