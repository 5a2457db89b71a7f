/* SPDX-License-Identifier: ISC */
/*
 * The two queues of a TCP flow: segments are held in the order of the stream, and
 * leave.
 */
#include "stream.h"

#include "../../common/seq.h"
#include "ack.h"
#include "act.h"
#include "gate.h"
#include "order.h"
#include "segment.h"

/**
 * stream_release_at() - Let a held primary segment out
 * @c:		The comparison
 * @fl:		The flow
 * @i:		The segment; it is gone afterwards
 * @why:	What it is counted as
 * @said:	The secondary's segment for which it leaves, or NULL
 */
void stream_release_at(struct compare *c, struct cmp_flow *fl, uint32_t i,
		       enum compare_note why, const struct packet *said)
{
	struct hold *h = hold_at(&c->pool, i);
	struct frame f = hold_frame(&c->pool, h);
	struct segment seg = stream_segment(h);

	stream_note_left(fl, h->seq, seg.end);
	gate_release(c, fl, &f, &seg, why, said);
	act_unhold(c, fl, hold_at(&c->pool, i));
	if (!fl->q[COMPARE_PRIMARY].n)
		fl->flags &= (uint16_t)~FLOW_FLUSHING;
}

/**
 * stream_release() - Let the first held primary segment out
 * @c:		The comparison
 * @fl:		A flow with a primary segment
 * @why:	What it is counted as
 * @said:	The secondary's segment for which it leaves, or NULL
 */
void stream_release(struct compare *c, struct cmp_flow *fl,
		    enum compare_note why, const struct packet *said)
{
	stream_release_at(c, fl, fl->q[COMPARE_PRIMARY].head, why, said);
}

/* In stream order, behind the last SYN, before a RST. A SYN that waits already
 * and was sent again stands behind the first one. */
static uint32_t place_of(struct compare *c, struct hold_queue *q,
			 const struct hold *h)
{
	uint32_t same;

	if (!(h->flags & (TCP_SYN | TCP_RST)))
		return order_find(&c->orders, q, h->seq);
	same = h->flags & TCP_SYN ? order_syn(&c->orders, q, &h->seq) :
				    HOLD_NONE;
	return same == HOLD_NONE ? q->tail : same;
}

static void insert_sorted(struct compare *c, struct hold_queue *q,
			  struct hold *h)
{
	uint32_t i = hold_index(&c->pool, h);

	hold_queue_insert(&c->pool, q, place_of(c, q, h), i);
	if (q->order)
		order_added(&c->orders, q, i);
}

/**
 * stream_hold() - Keep a segment in its place in the stream
 * @c:		The comparison
 * @fl:		Its flow
 * @side:	Whose it is
 * @f:		The frame; borrowed
 * @p:		What is in it
 *
 * Return: can it change anything? Not behind others that wait already: it
 *	   is the first of its queue that does, and a SYN, which makes old what
 *	   is before it.
 */
bool stream_hold(struct compare *c, struct cmp_flow *fl, enum compare_side side,
		 const struct frame *f, const struct packet *p)
{
	struct hold *h = act_hold(c, fl, side, f);

	h->seq = p->seq;
	h->ack = p->ack;
	h->window = p->window;
	h->payload_len = p->payload_len;
	h->payload_off = (uint16_t)p->payload_off;
	h->header_len = (uint8_t)(p->payload_off - p->l4_off);
	h->flags = p->flags;
	insert_sorted(c, &fl->q[side], h);
	return h->prev == HOLD_NONE || (p->flags & TCP_SYN);
}

/**
 * stream_secondary() - The secondary's first segment not below the edge
 * @c:		The comparison
 * @fl:		The flow; what is below is dropped
 *
 * Return: the segment or NULL
 */
struct hold *stream_secondary(struct compare *c, struct cmp_flow *fl)
{
	struct hold *s;

	while ((s = stream_head(c, fl, COMPARE_SECONDARY)) &&
	       stream_has_edge(fl) &&
	       !(s->flags & (TCP_SYN | TCP_RST)) &&
	       seq_le(stream_end(s), fl->edge))
		act_drop_held(c, fl, s, DROP_LATE);
	return s;
}

/* The part of the primary's segment that is equal leaves by itself. */
static void release_part(struct compare *c, struct cmp_flow *fl,
			 const struct hold *h, const struct packet *s)
{
	uint32_t first = seq_max(h->seq, seq_min(s->seq, fl->left));
	struct frame from = hold_frame(&c->pool, h), f;
	struct packet p = ack_part(&f, &from, first - h->seq, fl->edge - first);
	struct segment seg = segment_of(&p);

	fl->end = seq_max(fl->end, seg.end);
	gate_release(c, fl, &f, &seg, NOTE_ORIGINATED, s);
	chunk_unref(f.chunk);
}

/**
 * stream_repeat() - The secondary repeats what the edge has passed
 * @c:		The comparison
 * @fl:		Its flow
 * @s:		The segment that it repeats; it ends at the edge or before
 *
 * It has no acknowledgement of that. If the primary's segment reaches further
 * the client cannot have given one: what the secondary sent behind it was lost,
 * and it may have no more to say until it is acknowledged. So the client gets
 * the part that is equal, in a segment made here.
 */
void stream_repeat(struct compare *c, struct cmp_flow *fl,
		   const struct packet *s)
{
	const struct hold *h = stream_head(c, fl, COMPARE_PRIMARY);

	if (!h || h->flags & (TCP_SYN | TCP_RST) || !stream_has_edge(fl) ||
	    seq_gt(h->seq, fl->left) || seq_ge(fl->left, fl->edge) ||
	    seq_le(stream_end(h), fl->edge) ||
	    gate_blocks(c, fl, h->flags, h->ack) || !act_may_make(c) ||
	    (fl->gate.flags & GATE_SIGNED))
		return;
	release_part(c, fl, h, s);
}

/**
 * stream_shift() - The secondary's stream goes on elsewhere
 * @c:		The comparison
 * @fl:		The flow
 * @delta:	Taken off the sequence numbers of what it has and will have
 */
void stream_shift(struct compare *c, struct cmp_flow *fl, uint32_t delta)
{
	struct hold *h = stream_head(c, fl, COMPARE_SECONDARY);

	order_drop(&c->orders, &fl->q[COMPARE_SECONDARY]);
	for (; h && !(h->flags & TCP_SYN); h = hold_at(&c->pool, h->next))
		h->seq -= delta;
	if (!(fl->flags & FLOW_SECONDARY_SYN))
		fl->base[COMPARE_SECONDARY] += delta;
}
