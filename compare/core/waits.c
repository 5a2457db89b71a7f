/* SPDX-License-Identifier: ISC */
/*
 * Where no checkpoint is to be had, nothing is asked for when a packet has
 * waited too long, and nothing leaves: it is told which flow waits, and for
 * what. Each second all that is overdue is looked at: the packets of a side
 * stand in the order in which they came, so these are the first ones.
 *
 * Two things go, because nobody misses them: a datagram of which a fragment is
 * missing, and a secondary's datagram that the primary does not send.
 */
#include "waits.h"

#include "../../common/age.h"
#include "../../common/time.h"
#include "act.h"
#include "flows.h"
#include "gate.h"
#include "told.h"

#define LOOK_NS NS_PER_S

static enum compare_wait_for waits_for(const struct cmp_flow *fl,
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

/* A flow was found to wait. */
static void note(struct compare *c, const struct cmp_flow *fl,
		 const struct hold *h)
{
	bool is_new;
	struct told_flow *t = told_note(&c->waits.told, flow_index(c->flows, fl),
					flow_key_get(c->flows, fl), c->now_ns,
					&is_new);

	if (!is_new)
		return;
	t->since_ns = h->time_ns;
	t->what = (uint8_t)waits_for(fl, h);
	tell(c, t, false);
}

/* One that nobody misses goes, with all of its fragments: this is the first of
 * them. */
static bool drop_lonely(struct compare *c, struct cmp_flow *fl, struct hold *h)
{
	if (!fl) {
		act_drop_group(c, h->group, DROP_OVERDUE);
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

/* What is dropped may take newer ones with it: the walk goes on behind the last
 * one that stayed. */
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
 * @c:		The comparison, for which no checkpoints are to be had
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
 * waits_forget() - No flow waits any more, and none is told of
 * @c:		The comparison
 */
void waits_forget(struct compare *c)
{
	c->waits.told = (struct told){ 0 };
}
