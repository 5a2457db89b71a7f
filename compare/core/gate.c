/* SPDX-License-Identifier: ISC */
/*
 * The acknowledgement gate of a flow. A client throws away what was
 * acknowledged. If only the primary had received it, nobody could send it to
 * the secondary again. So the client never sees an acknowledgement that the
 * secondary has not given, too; and no data waits for one (--ack-policy
 * clamp):
 *
 *	data, FIN	leaves at once. Its acknowledgement is lowered to the
 *			largest one that both sides have given, or that was sent
 *			before
 *	an ACK alone	leaves when both sides have given it. Only the newest one
 *			of a flow waits; the one that it replaces is merged
 *	the secondary	gives more: the ACK that waits leaves. If it says more
 *			than both have given, one is made (originated) of its
 *			header, up to where both are
 *
 * The right edge of the window is the smaller one of both sides', but it never
 * moves left of one that was sent. While the window scale is unknown windows
 * are left alone. We see one direction only: the scale is known from a
 * SYN+ACK, and from the SYN of a connection that the guest opens when that
 * offers none.
 *
 * What waits in a gate (gate.waiting) is the newest header that says more than
 * the client was told: a whole packet that has not left (GATE_PACKET), or the
 * header of a data segment that left with less, of which acknowledgements are
 * made.
 *
 * An acknowledgement that leaves because of what the secondary said echoes the
 * timestamp that the secondary echoes. Where only the secondary had to wait
 * for the client to repeat something, the primary's echo is of the original:
 * by that the client would take its timeout for spurious (RFC 3522) and repeat
 * nothing more.
 *
 * This file owns n_copied and the gates, whose numbers clamp.c works out;
 * act.c puts into a gate what waits. stream.c and tcp.c call it for each
 * segment.
 */
#include "gate.h"

#include <assert.h>

#include "../../common/seq.h"
#include "ack.h"
#include "act.h"
#include "clamp.h"
#include "segment.h"
#include "syn.h"

/* Let a segment out that says no more than both sides have said. */
static void send_clamped(struct compare *c, struct cmp_flow *fl,
			 const struct frame *f, const struct segment *seg,
			 enum compare_note why, const struct packet *said)
{
	struct gate *g = &fl->gate;
	uint32_t ack = clamp_ack(g, seg->ack);
	uint32_t right = clamp_right_of(g, seg->ack, seg->window);
	uint16_t window = seg->window;

	if (seq_gt(ack, seg->ack))
		ack = seg->ack;
	if (clamp_knows_windows(g)) {
		uint32_t allowed = clamp_right(g, right);

		if (ack != seg->ack || allowed != right)
			window = clamp_window(g, ack, allowed);
		right = allowed;
	}
	if ((ack != seg->ack || window != seg->window) &&
	    ack_is_signed(frame_eth(f) + seg->l4_off)) {
		/* it may not be changed, and its SYN was not seen: this one leaves as
		 * it is, and the next ones wait */
		g->flags |= GATE_SIGNED;
		clamp_note_sent(g, seg->ack, clamp_right_of(g, seg->ack,
							    seg->window));
		act_release(c, f, why);
		return;
	}
	ack_lower(f, seg->l4_off, ack, window);
	if (said && !clamp_is_told(g, ack))
		ack_echo(f, seg->l4_off, said);
	clamp_note_sent(g, ack, right);
	act_release(c, f, why);
}

static struct segment waiting_segment(const struct compare *c,
				      const struct gate *g, struct frame *f)
{
	const struct hold *h = hold_at(&c->pool, g->waiting);
	struct packet p;

	*f = hold_frame(&c->pool, h);
	packet_parse(&p, frame_eth(f), frame_eth_len(f));
	assert(segment_is(&p));
	return segment_of(&p);
}

/* Make a segment of the header that waits that only acknowledges. */
static COLD void originate(struct compare *c, struct cmp_flow *fl,
			   uint32_t ack, uint32_t right,
			   const struct packet *said)
{
	struct gate *g = &fl->gate;
	struct frame from, f;
	struct segment seg = waiting_segment(c, g, &from);

	ack_make(&f, &from, fl->end, ack, clamp_knows_windows(g) ?
		 clamp_window(g, ack, right) : seg.window);
	if (said)
		ack_echo(&f, seg.l4_off, said);
	clamp_note_sent(g, ack, right);
	act_release(c, &f, NOTE_ORIGINATED);
	chunk_unref(f.chunk);
}

