/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_CLAMP_H
#define COLO_COMPARE_CLAMP_H

#include "core.h"

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
