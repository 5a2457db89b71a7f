/* SPDX-License-Identifier: ISC */
/*
 * Everything but TCP is compared datagram by datagram, in any order within the
 * flow: for UDP the payload (and for TCP that was cut into fragments), for the
 * others all that follows the IP headers.
 *
 * A primary datagram leaves when it and all before it have found their equal,
 * so the order is the primary's. Of those that wait on the two sides none are
 * equal, except that a matched primary one may wait behind one that is not.
 *
 * When both sides wait, the order may differ or the contents; what is still so
 * after reorder_ns is a difference. When only one side waits it is late, which
 * is a matter of timeout_ns.
 */
#include <string.h>

#include "compare_core.h"

#define HOLD_MATCHED 0x80u	/* of hold.flags */
#define SEARCH_MAX 256u		/* further apart is not reordering */

struct part {			/* what is compared of a datagram */
	const uint8_t *eth;
	uint32_t off, len;
};

static struct part part_of(const struct packet *p)
{
	struct part part = { p->eth, p->l4_off, p->l4_len };

	if (p->level == PACKET_ETHER) {
		part.off = p->len < 12 ? 0 : 12;
		part.len = p->len - part.off;
	}
	if (p->level == PACKET_L4 && !p->fragment &&
	    (p->proto == PACKET_UDP || p->proto == PACKET_TCP)) {
		part.off = p->payload_off;
		part.len = p->payload_len;
	}
	return part;
}

static bool is_equal(const struct compare *c, const struct hold *h,
		     const struct part *part)
{
	if (h->len - h->vnet_len < 6)
		return false;
	return h->payload_len == part->len &&
	       !memcmp(hold_payload(&c->pool, h), part->eth + part->off,
		       part->len) &&
	       compare_is_same_mac(c, hold_eth(&c->pool, h), part->eth);
}

/* The first datagram of a side that waits for this one. */
static struct hold *find_equal(const struct compare *c,
			       const struct cmp_flow *fl,
			       enum compare_side side, const struct part *part)
{
	struct hold *h = hold_at(&c->pool, fl->q[side].head);

	for (unsigned i = 0; h && i < SEARCH_MAX; i++) {
		if (!(h->flags & HOLD_MATCHED) && is_equal(c, h, part))
			return h;
		h = hold_at(&c->pool, h->next);
	}
	return NULL;
}

static void hold_datagram(struct compare *c, struct cmp_flow *fl,
			  enum compare_side side, const struct frame *f,
			  const struct part *part, unsigned flags)
{
	struct hold *h = compare_hold(c, fl, side, f);

	h->payload_off = (uint16_t)part->off;
	h->payload_len = part->len;
	h->flags = (uint8_t)flags;
	if (c->whole != HOLD_NONE) {
		h->kind = HOLD_WHOLE;
		h->seq = c->whole;
		c->fragments.groups[c->whole].whole = hold_index(&c->pool, h);
		c->n_made[side]++;
	}
	hold_queue_insert(&c->pool, &fl->q[side], fl->q[side].tail,
			  hold_index(&c->pool, h));
}

static void release_matched(struct compare *c, struct cmp_flow *fl)
{
	const struct hold *h;

	while ((h = hold_at(&c->pool, fl->q[COMPARE_PRIMARY].head)) &&
	       (h->flags & HOLD_MATCHED))
		compare_release_head(c, fl, NOTE_COMPARED);
}

/* Both sides wait, and the head of the primary's is not what the other has. */
static void suspect(struct cmp_flow *fl)
{
	if (fl->q[COMPARE_PRIMARY].n && fl->q[COMPARE_SECONDARY].n)
		fl->flags |= FLOW_SUSPECT;
	else
		fl->flags &= (uint16_t)~FLOW_SUSPECT;
}

/**
 * compare_datagram_primary - a datagram of the primary
 * @c:		the comparison
 * @fl:		its flow
 * @f:		the frame; borrowed
 * @p:		what is in it
 */
void compare_datagram_primary(struct compare *c, struct cmp_flow *fl,
			      const struct frame *f, const struct packet *p)
{
	struct part part = part_of(p);
	struct hold *s = NULL;

	if (!(fl->flags & FLOW_DIFFERENT))
		s = find_equal(c, fl, COMPARE_SECONDARY, &part);
	if (s)
		compare_drop_held(c, fl, s, DROP_MATCHED);
	if (s && !fl->q[COMPARE_PRIMARY].n)
		compare_release_new(c, f, NOTE_COMPARED);
	else
		hold_datagram(c, fl, COMPARE_PRIMARY, f, &part,
			      s ? HOLD_MATCHED : 0);
	if (!(fl->flags & FLOW_DIFFERENT))
		suspect(fl);
}

static bool is_same_bytes(const struct compare *c, const struct hold *a,
			  const struct hold *b, uint32_t len)
{
	return !memcmp(hold_payload(&c->pool, a), hold_payload(&c->pool, b),
		       len);
}

/**
 * compare_datagram_differ - two datagrams that should be equal are not
 * @c:		the comparison
 * @fl:		their flow
 * @p:		the primary's
 * @s:		the secondary's
 */
void compare_datagram_differ(struct compare *c, struct cmp_flow *fl,
			     const struct hold *p, const struct hold *s)
{
	struct compare_difference d =
		compare_difference_of(c, fl, COMPARE_PAYLOAD, p, s);
	uint32_t len = p->payload_len < s->payload_len ? p->payload_len :
							 s->payload_len;

	if (p->payload_len == s->payload_len && is_same_bytes(c, p, s, len))
		d.reason = COMPARE_MAC;
	if (d.reason == COMPARE_MAC || is_same_bytes(c, p, s, len))
		compare_differ(c, fl, &d);
	else
		compare_differ_bytes(c, fl, &d, len);
	if (!compare_is_reporting(c))
		return;
	compare_datagram_forget(c, fl, COMPARE_PRIMARY);
	compare_datagram_forget(c, fl, COMPARE_SECONDARY);
}

/**
 * compare_datagram_forget - the first datagram of a side has no equal
 * @c:		the comparison, which reports
 * @fl:		the flow
 * @side:	whose datagram
 */
void compare_datagram_forget(struct compare *c, struct cmp_flow *fl,
			     enum compare_side side)
{
	if (side == COMPARE_PRIMARY)
		compare_release_head(c, fl, NOTE_UNCOMPARED);
	else
		compare_drop_held(c, fl, hold_at(&c->pool, fl->q[side].head),
				  DROP_DIFFERENT);
	release_matched(c, fl);
	suspect(fl);
	compare_flow_touch(c, fl);
}

/**
 * compare_datagram_secondary - a datagram of the secondary
 * @c:		the comparison
 * @fl:		its flow, not known to differ
 * @f:		the frame; borrowed
 * @p:		what is in it
 */
void compare_datagram_secondary(struct compare *c, struct cmp_flow *fl,
				const struct frame *f, const struct packet *p)
{
	struct part part = part_of(p);
	struct hold *h = find_equal(c, fl, COMPARE_PRIMARY, &part);

	if (h) {
		h->flags |= HOLD_MATCHED;
		compare_drop_new(c, DROP_MATCHED);
		release_matched(c, fl);
	} else {
		hold_datagram(c, fl, COMPARE_SECONDARY, f, &part, 0);
	}
	suspect(fl);
}
