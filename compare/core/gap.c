/* SPDX-License-Identifier: ISC */
/*
 * A secondary that goes on without the bytes at the edge.
 */
#include "gap.h"

#include "../../common/seq.h"
#include "differ.h"
#include "stream.h"

/* Does the primary's next segment wait for bytes that the secondary leaves
 * out? */
static bool has_gap(const struct compare *c, const struct cmp_flow *fl)
{
	const struct hold *p = stream_head(c, fl, COMPARE_PRIMARY);
	const struct hold *s = stream_head(c, fl, COMPARE_SECONDARY);

	return p && s && stream_has_edge(fl) &&
	       !(fl->flags & FLOW_DIFFERENT) &&
	       !((p->flags | s->flags) & (TCP_SYN | TCP_RST)) &&
	       seq_le(p->seq, fl->edge) && seq_gt(s->seq, fl->edge);
}

/**
 * gap_watch() - A secondary segment waits
 * @c:		The comparison
 * @fl:		Its flow
 *
 * A secondary that goes on without some bytes takes them for sent: the primary
 * had sent them before a checkpoint, and they were lost on the way to us. It
 * sends them when a timer of its runs out, one segment each time. A checkpoint
 * is quicker, so it is not waited for as long as for other things. One flow at
 * a time is watched.
 */
void gap_watch(struct compare *c, const struct cmp_flow *fl)
{
	if (!c->config.gap_ns || c->gap.due_ns || c->episode.is_open ||
	    differ_is_graced(c, COMPARE_SECONDARY, c->now_ns) ||
	    !has_gap(c, fl))
		return;
	c->gap = (struct gap){
		.due_ns = c->now_ns + c->config.gap_ns,
		.flow = flow_index(c->flows, fl),
		.edge = fl->edge,
	};
}

/**
 * gap_expire() - Ask for a checkpoint if the gap that is watched is there still
 * @c:		The comparison
 */
void gap_expire(struct compare *c)
{
	const struct cmp_flow *fl;

	if (!c->gap.due_ns || c->now_ns < c->gap.due_ns)
		return;
	c->gap.due_ns = 0;
	fl = flow_at(c->flows, c->gap.flow);
	if (fl && fl->is_tcp && fl->edge == c->gap.edge && has_gap(c, fl))
		differ_ask(c, COMPARE_TIMEOUT, fl,
			   stream_head(c, fl, COMPARE_PRIMARY));
}
