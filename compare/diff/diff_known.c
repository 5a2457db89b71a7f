/* SPDX-License-Identifier: ISC */
/*
 * What of a difference is known noise: named by --ignore, or learnt.
 *
 * Bytes in a line `NAME: ...` are known by the name, in all streams of the
 * service. Others are known by their offset; what is learnt of them is the
 * whole word, so that 9 against 10 covers 59 against 07 another day.
 */
#include <ctype.h>
#include <string.h>

#include "diff.h"

/* Does a word end at this byte? What is no text has no words. */
static bool is_delimiter(uint8_t c)
{
	return c <= ' ' || c >= 0x7f || strchr("\"',;&=<>{}[]()", c);
}

static const uint8_t *bytes_of(const struct diff_side *side)
{
	return frame_eth(&side->frame);
}

/* Bytes from a place to the end of its line. */
static uint32_t line_rest(const struct diff_side *side, uint32_t at)
{
	const uint8_t *b = bytes_of(side);
	const uint8_t *end = memchr(b + at, '\n', side->end - at);

	return end ? (uint32_t)(end - b) + 1 - at : side->end - at;
}

/* What the flow's packets go to or come from. */
static struct flow_key service_of(const struct diff_found *f)
{
	const struct diff_side *s = f->side[COMPARE_PRIMARY].is_there ?
				    &f->side[COMPARE_PRIMARY] :
				    &f->side[COMPARE_SECONDARY];
	struct flow_key key, service = { 0 };

	if (s->is_there && flow_key_of(&key, &s->packet, false) == 0)
		compare_pair_service(&service, &key);
	return service;
}

/* Where offsets are counted: in a stream, or in any datagram of a service. */
static struct flow_key space_of(const struct diff_found *f)
{
	const struct flow_key *key = f->key;

	if (key && key->proto == PACKET_TCP && (key->sport || key->dport))
		return *key;
	return service_of(f);
}

