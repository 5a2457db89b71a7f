/* SPDX-License-Identifier: ISC */
/*
 * Where no checkpoint is to be had (config.holds) a packet that has waited for
 * too long asks for nothing, and nothing leaves. The caller is told which flow
 * waits, and for what. Each second all packets that are overdue are looked at;
 * they are the first ones of their side, as these stand in the order in which
 * they came.
 *
 * Three kinds are dropped, because nobody misses them: a datagram of which a
 * fragment is missing, a datagram of the secondary that the primary does not
 * send, and all packets of a flow of which neither side has sent anything for
 * GIVE_UP_NS. A stack repeats what is not acknowledged every 120 s at least, and
 * gives up some time (RFC 6298, 5.7; RFC 9293, 3.8.3): that flow is dead. Kept for
 * ever, such packets would use up the room that all flows share.
 *
 * This file owns the table of flows that wait. expire.c calls it.
 */
#include "waits.h"

#include "../../common/age.h"
#include "../../common/time.h"
#include "act.h"
#include "flows.h"
#include "gate.h"
#include "told.h"

#define LOOK_NS NS_PER_S
#define GIVE_UP_NS (300 * NS_PER_S)

/**
 * waits_for() - What does a packet wait for?
 * @fl:		Its flow
 * @h:		The packet
 *
 * Return: who has to do something
 */
enum compare_wait_for waits_for(const struct cmp_flow *fl,
				const struct hold *h)
{
	if (fl->flags & FLOW_DIFFERENT)
		return COMPARE_WAIT_EQUAL;
	if (h->kind == HOLD_GATE)
		return COMPARE_WAIT_ACK;
	return h->side == COMPARE_PRIMARY ? COMPARE_WAIT_SECONDARY :
					    COMPARE_WAIT_PRIMARY;
}

static void tell(struct compare *c, const struct told_flow *t, bool is_over)
{
	const struct compare_wait w = {
		.flow = &t->key,
		.what = (enum compare_wait_for)t->what,
		.since_ns = t->since_ns,
		.is_over = is_over,
	};

	if (c->handler.waits)
		c->handler.waits(c->handler.arg, &w);
}

/* A packet of a flow has waited for too long. */
static void note(struct compare *c, const struct cmp_flow *fl,
		 const struct hold *h)
{
	bool is_new;
	struct told_flow *t = told_note(&c->waits.told, flow_index(c->flows, fl),
					flow_get_key(c->flows, fl), c->now_ns,
					&is_new);

	if (!is_new)
		return;
	t->since_ns = h->time_ns;
	t->what = (uint8_t)waits_for(fl, h);
	tell(c, t, false);
}

static bool is_dead(const struct compare *c, const struct cmp_flow *fl)
{
	return flows_holds(fl) &&
	       age_ns(c->now_ns, fl->touched_ns) >= GIVE_UP_NS;
}

/* Drop a packet that nobody misses, with all of its fragments, of which h is the
 * first, or with all of its flow. Return: false when it is missed. */
static bool drop_lonely(struct compare *c, struct cmp_flow *fl, struct hold *h)
{
	if (!fl) {
		act_drop_group(c, h->group, DROP_OVERDUE);
		return true;
	}
	if (is_dead(c, fl)) {
		act_drop_all(c, fl, DROP_OVERDUE);
		return true;
	}
	if (h->side == COMPARE_PRIMARY || fl->is_tcp)
		return false;
	act_drop_held(c, fl, h, DROP_OVERDUE);
	return true;
}

static bool is_stuck(const struct cmp_flow *fl, const struct hold *h)
{
	return h->kind != HOLD_GATE || gate_is_stuck(fl);
}

/* Look at the packets of a side that are overdue. When one is dropped, newer
 * ones may go with it: the walk goes on behind the last one that stayed. */
static void look_at(struct compare *c, enum compare_side side)
{
	uint32_t i = c->pool.oldest[side], before = HOLD_NONE;
	struct hold *h;

	while ((h = hold_at(&c->pool, i)) &&
	       age_ns(c->now_ns, h->time_ns) >= c->config.timeout_ns) {
		struct cmp_flow *fl = flows_of(c, h);

		if (drop_lonely(c, fl, h)) {
			i = before == HOLD_NONE ? c->pool.oldest[side] :
			    hold_at(&c->pool, before)->age_next;
			continue;
		}
		if (is_stuck(fl, h))
			note(c, fl, h);
		before = i;
		i = h->age_next;
	}
}

/**
 * waits_look() - Tell which flows wait for too long, and which no more
 * @c:		The comparison, with config.holds
 */
void waits_look(struct compare *c)
{
	struct told_flow over;

	if (c->now_ns < c->waits.due_ns)
		return;
	c->waits.due_ns = c->now_ns + LOOK_NS;
	look_at(c, COMPARE_PRIMARY);
	look_at(c, COMPARE_SECONDARY);
	while (told_over(&c->waits.told, c->now_ns, c->now_ns, &over))
		tell(c, &over, true);
}

/**
 * waits_forget() - Forget which flows wait, and tell nothing
 * @c:		The comparison
 */
void waits_forget(struct compare *c)
{
	c->waits.told = (struct told){ 0 };
}
