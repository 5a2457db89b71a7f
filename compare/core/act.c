/* SPDX-License-Identifier: ISC */
/*
 * What becomes of a packet: released, held, dropped.
 */
#include "core.h"

/**
 * compare_release_frame - let a primary frame out
 * @c:		the comparison
 * @f:		borrowed
 * @why:	what it is counted as
 */
void compare_release_frame(struct compare *c, const struct frame *f,
			   enum compare_note why)
{
	c->noted[why]++;
	if (compare_is_reporting(c))	/* it has left on arrival */
		return;
	c->out++;
	c->handler.release(c->handler.arg, f);
}

/* After a SYN left a queue: is there another? */
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

/* Where nothing waits on one side nothing is suspect: the flow leaves the
 * suspects together with what was there, whatever took that. */
static void clear_suspicion(struct compare *c, struct cmp_flow *fl)
{
	fl->flags &= (uint16_t)~FLOW_SUSPECT;
	compare_flow_touch(c, fl);
}

/**
 * compare_unhold - take a packet out of its queue and let go of it
 * @c:		the comparison
 * @fl:		its flow; what its flags say of its queues stays true
 * @h:		the packet; counting it is the caller's business
 */
void compare_unhold(struct compare *c, struct cmp_flow *fl, struct hold *h)
{
	uint32_t i = hold_index(&c->pool, h);
	unsigned side = h->side;

	if (c->share.is_counting && side == COMPARE_PRIMARY)
		compare_share_count(c, fl, h, false);
	if (fl->q[side].order)
		compare_order_removed(c, &fl->q[side], i);
	hold_queue_remove(&c->pool, &fl->q[side], i);
	if (h->flags & TCP_SYN)
		recount_syns(c, fl, side);
	if ((fl->flags & FLOW_SUSPECT) && !fl->q[side].n)
		clear_suspicion(c, fl);
	hold_remove(&c->pool, i);
	if (!compare_flow_holds(fl))
		c->n_holding--;
}

/**
 * compare_release_head - let the first held primary packet of a flow out
 * @c:		the comparison
 * @fl:		a flow with a primary packet
 * @why:	what it is counted as
 */
void compare_release_head(struct compare *c, struct cmp_flow *fl,
			  enum compare_note why)
{
	struct hold *h = hold_at(&c->pool, fl->q[COMPARE_PRIMARY].head);
	struct frame f = hold_frame(&c->pool, h);

	if (h->kind == HOLD_WHOLE) {
		compare_fragment_release(c, h->seq, why);
		c->n_made[COMPARE_PRIMARY]--;
	} else {
		compare_release_frame(c, &f, why);
	}
	compare_unhold(c, fl, h);
}

/**
 * compare_release_new - let out what has just come
 * @c:		the comparison
 * @f:		borrowed
 * @why:	what it is counted as
 */
void compare_release_new(struct compare *c, const struct frame *f,
			 enum compare_note why)
{
	if (c->whole == HOLD_NONE)
		compare_release_frame(c, f, why);
	else
		compare_fragment_release(c, c->whole, why);
}

/**
 * compare_drop_new - drop what has just come
 * @c:		the comparison
 * @why:	what it is counted as
 */
void compare_drop_new(struct compare *c, enum compare_drop why)
{
	if (c->whole == HOLD_NONE)
		c->dropped[why]++;
	else
		compare_fragment_drop(c, c->whole, why);
}

/**
 * compare_drop_held - drop a held packet
 * @c:		the comparison
 * @fl:		its flow
 * @h:		the packet; with a fragment its whole datagram goes
 * @why:	what it is counted as
 */
void compare_drop_held(struct compare *c, struct cmp_flow *fl, struct hold *h,
		       enum compare_drop why)
{
	if (h->kind == HOLD_PART)
		h = hold_at(&c->pool, c->fragments.groups[h->group].whole);
	if (h->kind == HOLD_WHOLE) {
		compare_fragment_drop(c, h->seq, why);
		c->n_made[h->side]--;
	} else {
		c->dropped[why]++;
	}
	compare_unhold(c, fl, h);
}

/**
 * compare_hold - keep a packet
 * @c:		the comparison
 * @fl:		its flow, into whose queue the caller puts it
 * @side:	whose it is
 * @f:		borrowed
 *
 * Return: its node, valid until the next call
 */
struct hold *compare_hold(struct compare *c, struct cmp_flow *fl,
			  enum compare_side side, const struct frame *f)
{
	uint32_t i = hold_add(&c->pool, f, side, c->now_ns);
	struct hold *h = hold_at(&c->pool, i);

	h->flow = flow_index(c->flows, fl);
	if (!compare_flow_holds(fl))
		c->n_holding++;
	if (c->share.is_counting && side == COMPARE_PRIMARY)
		compare_share_count(c, fl, h, true);
	return h;
}

/**
 * act_drop_queue() - Drop all that a flow holds of the secondary
 * @c:		The comparison
 * @fl:		The flow
 * @why:	What it is counted as
 */
void act_drop_queue(struct compare *c, struct cmp_flow *fl,
		    enum compare_drop why)
{
	struct hold *h;

	while ((h = hold_at(&c->pool, fl->q[COMPARE_SECONDARY].head)))
		compare_drop_held(c, fl, h, why);
}
