/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_GATE_H
#define COLO_COMPARE_GATE_H

#include "core.h"

/* Do segments of a flow wait for the secondary's acknowledgement? */
static inline bool gate_holds_acks(const struct compare *c,
				   const struct cmp_flow *fl)
{
	return c->config.ack_policy == COMPARE_ACK_HOLD ||
	       (fl->gate.flags & GATE_SIGNED);
}

void gate_copied(struct compare *c);
bool gate_is_told(const struct cmp_flow *fl, uint32_t ack, uint16_t window);
bool gate_is_known(const struct compare *c, const struct cmp_flow *fl,
		   uint32_t ack, uint16_t window);
void gate_flush(const struct compare *c, struct cmp_flow *fl, uint8_t *tcp);
void gate_release(struct compare *c, struct cmp_flow *fl, const struct frame *f,
		  const struct segment *seg, enum compare_note why,
		  const struct packet *said);
bool gate_blocks(const struct compare *c, const struct cmp_flow *fl,
		 unsigned flags, uint32_t ack);
void gate_connection(struct compare *c, struct cmp_flow *fl,
		     const struct packet *syn);
void gate_secondary_syn(struct cmp_flow *fl);
void gate_secondary(struct compare *c, struct cmp_flow *fl,
		    const struct packet *p);
void gate_agree(const struct compare *c, struct cmp_flow *fl,
		const struct segment *seg);
void gate_open(struct compare *c, struct cmp_flow *fl, enum compare_note why);
bool gate_is_stuck(const struct cmp_flow *fl);

#endif
