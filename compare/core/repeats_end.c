/* SPDX-License-Identifier: ISC */
/*
 * The end of a report: has the other side repeated the same? All that one side has
 * said otherwise than before, or that could not be compared, is marked, and then
 * looked for among the marks of the other. repeats.c has written it down.
 */
#include "../../common/least.h"
#include "differ.h"
#include "repeats.h"
#include "repeats_impl.h"

#define ANY 0x100u		/* of struct mark: what */

/* What is marked: that a side has said something there. */
static struct mark mark_of(const struct record *x, unsigned side)
{
	return (struct mark){
		.key = x->key,
		.hash = x->hash,
		.connection = x->connection,
		.seq = x->seq,
		.len = x->len,
		.what = x->kind,
		.side = side,
	};
}

/* The same for a byte of it. */
static struct mark mark_byte(const struct record *x, unsigned side, uint32_t i,
			     uint8_t byte)
{
	struct mark m = mark_of(x, side);

	m.hash = byte;
	m.seq += i;
	m.len = 1;
	return m;
}

/* And whatever it was that it said. */
static struct mark mark_any(const struct record *x, unsigned side)
{
	struct mark m = mark_of(x, side);

	m.hash = 0;
	m.what |= ANY;
	return m;
}

/* And that the other side has captured a byte only when it was repeated: what was
 * said first is not known. */
static struct mark mark_old(const struct record *x, unsigned side, uint32_t i)
{
	struct mark m = mark_byte(x, side, i, 0);

	m.what = RECORD_OLD | ANY;
	return m;
}

static const uint8_t *bytes_of(const struct record *x)
{
	return frame_eth(&x->frame) + x->payload_off + x->off;
}

static void mark_bytes(struct marks *marks, const struct record *x)
{
	for (uint32_t i = 0; i < x->len; i++) {
		struct mark m = mark_byte(x, x->side, i, bytes_of(x)[i]);

		marks_add(marks, &m);
	}
}

static void mark(struct marks *marks, const struct record *x, bool is_cut)
{
	struct mark m = mark_of(x, x->side), any = mark_any(x, x->side);

	if (x->kind == RECORD_OTHER) {
		mark_bytes(marks, x);
		return;
	}
	marks_add(marks, &m);
	marks_add(marks, &any);
	for (uint32_t i = 0; is_cut && x->kind == RECORD_OLD && i < x->len; i++) {
		m = mark_old(x, x->side, i);
		marks_add(marks, &m);
	}
}

/* It cannot be said whether the other side has said the same. */
static void count_unknown(struct repeats *r, struct record *x)
{
	struct record *end = r->records + r->n_records;

	if (!x->is_counted)
		r->n_unknown[x->side]++;
	for (struct record *i = x; i < end && i->frame.chunk == x->frame.chunk;
	     i++)
		i->is_counted = true;
}

/* Bytes from..to of a record have no equal, as far as is known. */
static void tell(struct compare *c, struct record *x, uint32_t from,
		 uint32_t to)
{
	struct compare_difference d = {
		.reason = x->kind == RECORD_RESET ? COMPARE_TIMEOUT :
						    COMPARE_REPEAT,
		.flow = &x->key,
		.offset = x->kind == RECORD_RESET ? 0 : x->seq + from - 1,
	};

	if (c->repeats->n_lost[!x->side]) {
		count_unknown(c->repeats, x);
		return;
	}
	d.has[x->side] = true;
	d.frame[x->side] = x->frame;
	d.at[x->side] = x->payload_off + x->off + from;
	d.len[x->side] = to - from;
	differ_tell(c, &d);
}

static const struct stream *stream_of(const struct compare *c,
				      const struct record *x, unsigned side)
{
	const struct stream *v = flow_find(c->repeats->flows, &x->key);

	return v ? &v[side] : NULL;
}

/* Were some segments of its side captured in part? */
static bool has_cut(const struct compare *c, const struct record *x)
{
	const struct stream *own = stream_of(c, x, x->side);

	return own && own->cut_at < UINT32_MAX;
}

static void judge_others(struct compare *c, struct record *x)
{
	const struct stream *other = stream_of(c, x, !x->side);
	uint32_t cut_at = other ? other->repeat_cut_at : UINT32_MAX;
	struct marks *marks = c->repeats->marks;
	uint32_t from = x->len, to = 0;

	for (uint32_t i = 0; i < x->len; i++) {
		struct mark m = mark_byte(x, !x->side, i, bytes_of(x)[i]);

		const struct mark old = mark_old(x, !x->side, i);

		if (marks_has(marks, &m) || marks_has(marks, &old) ||
		    x->off + i >= cut_at)
			continue;
		marks_add(marks, &m);	/* it is told once */
		from = least(from, i);
		to = i + 1;
	}
	if (to)
		tell(c, x, from, to);
}

/* Has what a record is about, or what it is to be compared with, not been
 * captured? */
static bool is_cut(const struct compare *c, const struct record *x)
{
	const struct stream *own = stream_of(c, x, x->side);
	const struct stream *other = stream_of(c, x, !x->side);

	return (own && own->cut_at <= x->len) ||
	       (x->kind == RECORD_OLD && has_cut(c, x)) ||
	       (other && other->repeat_cut_at < x->len);
}

static void judge(struct compare *c, struct record *x)
{
	struct repeats *r = c->repeats;
	struct mark m = mark_of(x, !x->side), any = mark_any(x, !x->side);

	if (x->kind == RECORD_OTHER) {
		judge_others(c, x);
	} else if (marks_has(r->marks, &m)) {
		return;
	} else if (marks_has(r->marks, &any)) {
		marks_add(r->marks, &m);
		tell(c, x, 0, x->len);
	} else if (is_cut(c, x)) {
		return;
	} else if (x->kind == RECORD_RESET) {
		marks_add(r->marks, &m);
		tell(c, x, 0, x->len);
	} else if (x->kind == RECORD_OLD) {
		count_unknown(r, x);
	}
}

/**
 * repeats_end() - Nothing more comes: tell what one side alone has said
 * @c:		The comparison
 */
void repeats_end(struct compare *c)
{
	struct repeats *r = c->repeats;

	if (!r)
		return;
	for (uint32_t i = 0; i < r->n_records; i++)
		mark(r->marks, &r->records[i],
		     has_cut(c, &r->records[i]));
	for (uint32_t i = 0; i < r->n_records; i++)
		judge(c, &r->records[i]);
}
