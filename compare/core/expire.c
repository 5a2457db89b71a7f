/* SPDX-License-Identifier: ISC */
/*
 * What has waited for too long: datagrams that wait on both sides, a gap,
 * packets without an equal, flows that are idle. This file only finds them, in
 * the order of their age; what is to be done stands in the files that it
 * calls. compare.c calls it when compare_due_ns() says so, and now and then.
 */
#include "expire.h"

#include <assert.h>

#include "../../common/age.h"
#include "act.h"
#include "datagram.h"
#include "differ.h"
#include "evict.h"
#include "flows.h"
#include "gap.h"
#include "gate.h"
#include "late.h"
#include "match.h"
#include "shed.h"
#include "take.h"
#include "waits.h"

/* The time since which the first packets of both sides have waited together. */
static uint64_t suspect_since(const struct hold *p, const struct hold *s)
{
	return p->time_ns > s->time_ns ? p->time_ns : s->time_ns;
}

/* Datagrams that have waited on both sides for reorder_ns differ. A flow's
 * place in the list says when suspicion began; the packets may be newer ones
 * by now, and then the flow moves to where it belongs. */
static void expire_suspects(struct compare *c)
{
	uint64_t reorder_ns = c->config.reorder_ns;
	struct cmp_flow *fl;

	while ((fl = flow_oldest(c->flows, LIST_SUSPECT)) &&
	       age_ns(c->now_ns, flow_used_ns(c->flows, fl)) >= reorder_ns) {
		const struct hold *p =
			hold_at(&c->pool, fl->q[COMPARE_PRIMARY].head);
		struct hold *s =
			hold_at(&c->pool, fl->q[COMPARE_SECONDARY].head);
		uint64_t since;

		assert(p && s);
		since = suspect_since(p, s);
		if (age_ns(c->now_ns, since) >= reorder_ns)
			datagram_differ(c, fl, p, s);
		else
			flow_touch(c->flows, fl, LIST_SUSPECT, since);
	}
}

/* Has a packet waited too long? What waits in a gate may do so when the
 * secondary's window is smaller: then it begins to wait anew. */
static bool is_overdue(struct compare *c, const struct hold *h)
{
	if (h->kind != HOLD_GATE ||
	    gate_is_stuck(flows_of(c, h)))
		return true;
	hold_touch(&c->pool, hold_index(&c->pool, h), c->now_ns);
	return false;
}

static void drop_graced(struct compare *c, struct hold *h)
{
	struct cmp_flow *fl = flows_of(c, h);

	if (!fl) {
		act_drop_group(c, h->group, DROP_FLUSHED);
		return;
	}
	act_drop_held(c, fl, h, DROP_FLUSHED);
}

/* Ask for a checkpoint, unless a packet may go without one. Return: whether the
 * oldest packet of the side is another one now. */
static bool ask_for_late(struct compare *c, struct hold *h)
{
	struct cmp_flow *fl = flows_of(c, h);

	if (fl && h->side == COMPARE_SECONDARY &&
	    datagram_forgive(c, fl, h))
		return true;
	differ_ask(c, COMPARE_TIMEOUT, fl, h);
	return fl && h->side == COMPARE_PRIMARY && h->kind == HOLD_PACKET &&
	       fl->is_tcp && match_begin_late(c, fl);
}

/* Fragments of which others are missing are compared one by one, before it is
 * told what has no equal. */
static void expire_fragments(struct compare *c)
{
	const struct fragment_table *t = &c->fragments;

	while (t->n_open) {
		uint32_t first = fragment_at(t, t->oldest)->parts;

		if (age_ns(c->now_ns, hold_at(&c->pool, first)->time_ns) <
		    c->config.timeout_ns)
			break;
		take_apart(c, t->oldest);
	}
}

static void expire_side(struct compare *c, enum compare_side side)
{
	struct hold *h;

	while ((h = hold_at(&c->pool, c->pool.oldest[side])) &&
	       age_ns(c->now_ns, h->time_ns) >= c->config.timeout_ns) {
		if (!is_overdue(c, h))
			continue;
		if (differ_is_graced(c, side, h->time_ns)) {
			drop_graced(c, h);
			continue;
		}
		if (c->config.report_only && !flows_of(c, h)) {
			take_apart(c, h->group);
			continue;
		}
		if (c->config.report_only) {
			late_tell(c, flows_of(c, h), side);
			continue;
		}
		if (ask_for_late(c, h))
			continue;
		if (c->episode.is_open)
			break;
		/* its flow may not ask: those behind it may */
		hold_touch(&c->pool, hold_index(&c->pool, h), c->now_ns);
	}
}

/**
 * expire_held() - Deal with all that has waited for too long at c->now_ns
 * @c:		The comparison
 */
void expire_held(struct compare *c)
{
	expire_suspects(c);
	if (c->config.holds) {
		waits_look(c);
	} else {
		gap_expire(c);
		if (c->config.report_only)
			expire_fragments(c);
		expire_side(c, COMPARE_PRIMARY);
		expire_side(c, COMPARE_SECONDARY);
	}
	shed_expire(c);
	evict_idle(c);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/**
 * expire_due_ns() - When will something have waited for too long?
 * @c:		The comparison
 *
 * Return: the time, COMPARE_NEVER when nothing waits. Idle flows do not count:
 * for them a call now and then is enough
 */
uint64_t expire_due_ns(const struct compare *c)
{
	const struct cmp_flow *fl = flow_oldest(c->flows, LIST_SUSPECT);
	uint64_t due = COMPARE_NEVER;

	if (fl)
		due = flow_used_ns(c->flows, fl) + c->config.reorder_ns;
	if (c->gap.due_ns)
		due = sooner(due, c->gap.due_ns);
	for (unsigned side = 0; side < 2 && !c->episode.is_open; side++) {
		const struct hold *h = hold_at(&c->pool, c->pool.oldest[side]);

		if (h && !c->config.holds)
			due = sooner(due, h->time_ns + c->config.timeout_ns);
	}
	return due;
}
