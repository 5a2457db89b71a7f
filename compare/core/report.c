/* SPDX-License-Identifier: ISC */
/*
 * What a report tells of: every place where bytes differ, and what has no
 * equal.
 *
 * Behind bytes that differ the two go on together where they agree again: at
 * once, when so many bytes were changed, else where AGAIN bytes of the one are
 * found in the other, with the fewest skipped on both sides.
 */
#include <string.h>

#include "../../common/seq.h"
#include "core.h"
#include "stream.h"

#define TOGETHER 4u		/* so few equal bytes join two differences */
#define AGAIN 16u		/* so many equal bytes are no chance */
#define SEARCH_MAX 2048u	/* bytes of each side */
#define PLACES 4096u		/* a power of two */

struct piece {			/* bytes left to compare */
	const uint8_t *at;
	uint32_t len;
};

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* How far two pieces agree. */
static uint32_t equal_len(const struct piece v[2])
{
	uint32_t i = 0, len = least(v[0].len, v[1].len);

	while (i < len && v[0].at[i] == v[1].at[i])
		i++;
	return i;
}

/* Bytes up to the next that agree, at least TOGETHER of them. */
static uint32_t different_len(const struct piece v[2])
{
	uint32_t end = 0, len = least(v[0].len, v[1].len);

	for (uint32_t i = 0; i < len && i - end < TOGETHER; i++)
		if (v[0].at[i] != v[1].at[i])
			end = i + 1;
	return end;
}

static uint32_t place_of(const uint8_t *at)
{
	uint64_t n;

	memcpy(&n, at, sizeof(n));
	return (uint32_t)(n * UINT64_C(0x9e3779b97f4a7c15) >> 32) &
	       (PLACES - 1);
}

