/* SPDX-License-Identifier: ISC */
/*
 * What is to be told of a flow: its state, what it holds, for whom that waits,
 * and how long it may. It reads what the other files own.
 */
#include "view.h"

#include "act.h"
#include "core.h"
#include "flows.h"
#include "gate.h"
#include "share.h"
#include "stream.h"
#include "waits.h"

static const char *const states[] = {
	[LIST_CLOSED] = "closed", [LIST_HALF] = "half-open",
	[LIST_DATAGRAM] = "datagrams", [LIST_TCP] = "open",
	[LIST_SUSPECT] = "suspect", [LIST_DIFFERENT] = "different",
};

/**
 * view_table() - The flows
 * @c:		The comparison
 *
 * Return: the table, to be read only; its values are what the functions here
 * take
 */
struct flow_table *view_table(const struct compare *c)
{
	return c->flows;
}

/**
 * view_held_bytes() - How many bytes of the primary does a flow hold?
 * @c:		The comparison
 * @value:	A value of its table
 *
 * Return: bytes
 */
uint64_t view_held_bytes(const struct compare *c, const void *value)
{
	return share_held_bytes(c, value);
}

static const struct hold *gate_packet(const struct compare *c,
				      const struct cmp_flow *fl)
{
	return fl->gate.flags & GATE_PACKET ?
	       hold_at(&c->pool, fl->gate.waiting) : NULL;
}

/* Return: what has waited longest of the packets that are first, or NULL */
static const struct hold *oldest(const struct compare *c,
				 const struct cmp_flow *fl)
{
	const struct hold *all[] = {
		stream_head(c, fl, COMPARE_PRIMARY), gate_packet(c, fl),
		stream_head(c, fl, COMPARE_SECONDARY),
	};
	const struct hold *h = NULL;

	for (unsigned i = 0; i < 3; i++) {
		if (all[i] && (!h || all[i]->time_ns < h->time_ns))
			h = all[i];
	}
	return h;
}

/**
 * view_since_ns() - Since when does a packet of a flow wait?
 * @c:		The comparison
 * @value:	A value of its table
 *
 * Return: the time that it came; 0 when none waits
 */
uint64_t view_since_ns(const struct compare *c, const void *value)
{
	const struct hold *h = oldest(c, value);

	return h ? h->time_ns : 0;
}

/**
 * view_holders_end() - All flows that hold a packet have numbers below this
 * @c:		The comparison
 *
 * Return: a number for view_holder(); it does not fall
 */
uint32_t view_holders_end(const struct compare *c)
{
	return c->pool.n_fresh;
}

/* The number of the packet that stands for a flow, of those that it holds. */
static uint32_t first_of(const struct cmp_flow *fl)
{
	const struct hold_queue *q = fl->q;

	if (q[COMPARE_PRIMARY].head != HOLD_NONE)
		return q[COMPARE_PRIMARY].head;
	if (fl->gate.flags & GATE_PACKET)
		return fl->gate.waiting;
	return q[COMPARE_SECONDARY].head;
}

/**
 * view_holder() - The flow that has a number
 * @c:		The comparison
 * @at:		Below view_holders_end()
 *
 * A place that is free now is no flow's first packet, whatever was there before.
 *
 * Return: a value of the table, or NULL
 */
const void *view_holder(const struct compare *c, uint32_t at)
{
	const struct cmp_flow *fl = flow_at(c->flows, c->pool.nodes[at].flow);

	return fl && first_of(fl) == at ? fl : NULL;
}

/**
 * view_used_ns() - When did a packet of a flow come last?
 * @c:		The comparison
 * @value:	Of its table
 *
 * Its place in the lists of the table says something else of a flow that differs, or
 * that has waited for long.
 */
uint64_t view_used_ns(const struct compare *c, const void *value)
{
	const struct cmp_flow *fl = value;

	(void)c;
	return fl->touched_ns;
}

static uint64_t due_of(const struct compare *c, const struct cmp_flow *fl,
		       const struct hold *h)
{
	if (c->config.holds || c->episode.is_open)
		return COMPARE_NEVER;
	if (fl->flags & FLOW_SUSPECT)
		return flow_used_ns(c->flows, fl) + c->config.reorder_ns;
	if (c->gap.due_ns && c->gap.flow == flow_index(c->flows, fl))
		return c->gap.due_ns;
	return h->time_ns + c->config.timeout_ns;
}

static void see_held(const struct compare *c, const struct cmp_flow *fl,
		     struct view *v)
{
	const struct hold *h = oldest(c, fl);

	v->n_held[COMPARE_PRIMARY] = fl->q[COMPARE_PRIMARY].n +
				     !!gate_packet(c, fl);
	v->n_held[COMPARE_SECONDARY] = fl->q[COMPARE_SECONDARY].n;
	v->held_bytes = share_held_bytes(c, fl);
	v->due_ns = COMPARE_NEVER;
	if (!h)
		return;
	v->since_ns = h->time_ns;
	v->what = waits_for(fl, h);
	v->wants_checkpoint = c->episode.is_open;
	v->due_ns = due_of(c, fl, h);
}

static void see_tcp(const struct cmp_flow *fl, struct view *v)
{
	const struct gate *g = &fl->gate;

	v->is_tcp = true;
	v->has_edge = stream_has_edge(fl);
	v->edge = fl->edge;
	v->left = fl->left;
	v->has_compared = v->has_edge && fl->flags & FLOW_SYN_DONE;
	v->compared = fl->edge - fl->isn[COMPARE_PRIMARY] - 1;
	v->has_ack[COMPARE_PRIMARY] = g->flags & GATE_PRIMARY;
	v->has_ack[COMPARE_SECONDARY] = g->flags & GATE_SECONDARY;
	v->has_told = g->flags & GATE_SENT;
	v->ack[COMPARE_PRIMARY] = g->p_ack;
	v->ack[COMPARE_SECONDARY] = g->s_ack;
	v->told = g->sent_ack;
}

/**
 * view_of() - Look at a flow
 * @c:		The comparison
 * @value:	A value of its table
 * @v:		Filled
 */
void view_of(const struct compare *c, const void *value, struct view *v)
{
	const struct cmp_flow *fl = value;
	const struct last_drop *d = last_drop_of(&c->last_drops,
						 flow_index(c->flows, fl));

	*v = (struct view){ .state = states[flows_home_list(fl)] };
	see_held(c, fl, v);
	if (fl->is_tcp)
		see_tcp(fl, v);
	if (!d)
		return;
	v->has_dropped = true;
	v->dropped = d->why;
	v->dropped_ns = d->at_ns;
}
