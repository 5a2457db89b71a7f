/* SPDX-License-Identifier: ISC */
/*
 * Differences: what one is, who is told of it, and what becomes of its flow.
 *
 * The first difference opens an episode: it asks for a checkpoint, and no
 * other one asks until a flush has closed the episode. The flow that differs
 * is marked, and nothing of it is compared until then.
 *
 * In a report nothing is asked for. Bytes that differ are told of one place
 * after the other, and the comparison goes on behind them.
 *
 * This file owns the episode, and is the only one that calls differ() and
 * midstream().
 */
#include "differ.h"

#include <string.h>

#include "../../common/least.h"
#include "../../common/seq.h"
#include "act.h"
#include "extent.h"
#include "flows.h"

static void put_frame(const struct compare *c, struct compare_difference *d,
		      const struct hold *h)
{
	d->has[h->side] = true;
	d->frame[h->side] = hold_frame(&c->pool, h);
	d->at[h->side] = h->payload_off;
}

/**
 * differ_describe() - Describe a difference
 * @c:		The comparison
 * @fl:		The flow that shows it, or NULL
 * @reason:	How the replicas differ
 * @p:		A packet of the primary that shows it, or NULL
 * @s:		A packet of the secondary, or NULL
 *
 * Return: the description; the place is the first byte of each payload
 */
struct compare_difference differ_describe(const struct compare *c,
					  const struct cmp_flow *fl,
					  enum compare_reason reason,
					  const struct hold *p,
					  const struct hold *s)
{
	struct compare_difference d = { .reason = reason };

	if (fl)
		d.flow = flow_get_key(c->flows, fl);
	if (p)
		put_frame(c, &d, p);
	if (s)
		put_frame(c, &d, s);
	return d;
}

static bool may_ask(const struct compare *c, const struct compare_difference *d)
{
	return !c->episode.is_open && !c->config.report_only &&
	       !c->config.holds &&
	       (!c->handler.may_ask || c->handler.may_ask(c->handler.arg, d));
}

/**
 * differ_place() - Say where a segment lies that one side alone has
 * @c:		The comparison
 * @fl:		Its flow
 * @h:		The segment
 * @d:		The difference, from differ_describe(); its place becomes the first
 *		byte behind the edge
 */
void differ_place(const struct compare *c, const struct cmp_flow *fl,
		  const struct hold *h, struct compare_difference *d)
{
	uint32_t seq = h->seq + !!(h->flags & TCP_SYN), below = 0;

	if ((fl->flags & FLOW_EDGE) && seq_gt(fl->edge, seq))
		below = least(fl->edge - seq, h->payload_len);
	d->at[h->side] += below;
	d->offset = seq + below - fl->isn[COMPARE_PRIMARY] - 1;
	if ((h->flags & TCP_SYN) ||
	    (!c->config.own_isn && !(fl->flags & FLOW_EDGE)))
		d->offset = 0;
}

/**
 * differ_tell() - Tell of a difference
 * @c:		The comparison
 * @d:		The difference. Its asks is set: whether it opens an episode
 */
void differ_tell(struct compare *c, struct compare_difference *d)
{
	d->asks = may_ask(c, d);
	if (d->asks) {
		c->episode.is_open = true;
		act_note(c, NOTE_EPISODES);
		c->episode.asked[d->reason]++;
	}
	c->handler.differ(c->handler.arg, d);
}

/**
 * differ_ask() - Ask for a checkpoint, unless one has been asked for
 * @c:		The comparison
 * @reason:	Why
 * @fl:		The flow that shows why, or NULL
 * @h:		A packet of it, or NULL
 */
void differ_ask(struct compare *c, enum compare_reason reason,
		const struct cmp_flow *fl, const struct hold *h)
{
	bool is_primary = h && h->side == COMPARE_PRIMARY;
	struct compare_difference d;

	if (c->episode.is_open || c->config.holds)
		return;
	d = differ_describe(c, fl, reason, is_primary ? h : NULL,
			    is_primary ? NULL : h);
	differ_tell(c, &d);
}

static void mark(struct compare *c, struct cmp_flow *fl)
{
	if (fl->flags & FLOW_DIFFERENT)
		return;
	fl->flags &= (uint16_t)~FLOW_SUSPECT;
	fl->flags |= FLOW_DIFFERENT;
	act_note(c, NOTE_DIFFERENT);
}

/* Give up the first packet of a side if the difference is about it, and those behind
 * it up to a SYN: that begins another connection, with the same ports. */
static void give_up(struct compare *c, struct cmp_flow *fl,
		    enum compare_side side, bool is_about_first)
{
	struct hold *h;

	while ((h = hold_at(&c->pool, fl->q[side].head)) &&
	       (is_about_first || !fl->is_tcp || !(h->flags & TCP_SYN))) {
		if (side == COMPARE_PRIMARY)
			act_release_head(c, fl, NOTE_UNCOMPARED);
		else
			act_drop_held(c, fl, h, DROP_DIFFERENT);
		is_about_first = false;
	}
}

/* In a report the caller goes on behind bytes that differ, so that the flow is
 * not marked. Any other difference ends a connection; of another flow only
 * what waits is given up, as datagrams that come can be compared. */
