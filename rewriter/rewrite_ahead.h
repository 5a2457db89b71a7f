/* SPDX-License-Identifier: ISC */
#ifndef COLO_REWRITE_AHEAD_H
#define COLO_REWRITE_AHEAD_H

#include "rewrite_segment.h"

void rewrite_ahead_begin(struct rewrite_flow *fl, const struct packet *p);
bool rewrite_ahead_sent(struct rewrite_flow *fl, const struct packet *p);
void rewrite_ahead_heard(struct rewrite_flow *fl,
			 const struct rewrite_segment *s);
bool rewrite_ahead_is_beyond(const struct rewrite *r,
			     const struct rewrite_flow *fl, uint32_t at);
void rewrite_ahead_answer(struct rewrite *r, const struct rewrite_flow *fl,
			  const struct rewrite_segment *s);
uint64_t rewrite_ahead_bytes(const struct rewrite *r, uint32_t *n_flows);

#endif
