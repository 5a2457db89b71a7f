/* SPDX-License-Identifier: ISC */
/*
 * TCP flows of recordings whose beginning one side or both have not seen.
 * Their sequence numbers cannot be compared, because each side chose its own.
 * So the first bytes of the one side are looked for in what the other has.
 * Until they are found all is held, and until enough segments have come that
 * none is missing at the beginning because it was captured out of order; from
 * there on the flow is compared as any other.
 *
 * When they are not found in ALIGN_MAX bytes, or nothing more comes, both
 * sides are compared from their first bytes on.
 *
 * This file owns ALIGN_WAITS of a flow. tcp.c calls it with each segment while
 * that is set, late.c when it has waited for too long.
 */
#include "align.h"

#include <stdlib.h>
#include <string.h>

#include "../../common/seq.h"
#include "act.h"
#include "differ.h"
#include "match.h"
#include "stream.h"

#define ALIGN_MAX 65536u	/* how many bytes of each side are searched */
#define ANCHOR 32u		/* how many bytes are searched for */
#define REORDER_MAX 16u		/* segments: no capture is further out of order */

struct prefix {			/* the first bytes of a side, without a gap */
	uint8_t *bytes;
	uint32_t len;
	uint32_t seq;		/* of the first byte */
	bool is_known;		/* there is a first byte */
	bool is_midstream;
};

static void add_segment(const struct compare *c, struct prefix *x,
			const struct hold *h)
{
	uint32_t at, len = hold_captured_len(h);

	if (!x->is_known)
		x->seq = h->seq;
	x->is_known = true;
	at = x->seq + x->len - h->seq;	/* bytes before that are there */
	if (at >= len)
		return;
	len -= at;
	if (len > ALIGN_MAX - x->len)
		len = ALIGN_MAX - x->len;
	memcpy(x->bytes + x->len, hold_payload(&c->pool, h) + at, len);
	x->len += len;
}

static void get_prefix(const struct compare *c, const struct cmp_flow *fl,
		       enum compare_side side, struct prefix *x)
{
	const struct hold *h = stream_head(c, fl, side);

	x->is_midstream = fl->align & ALIGN_MIDSTREAM << side;
	for (; h && x->len < ALIGN_MAX; h = hold_at(&c->pool, h->next)) {
		if (h->flags & TCP_RST)
			break;
		if (h->flags & TCP_SYN)
			continue;
		if (x->is_known && seq_gt(h->seq, x->seq + x->len))
			break;
		add_segment(c, x, h);
	}
}

/* Find the first len bytes of b in a. */
static bool find(const struct prefix *a, const struct prefix *b, uint32_t len,
		 uint32_t *at)
{
	const uint8_t *found;

	if (!len || !b->is_midstream)
		return false;
	found = memmem(a->bytes, a->len, b->bytes, len);
	if (found)
		*at = (uint32_t)(found - a->bytes);
	return found;
}

/* Find the place where the fewest bytes are skipped, all of one side. */
static bool find_first(const struct prefix v[2], uint32_t len,
		       uint32_t skipped[2])
{
	uint32_t at[2] = { 0, 0 };
	bool in_primary = find(&v[0], &v[1], len, &at[0]);
	bool in_secondary = find(&v[1], &v[0], len, &at[1]);

	if (in_primary && in_secondary)
		at[at[0] > at[1] ? 0 : 1] = 0;
	skipped[0] = in_primary ? at[0] : 0;
	skipped[1] = in_secondary ? at[1] : 0;
	return in_primary || in_secondary;
}

/* SYNs that only one side has shown are not compared. */
static void forget_syns(struct compare *c, struct cmp_flow *fl)
{
	struct hold *h;

	while ((h = stream_head(c, fl, COMPARE_PRIMARY)) &&
	       (h->flags & TCP_SYN))
		stream_release(c, fl, NOTE_UNCOMPARED, NULL);
	while ((h = stream_head(c, fl, COMPARE_SECONDARY)) &&
	       (h->flags & TCP_SYN))
		act_drop_held(c, fl, h, DROP_LATE);
}