static COLD void release_waiting(struct compare *c, struct cmp_flow *fl,
				 const struct packet *said)
{
	struct gate *g = &fl->gate;
	struct frame f;
	struct segment seg = waiting_segment(c, g, &f);

	send_clamped(c, fl, &f, &seg, NOTE_RELEASED_ACK, said);
	act_gate_left(c, fl);
}

/* The secondary has said something while a header waits: tell the client what
 * both say now. */
static void catch_up(struct compare *c, struct cmp_flow *fl,
		     const struct packet *said)
{
	struct gate *g = &fl->gate;
	uint32_t ack = clamp_ack(g, g->p_ack);
	uint32_t right = clamp_right(g, clamp_primary_right(g));

	if ((g->flags & GATE_PACKET) && ack == g->p_ack)
		release_waiting(c, fl, said);
	else if (!(g->flags & GATE_SIGNED) &&
		 (!clamp_is_told(g, ack) || clamp_opens(g, right)))
		originate(c, fl, ack, right, said);
	if (!clamp_is_limited(g))
		act_gate_merge(c, fl);
}

/**
 * gate_copied() - The secondary was made the primary's copy
 * @c:		The comparison
 *
 * Each gate takes notice when it is used next.
 */
void gate_copied(struct compare *c)
{
	c->n_copied++;
}

/*
 * At a checkpoint the secondary has become the primary's copy. It may have
 * lost what it had acknowledged beyond the primary: the client sent it that
 * once, and the primary does not have it. Only the client can send it again,
 * so it must not be told that it has arrived. Of the copy only what the
 * primary has acknowledged is true.
 */
static void renew(const struct compare *c, struct gate *g)
{
	if (g->n_copied == c->n_copied)
		return;
	g->n_copied = c->n_copied;
	g->s_ack = g->p_ack;
	g->s_window = g->p_window;
	if (!(g->flags & GATE_PRIMARY))
		g->flags &= (uint8_t)~GATE_SECONDARY;
}

/**
 * gate_is_told() - Has the client been told all that a segment says?
 * @fl:		The flow
 * @ack:	What a segment of the primary acknowledges
 * @window:	Its window, as in the header
 *
 * Return: true when the primary said exactly that before and the client was
 * told. The segment may leave as it is, and the gate stays as it is. Most data
 * segments of a server are like that
 */
bool gate_is_told(const struct cmp_flow *fl, uint32_t ack, uint16_t window)
{
	const unsigned known = GATE_PRIMARY | GATE_SENT;
	const struct gate *g = &fl->gate;

	return (g->flags & known) == known && g->waiting == HOLD_NONE &&
	       ack == g->p_ack && window == g->p_window &&
	       g->sent_ack == g->p_ack &&
	       g->sent_right == clamp_primary_right(g);
}

/**
 * gate_is_known() - Has the secondary said all that before?
 * @c:		The comparison
 * @fl:		The flow
 * @ack:	What a segment of the secondary acknowledges
 * @window:	Its window, as in the header
 *
 * Return: true when gate_secondary() has nothing to do for it
 */
bool gate_is_known(const struct compare *c, const struct cmp_flow *fl,
		   uint32_t ack, uint16_t window)
{
	const struct gate *g = &fl->gate;

	return (g->flags & GATE_SECONDARY) && g->waiting == HOLD_NONE &&
	       g->n_copied == c->n_copied &&
	       ack == g->s_ack && window == g->s_window;
}

static void release_clamped(struct compare *c, struct cmp_flow *fl,
			    const struct frame *f, const struct segment *seg,
			    enum compare_note why, const struct packet *said)
{
	struct gate *g = &fl->gate;
	struct frame head = *f;
	bool is_newest;

