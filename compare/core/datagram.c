/* SPDX-License-Identifier: ISC */
/*
 * Packets that are not TCP are compared one by one, in any order within their
 * flow. Of UDP, and of TCP that came in fragments, the payload is compared; of
 * others all that follows the IP headers.
 *
 * A datagram of the primary leaves when it and all that came before it have
 * found their equal: the order that leaves is the primary's. One that has
 * found its equal and waits for others is marked HOLD_MATCHED. Apart from
 * these no datagram that waits on one side is equal to one that waits on the
 * other. In a report all have left already, and none waits for its turn.
 *
 * When both sides wait, either the order differs or the contents: the flow is
 * suspect. What is still so after reorder_ns is a difference. When one side
 * waits alone the other is late, which is a matter of timeout_ns.
 *
 * take.c and predict.c hand datagrams to this file; expire.c and late.c ask it
 * about what has waited for too long.
 */
#include "datagram.h"

#include <string.h>

#include "../../common/least.h"
#include "act.h"
#include "differ.h"
#include "flows.h"

#define HOLD_MATCHED 0x80u	/* hold.flags: its equal has come */
#define HOLD_CUT 0x40u		/* hold.flags: captured in part */
#define UNORDERED_MAX 64u	/* waiting on both sides: not another order */
#define SEARCH_MAX 256u		/* further apart is not reordering */

struct part {			/* what is compared of a datagram */
	const uint8_t *bytes;
	uint32_t len;
	uint32_t captured;	/* of len; less in a report only */
};

static struct part part_of(const struct compare *c, const struct frame *f,
			   const struct packet *p)
{
	uint32_t off = packet_body_off(p), len;
	struct part part;

	/* to the end of IP, which may lie behind that of UDP */
	if (p->level == PACKET_ETHER)
		len = p->len - off;
	else
		len = p->l4_off + p->l4_len - off;
	part = (struct part){ p->eth + off, len, len };
	if (p->level == PACKET_ETHER)	/* live nothing is cut */
		part.len += f->cut;
	else if (p->truncated && c->config.report_only)
		part.len = packet_wire_len(p) - off;
	return part;
}

/* Of a frame that is shorter than its addresses all bytes are compared, for it has
 * no station. */
static bool is_same_station(const struct compare *c, const struct hold *h,
			    const uint8_t *eth, struct part part)
{
	if (part.bytes == eth || !h->payload_off)
		return part.bytes == eth && !h->payload_off;
	return differ_is_same_mac(c, hold_eth(&c->pool, h), eth);
}

static bool is_equal(const struct compare *c, const struct hold *h,
		     const uint8_t *eth, struct part part)
{
	uint32_t len = part.captured;

	if (h->flags & HOLD_CUT)
		len = least(len, hold_captured_len(h));
	return h->payload_len == part.len &&
	       !memcmp(hold_payload(&c->pool, h), part.bytes, len) &&
	       is_same_station(c, h, eth, part);
}

/* The first datagram of a side that waits for one like this, or NULL. */
static struct hold *find_equal(const struct compare *c,
			       const struct cmp_flow *fl,
			       enum compare_side side, const uint8_t *eth,
			       struct part part)
{
	struct hold *h = hold_at(&c->pool, fl->q[side].head);

	for (unsigned i = 0; h && i < SEARCH_MAX; i++) {
		if (!(h->flags & HOLD_MATCHED) && is_equal(c, h, eth, part))
			return h;
		h = hold_at(&c->pool, h->next);
	}
	return NULL;
}

/* Hold a datagram at the end of its queue. Return: its node. */
static struct hold *hold_datagram(struct compare *c, struct cmp_flow *fl,
				  enum compare_side side,
				  const struct frame *f, struct part part,
				  uint32_t group)
{
	struct hold *h = act_hold(c, fl, side, f);

	h->payload_off = (uint16_t)(part.bytes - frame_eth(f));
	h->payload_len = part.len;
	h->flags = part.captured < part.len ? HOLD_CUT : 0;
	if (group != HOLD_NONE)
		act_mark_whole(c, h, group);
	hold_queue_insert(&c->pool, &fl->q[side], fl->q[side].tail,
			  hold_index(&c->pool, h));
	return h;
}

