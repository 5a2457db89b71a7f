/* SPDX-License-Identifier: ISC */
/*
 * A side that holds more than its half of max_bytes, and cannot be told to
 * stop, gives up a flow: its packets of that side are dropped, and it differs.
 * take.c calls this after each frame.
 */
#include "relieve.h"

#include "act.h"
#include "differ.h"
#include "flows.h"

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
	if (c->config.full_waits && !c->config.report_only)
		return;
	differ_flow(c, fl, &d);
}

static void give_up_oldest(struct compare *c, enum compare_side side)
{
	const struct hold *h = hold_at(&c->pool, c->pool.oldest[side]);

	if (flows_of(c, h))
		give_up_flow(c, flows_of(c, h));
	else if (side == COMPARE_SECONDARY)
		act_drop_group(c, h->group, DROP_OVER_BOUND);
	else
		act_release_group(c, h->group, NOTE_UNCOMPARED);
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
	size_t bound = c->config.max_bytes / 2;

	give_up_flow(c, fullest_flow(c, side));
	while (c->pool.bytes[side] > bound / 8 * 7)
		give_up_oldest(c, side);
}
