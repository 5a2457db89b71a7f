/* SPDX-License-Identifier: ISC */
/*
 * The two queues of a TCP flow are matched against each other, as two copies
 * of one stream. As long as the first segment of the primary is equal to what
 * the secondary has, it leaves and the edge moves; what differs there is told
 * of.
 *
 * This file owns no state. tcp.c calls it when a segment was held, align.c and
 * late.c when a flow's place has changed, expire.c when it has waited too long.
 */
#include "match.h"

#include <string.h>

#include "../../common/least.h"
#include "../../common/seq.h"
#include "act.h"
#include "connection.h"
#include "differ.h"
#include "gate.h"
#include "repeats.h"
#include "stream.h"

#define OVERLAPS_MAX 256u	/* held segments that are looked at for a byte */

/* Tell how two pieces differ. When one of them is longer the secondary's
 * numbers are moved, so that what follows is compared. Return: the bytes of
 * the primary that are done with. */
static uint32_t differ_and_go_on(struct compare *c, struct cmp_flow *fl,
				 struct compare_difference *d, uint32_t p_left,
				 uint32_t s_left)
{
	uint32_t rest[2] = { p_left, s_left };

	differ_bytes(c, fl, d, rest);
	p_left -= rest[COMPARE_PRIMARY];
	s_left -= rest[COMPARE_SECONDARY];
	if (p_left != s_left)
		stream_shift(c, fl, s_left - p_left);
	return p_left;
}

/*
 * Tell how two segments differ behind the edge, which lies in both. p_left and
 * s_left are the bytes of each that are compared. When one is 0, a FIN of the
 * one stands where the other has bytes, or two FINs go to different stations.
 *
 * Return: the bytes of the primary that are done with, if the flow is not
 * marked
 */
static uint32_t differ_at_edge(struct compare *c, struct cmp_flow *fl,
			       const struct hold *p, const struct hold *s,
			       uint32_t p_left, uint32_t s_left)
{
	uint32_t both = least(p_left, s_left);
	struct compare_difference d =
		differ_describe(c, fl, both ? COMPARE_PAYLOAD :
				COMPARE_FLAGS, p, s);

	d.at[COMPARE_PRIMARY] += fl->edge - p->seq;
	d.at[COMPARE_SECONDARY] += fl->edge - s->seq;
	d.offset = fl->edge - fl->isn[COMPARE_PRIMARY] - 1;
	if (both && differ_is_same_mac(c, hold_eth(&c->pool, p),
				       hold_eth(&c->pool, s)))
		return differ_and_go_on(c, fl, &d, p_left, s_left);
	if (both)
		d.reason = COMPARE_MAC;
	differ_flow(c, fl, &d);
	return both;
}

/* Set the edge of a flow that has none where both sides have bytes. Return:
 * false when they have none in common yet. */
static bool find_edge(struct compare *c, struct cmp_flow *fl,
		      const struct hold *p, const struct hold *s)
{
	uint32_t edge;

	if (!s || (s->flags & (TCP_SYN | TCP_RST)))
		return false;
	edge = seq_max(p->seq, s->seq);
	if (!differ_may_begin(c, fl, edge - p->seq, edge - s->seq))
		return false;
	stream_set_edge(fl, edge);
	fl->isn[COMPARE_PRIMARY] = p->seq - 1;
	return true;
}

static bool is_blocked(const struct compare *c, const struct cmp_flow *fl,
		       const struct hold *p)
{
	return gate_blocks(c, fl, p->flags, p->ack);
}

/**
 * match_begin_late() - Begin to compare a flow where the secondary begins
 * @c:		The comparison
 * @fl:		A flow of which a packet has waited for too long
 *
 * The beginning of the flow was not seen, and the secondary has shown only
 * later bytes than the primary. The edge is set there. What lies before it
 * leaves.
 *
 * Return: false when the flow is another case: nothing was done
 */
