/* SPDX-License-Identifier: ISC */
/*
 * What becomes of a packet: it is released, held or dropped, and counted.
 *
 * This file owns the account. It is the only one that calls release(), and the
 * only one that puts packets into the pool and takes them out, except for the
 * fragments that fragment.c holds. So `in = out + held + dropped` can be
 * checked here. All other files of the core that decide something call it; it
 * decides nothing.
 */
#include "act.h"

#include "flows.h"
#include "fragment.h"
#include "order.h"
#include "share.h"

/**
 * act_n_held() - How many packets of a side are held?
 * @c:		The comparison
 * @side:	The side
 *
 * Return: packets; not all nodes of the pool are. In a report those of the
 * primary have left when they came, and none is held
 */
uint64_t act_n_held(const struct compare *c, enum compare_side side)
{
	if (c->config.report_only && side == COMPARE_PRIMARY)
		return 0;
	return c->pool.n[side] - c->account.n_made[side];
}

/**
 * act_pass() - Let frames of the primary out as they come
 * @c:		The comparison
 * @v:		The frames; borrowed
 * @n:		How many
 */
void act_pass(struct compare *c, const struct frame *v, unsigned n)
{
	c->account.out += n;
	for (unsigned i = 0; i < n; i++)
		c->handler.release(c->handler.arg, &v[i]);
}

/**
 * act_after_failover() - Pass the primary's frames, drop the secondary's
 * @c:		The comparison
 * @side:	Whose frames these are
 * @v:		The frames; borrowed
 * @n:		How many
 */
void act_after_failover(struct compare *c, enum compare_side side,
			const struct frame *v, unsigned n)
{
	if (side == COMPARE_SECONDARY) {
		c->account.dropped[DROP_FAILOVER] += n;
	} else {
		c->account.noted[NOTE_PASSED] += n;
		act_pass(c, v, n);
	}
}

/**
 * act_release() - Let a frame of the primary out
 * @c:		The comparison
 * @f:		The frame; borrowed
 * @why:	As what it is counted
 *
 * In a report it is counted only, because it left when it came.
 */
void act_release(struct compare *c, const struct frame *f,
		 enum compare_note why)
{
	c->account.noted[why]++;
	if (c->config.report_only)	/* it has left on arrival */
		return;
	c->account.out++;
	c->handler.release(c->handler.arg, f);
}

/**
 * act_release_group() - Let the fragments of a datagram out
 * @c:		The comparison
 * @group:	A group of the primary's; it is gone afterwards
 * @why:	As what each fragment is counted
 */
void act_release_group(struct compare *c, uint32_t group,
		       enum compare_note why)
{
	uint32_t i = fragment_at(&c->fragments, group)->parts, next;

	for (; i != HOLD_NONE; i = next) {
		struct frame f = hold_frame(&c->pool, hold_at(&c->pool, i));

		next = hold_at(&c->pool, i)->next;
		act_release(c, &f, why);
		hold_remove(&c->pool, i);
	}
	fragment_free(&c->fragments, group);
}

/**
 * act_drop_group() - Drop the fragments of a datagram
 * @c:		The comparison
 * @group:	A group of either side; it is gone afterwards
 * @why:	As what each fragment is counted
 */
void act_drop_group(struct compare *c, uint32_t group,
		    enum drop why)
{
	uint32_t i = fragment_at(&c->fragments, group)->parts, next;

	for (; i != HOLD_NONE; i = next) {
		next = hold_at(&c->pool, i)->next;
		c->account.dropped[why]++;
		hold_remove(&c->pool, i);
	}
	fragment_free(&c->fragments, group);
}

/* A SYN has left a queue: clear the flow's flag if it was the last one. */
static void recount_syns(const struct compare *c, struct cmp_flow *fl,
			 unsigned side)
{
	unsigned flag = side == COMPARE_PRIMARY ? FLOW_PRIMARY_SYN :
						  FLOW_SECONDARY_SYN;
	const struct hold *h = hold_at(&c->pool, fl->q[side].head);

	while (h && !(h->flags & TCP_SYN))
		h = hold_at(&c->pool, h->next);
	if (!h)
		fl->flags &= (uint16_t)~flag;
}

/* A flow is suspect while both of its queues wait. One is empty now, whoever
 * emptied it: the flow leaves the list of suspects. */
static void clear_suspicion(struct compare *c, struct cmp_flow *fl)
{
	fl->flags &= (uint16_t)~FLOW_SUSPECT;
	flows_touch(c, fl);
}

/**
 * act_unhold() - Take a packet out of its queue and let go of it
 * @c:		The comparison
 * @fl:		Its flow; the flags that tell about the queue follow
 * @h:		The packet. It is not counted: the caller has done that
 */
