/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_ACT_H
#define COLO_COMPARE_ACT_H

#include "core.h"

/* Frames of a side have come. */
static inline void act_come(struct compare *c, enum compare_side side,
			    unsigned n)
{
	c->account.in[side] += n;
}

/* A packet of the secondary is dropped as it comes: it was never held. */
static inline void act_drop(struct compare *c, enum drop why)
{
	c->account.dropped[why]++;
}

/* A packet of a flow is dropped, and not because all is well. */
static inline void act_note_drop(struct compare *c, const struct cmp_flow *fl,
				 enum drop why)
{
	last_drop_note(&c->last_drops, flow_index(c->flows, fl), why,
		       c->now_ns);
}

/* The flow is forgotten. */
static inline void act_forget_drop(struct compare *c, const struct cmp_flow *fl)
{
	last_drop_forget(&c->last_drops, flow_index(c->flows, fl));
}

/* May segments be made or changed? Not in a report, where all have left
 * already. */
static inline bool act_may_make(const struct compare *c)
{
	return !c->config.report_only;
}

/* Count something that is not the fate of a packet. */
static inline void act_note(struct compare *c, enum compare_note what)
{
	c->account.noted[what]++;
}

uint64_t act_n_held(const struct compare *c, enum compare_side side);
void act_pass(struct compare *c, const struct frame *v, unsigned n);
void act_after_failover(struct compare *c, enum compare_side side,
			const struct frame *v, unsigned n);
void act_release(struct compare *c, const struct frame *f,
		 enum compare_note why);
void act_release_group(struct compare *c, uint32_t group,
		       enum compare_note why);
void act_drop_group(struct compare *c, uint32_t group,
		    enum drop why);
void act_unhold(struct compare *c, struct cmp_flow *fl, struct hold *h);
void act_release_held(struct compare *c, struct cmp_flow *fl, struct hold *h,
		      enum compare_note why);
void act_release_head(struct compare *c, struct cmp_flow *fl,
		      enum compare_note why);
void act_release_new(struct compare *c, const struct frame *f, uint32_t group,
		     enum compare_note why);
void act_drop_new(struct compare *c, uint32_t group, enum drop why);
void act_drop_held(struct compare *c, struct cmp_flow *fl, struct hold *h,
		   enum drop why);
struct hold *act_hold(struct compare *c, struct cmp_flow *fl,
		      enum compare_side side, const struct frame *f);
void act_trim(struct compare *c, struct cmp_flow *fl, struct hold *h,
	      uint32_t len);
void act_drop_queue(struct compare *c, struct cmp_flow *fl,
		    enum drop why);
void act_drop_all(struct compare *c, struct cmp_flow *fl, enum drop why);
void act_mark_whole(struct compare *c, struct hold *h, uint32_t group);
void act_gate_hold(struct compare *c, struct cmp_flow *fl,
		   const struct frame *f, bool is_packet);
void act_gate_left(struct compare *c, struct cmp_flow *fl);
void act_gate_forget(struct compare *c, struct cmp_flow *fl);
void act_gate_merge(struct compare *c, struct cmp_flow *fl);

#endif