	if (gate_is_told(fl, seg->ack, seg->window)) {
		act_release(c, f, why);
		return;
	}
	renew(c, g);
	clamp_note_primary(g, seg);
	is_newest = seg->ack == g->p_ack;
	if (why == NOTE_RELEASED_ACK && clamp_must_wait(g, seg->ack)) {
		act_gate_hold(c, fl, f, true);
		return;
	}
	send_clamped(c, fl, f, seg, why, said);
	if (!clamp_is_limited(g)) {
		act_gate_merge(c, fl);
	} else if (is_newest) {
		head.len = f->vnet_len + seg->payload_off;
		act_gate_hold(c, fl, &head, false);
	}
}

/**
 * gate_flush() - All that a flow holds is about to leave, one after the other
 * @c:		The comparison
 * @fl:		The flow
 * @tcp:	The TCP header of the first segment
 *
 * In the queue a segment that was sent again stands before others that were
 * sent earlier. Their timestamps are older, so that the client would drop all
 * of them (PAWS, RFC 7323 section 5). Until the queue is empty no timestamp
 * goes back: gate_release() raises it.
 *
 * This is done here only. While the comparison goes on, a secondary that has
 * lost some of its output learns what to repeat from what the client says when
 * it drops something.
 *
 * Nor is it done when a segment fills a gap that the primary's own output had
 * when it came here, although what waits behind it leaves with older
 * timestamps. That was tried, with 0.5 % of the primary's segments lost. The
 * client dropped 30 segments instead of 6000, but 30 MB took more than a
 * minute instead of 3 s. The client gets nothing that is behind the gap, so
 * that only the primary's timer finds it. The acknowledgement of all that
 * waited, none of it sent twice, makes its wait a round trip, and the next
 * timeout longer. What the client drops is sent again, which is no sample. It
 * would help to let what is equal behind a gap leave.
 */
void gate_flush(const struct compare *c, struct cmp_flow *fl, uint8_t *tcp)
{
	if (!(fl->flags & FLOW_FLUSHING) && act_may_make(c) &&
	    ack_time(tcp, &fl->ts_left))
		fl->flags |= FLOW_FLUSHING;
}

/* Raise the timestamp of a segment to the latest one that has left. */
static void keep_time(struct compare *c, struct cmp_flow *fl,
		      const struct frame *f, unsigned l4_off)
{
	uint8_t *tcp = frame_eth(f) + l4_off;
	uint32_t tsval;

	if (!ack_time(tcp, &tsval) || ack_is_signed(tcp))
		return;
	if (seq_ge(tsval, fl->ts_left)) {
		fl->ts_left = tsval;
	} else {
		ack_set_time(f, l4_off, fl->ts_left);
		act_note(c, NOTE_TIMES);
	}
}

/**
 * gate_release() - Let a segment of the primary out, through the gate
 * @c:		The comparison
 * @fl:		Its flow
 * @f:		The frame; its header is changed in place where it says too much
 * @seg:	What the segment says
 * @why:	As what it is counted. With NOTE_RELEASED_ACK it may have to wait in
 *		the gate
 * @said:	The segment of the secondary for which it leaves, or NULL
 */
void gate_release(struct compare *c, struct cmp_flow *fl, const struct frame *f,
		  const struct segment *seg, enum compare_note why,
		  const struct packet *said)
{
	if (fl->flags & FLOW_FLUSHING)
		keep_time(c, fl, f, seg->l4_off);
	if (seg->flags & TCP_RST)
		act_gate_merge(c, fl);
	if (c->config.ack_policy != COMPARE_ACK_CLAMP ||
	    (fl->gate.flags & GATE_SIGNED) ||
	    (seg->flags & (TCP_SYN | TCP_RST)) || !(seg->flags & TCP_ACK))
		act_release(c, f, why);
	else
		release_clamped(c, fl, f, seg, why, said);
}

/**
 * gate_blocks() - Has a segment to wait for the secondary's acknowledgement?
 * @c:		The comparison
 * @fl:		Its flow
 * @flags:	The TCP flags of a segment of the primary
 * @ack:	What it acknowledges
 *
 * Return: true with COMPARE_ACK_HOLD only, and for signed segments
 */
bool gate_blocks(const struct compare *c, const struct cmp_flow *fl,
		 unsigned flags, uint32_t ack)
{
	const struct gate *g = &fl->gate;

	return gate_holds_acks(c, fl) &&
	       (flags & TCP_ACK) && !(flags & (TCP_SYN | TCP_RST)) &&
	       (!(g->flags & GATE_SECONDARY) || seq_gt(ack, g->s_ack));
}

