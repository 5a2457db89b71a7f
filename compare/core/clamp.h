/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_CLAMP_H
#define COLO_COMPARE_CLAMP_H

#include <stdbool.h>
#include <stdint.h>

#include "segment.h"

/* What is known of what a client may be told. */
enum {					/* struct gate: flags */
	GATE_PRIMARY = 1 << 0,		/* p_ack, p_window are known */
	GATE_SECONDARY = 1 << 1,	/* s_ack, s_window are known */
	GATE_SENT = 1 << 2,		/* sent_ack, sent_right are known */
	GATE_SCALE = 1 << 3,		/* the window scale is known */
	GATE_PACKET = 1 << 4,		/* what waits is a packet that has not
					   left */
	GATE_SIGNED = 1 << 5,		/* segments may not be changed: they
					   wait, as with COMPARE_ACK_HOLD */
};

struct gate {
	uint32_t p_ack, s_ack;		/* the newest acknowledgements of the
					   primary and the secondary */
	uint32_t sent_ack, sent_right;	/* the largest acknowledgement, and the
					   furthest edge of the window, that
					   the client was told */
	uint32_t waiting;		/* the node of what waits, or
					   HOLD_NONE */
	uint16_t p_window, s_window;	/* as in the header */
	uint16_t n_copied;		/* c->n_copied when last used */
	uint8_t scale;			/* of the windows */
	uint8_t flags;			/* GATE_* */
};

static inline bool clamp_knows_windows(const struct gate *g)
{
	return g->flags & GATE_SCALE;
}

static inline uint32_t clamp_right_of(const struct gate *g, uint32_t ack,
				      uint16_t window)
{
	return ack + ((uint32_t)window << g->scale);
}

static inline uint32_t clamp_primary_right(const struct gate *g)
{
	return clamp_right_of(g, g->p_ack, g->p_window);
}

uint32_t clamp_ack(const struct gate *g, uint32_t ack);
uint32_t clamp_right(const struct gate *g, uint32_t right);
bool clamp_is_told(const struct gate *g, uint32_t ack);
bool clamp_opens(const struct gate *g, uint32_t right);
bool clamp_is_limited(const struct gate *g);
uint16_t clamp_window(const struct gate *g, uint32_t ack, uint32_t right);
void clamp_note_sent(struct gate *g, uint32_t ack, uint32_t right);
void clamp_note_syn(struct gate *g, const struct segment *seg, int scale);
void clamp_note_primary(struct gate *g, const struct segment *seg);
bool clamp_must_wait(const struct gate *g, uint32_t ack);

#endif
