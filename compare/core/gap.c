/* SPDX-License-Identifier: ISC */
/*
 * A secondary that goes on without the bytes at the edge. It takes them for
 * sent: the primary had sent them before a checkpoint, which made the
 * secondary its copy, and they were lost on the way to us. The secondary
 * repeats them when a timer of its own runs out, one segment each time. A
 * checkpoint is quicker, so that one is asked for after gap_ns, earlier than
 * for other things.
 *
 * This file owns the one gap that is watched.
 */
#include "gap.h"

#include "../../common/seq.h"
#include "differ.h"
#include "stream.h"

/* Does the primary's first segment wait for bytes that the secondary has left
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
 * gap_watch() - Watch a flow's gap, if it has one and no other is watched
 * @c:		The comparison
 * @fl:		A flow in which a segment of the secondary was held
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
 * gap_expire() - Ask for a checkpoint if the gap is there after gap_ns
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