/**
 * gate_connection() - A connection begins
 * @c:		The comparison
 * @fl:		Its flow
 * @syn:	The primary's SYN or SYN+ACK, parsed
 */
void gate_connection(struct compare *c, struct cmp_flow *fl,
		     const struct packet *syn)
{
	struct segment seg = segment_of(syn);

	seg.end++;
	act_gate_merge(c, fl);
	clamp_note_syn(&fl->gate, &seg, syn_scale(syn));
	if (c->config.ack_policy == COMPARE_ACK_CLAMP &&
	    ack_is_signed(packet_l4(syn)))
		fl->gate.flags |= GATE_SIGNED;
}

/**
 * gate_secondary_syn() - A SYN of the secondary has come
 * @fl:		Its flow
 *
 * What it acknowledges from here on belongs to another connection.
 */
void gate_secondary_syn(struct cmp_flow *fl)
{
	fl->gate.flags &= (uint8_t)~GATE_SECONDARY;
}

/**
 * gate_secondary() - Note what a segment of the secondary acknowledges
 * @c:		The comparison
 * @fl:		Its flow
 * @p:		The segment, parsed
 *
 * An acknowledgement may leave. What waits has waited since the secondary last
 * acknowledged something new, or closed its window.
 */
void gate_secondary(struct compare *c, struct cmp_flow *fl,
		    const struct packet *p)
{
	struct gate *g = &fl->gate;

	if (!(p->flags & TCP_ACK) || (p->flags & (TCP_SYN | TCP_RST)))
		return;
	renew(c, g);
	if ((g->flags & GATE_SECONDARY) && seq_lt(p->ack, g->s_ack))
		return;
	if (g->waiting != HOLD_NONE &&
	    (p->ack != g->s_ack || (g->s_window && !p->window)))
		hold_touch(&c->pool, g->waiting, c->now_ns);
	g->s_ack = p->ack;
	g->s_window = p->window;
	g->flags |= GATE_SECONDARY;
	if (g->waiting != HOLD_NONE)
		catch_up(c, fl, p);
}

/**
 * gate_agree() - Note that the secondary acknowledges what the primary does
 * @c:		The comparison, at a checkpoint
 * @fl:		The flow
 * @seg:	What a segment of the primary says
 */
void gate_agree(const struct compare *c, struct cmp_flow *fl,
		const struct segment *seg)
{
	struct gate *g = &fl->gate;

	if (!(seg->flags & TCP_ACK))
		return;
	renew(c, g);
	if (!(g->flags & GATE_SECONDARY) || seq_ge(seg->ack, g->s_ack)) {
		g->s_ack = seg->ack;
		g->s_window = seg->window;
	}
	g->flags |= GATE_SECONDARY;
}

/**
 * gate_open() - Tell the client all that the primary says
 * @c:		The comparison
 * @fl:		A flow in whose gate something waits
 * @why:	As what a packet that waits is counted
 */
void gate_open(struct compare *c, struct cmp_flow *fl, enum compare_note why)
{
	struct gate *g = &fl->gate;
	struct frame f;

	g->s_ack = g->p_ack;
	g->s_window = g->p_window;
	g->flags |= GATE_SECONDARY;
	if (g->flags & GATE_PACKET) {
		struct segment seg = waiting_segment(c, g, &f);

		send_clamped(c, fl, &f, &seg, why, NULL);
	} else if (!(g->flags & GATE_SIGNED)) {
		originate(c, fl, g->p_ack, clamp_primary_right(g), NULL);
	}
	act_gate_forget(c, fl);
}

/**
 * gate_is_stuck() - Is it a difference that something waits in a gate?
 * @fl:		A flow in whose gate something has waited for too long
 *
 * Return: true when the secondary has not acknowledged what the primary has,
 * or has closed its window; false when its window is only smaller
 */
bool gate_is_stuck(const struct cmp_flow *fl)
{
	const struct gate *g = &fl->gate;

	return !clamp_is_told(g, g->p_ack) || g->flags & GATE_PACKET ||
	       !g->s_window;
}
