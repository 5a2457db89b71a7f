/* SPDX-License-Identifier: ISC */
/*
 * A flow that holds more than its share, or whose client does, loses the last
 * packets of the primary's queue. TCP repeats them; the first ones, which fill
 * holes, stay. Nothing leaves uncompared for want of room, and nobody else
 * waits for it. The caller is told of the flow once, and once more when it has
 * lost nothing for OVER_NS.
 *
 * The secondary will send the equal of a datagram that was dropped here. That
 * must not be taken for a difference: the flow's n_lost says how many are
 * expected.
 */
#include "shed.h"

#include "../../common/time.h"
#include "act.h"
#include "datagram.h"
#include "differ.h"
#include "share.h"
#include "told.h"

#define OVER_NS (5 * NS_PER_S)	/* without a drop */

static void tell(struct compare *c, const struct told_flow *t, bool is_over)
{
	const struct compare_over_share s = {
		.flow = &t->key,
		.is_client = t->what,
		.n = t->n,
		.is_over = is_over,
	};

	if (c->handler.over_share)
		c->handler.over_share(c->handler.arg, &s);
}

static void note(struct compare *c, const struct cmp_flow *fl, bool is_client)
{
	bool is_new;
	struct told_flow *t = told_note(&c->share.told,
					flow_index(c->flows, fl),
					flow_get_key(c->flows, fl), c->now_ns,
					&is_new);

	if (!is_new)
		return;
	t->what = is_client;
	tell(c, t, false);
}

/* The last packet that can go: a RST stays, because TCP does not repeat it. */
static struct hold *last_of(const struct compare *c, const struct cmp_flow *fl)
{
	struct hold *h = hold_at(&c->pool, fl->q[COMPARE_PRIMARY].tail);

	if (h && fl->is_tcp && h->flags & TCP_RST && h->prev != HOLD_NONE)
		return hold_at(&c->pool, h->prev);
	return h;
}

static void drop_last(struct compare *c, struct cmp_flow *fl)
{
	struct hold *h = last_of(c, fl);

	if (!fl->is_tcp && fl->n_lost < UINT16_MAX &&
	    !datagram_is_matched(h))
		fl->n_lost++;
	act_drop_held(c, fl, h, DROP_OVER_SHARE);
}

static void keep_within(struct compare *c, struct cmp_flow *fl)
{
	bool is_client;

	if (!share_is_over(c, fl, &is_client))
		return;
	if (!c->config.full_waits)
		differ_ask(c, COMPARE_QUEUE, fl, NULL);
	while (fl->q[COMPARE_PRIMARY].n && share_is_over(c, fl, &is_client)) {
		note(c, fl, is_client);
		drop_last(c, fl);
	}
}

/**
 * shed_excess() - Keep a flow and its client within their shares
 * @c:		The comparison, for which share_is_counted()
 * @fl:		The flow, of which a packet of the primary has come
 */
COLD void shed_excess(struct compare *c, struct cmp_flow *fl)
{
	if (!c->share.is_counting)
		share_count_all(c, true);
	keep_within(c, fl);
	if (c->pool.bytes[COMPARE_PRIMARY] < c->share.start / 2)
		share_count_all(c, false);
}

/**
 * shed_expire() - Tell which flows are within their shares again
 * @c:		The comparison
 */
void shed_expire(struct compare *c)
{
	struct told_flow over;

	if (!c->share.told.n || c->now_ns < OVER_NS)
		return;
	while (told_over(&c->share.told, c->now_ns - OVER_NS, c->now_ns, &over))
		tell(c, &over, true);
}
