/* SPDX-License-Identifier: ISC */
/*
 * The lists of the flow table: flows that are forgotten, or looked at,
 * together are on one list. This file says on which list a flow belongs;
 * common/flow.c has the table. It neither makes flows (arrive.c) nor forgets
 * them (evict.c).
 */
#include "flows.h"

#include "../../common/time.h"

/**
 * flows_home_list() - On which list does a flow belong?
 * @fl:		The flow
 *
 * Return: LIST_*
 */
unsigned flows_home_list(const struct cmp_flow *fl)
{
	if (fl->flags & FLOW_DIFFERENT)
		return LIST_DIFFERENT;
	if (fl->flags & FLOW_SUSPECT)
		return LIST_SUSPECT;
	if (!fl->is_tcp)
		return LIST_DATAGRAM;
	if (fl->flags & FLOW_CLOSED)
		return LIST_CLOSED;
	return fl->flags & FLOW_BUSY ? LIST_TCP : LIST_HALF;
}

/**
 * flows_touch() - Put a flow into its place in the lists
 * @c:		The comparison
 * @fl:		A flow that was used, or whose flags have changed
 *
 * The lists are in the order of use to within a second: so a busy flow moves
 * once in a second and not with each packet. Suspects and flows that differ
 * keep the place that they got when they became so.
 */
void flows_touch(struct compare *c, struct cmp_flow *fl)
{
	unsigned list;
	bool has_place;

	if (fl->touched_ns == c->now_ns && fl->touched_flags == fl->flags)
		return;
	fl->touched_ns = c->now_ns;
	fl->touched_flags = fl->flags;
	list = flows_home_list(fl);
	has_place = list == LIST_SUSPECT || list == LIST_DIFFERENT;
	if (!flow_is_recent(c->flows, fl, list, c->now_ns,
			    has_place ? UINT64_MAX : NS_PER_S))
		flow_touch(c->flows, fl, list, c->now_ns);
}

/**
 * flows_clear_marks() - Compare all flows again
 * @c:		The comparison. It holds nothing, so that no flow is suspect
 */
void flows_clear_marks(struct compare *c)
{
	struct cmp_flow *fl;

	while ((fl = flow_oldest(c->flows, LIST_DIFFERENT))) {
		fl->flags &= (uint16_t)~FLOW_DIFFERENT;
		flow_touch(c->flows, fl, flows_home_list(fl), c->now_ns);
	}
}

/**
 * flows_of() - Find the flow that a packet is held in
 * @c:		The comparison
 * @h:		The packet
 *
 * Return: the flow; NULL for a fragment of a datagram that is not complete
 */
struct cmp_flow *flows_of(const struct compare *c, const struct hold *h)
{
	uint32_t whole;

	if (h->kind != HOLD_PART)
		return flow_at(c->flows, h->flow);
	whole = c->fragments.groups[h->group].whole;
	return whole == HOLD_NONE ? NULL :
	       flow_at(c->flows, hold_at(&c->pool, whole)->flow);
}
