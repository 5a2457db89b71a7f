/* SPDX-License-Identifier: ISC */
/*
 * A side that holds more than its half of max_bytes, and cannot be told to
 * stop, gives up a flow: its packets of that side are dropped, and it differs.
 * In a report it tells of what waits.
 * take.c calls this after each frame.
 */
#include "relieve.h"

#include "act.h"
#include "differ.h"
#include "flows.h"
#include "late.h"

/* The flow that holds the most packets of a side. */
static struct cmp_flow *fullest_flow(const struct compare *c,
				     enum compare_side side)
{
	struct cmp_flow *best = NULL;
	uint32_t i = c->pool.oldest[side];

	for (; i != HOLD_NONE; i = hold_at(&c->pool, i)->age_next) {
		struct cmp_flow *fl = flows_of(c, hold_at(&c->pool, i));

		if (!fl)
			continue;
		if (!best || fl->q[side].n > best->q[side].n)
			best = fl;
	}
	return best;
}

static void give_up_flow(struct compare *c, struct cmp_flow *fl)
{
	struct compare_difference d;

	if (!fl)
		return;
	d = differ_describe(c, fl, COMPARE_QUEUE, NULL, NULL);
	act_drop_queue(c, fl, DROP_OVER_BOUND);
	/* TCP repeats what the secondary said, as nobody has it */
	if (c->config.full_waits)
		return;
	differ_flow(c, fl, &d);
}

static void give_up_oldest(struct compare *c, enum compare_side side)
{
	const struct hold *h = hold_at(&c->pool, c->pool.oldest[side]);

	if (flows_of(c, h))
		give_up_flow(c, flows_of(c, h));
	else
		act_drop_group(c, h->group, DROP_OVER_BOUND);
}

/* In a report nothing is given up: of the fullest flow it is told what has no
 * equal yet, and the comparison goes on behind that. To find the flow all that
 * is held is looked at; so half of what it holds is dealt with at a time. */
static void relieve_report(struct compare *c, enum compare_side side,
			   size_t enough)
{
	struct cmp_flow *fl;

	while (c->pool.bytes[side] > enough && (fl = fullest_flow(c, side))) {
		uint32_t n = fl->q[side].n / 2;

		while (fl->q[side].n > n && c->pool.bytes[side] > enough)
			late_tell(c, fl, side);
	}
}

/**
 * relieve_side() - Bring a side back within its half of the bytes
 * @c:		The comparison
 * @side:	The side, for which relieve_is_due()
 *
 * The flow with the most packets is given up. To find it all that is held is
 * looked at. So that this is not done for little, the flows with the oldest
 * packets are given up, too, until an eighth of the half is free.
 */
void relieve_side(struct compare *c, enum compare_side side)
{
	size_t enough = c->config.max_bytes / 2 / 8 * 7;

	if (c->config.report_only) {
		relieve_report(c, side, enough);
		return;
	}
	give_up_flow(c, fullest_flow(c, side));
	while (c->pool.bytes[side] > enough)
		give_up_oldest(c, side);
}