bool match_begin_late(struct compare *c, struct cmp_flow *fl)
{
	const struct hold *p = stream_head(c, fl, COMPARE_PRIMARY);
	const struct hold *s = stream_head(c, fl, COMPARE_SECONDARY);

	if (!p || !s || stream_has_edge(fl) || (fl->flags & FLOW_DIFFERENT) ||
	    ((p->flags | s->flags) & (TCP_SYN | TCP_RST)))
		return false;
	stream_set_edge(fl, s->seq);
	fl->isn[COMPARE_PRIMARY] = s->seq - 1;
	while ((p = stream_head(c, fl, COMPARE_PRIMARY)) &&
	       !(p->flags & (TCP_SYN | TCP_RST)) &&
	       seq_le(stream_end(p), fl->edge) && !is_blocked(c, fl, p))
		stream_release(c, fl, NOTE_UNCOMPARED, NULL);
	match_flow(c, fl, NULL);
	return true;
}

/* How many bytes of a segment behind the edge were captured. */
static uint32_t captured(const struct cmp_flow *fl, const struct hold *h)
{
	uint32_t at = fl->edge - h->seq, there = hold_captured_len(h);

	return there > at ? there - at : 0;
}

static bool is_same_at_edge(const struct compare *c, const struct cmp_flow *fl,
			    const struct hold *p, const struct hold *s,
			    uint32_t n)
{
	return !memcmp(hold_payload(&c->pool, p) + (fl->edge - p->seq),
		       hold_payload(&c->pool, s) + (fl->edge - s->seq), n);
}

/*
 * Several segments of a side may have the byte at the edge, and not all of them be
 * captured so far. Find the one that has most; h is the first. Where none has the
 * byte, n becomes no more than what lies before the next segment.
 */
static const struct hold *find_captured(const struct compare *c,
					const struct cmp_flow *fl,
					const struct hold *h, uint32_t *n)
{
	const struct hold *most = h;

	for (unsigned i = 0; i < OVERLAPS_MAX; i++) {
		h = hold_at(&c->pool, h->next);
		if (!h || (h->flags & (TCP_SYN | TCP_RST)))
			break;
		if (seq_gt(h->seq, fl->edge)) {
			if (!captured(fl, most))
				*n = least(*n, h->seq - fl->edge);
			break;
		}
		if (captured(fl, h) > captured(fl, most))
			most = h;
	}
	return most;
}

/* Compare segments that both have n bytes behind the edge, of which not all was
 * captured: what is missing counts as equal. Return: the bytes of the primary
 * that are done with. */
static uint32_t match_cut(struct compare *c, struct cmp_flow *fl,
			  const struct hold *p_first,
			  const struct hold *s_first, uint32_t n)
{
	const struct hold *p = find_captured(c, fl, p_first, &n);
	const struct hold *s = find_captured(c, fl, s_first, &n);
	uint32_t there = least(n, least(captured(fl, p), captured(fl, s)));

	if (!there)
		return n;
	if (is_same_at_edge(c, fl, p, s, there))
		return there;
	if (!c->repeats || (p == p_first && s == s_first))
		return differ_at_edge(c, fl, p, s, there, there);
	if (s != s_first)
		repeats_differ(c, fl, s, p, there);
	else
		repeats_differ(c, fl, p, s, there);
	return there;
}

/* Compare segments that both have n bytes behind the edge. Return: the bytes
 * of the primary that are done with, if the flow is not marked. */
static uint32_t match_whole(struct compare *c, struct cmp_flow *fl,
			    const struct hold *p, const struct hold *s,
			    uint32_t n)
{
	if (is_same_at_edge(c, fl, p, s, n) &&
	    differ_is_same_mac(c, hold_eth(&c->pool, p),
			       hold_eth(&c->pool, s)))
		return n;
	if (!c->config.own_isn)
		return differ_at_edge(c, fl, p, s, n, n);
	return differ_at_edge(c, fl, p, s, stream_left(fl, p),
			      stream_left(fl, s));
}

/* Compare two segments at the edge, which lies in both, and move it. */
static enum compare_step match_bytes(struct compare *c, struct cmp_flow *fl,
				     const struct hold *p, struct hold *s)
{
	uint32_t p_left = stream_left(fl, p), s_left = stream_left(fl, s);
	uint32_t n = least(p_left, s_left);

	if (!n && p_left != s_left) {		/* FIN against data */
		if (c->config.own_isn)
			return STEP_WAIT;
		differ_at_edge(c, fl, p, s, 0, 0);
	} else if (n && (fl->flags & FLOW_CUT)) {
		n = match_cut(c, fl, p, s, n);
	} else {
		n = match_whole(c, fl, p, s, n);
	}
	if (fl->flags & FLOW_DIFFERENT)
		return STEP_DIFFERENT;
	if (!n)
		fl->flags |= FLOW_CLOSED;
	fl->edge += n ? n : 1;
	if (seq_le(stream_end(s), fl->edge))
		act_drop_held(c, fl, s, DROP_MATCHED);
	return STEP_DONE;
}

