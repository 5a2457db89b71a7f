/* SPDX-License-Identifier: ISC */
/*
 * What a client may be told of acknowledgements and windows. Pure: numbers go
 * in and come out. A struct gate has what each side has said and what was
 * sent; gate.c calls this.
 */
#include "clamp.h"

#include "../../common/seq.h"

#define WINDOW_STEP (2u * 1460u)	/* an opening worth a packet */

/**
 * clamp_ack() - Up to where may the client be acknowledged?
 * @g:		The flow's gate
 * @ack:	What the primary acknowledges
 *
 * Return: the largest acknowledgement that both sides have given or that was
 * sent. It is not larger than @ack unless that was sent before
 */
uint32_t clamp_ack(const struct gate *g, uint32_t ack)
{
	uint32_t both = g->flags & GATE_SECONDARY ? seq_min(ack, g->s_ack) :
			g->flags & GATE_SENT ? g->sent_ack : ack;

	return g->flags & GATE_SENT ? seq_max(both, g->sent_ack) : both;
}

/**
 * clamp_right() - Up to where may the window of the client reach?
 * @g:		The flow's gate; its scale is known
 * @right:	The right edge of the primary's window
 *
 * Return: the smaller one of both sides' edges, but not left of one that was
 * sent
 */
uint32_t clamp_right(const struct gate *g, uint32_t right)
{
	uint32_t both = right;

	if (g->flags & GATE_SECONDARY)
		both = seq_min(right, clamp_right_of(g, g->s_ack,
						     g->s_window));
	if (g->flags & GATE_SENT)
		both = seq_min(right, seq_max(both, g->sent_right));
	return both;
}

/**
 * clamp_is_told() - Has the client been acknowledged up to there?
 * @g:		The flow's gate
 * @ack:	The acknowledgement
 */
bool clamp_is_told(const struct gate *g, uint32_t ack)
{
	return (g->flags & GATE_SENT) && seq_le(ack, g->sent_ack);
}

/* How many whole units of the scale the window has when it reaches up to
 * right. */
static uint32_t units_to(const struct gate *g, uint32_t right)
{
	return (right - g->sent_ack) >> g->scale;
}

/**
 * clamp_opens() - Would the client gain by a right edge?
 * @g:		The flow's gate
 * @right:	The edge
 *
 * Return: true when the window grows by WINDOW_STEP. When the client has less
 * than that, true when it grows at all: it may not use less than a segment,
 * and the primary, which believes that the client has more, will not speak of
 * it again
 */
bool clamp_opens(const struct gate *g, uint32_t right)
{
	if (!clamp_knows_windows(g) || !(g->flags & GATE_SENT) ||
	    seq_ge(g->sent_right, right))
		return false;
	if (right - g->sent_right >= WINDOW_STEP)
		return true;
	return g->sent_right - g->sent_ack < WINDOW_STEP &&
	       units_to(g, right) > units_to(g, g->sent_right);
}

/**
 * clamp_is_limited() - Was the client told less than the primary said?
 * @g:		The flow's gate
 */
bool clamp_is_limited(const struct gate *g)
{
	return !clamp_is_told(g, g->p_ack) ||
	       clamp_opens(g, clamp_primary_right(g));
}

/**
 * clamp_window() - Which window field puts the right edge at a place?
 * @g:		The flow's gate; its scale is known
 * @ack:	What the segment acknowledges
 * @right:	The place
 *
 * The field counts whole units of the scale. It is rounded down, because the
 * receiver drops what lies beyond the edge. The edge may so be up to a unit
 * left of one that was sent before, which RFC 7323 section 2.4 has senders
 * live with.
 *
 * Return: the field
 */
uint16_t clamp_window(const struct gate *g, uint32_t ack, uint32_t right)
{
	uint32_t n = (seq_gt(right, ack) ? right - ack : 0) >> g->scale;

	return n > UINT16_MAX ? UINT16_MAX : (uint16_t)n;
}

/**
 * clamp_note_sent() - Note what the client is told
 * @g:		The flow's gate
 * @ack:	The acknowledgement
 * @right:	The right edge that was meant, not the one that rounding made of it:
 *		so the error stays below a unit of the scale
 */
void clamp_note_sent(struct gate *g, uint32_t ack, uint32_t right)
{
	right = seq_min(right, clamp_right_of(g, ack, UINT16_MAX));
	if (!(g->flags & GATE_SENT) || seq_gt(ack, g->sent_ack))
		g->sent_ack = ack;
	if (!(g->flags & GATE_SENT) || seq_gt(right, g->sent_right))
		g->sent_right = right;
	g->flags |= GATE_SENT;
}

/**
 * clamp_note_syn() - Note that a connection begins
 * @g:		The flow's gate; what waits in it stays
 * @seg:	What the primary's SYN or SYN+ACK says; its window is not scaled
 * @scale:	The scale that it offers, -1 for none
 *
 * The secondary may be ahead: what it has said since its own SYN stays.
 */
void clamp_note_syn(struct gate *g, const struct segment *seg, int scale)
{
	struct gate was = *g;

	*g = (struct gate){ .waiting = was.waiting, .n_copied = was.n_copied };
	g->s_ack = was.s_ack;
	g->s_window = was.s_window;
	g->flags = was.flags & GATE_SECONDARY;
	if (scale < 0 || (seg->flags & TCP_ACK))
		g->flags |= GATE_SCALE;
	if (scale > 0 && (seg->flags & TCP_ACK))
		g->scale = (uint8_t)scale;
	if (!(seg->flags & TCP_ACK))
		return;
	g->p_ack = g->sent_ack = seg->ack;
	g->p_window = (uint16_t)(seg->window >> g->scale);
	g->sent_right = seg->ack + seg->window;
	if (!(g->flags & GATE_SECONDARY)) {
		g->s_ack = seg->ack;
		g->s_window = g->p_window;
	}
	g->flags |= GATE_PRIMARY | GATE_SECONDARY | GATE_SENT;
}

/**
 * clamp_note_primary() - Note what the primary says
 * @g:		The flow's gate
 * @seg:	What a segment says
 */
void clamp_note_primary(struct gate *g, const struct segment *seg)
{
	if (!(g->flags & GATE_PRIMARY) || seq_ge(seg->ack, g->p_ack)) {
		g->p_ack = seg->ack;
		g->p_window = seg->window;
	}
	g->flags |= GATE_PRIMARY;
}

/**
 * clamp_must_wait() - Has an ACK alone to wait?
 * @g:		The flow's gate
 * @ack:	What it acknowledges
 *
 * Return: true when the secondary has not given it. What the client was told
 * before may be told again
 */
bool clamp_must_wait(const struct gate *g, uint32_t ack)
{
	if (clamp_is_told(g, ack))
		return false;
	return !(g->flags & GATE_SECONDARY) || seq_gt(ack, g->s_ack);
}