static void begin(struct compare *c, struct cmp_flow *fl,
		  const struct prefix v[2], const uint32_t skipped[2])
{
	const struct prefix *p = &v[COMPARE_PRIMARY];
	const struct prefix *s = &v[COMPARE_SECONDARY];
	uint32_t edge = p->seq + skipped[COMPARE_PRIMARY];

	fl->align &= (uint8_t)~ALIGN_WAITS;
	forget_syns(c, fl);
	stream_shift(c, fl, s->seq + skipped[COMPARE_SECONDARY] - edge);
	fl->isn[COMPARE_PRIMARY] = p->is_midstream ? p->seq - 1 : 0;
	stream_set_edge(fl, edge);
	match_flow(c, fl, NULL);
}

/* Have so many segments come that none belongs before the first ones? */
static bool is_in_order(const struct cmp_flow *fl)
{
	return fl->q[COMPARE_PRIMARY].n >= REORDER_MAX &&
	       fl->q[COMPARE_SECONDARY].n >= REORDER_MAX;
}

/* Look for the place, and begin to compare there. is_last: nothing more comes
 * that could show it. Return: whether the comparison has begun. */
static bool align(struct compare *c, struct cmp_flow *fl, bool is_last)
{
	struct prefix v[2] = { { .bytes = malloc(2 * ALIGN_MAX) } };
	uint32_t len, skipped[2] = { 0, 0 };
	bool is_found, is_over;

	if (!v[0].bytes)
		abort();
	v[1].bytes = v[0].bytes + ALIGN_MAX;
	get_prefix(c, fl, COMPARE_PRIMARY, &v[0]);
	get_prefix(c, fl, COMPARE_SECONDARY, &v[1]);
	len = v[0].len < v[1].len ? v[0].len : v[1].len;
	is_over = is_last || len == ALIGN_MAX;
	is_found = (is_over || (len >= ANCHOR && is_in_order(fl))) &&
		   find_first(v, len < ANCHOR ? len : ANCHOR, skipped);
	if (is_found || (is_over && v[0].is_known && v[1].is_known)) {
		differ_midstream(c, fl, is_found, skipped);
		begin(c, fl, v, skipped);
	} else if (is_last) {
		fl->align &= (uint8_t)~ALIGN_WAITS;
		match_flow(c, fl, NULL);
	}
	free(v[0].bytes);
	return !(fl->align & ALIGN_WAITS);
}

/**
 * align_end() - Begin to compare a flow without more bytes to find the place by
 * @c:		The comparison
 * @fl:		A flow with ALIGN_WAITS
 */
void align_end(struct compare *c, struct cmp_flow *fl)
{
	align(c, fl, true);
}

static bool is_empty(const struct packet *p)
{
	return !p->payload_len && !(p->flags & (TCP_SYN | TCP_FIN | TCP_RST));
}

static void let_go(struct compare *c, enum compare_side side,
		   const struct frame *f)
{
	if (side == COMPARE_PRIMARY)
		act_release(c, f, NOTE_RELEASED_ACK);
	else
		act_drop(c, DROP_ACK);
}

/**
 * align_takes() - Hold a segment of a flow whose place is being looked for
 * @c:		The comparison
 * @fl:		The flow
 * @side:	Whose segment it is
 * @f:		The frame; borrowed
 * @p:		The frame, parsed
 *
 * Return: false when the flow is not, or no more, one of these: the caller
 * goes on
 */
bool align_takes(struct compare *c, struct cmp_flow *fl, enum compare_side side,
		 const struct frame *f, const struct packet *p)
{
	uint32_t n_before, base = fl->base[COMPARE_SECONDARY];

	if (!(fl->align & ALIGN_WAITS))
		return false;
	if (is_empty(p)) {
		let_go(c, side, f);
		return true;
	}
	if ((p->flags & TCP_SYN) && fl->q[side].n) {	/* another one */
		align(c, fl, true);
		if (side == COMPARE_SECONDARY)
			fl->base[side] = base;
		return false;
	}
	n_before = fl->q[0].n + fl->q[1].n;
	stream_hold(c, fl, side, f, p);
	if (p->flags & TCP_SYN)
		fl->flags |= side == COMPARE_PRIMARY ? FLOW_PRIMARY_SYN :
						       FLOW_SECONDARY_SYN;
	/* a look costs what is held: the more that is, the rarer they are */
	if (n_before < 64 || !(n_before & (n_before - 1)))
		align(c, fl, false);
	return true;
}