/* Compare the primary's segment p with the secondary's first one. */
static enum compare_step match_next(struct compare *c, struct cmp_flow *fl,
				    const struct hold *p)
{
	struct hold *s = stream_secondary(c, fl);

	if (!s || (s->flags & TCP_SYN) || seq_gt(p->seq, fl->edge))
		return STEP_WAIT;
	if (s->flags & TCP_RST)
		return connection_mixed(c, fl, p, s);
	if (seq_gt(s->seq, fl->edge))
		return STEP_WAIT;
	return match_bytes(c, fl, p, s);
}

/* The first segment of the primary is neither SYN nor RST. */
static enum compare_step match_data(struct compare *c, struct cmp_flow *fl,
				    const struct hold *p,
				    const struct packet *said)
{
	enum compare_step step = STEP_DONE;
	uint32_t end = stream_end(p);

	if (is_blocked(c, fl, p))
		return STEP_WAIT;
	if (end == p->seq) {
		stream_release(c, fl, NOTE_RELEASED_ACK, said);
		return STEP_DONE;
	}
	if (stream_has_edge(fl) && seq_le(end, fl->edge)) {
		stream_release(c, fl, NOTE_RETRANSMITTED, said);
		return STEP_DONE;
	}
	if (!stream_has_edge(fl) &&
	    !find_edge(c, fl, p, stream_head(c, fl, COMPARE_SECONDARY)))
		return STEP_WAIT;
	while (step == STEP_DONE && seq_lt(fl->edge, end))
		step = match_next(c, fl, p);
	if (step == STEP_DONE)
		stream_release(c, fl, NOTE_COMPARED, said);
	return step;
}

/* When the first segment reaches beyond the edge and stays, let those behind
 * it go that end at the edge or before it. */
static void release_overlapped(struct compare *c, struct cmp_flow *fl,
			       const struct packet *said)
{
	uint32_t i = fl->q[COMPARE_PRIMARY].head, next;

	for (; i != HOLD_NONE; i = next) {
		const struct hold *h = hold_at(&c->pool, i);

		next = h->next;
		if ((h->flags & (TCP_SYN | TCP_RST)) ||
		    seq_ge(h->seq, fl->edge) || seq_gt(h->seq, fl->left))
			break;
		if (seq_le(stream_end(h), fl->edge) && !is_blocked(c, fl, h))
			stream_release_at(c, fl, i, stream_end(h) == h->seq ?
					  NOTE_RELEASED_ACK : NOTE_COMPARED,
					  said);
	}
}

static enum compare_step match_head(struct compare *c, struct cmp_flow *fl,
				    const struct packet *said)
{
	const struct hold *p = stream_head(c, fl, COMPARE_PRIMARY);

	if (!p)
		return STEP_WAIT;
	if (p->flags & TCP_SYN)
		return connection_syn(c, fl, p);
	if (p->flags & TCP_RST)
		return connection_rst(c, fl, p);
	return match_data(c, fl, p, said);
}

static enum compare_step match_step(struct compare *c, struct cmp_flow *fl,
				    const struct packet *said)
{
	enum compare_step step = match_head(c, fl, said);

	return step == STEP_WAIT && stream_cut(c, fl, said) ? STEP_DONE : step;
}

/**
 * match_flow() - Let all leave that both sides have said
 * @c:		The comparison
 * @fl:		The flow
 * @said:	The segment of the secondary that has just come, or NULL. An
 *		acknowledgement that leaves for it echoes the same timestamp
 */
void match_flow(struct compare *c, struct cmp_flow *fl,
		const struct packet *said)
{
	while (!(fl->flags & FLOW_DIFFERENT) || connection_resume(c, fl))
		if (match_step(c, fl, said) == STEP_WAIT)
			break;
	if (fl->flags & FLOW_DIFFERENT)
		return;
	if (stream_has_edge(fl))
		release_overlapped(c, fl, said);
	stream_secondary(c, fl);	/* what overlapped is late */
}
