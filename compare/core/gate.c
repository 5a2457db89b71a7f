/* SPDX-License-Identifier: ISC */
/*
 * The acknowledgement gate: the client must not throw away what only the
 * primary has received, so it never sees an acknowledgement that the secondary
 * has not given too. Nor does data ever wait for one (--ack-policy clamp):
 *
 *	data, FIN	leaves with the largest acknowledgement both have given,
 *			or that was sent before
 *	an ACK alone	leaves when both have given it; only the newest of a
 *			flow waits, the one it replaces is merged
 *	when the secondary gives more: the ACK that waits leaves, or one is
 *			made (originated) of the newest header, up to where
 *			both are
 *
 * The window's right edge is the smaller one of the two sides', but never
 * moves left of one that was sent. While the scale is unknown windows are left
 * alone. We see one direction only: on a SYN+ACK it is known, on the SYN of a
 * connection that the guest opens only when it offers none.
 *
 * waiting	is the newest header that said more than the client was told:
 *		a whole packet that never left (GATE_PACKET), or the head of a
 *		data segment that left with less (a template).
 *
 * The secondary's acknowledgement and window count when they arrive. An
 * acknowledgement that leaves because of what the secondary said echoes the
 * timestamp that the secondary echoes: where only the secondary had to wait
 * for a repetition the primary's echo is of the original, by which the client
 * would take its timeout for spurious (RFC 3522) and repeat nothing more.
 */
#include "gate.h"

#include <assert.h>

#include "../../common/seq.h"
#include "ack.h"
#include "act.h"
#include "clamp.h"
#include "segment.h"
#include "syn.h"

/* A segment leaves with at most what both sides have acknowledged. */
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
		/* its SYN was not seen: too late for this one */
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

/* An ACK alone, made of the header that waits. */
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

/* The secondary has said something: tell the client what both say now. */
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
 * gate_copied() - The secondary has been made the primary's copy
 * @c:		The comparison
 */
void gate_copied(struct compare *c)
{
	c->n_copied++;
}

/*
 * Since a checkpoint the secondary is the primary's copy. What it had
 * acknowledged beyond the primary may be lost to it: it was sent that once, and
 * the primary has it still to come. Then it is the client that must send it
 * again, so the client is not told. At most what the primary has told is true
 * of the copy.
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
 * gate_is_told() - Has the client been told all that?
 * @fl:		A flow
 * @ack:	What a primary segment acknowledges
 * @window:	And its window
 *
 * Return: true when the primary said just that before and the client was told.
 * Then it may say it again and nothing changes here: most data segments of a
 * server are like that.
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
 * gate_is_known() - Has the secondary said all that?
 * @c:		The comparison
 * @fl:		A flow
 * @ack:	What a secondary segment acknowledges
 * @window:	And its window
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
 * gate_flush() - All that waits leaves, one after the other
 * @c:		The comparison
 * @fl:		Its flow
 * @tcp:	The header of the first
 *
 * What was sent again while it waited stands before what was sent earlier. The
 * client would take that for older than what it has, and drop all of it (PAWS,
 * RFC 7323 section 5): until nothing waits no timestamp goes back.
 *
 * Only here: while the comparison goes on, what the client says when it drops
 * something is what makes a secondary that has lost some of its output repeat
 * that.
 *
 * Nor behind a segment that fills a gap which the primary's own output had
 * when it came here, although what waits behind it leaves with older
 * timestamps. That was tried, with 0.5 % of the primary's segments lost: the
 * client dropped 30 segments instead of 6000, but 30 MB took more than a
 * minute instead of 3 s. The gap keeps all behind it from the client, so that
 * only the primary's timer finds it; an acknowledgement of all that waited,
 * never sent twice, makes its wait a round trip, and the next timeout longer.
 * What the client drops is sent again, which is no sample. The mend would be
 * to let what is equal behind a gap leave.
 */
void gate_flush(const struct compare *c, struct cmp_flow *fl, uint8_t *tcp)
{
	if (!(fl->flags & FLOW_FLUSHING) && act_may_make(c) &&
	    ack_time(tcp, &fl->ts_left))
		fl->flags |= FLOW_FLUSHING;
}

/* No timestamp that is behind one that has left. */
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
 * gate_release() - Let a primary segment out, through the gate
 * @c:		The comparison
 * @fl:		Its flow
 * @f:		The frame; its header is changed in place where it says too
 *		much
 * @seg:	What is in it
 * @why:	What it is counted as; an ACK alone is NOTE_RELEASED_ACK
 * @said:	The secondary's segment for which it leaves, or NULL
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
 * gate_blocks() - Has a segment to wait for the secondary's ACK?
 * @c:		The comparison
 * @fl:		Its flow
 * @flags:	The segment's TCP flags
 * @ack:	What it acknowledges
 *
 * Return: true only with COMPARE_ACK_HOLD, and for signed segments
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
 * gate_connection() - Both sides have opened a connection alike
 * @c:		The comparison
 * @fl:		Its flow
 * @syn:	The primary's SYN or SYN+ACK
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
 * gate_secondary_syn() - The secondary begins a connection
 * @fl:		Its flow
 *
 * What it acknowledges from here on is of that.
 */
void gate_secondary_syn(struct cmp_flow *fl)
{
	fl->gate.flags &= (uint8_t)~GATE_SECONDARY;
}

/**
 * gate_secondary() - What a secondary segment acknowledges
 * @c:		The comparison
 * @fl:		Its flow
 * @p:		The segment
 *
 * May send an ACK. What waits has waited since the secondary last acknowledged
 * anything new, or closed its window.
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
 * gate_agree() - The secondary has become the primary's copy
 * @c:		The comparison
 * @fl:		The flow
 * @seg:	A segment of the primary
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
 * gate_open() - Tell the client all the primary says
 * @c:		The comparison
 * @fl:		A flow in which something waits
 * @why:	What a packet that waits is counted as
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
 * gate_is_stuck() - Does what waits show a difference?
 * @fl:		A flow in which something has waited too long
 *
 * Return: true when the secondary has not acknowledged what the primary has,
 * or has closed its window; false when its window is just smaller
 */
bool gate_is_stuck(const struct cmp_flow *fl)
{
	const struct gate *g = &fl->gate;

	return !clamp_is_told(g, g->p_ack) || g->flags & GATE_PACKET ||
	       !g->s_window;
}
