/* SPDX-License-Identifier: ISC */
/*
 * The two queues of a TCP flow. Segments are held in the order of the stream,
 * and those of the primary leave through the gate, a GSO frame in pieces where the
 * secondary has sent only its first segments. This file does not compare:
 * match.c does, and tcp.c decides what is held. It owns left and end of a
 * flow.
 */
#include "stream.h"

#include "../../common/seq.h"
#include "../../common/vnet.h"
#include "ack.h"
#include "act.h"
#include "gate.h"
#include "order.h"
#include "repeats.h"
#include "segment.h"

#define REPEATS_MAX 256u	/* held segments that are looked at for a timestamp */

/**
 * stream_release_at() - Let a held segment of the primary out
 * @c:		The comparison
 * @fl:		Its flow
 * @i:		The segment's node; it is gone afterwards
 * @why:	As what it is counted
 * @said:	The segment of the secondary for which it leaves, or NULL
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
 * stream_release() - Let the first segment of the primary's queue out
 * @c:		The comparison
 * @fl:		A flow that holds one
 * @why:	As what it is counted
 * @said:	The segment of the secondary for which it leaves, or NULL
 */
void stream_release(struct compare *c, struct cmp_flow *fl,
		    enum compare_note why, const struct packet *said)
{
	stream_release_at(c, fl, fl->q[COMPARE_PRIMARY].head, why, said);
}

/* What a segment stands behind: its place in the stream, which is behind the
 * last SYN and before a RST. A SYN that was sent again stands behind the first
 * one. */
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
 * stream_hold() - Hold a segment at its place in the stream
 * @c:		The comparison
 * @fl:		Its flow
 * @side:	Whose it is
 * @f:		The frame; borrowed
 * @p:		The frame, parsed
 *
 * Return: whether the flow has to be matched. Behind others that wait a
 * segment changes nothing, unless it is a SYN, which makes old what stands
 * before it
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

static bool is_old(const struct compare *c, const struct cmp_flow *fl,
		   const struct hold *s)
{
	if (s->flags & (TCP_SYN | TCP_RST))
		return !(s->flags & TCP_SYN) &&
		       stream_is_rst_again(c, fl, s->flags, s->ack);
	return stream_has_edge(fl) && seq_le(stream_end(s), fl->edge);
}

/**
 * stream_secondary() - Find the first segment of the secondary that is not old
 * @c:		The comparison
 * @fl:		The flow; segments that end at the edge or below are dropped,
 *		and a RST that both have sent before
 *
 * Return: the segment or NULL
 */
struct hold *stream_secondary(struct compare *c, struct cmp_flow *fl)
{
	struct hold *s;

	while ((s = stream_head(c, fl, COMPARE_SECONDARY)) && is_old(c, fl, s))
		act_drop_held(c, fl, s, DROP_LATE);
	return s;
}

/*
 * Find the latest timestamp of the primary's segments that wait. It is that of the
 * last repetition, if the primary has repeated the bytes, too.
 */
static bool latest_time(struct compare *c, const struct cmp_flow *fl,
			uint32_t *tsval)
{
	const struct hold *h = stream_head(c, fl, COMPARE_PRIMARY);
	bool is_found = false;
	uint32_t t;

	for (unsigned n = 0; h && n < REPEATS_MAX; n++) {
		if (ack_time(hold_payload(&c->pool, h) - h->header_len, &t) &&
		    (!is_found || seq_gt(t, *tsval))) {
			*tsval = t;
			is_found = true;
		}
		h = h->next == HOLD_NONE ? NULL : hold_at(&c->pool, h->next);
	}
	return is_found;
}

/* Is a segment of the primary equal up to the edge, which lies in it, so that this
 * part of it may leave? */
static bool has_equal_part(const struct compare *c, const struct cmp_flow *fl,
			   const struct hold *h)
{
	return h && !(h->flags & (TCP_SYN | TCP_RST)) && stream_has_edge(fl) &&
	       seq_le(h->seq, fl->left) && seq_lt(h->seq, fl->edge) &&
	       seq_gt(stream_end(h), fl->edge) &&
	       !gate_blocks(c, fl, h->flags, h->ack) && act_may_make(c) &&
	       !(fl->gate.flags & GATE_SIGNED);
}

/* The first bytes of a held segment have left. Others that wait may begin before
 * what is left of it. */
static void trim(struct compare *c, struct cmp_flow *fl, struct hold *h,
		 uint32_t len)
{
	struct hold_queue *q = &fl->q[COMPARE_PRIMARY];
	uint32_t i = hold_index(&c->pool, h);

	if (q->order)
		order_removed(&c->orders, q, i);
	hold_queue_remove(&c->pool, q, i);
	act_trim(c, fl, h, len);
	h->seq += len;
	h->payload_len -= len;
	insert_sorted(c, q, h);
}