static void release_matched(struct compare *c, struct cmp_flow *fl)
{
	const struct hold *h;

	while ((h = hold_at(&c->pool, fl->q[COMPARE_PRIMARY].head)) &&
	       (h->flags & HOLD_MATCHED))
		act_release_head(c, fl, NOTE_COMPARED);
}

/* The equal of a datagram of the primary has come. */
static void match_held(struct compare *c, struct cmp_flow *fl, struct hold *h)
{
	if (c->config.report_only) {
		act_release_held(c, fl, h, NOTE_COMPARED);
		return;
	}
	h->flags |= HOLD_MATCHED;
	release_matched(c, fl);
}

/* Both sides wait, and no datagram of the one is equal to one of the other.
 * Where no checkpoint can be asked for the equal may still come: nothing is
 * suspect. */
static void suspect(const struct compare *c, struct cmp_flow *fl)
{
	if (!c->config.holds && fl->q[COMPARE_PRIMARY].n &&
	    fl->q[COMPARE_SECONDARY].n)
		fl->flags |= FLOW_SUSPECT;
}

/* Recordings wait to their end. When so many datagrams wait on both sides they
 * are not in another order: the first ones are taken for each other's. */
static void decide(struct compare *c, struct cmp_flow *fl)
{
	while (fl->q[COMPARE_PRIMARY].n > UNORDERED_MAX &&
	       fl->q[COMPARE_SECONDARY].n > UNORDERED_MAX)
		datagram_differ(
			c, fl, hold_at(&c->pool, fl->q[COMPARE_PRIMARY].head),
			hold_at(&c->pool, fl->q[COMPARE_SECONDARY].head));
}

/**
 * datagram_is_matched() - Has the equal of a datagram come?
 * @h:		A datagram of the primary that is held, behind others that wait
 */
bool datagram_is_matched(const struct hold *h)
{
	return h->flags & HOLD_MATCHED;
}

/**
 * datagram_twin() - Compare a datagram with one that has the same headers
 * @c:		The comparison
 * @side:	Whose it is; the flow holds nothing of this side
 * @fl:		The flow
 * @f:		The frame; borrowed
 * @h:		The first datagram of the other side, from predict_twin()
 *
 * Return: whether the two are equal and have left. If not, nothing was done
 */
bool datagram_twin(struct compare *c, enum compare_side side,
		   struct cmp_flow *fl, const struct frame *f, struct hold *h)
{
	const struct hold *next = hold_at(&c->pool, h->next);
	struct part part = { frame_eth(f) + h->payload_off, h->payload_len,
			     h->payload_len };
	struct frame out = *f;

	if ((fl->flags & FLOW_DIFFERENT) ||
	    (next && (next->flags & HOLD_MATCHED)) ||
	    !is_equal(c, h, frame_eth(f), part))
		return false;
	if (side == COMPARE_SECONDARY)
		out = hold_frame(&c->pool, h);
	act_drop(c, DROP_MATCHED);
	act_release(c, &out, NOTE_COMPARED);
	act_unhold(c, fl, h);
	return true;
}

/**
 * datagram_primary() - Compare a datagram of the primary
 * @c:		The comparison
 * @fl:		Its flow
 * @f:		The frame; borrowed
 * @p:		The frame, parsed
 * @group:	The fragments that it was made of; HOLD_NONE for one that came
 *		whole
 */
void datagram_primary(struct compare *c, struct cmp_flow *fl,
		      const struct frame *f, const struct packet *p,
		      uint32_t group)
{
	struct part part = part_of(c, f, p);
	struct hold *s = NULL, *h;

	if (!(fl->flags & FLOW_DIFFERENT))
		s = find_equal(c, fl, COMPARE_SECONDARY, p->eth, part);
	if (s)
		act_drop_held(c, fl, s, DROP_MATCHED);
	if (s && (!fl->q[COMPARE_PRIMARY].n || c->config.report_only)) {
		act_release_new(c, f, group, NOTE_COMPARED);
	} else {
		h = hold_datagram(c, fl, COMPARE_PRIMARY, f, part, group);
		if (s)
			h->flags |= HOLD_MATCHED;
	}
	if (!(fl->flags & FLOW_DIFFERENT))
		suspect(c, fl);
	if (c->config.reorder_ns >= COMPARE_AT_END_NS)
		decide(c, fl);
}

