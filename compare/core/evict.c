/* SPDX-License-Identifier: ISC */
/*
 * Flows are forgotten when they have been idle for as long as their list says,
 * and when there are max_flows of them and another one comes. A flow that
 * holds a packet is never forgotten. arrive.c, expire.c and compare.c call this.
 */
#include "evict.h"

#include "../../common/age.h"
#include "../../common/time.h"
#include "act.h"
#include "flows.h"

#define EVICT_SCAN 64u		/* flows looked at to find one to evict */

/* By list: a flow that was idle for so long is forgotten. 0: none is. */
static const uint64_t list_idle_ns[FLOW_LISTS] = {
	[LIST_CLOSED] = 60 * NS_PER_S,
	[LIST_HALF] = 60 * NS_PER_S,
	[LIST_DATAGRAM] = 180 * NS_PER_S,
	[LIST_TCP] = 2 * 3600 * NS_PER_S,
};

static void forget_flow(struct compare *c, struct cmp_flow *fl)
{
	act_gate_forget(c, fl);
	act_forget_drop(c, fl);
	flow_remove(c->flows, fl);
}

static bool evict_from(struct compare *c, unsigned list)
{
	struct cmp_flow *fl;

	for (unsigned i = 0; i < EVICT_SCAN; i++) {
		fl = flow_oldest(c->flows, list);
		if (!fl)
			return false;
		if (!flows_holds(fl)) {
			forget_flow(c, fl);
			act_note(c, NOTE_EVICTED);
			return true;
		}
		flow_touch(c->flows, fl, list, c->now_ns);
	}
	return false;
}

/**
 * evict_make_room() - If there are max_flows flows, forget one
 * @c:		The comparison
 *
 * The one is of the first list in which EVICT_SCAN flows show one that holds no
 * packet. There may be none: the table has some more room.
 */
void evict_make_room(struct compare *c)
{
	if (flow_count(c->flows) < c->config.max_flows ||
	    c->account.n_holding >= flow_count(c->flows))
		return;
	for (unsigned list = LIST_CLOSED; list <= LIST_TCP; list++)
		if (evict_from(c, list))
			return;
}

static void expire_list(struct compare *c, unsigned list)
{
	struct cmp_flow *fl;

	while ((fl = flow_oldest(c->flows, list)) &&
	       age_ns(c->now_ns, flow_used_ns(c->flows, fl)) >=
	       list_idle_ns[list]) {
		if (flows_holds(fl))
			flow_touch(c->flows, fl, list, c->now_ns);
		else
			forget_flow(c, fl);
	}
}

/**
 * evict_idle() - Forget the flows that have been idle for too long
 * @c:		The comparison
 */
void evict_idle(struct compare *c)
{
	for (unsigned list = 0; list < FLOW_LISTS; list++)
		if (list_idle_ns[list])
			expire_list(c, list);
}

/**
 * evict_all() - Forget all flows
 * @c:		The comparison; it holds no packet
 */
void evict_all(struct compare *c)
{
	struct cmp_flow *fl;

	for (unsigned list = 0; list < FLOW_LISTS; list++)
		while ((fl = flow_oldest(c->flows, list)))
			forget_flow(c, fl);
}
