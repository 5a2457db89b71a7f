/* SPDX-License-Identifier: ISC */
/*
 * What a report tells of packets that have waited for too long: bytes and
 * datagrams that the other side does not have. Behind them the comparison goes
 * on. Nothing is held for good in a report. expire.c calls this, and relieve.c
 * when there is no room for more.
 */
#include "late.h"

#include "../../common/seq.h"
#include "act.h"
#include "align.h"
#include "connection.h"
#include "datagram.h"
#include "differ.h"
#include "flows.h"
#include "match.h"
#include "stream.h"

static void report_one(struct compare *c, struct cmp_flow *fl,
		       const struct hold *h)
{
	bool is_primary = h->side == COMPARE_PRIMARY;
	struct compare_difference d =
		differ_describe(c, fl, COMPARE_TIMEOUT, is_primary ? h : NULL,
				is_primary ? NULL : h);

	if (!fl->is_tcp) {
		differ_tell(c, &d);
		return;
	}
	differ_place(c, fl, h, &d);
	differ_flow(c, fl, &d);
	match_flow(c, fl, NULL);	/* the next connection */
}

/* The first segment of a side, unless it is a SYN or RST. */
static const struct hold *first_data(const struct compare *c,
				     const struct cmp_flow *fl,
				     enum compare_side side)
{
	const struct hold *h = stream_head(c, fl, side);

	return h && !(h->flags & (TCP_SYN | TCP_RST)) ? h : NULL;
}

/* How many bytes a queue has from the edge on without a gap; h is its first. */
static uint32_t tail_len(const struct compare *c, const struct cmp_flow *fl,
			 const struct hold *h)
{
	uint32_t at = fl->edge;

	for (; h && !(h->flags & (TCP_SYN | TCP_RST)) && seq_le(h->seq, at);
	     h = hold_at(&c->pool, h->next))
		at = seq_max(at, h->seq + h->payload_len);
	return at - fl->edge;
}

/* Neither side has the next bytes: they were captured nowhere. The comparison
 * goes on behind them. Return: false when one side has them. */
static bool skip_hole(struct compare *c, struct cmp_flow *fl)
{
	const struct hold *p = first_data(c, fl, COMPARE_PRIMARY);
	const struct hold *s = first_data(c, fl, COMPARE_SECONDARY);
	uint32_t to;

	if (!p || !s || !stream_has_edge(fl))
		return false;
	to = seq_min(p->seq, s->seq);
	if (seq_le(to, fl->edge))
		return false;
	stream_set_edge(fl, to);
	match_flow(c, fl, NULL);
	return true;
}

/* One side lacks bytes in the middle of its stream. Tell of the other's bytes
 * there and compare the two further behind them. Return: false when there is
 * no gap. */
static bool skip_gap(struct compare *c, struct cmp_flow *fl)
{
	const struct hold *p = first_data(c, fl, COMPARE_PRIMARY);
	const struct hold *s = first_data(c, fl, COMPARE_SECONDARY);
	const struct hold *has, *lacks;
	struct compare_difference d;
	uint32_t to;

	if (!p || !s || !stream_has_edge(fl) || p->seq == s->seq)
		return false;
	has = seq_lt(p->seq, s->seq) ? p : s;
	lacks = has == p ? s : p;
	if (seq_le(lacks->seq, fl->edge))
		return false;
	to = fl->edge + tail_len(c, fl, has);
	if (seq_gt(to, lacks->seq))
		to = lacks->seq;
	if (seq_le(to, fl->edge))
		return false;
	d = differ_describe(c, fl, COMPARE_TIMEOUT, has == p ? p : NULL,
			    has == s ? s : NULL);
	differ_place(c, fl, has, &d);
	d.len[has->side] = to - fl->edge;
	differ_tell(c, &d);
	stream_set_edge(fl, to);
	match_flow(c, fl, NULL);
	return true;
}

/* One side's stream ends where the other's goes on. Tell of what the other
 * has, and compare the ends. Return: false when it is not so. */
static bool skip_tail(struct compare *c, struct cmp_flow *fl)
{
	const struct hold *p = first_data(c, fl, COMPARE_PRIMARY);
	const struct hold *s = first_data(c, fl, COMPARE_SECONDARY);
	struct compare_difference d;
	uint32_t primary, secondary;

	if (!p || !s || !c->config.own_isn || !stream_has_edge(fl) ||
	    seq_gt(p->seq, fl->edge) || seq_gt(s->seq, fl->edge))
		return false;
	primary = tail_len(c, fl, p);
	secondary = tail_len(c, fl, s);
	if (!primary == !secondary)
		return false;
	d = differ_describe(c, fl, COMPARE_PAYLOAD, p, s);
	differ_place(c, fl, s, &d);
	differ_place(c, fl, p, &d);
	d.len[COMPARE_PRIMARY] = primary;
	d.len[COMPARE_SECONDARY] = secondary;
	differ_flow(c, fl, &d);
	fl->edge += primary;
	stream_shift(c, fl, secondary - primary);
	match_flow(c, fl, NULL);
	return true;
}

/* One side has reset the connection where the other goes on. Return: false when
 * it is not so: where another connection follows, the SYN is of that. */
static bool tell_reset(struct compare *c, struct cmp_flow *fl)
{
	const unsigned both = FLOW_PRIMARY_SYN | FLOW_SECONDARY_SYN;
	const struct hold *p = stream_head(c, fl, COMPARE_PRIMARY);
	const struct hold *s = stream_head(c, fl, COMPARE_SECONDARY);

	if (!p || !s || !((p->flags ^ s->flags) & TCP_RST) ||
	    ((fl->flags & both) == both && ((p->flags | s->flags) & TCP_SYN)))
		return false;
	connection_differ(c, fl, p, s);
	match_flow(c, fl, NULL);
	return true;
}

/**
 * late_tell() - Tell of what has waited for too long, and forget it
 * @c:		The comparison, in a report
 * @fl:		A flow that holds a packet of the side; it loses its first one
 * @side:	The side
 */
void late_tell(struct compare *c, struct cmp_flow *fl, enum compare_side side)
{
	if (fl->align & ALIGN_WAITS) {
		align_end(c, fl);
		return;
	}
	if (fl->is_tcp &&
	    (skip_hole(c, fl) || skip_gap(c, fl) || skip_tail(c, fl) ||
	     tell_reset(c, fl)))
		return;
	report_one(c, fl, hold_at(&c->pool, fl->q[side].head));
	if (!fl->is_tcp)
		datagram_forget(c, fl, side);
}