/* The first AGAIN bytes that both have; what is before them is skipped. */
static bool find_again(const struct piece v[2], uint32_t skip[2])
{
	uint16_t places[PLACES] = { 0 };	/* of the second, from 1 on */
	uint32_t len[2] = { least(v[0].len, SEARCH_MAX),
			    least(v[1].len, SEARCH_MAX) };
	uint32_t best = UINT32_MAX;

	for (uint32_t j = 0; j + AGAIN <= len[1]; j++) {
		uint16_t *place = &places[place_of(v[1].at + j)];

		if (!*place)
			*place = (uint16_t)(j + 1);
	}
	for (uint32_t i = 0; i + AGAIN <= len[0] && i < best; i++) {
		uint32_t j = places[place_of(v[0].at + i)];

		if (!j-- || i + j >= best ||
		    memcmp(v[0].at + i, v[1].at + j, AGAIN))
			continue;
		best = i + j;
		skip[0] = i;
		skip[1] = j;
	}
	return best != UINT32_MAX;
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

/* From a byte that differs on: how many of each side do? */
static void measure(const struct compare *c, const struct piece v[2],
		    uint32_t n[2])
{
	uint32_t len = different_len(v), skip[2];
	struct piece rest[2] = {
		{ v[0].at + len, v[0].len - len },
		{ v[1].at + len, v[1].len - len },
	};

	n[0] = n[1] = len;
	if (!compare_is_reporting(c) || equal_len(rest) >= AGAIN)
		return;
	if (find_again(v, skip) && skip[0] + skip[1] < 2 * len)
		memcpy(n, skip, sizeof(skip));
}

static struct piece piece_of(const struct compare_difference *d, unsigned side,
			     uint32_t len)
{
	return (struct piece){ frame_eth(&d->frame[side]) + d->at[side], len };
}

/**
 * compare_differ_bytes - two pieces that should be equal are not
 * @c:		the comparison
 * @fl:		their flow
 * @d:		says where they begin
 * @len:	by side: bytes there; what is left uncompared at the end, of one
 *		side at least nothing
 *
 * In a report every place that differs is told of.
 */
void compare_differ_bytes(struct compare *c, struct cmp_flow *fl,
			  struct compare_difference *d, uint32_t len[2])
{
	struct piece v[2] = { piece_of(d, 0, len[0]), piece_of(d, 1, len[1]) };

	while (v[0].len && v[1].len) {
		uint32_t skip = equal_len(v), both[2] = { skip, skip };

		advance(v, d, both);
		if (!v[0].len || !v[1].len)
			break;
		measure(c, v, d->len);
		compare_differ(c, fl, d);
		if (!compare_is_reporting(c))
			break;
		memcpy(both, d->len, sizeof(both));
		advance(v, d, both);
	}
	len[0] = v[0].len;
	len[1] = v[1].len;
}

/* The first byte of a segment that is not below the edge. */
static void set_place(const struct compare *c, const struct cmp_flow *fl,
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

static void report_one(struct compare *c, struct cmp_flow *fl,
		       const struct hold *h)
{
	bool is_primary = h->side == COMPARE_PRIMARY;
	struct compare_difference d =
		compare_difference_of(c, fl, COMPARE_TIMEOUT,
				      is_primary ? h : NULL,
				      is_primary ? NULL : h);

	if (!fl || !fl->is_tcp) {
		compare_report(c, &d);
		return;
	}
	set_place(c, fl, h, &d);
	compare_differ(c, fl, &d);
}

/* The first segment of a side that is neither SYN nor RST. */
static const struct hold *first_data(const struct compare *c,
				     const struct cmp_flow *fl,
				     enum compare_side side)
{
	const struct hold *h = stream_head(c, fl, side);

	return h && !(h->flags & (TCP_SYN | TCP_RST)) ? h : NULL;
}

/* Bytes from the edge on, up to a gap. */
static uint32_t tail_len(const struct compare *c, const struct cmp_flow *fl,
			 const struct hold *h)
{
	uint32_t at = fl->edge;

	for (; h && !(h->flags & (TCP_SYN | TCP_RST)) && seq_le(h->seq, at);
	     h = hold_at(&c->pool, h->next))
		at = seq_max(at, h->seq + h->payload_len);
	return at - fl->edge;
}

/* A gap in one side's stream: the other's bytes are told of, and the two are
 * compared further behind it. Return: false when there is none. */
static bool skip_gap(struct compare *c, struct cmp_flow *fl)
{
	const struct hold *p = first_data(c, fl, COMPARE_PRIMARY);
	const struct hold *s = first_data(c, fl, COMPARE_SECONDARY);
	const struct hold *has, *lacks;
	struct compare_difference d;
	uint32_t to;

	if (!p || !s || !stream_has_edge(fl) || p->seq == s->seq)
		return false;
	has = seq_lt(p->seq, s->seq) ? p : s;
	lacks = has == p ? s : p;
	if (seq_le(lacks->seq, fl->edge))
		return false;
	if (seq_gt(has->seq, fl->edge))		/* neither has that */
		fl->edge = has->seq;
	to = fl->edge + tail_len(c, fl, has);
	if (seq_gt(to, lacks->seq))
		to = lacks->seq;
	if (seq_le(to, fl->edge))
		return false;
	d = compare_difference_of(c, fl, COMPARE_TIMEOUT, has == p ? p : NULL,
				  has == s ? s : NULL);
	set_place(c, fl, has, &d);
	d.len[has->side] = to - fl->edge;
	compare_report(c, &d);
	stream_set_edge(fl, to);
	compare_stream_match(c, fl);
	return true;
}

/* One side's stream ends where the other's goes on: that is told of, and the
 * ends are compared. Return: false when it is not so. */
static bool skip_tail(struct compare *c, struct cmp_flow *fl)
{
	const struct hold *p = first_data(c, fl, COMPARE_PRIMARY);
	const struct hold *s = first_data(c, fl, COMPARE_SECONDARY);
	struct compare_difference d;
	uint32_t primary, secondary;

	if (!p || !s || !c->config.own_isn || !stream_has_edge(fl) ||
	    seq_gt(p->seq, fl->edge) || seq_gt(s->seq, fl->edge))
		return false;
	primary = tail_len(c, fl, p);
	secondary = tail_len(c, fl, s);
	if (!primary == !secondary)
		return false;
	d = compare_difference_of(c, fl, COMPARE_PAYLOAD, p, s);
	set_place(c, fl, s, &d);
	set_place(c, fl, p, &d);
	d.len[COMPARE_PRIMARY] = primary;
	d.len[COMPARE_SECONDARY] = secondary;
	compare_differ(c, fl, &d);
	fl->edge += primary;
	compare_align_shift(c, fl, secondary - primary);
	compare_stream_match(c, fl);
	return true;
}

/**
 * compare_report_late - what has waited too long is told of and forgotten
 * @c:		the comparison, which reports
 * @side:	which holds something: of the flow that has the oldest packet,
 *		the first one
 */
void compare_report_late(struct compare *c, enum compare_side side)
{
	const struct hold *h = hold_at(&c->pool, c->pool.oldest[side]);
	struct cmp_flow *fl = compare_flow_of(c, h);

	if (fl && (fl->align & ALIGN_WAITS)) {
		compare_align_end(c, fl);
		return;
	}
	if (fl && fl->is_tcp && (skip_gap(c, fl) || skip_tail(c, fl)))
		return;
	if (fl)
		h = hold_at(&c->pool, fl->q[side].head);
	report_one(c, fl, h);
	if (fl && !fl->is_tcp)
		compare_datagram_forget(c, fl, side);
	else if (!fl && side == COMPARE_PRIMARY)
		compare_fragment_release(c, h->group, NOTE_UNCOMPARED);
	else if (!fl)
		compare_fragment_drop(c, h->group, DROP_DIFFERENT);
}