void act_unhold(struct compare *c, struct cmp_flow *fl, struct hold *h)
{
	uint32_t i = hold_index(&c->pool, h);
	unsigned side = h->side;

	if (side == COMPARE_PRIMARY && !c->config.report_only)
		histogram_add(&c->account.held, c->now_ns - h->time_ns);
	if (c->share.is_counting && side == COMPARE_PRIMARY)
		share_count(c, fl, h, false);
	if (fl->q[side].order)
		order_removed(&c->orders, &fl->q[side], i);
	hold_queue_remove(&c->pool, &fl->q[side], i);
	if (h->flags & TCP_SYN)
		recount_syns(c, fl, side);
	if ((fl->flags & FLOW_SUSPECT) && !fl->q[side].n)
		clear_suspicion(c, fl);
	hold_remove(&c->pool, i);
	if (!flows_holds(fl))
		c->account.n_holding--;
}

/**
 * act_release_held() - Let a packet of the primary's queue out
 * @c:		The comparison
 * @fl:		Its flow, not of TCP
 * @h:		The packet; not the first one in a report only, where all have left
 *		already
 * @why:	As what it is counted
 */
void act_release_held(struct compare *c, struct cmp_flow *fl, struct hold *h,
		      enum compare_note why)
{
	struct frame f = hold_frame(&c->pool, h);

	if (h->kind == HOLD_WHOLE) {
		act_release_group(c, h->seq, why);
		c->account.n_made[COMPARE_PRIMARY]--;
	} else {
		act_release(c, &f, why);
	}
	act_unhold(c, fl, h);
}

/**
 * act_release_head() - Let the first packet of the primary's queue out
 * @c:		The comparison
 * @fl:		A flow, not of TCP, that holds one
 * @why:	As what it is counted
 */
void act_release_head(struct compare *c, struct cmp_flow *fl,
		      enum compare_note why)
{
	act_release_held(c, fl, hold_at(&c->pool, fl->q[COMPARE_PRIMARY].head),
			 why);
}

/**
 * act_release_new() - Let a packet out that has just come, or was put together
 * @c:		The comparison
 * @f:		The frame it came in; borrowed
 * @group:	The fragments that it was made of, which leave in its place;
 *		HOLD_NONE for one that came whole
 * @why:	As what it is counted
 */
void act_release_new(struct compare *c, const struct frame *f, uint32_t group,
		     enum compare_note why)
{
	if (group == HOLD_NONE)
		act_release(c, f, why);
	else
		act_release_group(c, group, why);
}

/**
 * act_drop_new() - Drop a packet that has just come, or was put together
 * @c:		The comparison
 * @group:	The fragments that it was made of; HOLD_NONE for one that came
 *		whole
 * @why:	As what it is counted
 */
void act_drop_new(struct compare *c, uint32_t group, enum drop why)
{
	if (group == HOLD_NONE)
		c->account.dropped[why]++;
	else
		act_drop_group(c, group, why);
}

/**
 * act_drop_held() - Drop a packet that is held
 * @c:		The comparison
 * @fl:		Its flow
 * @h:		The packet. For a fragment its whole datagram is dropped
 * @why:	As what it is counted
 */
void act_drop_held(struct compare *c, struct cmp_flow *fl, struct hold *h,
		   enum drop why)
{
	if (why != DROP_MATCHED)
		act_note_drop(c, fl, why);
	if (h->kind == HOLD_PART)
		h = hold_at(&c->pool, c->fragments.groups[h->group].whole);
	if (h->kind == HOLD_WHOLE) {
		act_drop_group(c, h->seq, why);
		c->account.n_made[h->side]--;
	} else {
		c->account.dropped[why]++;
	}
	act_unhold(c, fl, h);
}

/**
 * act_hold() - Hold a packet
 * @c:		The comparison
 * @fl:		Its flow; the caller puts it into the queue
 * @side:	Whose it is
 * @f:		The frame; borrowed, a reference on its chunk is taken
 *
 * Return: its node, valid until the next node is added
 */
struct hold *act_hold(struct compare *c, struct cmp_flow *fl,
		      enum compare_side side, const struct frame *f)
{
	uint32_t i = hold_add(&c->pool, f, side, c->now_ns);
	struct hold *h = hold_at(&c->pool, i);

	h->flow = flow_index(c->flows, fl);
	if (!flows_holds(fl))
		c->account.n_holding++;
	if (c->share.is_counting && side == COMPARE_PRIMARY)
		share_count(c, fl, h, true);
	return h;
}

/**
 * act_trim() - Hold less of a packet of the primary
 * @c:		The comparison
 * @fl:		Its flow
 * @h:		The packet: its frame begins later in its chunk
 * @len:	By so many bytes
 */