static void mark_in_report(struct compare *c, struct cmp_flow *fl,
			   const struct compare_difference *d)
{
	if (d->reason == COMPARE_PAYLOAD || d->reason == COMPARE_MAC) {
		act_note(c, NOTE_DIFFERENT);
		return;
	}
	mark(c, fl);
	for (unsigned side = 0; side < 2; side++)
		give_up(c, fl, side, d->has[side]);
	fl->align = 0;
	if (!fl->is_tcp)
		fl->flags &= (uint16_t)~FLOW_DIFFERENT;
}

/**
 * differ_flow() - Tell that a flow differs, and mark it
 * @c:		The comparison
 * @fl:		The flow
 * @d:		How it differs
 *
 * FLOW_DIFFERENT is set unless the flow is compared further, in a report.
 */
void differ_flow(struct compare *c, struct cmp_flow *fl,
		 struct compare_difference *d)
{
	differ_tell(c, d);
	if (c->config.report_only) {
		mark_in_report(c, fl, d);
	} else {
		mark(c, fl);
		act_drop_queue(c, fl, DROP_DIFFERENT);
	}
	flows_touch(c, fl);
}

/**
 * differ_end_episode() - Close the episode: the next difference may ask
 * @c:		The comparison
 */
void differ_end_episode(struct compare *c)
{
	c->episode.is_open = false;
}

/**
 * differ_grace() - Let the secondary's packets lack an equal for a while
 * @c:		The comparison
 * @until_ns:	What has come until then may be of before the checkpoint: it
 *		asks for nothing
 */
void differ_grace(struct compare *c, uint64_t until_ns)
{
	c->episode.grace_ns = until_ns;
}

static void put_first(const struct compare *c, const struct cmp_flow *fl,
		      enum compare_side side, struct compare_midstream *m)
{
	const struct hold *h = hold_at(&c->pool, fl->q[side].head);

	if (h)
		m->frame[side] = hold_frame(&c->pool, h);
}

/**
 * differ_midstream() - Tell where the comparison of a flow begins
 * @c:		The comparison, in a report
 * @fl:		A flow whose beginning was not seen
 * @is_found:	It begins with bytes that both sides have; else with the first
 *		ones of each
 * @skipped:	By side: bytes before that
 */
void differ_midstream(struct compare *c, struct cmp_flow *fl, bool is_found,
		      const uint32_t skipped[2])
{
	struct compare_midstream m = {
		.flow = flow_get_key(c->flows, fl),
		.is_found = is_found,
		.skipped = { skipped[0], skipped[1] },
	};

	put_first(c, fl, COMPARE_PRIMARY, &m);
	put_first(c, fl, COMPARE_SECONDARY, &m);
	if (c->handler.midstream)
		c->handler.midstream(c->handler.arg, &m);
}

/**
 * differ_may_begin() - May the comparison of a flow begin at a place?
 * @c:		The comparison
 * @fl:		A flow whose beginning was not seen
 * @primary:	How many bytes of the primary lie before the place
 * @secondary:	How many of the secondary
 *
 * Return: when no byte of the primary does. In a report always, and it is told
 */
COLD bool differ_may_begin(struct compare *c, struct cmp_flow *fl,
			   uint32_t primary, uint32_t secondary)
{
	const uint32_t skipped[2] = { primary, secondary };

	if (!c->config.report_only)
		return !primary;
	differ_midstream(c, fl, true, skipped);
	return true;
}

static void advance(struct piece v[2], struct compare_difference *d,
		    const uint32_t n[2])
{
	for (unsigned side = 0; side < 2; side++) {
		v[side].at += n[side];
		v[side].len -= n[side];
		d->at[side] += n[side];
	}
	d->offset += n[COMPARE_PRIMARY];
}

static struct piece piece_of(const struct compare_difference *d, unsigned side,
			     uint32_t len)
{
	return (struct piece){ frame_eth(&d->frame[side]) + d->at[side], len };
}

/* Skip equal bytes. Return: false when one of the pieces ends before they do. */
static bool go_to_difference(struct piece v[2], struct compare_difference *d)
{
	uint32_t n = extent_equal(v), both[2] = { n, n };

	advance(v, d, both);
	return v[0].len && v[1].len;
}

/**
 * differ_bytes() - Tell how two pieces differ that should be equal
 * @c:		The comparison
 * @fl:		Their flow
 * @d:		Their packets and where the pieces begin; changed
 * @len:	By side: bytes of the piece. Set to what is left behind the
 *		differences, which is nothing on one side at least
 *
 * In a report every place is told of, else the first.
 */
void differ_bytes(struct compare *c, struct cmp_flow *fl,
		  struct compare_difference *d, uint32_t len[2])
{
	struct piece v[2] = { piece_of(d, 0, len[0]), piece_of(d, 1, len[1]) };

	while (go_to_difference(v, d)) {
		uint32_t n[2];

		if (!c->config.report_only) {
			differ_flow(c, fl, d);
			break;
		}
		extent_measure(v, d->len);
		memcpy(n, d->len, sizeof(n));
		differ_flow(c, fl, d);
		advance(v, d, n);
	}
	len[0] = v[0].len;
	len[1] = v[1].len;
}
