/* SPDX-License-Identifier: ISC */
/*
 * A byte in a text line `NAME: ...` is known by that name, in all streams of
 * the service. Any other byte is known by its offset. --learn widens such a
 * place to the whole word: where 9 stood against 10, another day has 59
 * against 07.
 */
#include "diff_known.h"

#include <string.h>

#include "../../common/flow_key.h"
#include "../../common/least.h"

/* Does a word end at this byte? Bytes that are no text have no words. */
static bool is_delimiter(uint8_t c)
{
	return c <= ' ' || c >= 0x7f || strchr("\"',;&=<>{}[]()", c);
}

/* How many bytes there are from a place to the end of its line. */
static uint32_t line_rest(const struct diff_side *side, uint32_t at)
{
	const uint8_t *b = diff_found_bytes(side, 0);
	const uint8_t *end = memchr(b + at, '\n', side->end - at);

	return end ? (uint32_t)(end - b) + 1 - at : side->end - at;
}

/* The service that sends the packets of a difference, or gets them. */
static struct flow_key service_of(const struct diff_found *f)
{
	const struct diff_side *s = diff_found_side(f);
	struct flow_key key, service = { 0 };

	if (f->key && (f->key->sport || f->key->dport))
		compare_pair_service(&service, f->key);
	else if (s->is_there && flow_key_of(&key, &s->packet, false) == 0)
		compare_pair_service(&service, &key);
	return service;
}

/* What an offset counts in: one TCP stream, or any datagram of a service. A
 * stream is named as the primary's capture has it, which is the same when
 * another one is compared with it. */
static struct flow_key space_of(const struct diff_found *f)
{
	const struct diff_side *p = &f->side[COMPARE_PRIMARY];
	const struct flow_key *key = f->key;
	struct flow_key own;

	if (!key || key->proto != PACKET_TCP || !(key->sport || key->dport))
		return service_of(f);
	return p->is_there && flow_key_of(&own, &p->packet, false) == 0 ?
	       own : *key;
}

static bool uses_learnt(const struct diff_known *k)
{
	return k->learn && !k->is_learning;
}

/* The fate of a byte of the primary by the name of its line. */
static enum diff_fate header_fate(const struct diff_known *k,
				  const struct diff_found *f, uint32_t at)
{
	struct flow_key service;
	size_t len;
	const char *name = diff_found_header(&f->side[COMPARE_PRIMARY], at,
					     &len);

	if (!name)
		return DIFF_TOLD;
	if (ignore_header(&k->ignore, name, len))
		return DIFF_IGNORED;
	if (!uses_learnt(k))
		return DIFF_TOLD;
	service = service_of(f);
	return learn_has_header(k->learn, &service, name, len) ? DIFF_LEARNT :
								 DIFF_TOLD;
}

/* The fate of byte i of a difference. So many bytes from there on share it:
 * *n. */
static enum diff_fate fate_at(struct diff_known *k, const struct diff_found *f,
			      uint32_t i, uint32_t *n)
{
	const struct diff_side *p = &f->side[COMPARE_PRIMARY];
	uint32_t rest = line_rest(p, p->at + i), gap;
	enum diff_fate fate;
	struct flow_key space;

	*n = ignore_bytes(&k->ignore, f->offset + i, &gap);
	if (*n)
		return DIFF_IGNORED;
	fate = header_fate(k, f, p->at + i);
	*n = rest;
	if (fate != DIFF_TOLD)
		return fate;
	*n = least(rest, gap);
	if (!uses_learnt(k))
		return DIFF_TOLD;
	space = space_of(f);
	rest = learn_bytes(k->learn, &space, f->offset + i, &gap);
	if (rest) {
		*n = rest;
		return DIFF_LEARNT;
	}
	*n = least(*n, gap);
	return DIFF_TOLD;
}

/* Bytes from..to of a difference, without the bytes at both ends that agree.
 * Return: false when all of them agree */