void act_trim(struct compare *c, struct cmp_flow *fl, struct hold *h,
	      uint32_t len)
{
	if (c->share.is_counting)
		share_count(c, fl, h, false);
	hold_trim(&c->pool, hold_index(&c->pool, h), len);
	if (c->share.is_counting)
		share_count(c, fl, h, true);
}

/**
 * act_drop_queue() - Drop all packets of the secondary that a flow holds
 * @c:		The comparison
 * @fl:		The flow
 * @why:	As what each is counted
 */
void act_drop_queue(struct compare *c, struct cmp_flow *fl,
		    enum drop why)
{
	struct hold *h;

	while ((h = hold_at(&c->pool, fl->q[COMPARE_SECONDARY].head)))
		act_drop_held(c, fl, h, why);
}

/**
 * act_mark_whole() - Note that a held packet was put together of fragments
 * @c:		The comparison
 * @h:		The packet; it stands for its fragments from now on
 * @group:	The fragments
 */
void act_mark_whole(struct compare *c, struct hold *h, uint32_t group)
{
	h->kind = HOLD_WHOLE;
	h->seq = group;
	fragment_at(&c->fragments, group)->whole = hold_index(&c->pool, h);
	c->account.n_made[h->side]++;
}

/* Note whether what waits in a flow's gate is a packet that has to leave, or
 * only a header of one that has left. */
static void mark_packet(struct compare *c, struct cmp_flow *fl, bool is_packet)
{
	struct gate *g = &fl->gate;

	if (!!(g->flags & GATE_PACKET) == is_packet)
		return;
	if (is_packet) {
		if (!flows_holds(fl))
			c->account.n_holding++;
		g->flags |= GATE_PACKET;
		c->account.n_made[COMPARE_PRIMARY]--;
	} else {
		g->flags &= (uint8_t)~GATE_PACKET;
		histogram_add(&c->account.held, c->now_ns -
			      hold_at(&c->pool, g->waiting)->time_ns);
		c->account.n_made[COMPARE_PRIMARY]++;
		if (!flows_holds(fl))
			c->account.n_holding--;
	}
}

/**
 * act_gate_hold() - Keep a frame in its flow's gate, in place of what waits there
 * @c:		The comparison
 * @fl:		The flow
 * @f:		The frame; borrowed, a reference on its chunk is taken
 * @is_packet:	It is a packet that has not left; else a header to make
 *		acknowledgements of
 */
void act_gate_hold(struct compare *c, struct cmp_flow *fl,
		   const struct frame *f, bool is_packet)
{
	struct gate *g = &fl->gate;

	if (g->waiting == HOLD_NONE) {
		struct hold *h;

		g->waiting = hold_add(&c->pool, f, COMPARE_PRIMARY, c->now_ns);
		h = hold_at(&c->pool, g->waiting);
		h->kind = HOLD_GATE;
		h->flow = flow_index(c->flows, fl);
		c->account.n_made[COMPARE_PRIMARY]++;
	} else {
		hold_replace(&c->pool, g->waiting, f);
	}
	if (g->flags & GATE_PACKET)
		c->account.merged++;
	mark_packet(c, fl, is_packet);
}

/**
 * act_gate_left() - The packet in a flow's gate has left; its header stays
 * @c:		The comparison
 * @fl:		The flow
 */
void act_gate_left(struct compare *c, struct cmp_flow *fl)
{
	mark_packet(c, fl, false);
}

/**
 * act_gate_forget() - Take out what waits in a flow's gate
 * @c:		The comparison
 * @fl:		The flow; a packet in its gate has been counted
 */
void act_gate_forget(struct compare *c, struct cmp_flow *fl)
{
	struct gate *g = &fl->gate;

	if (g->waiting == HOLD_NONE)
		return;
	mark_packet(c, fl, false);
	c->account.n_made[COMPARE_PRIMARY]--;
	hold_remove(&c->pool, g->waiting);
	g->waiting = HOLD_NONE;
}

/**
 * act_drop_all() - Drop all packets that a flow holds, and what waits in its gate
 * @c:		The comparison
 * @fl:		The flow
 * @why:	As what each is counted
 */
void act_drop_all(struct compare *c, struct cmp_flow *fl, enum drop why)
{
	struct hold *h;

	while ((h = hold_at(&c->pool, fl->q[COMPARE_PRIMARY].head)))
		act_drop_held(c, fl, h, why);
	act_drop_queue(c, fl, why);
	if (fl->gate.flags & GATE_PACKET) {
		act_note_drop(c, fl, why);
		c->account.dropped[why]++;
	}
	act_gate_forget(c, fl);
}

/**
 * act_gate_merge() - What leaves now says all that waits in a flow's gate
 * @c:		The comparison
 * @fl:		The flow
 */
void act_gate_merge(struct compare *c, struct cmp_flow *fl)
{
	if (fl->gate.flags & GATE_PACKET)
		c->account.merged++;
	act_gate_forget(c, fl);
}