/* How many bytes at the beginning of h are whole segments of a GSO frame that end at
 * the edge or before it? The last segment is not among them. */
static uint32_t equal_units(const struct cmp_flow *fl, const struct hold *h,
			    const struct frame *f)
{
	uint32_t unit = vnet_gso_size(f);
	uint32_t len = seq_min(fl->edge, h->seq + h->payload_len - 1) - h->seq;

	return unit ? len - len % unit : 0;
}

/**
 * stream_cut() - Let the segments of a GSO frame leave that are equal
 * @c:		The comparison
 * @fl:		Its flow
 * @said:	The segment of the secondary for which they leave, or NULL
 *
 * The primary's first frame waits, because the secondary has not sent all of it. It
 * may never send more before it has an acknowledgement: its window may be smaller
 * than the frame. Then one part of it would leave each time that a timer of the
 * secondary runs out, the client would acknowledge a timestamp as old as that, and
 * the next timeout would be longer. So nothing waits for another segment's bytes.
 *
 * Return: whether a piece has left; the rest may not be the first one any more
 */
bool stream_cut(struct compare *c, struct cmp_flow *fl,
		const struct packet *said)
{
	struct hold *h = stream_head(c, fl, COMPARE_PRIMARY);
	struct frame from, f;
	struct segment seg;
	struct packet p;
	uint32_t len;

	if (!has_equal_part(c, fl, h))
		return false;
	from = hold_frame(&c->pool, h);
	len = equal_units(fl, h, &from);
	if (!len)
		return false;
	p = ack_cut(&f, &from, len);
	seg = segment_of(&p);
	stream_note_left(fl, h->seq, seg.end);
	trim(c, fl, h, len);
	gate_release(c, fl, &f, &seg, NOTE_ORIGINATED, said);
	chunk_unref(f.chunk);
	return true;
}

/*
 * Make a segment of the part of h that is equal and that the secondary's segment
 * s repeats. With h's own timestamp the client would drop it when it has seen a
 * later one (PAWS, RFC 7323 section 5).
 */
static void release_part(struct compare *c, struct cmp_flow *fl,
			 const struct hold *h, const struct packet *s)
{
	uint32_t first = seq_max(h->seq, seq_min(s->seq, fl->left)), tsval = 0;
	struct frame from = hold_frame(&c->pool, h), f;
	struct packet p = ack_part(&f, &from, first - h->seq, fl->edge - first);
	struct segment seg = segment_of(&p);

	if (latest_time(c, fl, &tsval))
		ack_set_time(&f, p.l4_off, tsval);
	fl->end = seq_max(fl->end, seg.end);
	gate_release(c, fl, &f, &seg, NOTE_ORIGINATED, s);
	chunk_unref(f.chunk);
}

/**
 * stream_repeat() - Let the client have what the secondary repeats
 * @c:		The comparison
 * @fl:		Its flow
 * @s:		A segment of the secondary that ends at the edge or below
 *
 * The secondary repeats bytes because it has no acknowledgement of them. If
 * they are part of a segment of the primary that reaches further, the client
 * cannot have acknowledged them: that segment waits. What the secondary sent
 * behind them was lost, and it may send nothing more until they are
 * acknowledged. So the client gets the part that is equal, in a segment made
 * here: also when it has left before, and the primary repeats it together with
 * what follows.
 */
void stream_repeat(struct compare *c, struct cmp_flow *fl,
		   const struct packet *s)
{
	const struct hold *h = stream_head(c, fl, COMPARE_PRIMARY);

	if (has_equal_part(c, fl, h))
		release_part(c, fl, h, s);
}

/**
 * stream_shift() - Move the sequence numbers of the secondary
 * @c:		The comparison, in a report
 * @fl:		The flow
 * @delta:	How much is taken off the numbers of its segments that are held, and
 *		of those that come
 */
void stream_shift(struct compare *c, struct cmp_flow *fl, uint32_t delta)
{
	struct hold *h = stream_head(c, fl, COMPARE_SECONDARY);

	order_drop(&c->orders, &fl->q[COMPARE_SECONDARY]);
	for (; h && !(h->flags & TCP_SYN); h = hold_at(&c->pool, h->next))
		h->seq -= delta;
	if (fl->flags & FLOW_SECONDARY_SYN)
		return;
	fl->base[COMPARE_SECONDARY] += delta;
	repeats_shift(c, fl, delta);
}
