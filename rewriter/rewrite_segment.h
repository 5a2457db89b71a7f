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

/* A frame and what was found in it. Options are those of a TCP segment. */
struct rewrite_segment {
	struct packet p;	/* as it came in */
	const struct frame *frame;
	enum rewrite_side side;
	struct rewrite_options options;
};

void rewrite_segment_init(struct rewrite_segment *s, enum rewrite_side side,
			  const struct frame *f);
void rewrite_segment_find_options(struct rewrite_options *o, const uint8_t *tcp,
				  size_t len);
bool rewrite_segment_refuses(const struct packet *p);

#endif
