/* SPDX-License-Identifier: ISC */
/*
 * What is to be told of a connection. It reads what the other files own;
 * rewriter_flows.c calls it.
 */
#include "rewrite_view.h"

#include "rewrite_hold.h"
#include "rewrite_types.h"

static const char *const states[REWRITE_STATES] = {
	[REWRITE_CLOSED] = "closed", [REWRITE_HALF_OPEN] = "half-open",
	[REWRITE_CLOSING] = "closing", [REWRITE_ESTABLISHED] = "established",
};

/**
 * rewrite_view_table() - The connections
 * @r:	rewriter
 *
 * Return: the table, to be read only; its keys are from the peer to the guest
 */
struct flow_table *rewrite_view_table(const struct rewrite *r)
{
	return r->flows.table;
}

/**
 * rewrite_view_holders_end() - All that hold a segment have numbers below this
 * @r:	rewriter
 *
 * Return: a number for rewrite_view_holder(); it does not fall
 */
uint32_t rewrite_view_holders_end(const struct rewrite *r)
{
	return r->hold.fresh;
}

/**
 * rewrite_view_holder() - The connection that has a number
 * @r:	rewriter
 * @at:	below rewrite_view_holders_end()
 *
 * A place that is free now is no connection's first segment, whatever was there before.
 *
 * Return: a value of the table, or NULL
 */
const void *rewrite_view_holder(const struct rewrite *r, uint32_t at)
{
	const struct rewrite_flow *fl = r->hold.pool[at].flow;

	return fl->held == at + 1 ? fl : NULL;
}

/* Segments are held until the offset is known. */
static const char *waits_for(const struct rewrite_flow *fl)
{
	if (!fl->n_held)
		return NULL;
	return fl->flags & REWRITE_HAS_GUEST_ISN ?
	       "the peer to acknowledge the primary's SYN" :
	       "the guest's SYN";
}

/* A checkpoint since its last segment has made it equal to the primary's. */
static void see_old(struct rewrite_view *v)
{
	v->is_known = v->is_assumed = v->has_clock = true;
}

static void see_offset(const struct rewrite_flow *fl, struct rewrite_view *v)
{
	v->is_known = fl->flags & REWRITE_KNOWN;
	v->is_assumed = fl->flags & REWRITE_ASSUMED;
	v->offset = fl->offset;
	v->has_clock = fl->flags & REWRITE_TS_KNOWN;
	v->ts_offset = fl->ts_offset;
}

/**
 * rewrite_view_of() - Look at a connection
 * @r:		rewriter
 * @value:	a value of its table
 * @v:		filled
 */
void rewrite_view_of(const struct rewrite *r, const void *value,
		     struct rewrite_view *v)
{
	const struct rewrite_flow *fl = value;
	const struct last_drop *d = last_drop_of(&r->hold.last_drops,
						 flow_index(r->flows.table, fl));

	*v = (struct rewrite_view){
		.state = states[fl->state],
		.n_held = fl->n_held,
		.waits = waits_for(fl),
		.is_signed = fl->flags & REWRITE_IS_SIGNED,
	};
	v->held_bytes = rewrite_hold_bytes(&r->hold, fl, &v->since_ns);
	if (v->since_ns)
		v->due_ns = v->since_ns + REWRITE_HELD_NS;
	if (fl->epoch != r->flows.epoch)
		see_old(v);
	else
		see_offset(fl, v);
	if (d)
		v->dropped = stats_drop_name(d->why);
}