/* The name of the line at a place of the primary, in what is known? */
static enum diff_fate header_fate(struct diff *d, const struct diff_found *f,
				  uint32_t at)
{
	struct flow_key service;
	size_t len;
	const char *name = diff_header(&f->side[COMPARE_PRIMARY], at, &len);

	if (!name)
		return DIFF_TOLD;
	if (ignore_header(&d->ignore, name, len))
		return DIFF_IGNORED;
	if (!d->learn || d->is_learning)
		return DIFF_TOLD;
	service = service_of(f);
	return learn_has_header(d->learn, &service, name, len) ? DIFF_LEARNT :
								 DIFF_TOLD;
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* What is the fate of the bytes from a place on, and of how many? */
static enum diff_fate fate_at(struct diff *d, const struct diff_found *f,
			      uint32_t i, uint32_t *n)
{
	const struct diff_side *p = &f->side[COMPARE_PRIMARY];
	uint32_t rest = line_rest(p, p->at + i), gap;
	enum diff_fate fate;
	struct flow_key space;

	*n = ignore_bytes(&d->ignore, f->offset + i, &gap);
	if (*n)
		return DIFF_IGNORED;
	fate = header_fate(d, f, p->at + i);
	*n = rest;
	if (fate != DIFF_TOLD)
		return fate;
	*n = least(rest, gap);
	if (!d->learn || d->is_learning)
		return DIFF_TOLD;
	space = space_of(f);
	rest = learn_bytes(d->learn, &space, f->offset + i, &gap);
	if (rest) {
		*n = rest;
		return DIFF_LEARNT;
	}
	*n = least(*n, gap);
	return DIFF_TOLD;
}

static void learn_place(struct diff *d, const struct diff_found *f)
{
	const struct diff_side *p = &f->side[COMPARE_PRIMARY];
	const uint8_t *b = bytes_of(p);
	uint32_t from = p->at, to = p->at + p->len;
	struct flow_key key;
	size_t len;
	const char *name = diff_header(p, p->at, &len);

	if (name) {
		key = service_of(f);
		learn_add_header(d->learn, &key, name, len);
		return;
	}
	while (from > p->begin && !is_delimiter(b[from - 1]) &&
	       (from == p->end || !is_delimiter(b[from])))
		from--;
	while (to < p->end && !is_delimiter(b[to]) &&
	       (to == p->begin || !is_delimiter(b[to - 1])))
		to++;
	key = space_of(f);
	learn_add_span(d->learn, &key, f->offset - (p->at - from),
		       f->offset + (to - p->at));
}

static void learn(struct diff *d, const struct diff_found *f)
{
	const struct flow_key none = { 0 };

	d->n[f->kind][DIFF_LEARNT]++;
	if (f->kind == DIFF_PAYLOAD)
		learn_place(d, f);
	else
		learn_add_other(d->learn, f->key ? f->key : &none, f->kind);
}

/* Some of the bytes of a difference, without those at its ends that agree. */
static bool part_of(const struct diff_found *f, uint32_t from, uint32_t to,
		    struct diff_found *part)
{
	const uint8_t *a = bytes_of(&f->side[0]) + f->side[0].at;
	const uint8_t *b = bytes_of(&f->side[1]) + f->side[1].at;

	while (from < to && a[from] == b[from])
		from++;
	while (from < to && a[to - 1] == b[to - 1])
		to--;
	*part = *f;
	part->offset += from;
	for (unsigned side = 0; side < 2; side++) {
		part->side[side].at += from;
		part->side[side].len = to - from;
	}
	return from < to;
}

/* As long on both sides: what is known is cut out. */
static enum diff_fate cut(struct diff *d, const struct diff_found *f,
			  void (*rest)(struct diff *d,
				       const struct diff_found *found))
{
	uint32_t len = f->side[COMPARE_PRIMARY].len, begin = 0, i = 0, n;
	enum diff_fate known = DIFF_IGNORED;
	struct diff_found part;
	bool is_told = false;

	while (i < len) {
		enum diff_fate fate = fate_at(d, f, i, &n);

		n = least(n, len - i);
		if (fate != DIFF_TOLD) {
			known = fate > known ? fate : known;
			if (part_of(f, begin, i, &part)) {
				rest(d, &part);
				is_told = true;
			}
			begin = i + n;
		}
		i += n;
	}
	if (part_of(f, begin, len, &part)) {
		rest(d, &part);
		is_told = true;
	}
	return is_told ? DIFF_TOLD : known;
}

/* Longer on one side: it is known whole or not at all. */
static enum diff_fate whole(struct diff *d, const struct diff_found *f)
{
	const struct diff_side *p = &f->side[COMPARE_PRIMARY];
	uint32_t gap, n = ignore_bytes(&d->ignore, f->offset, &gap);
	enum diff_fate fate;
	struct flow_key space;

	if (n && n >= p->len)
		return DIFF_IGNORED;
	fate = header_fate(d, f, p->at);
	if (fate != DIFF_TOLD && line_rest(p, p->at) >= p->len)
		return fate;
	if (!d->learn || d->is_learning)
		return DIFF_TOLD;
	space = space_of(f);
	return learn_covers(d->learn, &space, f->offset, f->offset + p->len) ?
	       DIFF_LEARNT : DIFF_TOLD;
}

static enum diff_fate payload(struct diff *d, const struct diff_found *f,
			      void (*rest)(struct diff *d,
					   const struct diff_found *found))
{
	enum diff_fate fate;

	if (f->side[0].len == f->side[1].len && f->side[0].len)
		return cut(d, f, rest);
	fate = whole(d, f);
	if (fate == DIFF_TOLD)
		rest(d, f);
	return fate;
}

/**
 * diff_known - take known noise out of a difference
 * @d:		the report; while it learns, what is left is learnt
 * @found:	the difference
 * @rest:	called for each part that is left
 *
 * Return: DIFF_TOLD when something was left, else why nothing was
 */
enum diff_fate diff_known(struct diff *d, const struct diff_found *found,
			  void (*rest)(struct diff *d,
				       const struct diff_found *found))
{
	const struct flow_key none = { 0 };

	if (d->is_learning)
		rest = learn;
	if (found->kind == DIFF_PAYLOAD)
		return payload(d, found, rest);
	if (d->learn && !d->is_learning &&
	    learn_take_other(d->learn, found->key ? found->key : &none,
			     found->kind))
		return DIFF_LEARNT;
	rest(d, found);
	return DIFF_TOLD;
}