/* Are the bytes the same that were captured of both? */
static bool is_same_bytes(const struct compare *c, const struct hold *a,
			  const struct hold *b)
{
	uint32_t len = least(hold_captured_len(a), hold_captured_len(b));

	return !memcmp(hold_payload(&c->pool, a), hold_payload(&c->pool, b),
		       len);
}

/* Tell how two datagrams differ. When one is longer its end differs, too. */
static void differ_to_the_end(struct compare *c, struct cmp_flow *fl,
			      const struct hold *p, const struct hold *s)
{
	struct compare_difference d =
		differ_describe(c, fl, COMPARE_PAYLOAD, p, s);
	uint32_t left[2] = { hold_captured_len(p), hold_captured_len(s) };
	bool is_longer = p->payload_len != s->payload_len;

	differ_bytes(c, fl, &d, left);
	memcpy(d.len, left, sizeof(d.len));
	if (is_longer && !(fl->flags & FLOW_DIFFERENT))
		differ_flow(c, fl, &d);
}

/**
 * datagram_forgive() - Is it known why a datagram has no equal?
 * @c:		The comparison
 * @fl:		Its flow
 * @s:		A datagram of the secondary, or a fragment of one
 *
 * Return: true when shed.c has dropped one of the primary, which may have been
 * its equal: it was dropped, too
 */
bool datagram_forgive(struct compare *c, struct cmp_flow *fl, struct hold *s)
{
	if (!fl->n_lost)
		return false;
	fl->n_lost--;
	act_drop_held(c, fl, s, DROP_OVER_SHARE);
	suspect(c, fl);
	flows_touch(c, fl);
	return true;
}

/**
 * datagram_differ() - Tell that two datagrams differ that should be equal
 * @c:		The comparison
 * @fl:		Their flow
 * @p:		The primary's
 * @s:		The secondary's
 */
void datagram_differ(struct compare *c, struct cmp_flow *fl,
		     const struct hold *p, struct hold *s)
{
	struct compare_difference d =
		differ_describe(c, fl, COMPARE_MAC, p, s);

	if (datagram_forgive(c, fl, s))
		return;
	if (p->payload_len == s->payload_len &&
	    is_same_bytes(c, p, s))
		differ_flow(c, fl, &d);
	else
		differ_to_the_end(c, fl, p, s);
	if (fl->flags & FLOW_DIFFERENT)
		return;
	datagram_forget(c, fl, COMPARE_PRIMARY);
	datagram_forget(c, fl, COMPARE_SECONDARY);
}

/**
 * datagram_forget() - Give up the first datagram of a side: it has no equal
 * @c:		The comparison, in a report
 * @fl:		The flow
 * @side:	The side
 */
void datagram_forget(struct compare *c, struct cmp_flow *fl,
		     enum compare_side side)
{
	if (side == COMPARE_PRIMARY)
		act_release_head(c, fl, NOTE_UNCOMPARED);
	else
		act_drop_held(c, fl, hold_at(&c->pool, fl->q[side].head),
			      DROP_DIFFERENT);
	release_matched(c, fl);
	suspect(c, fl);
	flows_touch(c, fl);
}

/**
 * datagram_secondary() - Compare a datagram of the secondary
 * @c:		The comparison
 * @fl:		Its flow, which is not marked as different
 * @f:		The frame; borrowed
 * @p:		The frame, parsed
 * @group:	The fragments that it was made of; HOLD_NONE for one that came
 *		whole
 */
void datagram_secondary(struct compare *c, struct cmp_flow *fl,
			const struct frame *f, const struct packet *p,
			uint32_t group)
{
	struct part part = part_of(c, f, p);
	struct hold *h = find_equal(c, fl, COMPARE_PRIMARY, p->eth, part);

	if (h) {
		act_drop_new(c, group, DROP_MATCHED);
		match_held(c, fl, h);
	} else {
		hold_datagram(c, fl, COMPARE_SECONDARY, f, part, group);
	}
	suspect(c, fl);
	if (c->config.reorder_ns >= COMPARE_AT_END_NS)
		decide(c, fl);
}