static bool part_of(const struct diff_found *f, uint32_t from, uint32_t to,
		    struct diff_found *part)
{
	const uint8_t *a = diff_found_bytes(&f->side[0], f->side[0].at);
	const uint8_t *b = diff_found_bytes(&f->side[1], f->side[1].at);

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

/* Both sides have as many bytes: known ones are cut out of them. */
static enum diff_fate cut_bytes(struct diff_known *k,
				const struct diff_found *f,
				diff_known_rest *rest, void *arg)
{
	uint32_t len = f->side[COMPARE_PRIMARY].len, begin = 0, i = 0, n;
	enum diff_fate known = DIFF_IGNORED;
	struct diff_found part;
	bool is_told = false;

	while (i < len) {
		enum diff_fate fate = fate_at(k, f, i, &n);

		n = least(n, len - i);
		if (fate != DIFF_TOLD) {
			known = fate > known ? fate : known;
			if (part_of(f, begin, i, &part)) {
				rest(arg, &part);
				is_told = true;
			}
			begin = i + n;
		}
		i += n;
	}
	if (part_of(f, begin, len, &part)) {
		rest(arg, &part);
		is_told = true;
	}
	return is_told ? DIFF_TOLD : known;
}

/* One side has more bytes: the difference is known as a whole or not at all. */
static enum diff_fate fate_of_whole(struct diff_known *k,
				    const struct diff_found *f)
{
	const struct diff_side *p = &f->side[COMPARE_PRIMARY];
	uint32_t gap, n = ignore_bytes(&k->ignore, f->offset, &gap);
	enum diff_fate fate;
	struct flow_key space;

	if (n && n >= p->len)
		return DIFF_IGNORED;
	fate = header_fate(k, f, p->at);
	if (fate != DIFF_TOLD && line_rest(p, p->at) >= p->len)
		return fate;
	if (!uses_learnt(k))
		return DIFF_TOLD;
	space = space_of(f);
	return learn_covers(k->learn, &space, f->offset, f->offset + p->len) ?
	       DIFF_LEARNT : DIFF_TOLD;
}

static bool take_other(struct diff_known *k, const struct diff_found *f)
{
	const struct flow_key space = space_of(f);

	return uses_learnt(k) && learn_take_other(k->learn, &space, f->kind);
}

/**
 * diff_known_cut() - Take known noise out of a difference
 * @k:		What is known
 * @f:		The difference, borrowed
 * @rest:	Called for each part that is left
 * @arg:	Its first argument
 *
 * Return: DIFF_TOLD when something was left, else why nothing was
 */
enum diff_fate diff_known_cut(struct diff_known *k, const struct diff_found *f,
			      diff_known_rest *rest, void *arg)
{
	enum diff_fate fate;

	if (f->kind != DIFF_PAYLOAD)
		fate = take_other(k, f) ? DIFF_LEARNT : DIFF_TOLD;
	else if (f->side[0].len == f->side[1].len && f->side[0].len)
		return cut_bytes(k, f, rest, arg);
	else
		fate = fate_of_whole(k, f);
	if (fate == DIFF_TOLD)
		rest(arg, f);
	return fate;
}

static void learn_place(struct diff_known *k, const struct diff_found *f)
{
	const struct diff_side *p = &f->side[COMPARE_PRIMARY];
	const uint8_t *b = diff_found_bytes(p, 0);
	uint32_t from = p->at, to = p->at + p->len;
	struct flow_key key;
	size_t len;
	const char *name = diff_found_header(p, p->at, &len);

	if (name) {
		key = service_of(f);
		learn_add_header(k->learn, &key, name, len);
		return;
	}
	while (from > p->begin && !is_delimiter(b[from - 1]) &&
	       (from == p->end || !is_delimiter(b[from])))
		from--;
	while (to < p->end && !is_delimiter(b[to]) &&
	       (to == p->begin || !is_delimiter(b[to - 1])))
		to++;
	key = space_of(f);
	learn_add_span(k->learn, &key, f->offset - (p->at - from),
		       f->offset + (to - p->at));
}

/**
 * diff_known_learn() - Remember a difference between two good recordings
 * @k:		Its learn gets the place, or that the flow has one of this kind
 * @f:		The difference, or what diff_known_cut() has left of it
 */
void diff_known_learn(struct diff_known *k, const struct diff_found *f)
{
	const struct flow_key space = space_of(f);

	if (f->kind == DIFF_PAYLOAD)
		learn_place(k, f);
	else
		learn_add_other(k->learn, &space, f->kind);
}
