/* SPDX-License-Identifier: ISC */
/*
 * The two queues of a TCP flow are matched against each other, as two copies of
 * one stream.
 */
#include "match.h"

#include <string.h>

#include "../../common/seq.h"
#include "act.h"
#include "connection.h"
#include "differ.h"
#include "gate.h"
#include "stream.h"

/* In a report, bytes may be in one stream only: its numbers are moved then. */
static uint32_t differ_and_go_on(struct compare *c, struct cmp_flow *fl,
				 struct compare_difference *d,
				 const uint32_t left[2])
{
	uint32_t rest[2] = { left[0], left[1] }, primary, secondary;

	compare_differ_bytes(c, fl, d, rest);
	primary = left[COMPARE_PRIMARY] - rest[COMPARE_PRIMARY];
	secondary = left[COMPARE_SECONDARY] - rest[COMPARE_SECONDARY];
	if (primary != secondary)
		compare_align_shift(c, fl, secondary - primary);
	return primary;
}

/* At the edge, len bytes of which are in both: those that are done with now,
 * in a report. left: what there is to compare, by side. */
static enum compare_step differ_at_edge(struct compare *c, struct cmp_flow *fl,
					const struct hold *p,
					const struct hold *s, uint32_t *len,
					const uint32_t left[2])
{
	struct compare_difference d =
		compare_difference_of(c, fl, *len ? COMPARE_PAYLOAD :
				      COMPARE_FLAGS, p, s);
	bool is_mac = *len && !compare_is_same_mac(c, hold_eth(&c->pool, p),
						  hold_eth(&c->pool, s));

	d.at[COMPARE_PRIMARY] += fl->edge - p->seq;
	d.at[COMPARE_SECONDARY] += fl->edge - s->seq;
	d.offset = fl->edge - fl->isn[COMPARE_PRIMARY] - 1;
	if (is_mac)
		d.reason = COMPARE_MAC;
	if (!*len || is_mac)
		compare_differ(c, fl, &d);
	else
		*len = differ_and_go_on(c, fl, &d, left);
	return fl->flags & FLOW_DIFFERENT ? STEP_DIFFERENT : STEP_DONE;
}

/* Without an edge: can it be set here? */
static bool find_edge(struct compare *c, struct cmp_flow *fl,
		      const struct hold *p, const struct hold *s)
{
	uint32_t skipped[2] = { 0, 0 };

	if (!s || (s->flags & (TCP_SYN | TCP_RST)))
		return false;
	if (seq_gt(s->seq, p->seq))
		skipped[COMPARE_PRIMARY] = s->seq - p->seq;
	skipped[COMPARE_SECONDARY] = p->seq + skipped[COMPARE_PRIMARY] -
				     s->seq;
	if (!differ_may_begin(c, fl, skipped))
		return false;
	stream_set_edge(fl, p->seq + skipped[COMPARE_PRIMARY]);
	fl->isn[COMPARE_PRIMARY] = p->seq - 1;
	return true;
}

static bool is_blocked(const struct compare *c, const struct cmp_flow *fl,
		       const struct hold *p)
{
	return compare_gate_blocks(c, fl, p->flags, p->ack);
}

/**
 * compare_stream_begin_late - a midstream flow that has waited for too long
 * @c:		the comparison
 * @fl:		the flow
 *
 * The secondary has shown nothing of what the primary's first segments say, but
 * later bytes: the comparison begins there, and what lies before leaves.
 *
 * Return: false when that is not so, and nothing was done
 */
bool compare_stream_begin_late(struct compare *c, struct cmp_flow *fl)
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
		compare_stream_release(c, fl, NOTE_UNCOMPARED, NULL);
	compare_stream_match(c, fl, NULL);
	return true;
}

/* The bytes behind the edge that were captured and can be compared. */
static uint32_t captured(const struct hold *h, uint32_t at)
{
	uint32_t there = hold_captured_len(h);

	return there > at ? there - at : 0;
}

/* The same for a flow of which not all was: what is not there is equal. */
static enum compare_step match_cut(struct compare *c, struct cmp_flow *fl,
				   const struct hold *p, const struct hold *s,
				   uint32_t p_at, uint32_t s_at)
{
	uint32_t a = captured(p, p_at), b = captured(s, s_at);
	uint32_t n = a < b ? a : b, left[2] = { n, n };

	if (!n || !memcmp(hold_payload(&c->pool, p) + p_at,
			  hold_payload(&c->pool, s) + s_at, n))
		return STEP_DONE;
	return differ_at_edge(c, fl, p, s, &n, left);
}

