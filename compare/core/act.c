/* SPDX-License-Identifier: ISC */
/*
 * What becomes of a packet: released, held, dropped; and of a flow that
 * differs.
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

static void put_frame(const struct compare *c, struct compare_difference *d,
		      const struct hold *h)
{
	d->has[h->side] = true;
	d->frame[h->side] = hold_frame(&c->pool, h);
	d->at[h->side] = h->payload_off;
}

/**
 * compare_difference_of - describe a difference
 * @c:		the comparison
 * @fl:		the flow that shows it; NULL when it is none in particular
 * @reason:	how it differs
 * @p:		the primary's packet, or NULL
 * @s:		the secondary's packet, or NULL
 *
 * Return: the description, with the packets' first bytes as the place
 */
struct compare_difference compare_difference_of(const struct compare *c,
						const struct cmp_flow *fl,
						enum compare_reason reason,
						const struct hold *p,
						const struct hold *s)
{
	struct compare_difference d = { .reason = reason };

	if (fl)
		d.flow = flow_key_get(c->flows, fl);
	if (p)
		put_frame(c, &d, p);
	if (s)
		put_frame(c, &d, s);
	return d;
}

static bool may_ask(const struct compare *c, const struct compare_difference *d)
{
	return !c->in_episode && !compare_is_reporting(c) && !c->config.holds &&
	       (!c->handler.may_ask || c->handler.may_ask(c->handler.arg, d));
}

/**
 * compare_report - tell of a difference
 * @c:		the comparison
 * @d:		the difference; asks for a checkpoint, once in an episode
 */
void compare_report(struct compare *c, struct compare_difference *d)
{
	d->asks = may_ask(c, d);
	if (d->asks) {
		c->in_episode = true;
		c->noted[NOTE_EPISODES]++;
		c->asked[d->reason]++;
	}
	c->handler.differ(c->handler.arg, d);
}

/**
 * compare_ask - ask for a checkpoint, unless one has been asked for
 * @c:		the comparison
 * @reason:	why
 * @fl:		the flow that shows it; NULL when it is none in particular
 * @h:		its packet, or NULL
 */
void compare_ask(struct compare *c, enum compare_reason reason,
		 const struct cmp_flow *fl, const struct hold *h)
{
	bool is_primary = h && h->side == COMPARE_PRIMARY;
	struct compare_difference d;

	if (c->in_episode || c->config.holds)
		return;
	d = compare_difference_of(c, fl, reason, is_primary ? h : NULL,
				  is_primary ? NULL : h);
	compare_report(c, &d);
}

static void drop_queue(struct compare *c, struct cmp_flow *fl,
		       enum compare_drop why)
{
	struct hold *h;

	while ((h = hold_at(&c->pool, fl->q[COMPARE_SECONDARY].head)))
		compare_drop_held(c, fl, h, why);
}

/**
 * compare_differ - a flow differs: nothing of it is compared until the flush
 * @c:		the comparison
 * @fl:		the flow
 * @d:		how it differs
 *
 * In a report the caller goes on behind bytes that differ; what is different in
 * another way ends the flow.
 */
void compare_differ(struct compare *c, struct cmp_flow *fl,
		    struct compare_difference *d)
{
	compare_report(c, d);
	if (compare_is_reporting(c) &&
	    (d->reason == COMPARE_PAYLOAD || d->reason == COMPARE_MAC)) {
		c->noted[NOTE_DIFFERENT]++;
		return;
	}
	if (!(fl->flags & FLOW_DIFFERENT)) {
		fl->flags &= (uint16_t)~FLOW_SUSPECT;
		fl->flags |= FLOW_DIFFERENT;
		c->noted[NOTE_DIFFERENT]++;
	}
	drop_queue(c, fl, DROP_DIFFERENT);
	while (compare_is_reporting(c) && fl->q[COMPARE_PRIMARY].n)
		compare_release_head(c, fl, NOTE_UNCOMPARED);
	compare_flow_touch(c, fl);
}

/**
 * compare_flow_of - the flow a packet is held in
 * @c:		the comparison
 * @h:		the packet
 *
 * Return: NULL for a fragment of an incomplete datagram
 */
struct cmp_flow *compare_flow_of(const struct compare *c, const struct hold *h)
{
	if (h->kind == HOLD_PART)
		return compare_fragment_flow(c, h);
	return flow_at(c->flows, h->flow);
}

/* The flow with the most packets of a side. */
static struct cmp_flow *fullest_flow(const struct compare *c,
				     enum compare_side side)
{
	struct cmp_flow *best = NULL;
	uint32_t i = c->pool.oldest[side];

	for (; i != HOLD_NONE; i = hold_at(&c->pool, i)->age_next) {
		struct cmp_flow *fl = compare_flow_of(c, hold_at(&c->pool, i));

		if (!fl)
			continue;
		if (!best || fl->q[side].n > best->q[side].n)
			best = fl;
	}
	return best;
}

static void give_up_flow(struct compare *c, struct cmp_flow *fl)
{
	struct compare_difference d;

	if (!fl)
		return;
	d = compare_difference_of(c, fl, COMPARE_QUEUE, NULL, NULL);
	drop_queue(c, fl, DROP_OVER_BOUND);
	if (c->config.full_waits)	/* TCP repeats it: nobody has it */
		return;
	compare_differ(c, fl, &d);
	/* what waited is gone; datagrams that come can be compared again */
	if (compare_is_reporting(c) && !fl->is_tcp) {
		fl->flags &= (uint16_t)~FLOW_DIFFERENT;
		compare_flow_touch(c, fl);
	}
}

static void give_up_oldest(struct compare *c, enum compare_side side)
{
	const struct hold *h = hold_at(&c->pool, c->pool.oldest[side]);

	if (compare_flow_of(c, h))
		give_up_flow(c, compare_flow_of(c, h));
	else if (side == COMPARE_SECONDARY)
		compare_fragment_drop(c, h->group, DROP_OVER_BOUND);
	else
		compare_fragment_release(c, h->group, NOTE_UNCOMPARED);
}

/**
 * compare_relieve - keep a side within its half of the bytes
 * @c:		the comparison
 * @side:	the secondary; in a report the primary too
 *
 * The fullest flow's packets go. When that is little, because the bytes are
 * spread over many flows, the oldest go too, so that the search is paid for by
 * what it frees.
 */
void compare_relieve(struct compare *c, enum compare_side side)
{
	size_t bound = c->config.max_bytes / 2;

	if (c->pool.bytes[side] <= bound)
		return;
	give_up_flow(c, fullest_flow(c, side));
	while (c->pool.bytes[side] > bound / 8 * 7)
		give_up_oldest(c, side);
}