/* Compares at the edge, which lies in both; moves it. */
static enum compare_step match_bytes(struct compare *c, struct cmp_flow *fl,
				     const struct hold *p, struct hold *s)
{
	uint32_t p_at = fl->edge - p->seq, s_at = fl->edge - s->seq;
	uint32_t p_left = p->payload_len - p_at, s_left = s->payload_len - s_at;
	uint32_t n = p_left < s_left ? p_left : s_left;
	const uint32_t left[2] = { c->config.own_isn ? p_left : n,
				   c->config.own_isn ? s_left : n };
	enum compare_step step;

	if (!n && p_left != s_left)		/* FIN against data */
		return c->config.own_isn ? STEP_WAIT :
		       differ_at_edge(c, fl, p, s, &n, left);
	if (n && (fl->flags & FLOW_CUT)) {
		step = match_cut(c, fl, p, s, p_at, s_at);
		if (step != STEP_DONE)
			return step;
	} else if (memcmp(hold_payload(&c->pool, p) + p_at,
		   hold_payload(&c->pool, s) + s_at, n) ||
	    !compare_is_same_mac(c, hold_eth(&c->pool, p),
				 hold_eth(&c->pool, s))) {
		step = differ_at_edge(c, fl, p, s, &n, left);
		if (step != STEP_DONE)
			return step;
	}
	if (!n)
		fl->flags |= FLOW_CLOSED;
	fl->edge += n ? n : 1;
	if (seq_le(stream_end(s), fl->edge))
		compare_drop_held(c, fl, s, DROP_MATCHED);
	return STEP_DONE;
}

static enum compare_step match_data(struct compare *c, struct cmp_flow *fl,
				    const struct hold *p,
				    const struct packet *said)
{
	uint32_t end = stream_end(p);

	if (is_blocked(c, fl, p))
		return STEP_WAIT;
	if (end == p->seq) {
		compare_stream_release(c, fl, NOTE_RELEASED_ACK, said);
		return STEP_DONE;
	}
	if (stream_has_edge(fl) && seq_le(end, fl->edge)) {
		compare_stream_release(c, fl, NOTE_RETRANSMITTED, said);
		return STEP_DONE;
	}
	if (!stream_has_edge(fl) &&
	    !find_edge(c, fl, p, stream_head(c, fl, COMPARE_SECONDARY)))
		return STEP_WAIT;
	while (seq_lt(fl->edge, end)) {
		struct hold *s = compare_stream_secondary(c, fl);
		enum compare_step step;

		if (!s || (s->flags & TCP_SYN) || seq_gt(p->seq, fl->edge))
			return STEP_WAIT;
		if (s->flags & TCP_RST)
			return compare_stream_differ(c, fl, p, s);
		if (seq_gt(s->seq, fl->edge))
			return STEP_WAIT;
		step = match_bytes(c, fl, p, s);
		if (step != STEP_DONE)
			return step;
	}
	compare_stream_release(c, fl, NOTE_COMPARED, said);
	return STEP_DONE;
}

/* Behind a first segment that reaches beyond the edge there may be shorter
 * ones that overlap it and do not. */
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
		return compare_stream_syn(c, fl, p);
	if (p->flags & TCP_RST)
		return compare_stream_rst(c, fl, p);
	return match_data(c, fl, p, said);
}

/**
 * compare_stream_match - release what both sides have shown
 * @c:		the comparison
 * @fl:		the flow
 * @said:	the secondary's segment that has just come, or NULL: what leaves
 *		for it echoes the timestamp that it echoes
 */
void compare_stream_match(struct compare *c, struct cmp_flow *fl,
			  const struct packet *said)
{
	if (fl->flags & FLOW_DIFFERENT)
		return;
	while (match_head(c, fl, said) == STEP_DONE)
		;
	if (stream_has_edge(fl) && !(fl->flags & FLOW_DIFFERENT))
		release_overlapped(c, fl, said);
	compare_stream_secondary(c, fl);	/* what overlapped is late */
}
