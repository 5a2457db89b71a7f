/* SPDX-License-Identifier: ISC */
#include "learn.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 64u

/* Make room for one more.
 * Return: the array, perhaps in another place */
static void *grow(void *array, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return array;
	*cap = *cap ? *cap * 2 : FIRST_CAP;
	array = realloc(array, *cap * size);
	if (!array)
		abort();
	return array;
}

/**
 * learn_fini() - Free what was learnt
 * @l:		Nothing is known afterwards
 */
void learn_fini(struct learn *l)
{
	free(l->spans);
	free(l->headers);
	free(l->others);
	*l = (struct learn){ 0 };
}

static int by_place(const void *a, const void *b)
{
	const struct learn_span *x = a, *y = b;
	int order = memcmp(&x->key, &y->key, sizeof(x->key));

	if (order)
		return order;
	return x->from < y->from ? -1 : x->from > y->from;
}

/* Sort the spans; those that overlap or touch become one. */
static void settle_spans(struct learn *l)
{
	size_t kept = 0;

	if (l->n_spans)
		qsort(l->spans, l->n_spans, sizeof(*l->spans), by_place);
	for (size_t i = 0; i < l->n_spans; i++) {
		struct learn_span *s = &l->spans[i];
		struct learn_span *last = kept ? &l->spans[kept - 1] : NULL;

		if (last && !memcmp(&last->key, &s->key, sizeof(s->key)) &&
		    s->from <= last->to) {
			if (s->to > last->to)
				last->to = s->to;
			continue;
		}
		l->spans[kept++] = *s;
	}
	l->n_spans = kept;
}

static int by_flow(const void *a, const void *b)
{
	const struct learn_other *x = a, *y = b;
	int order = memcmp(&x->key, &y->key, sizeof(x->key));

	return order ? order : (int)x->kind - (int)y->kind;
}

/* Sort the others; those of one flow and kind become one. */
static void settle_others(struct learn *l)
{
	size_t kept = 0;

	if (l->n_others)
		qsort(l->others, l->n_others, sizeof(*l->others), by_flow);
	for (size_t i = 0; i < l->n_others; i++) {
		if (kept && !by_flow(&l->others[kept - 1], &l->others[i]))
			l->others[kept - 1].n += l->others[i].n;
		else
			l->others[kept++] = l->others[i];
	}
	l->n_others = kept;
}

static void settle(struct learn *l)
{
	if (l->is_settled)
		return;
	settle_spans(l);
	settle_others(l);
	l->is_settled = true;
}

/**
 * learn_add_span() - Learn that bytes differ
 * @l:		Gets them; beyond LEARN_SPANS_MAX they are only counted
 * @key:	The stream, or for datagrams the service
 * @from:	Offset of the first byte
 * @to:		Offset behind the last byte; @from when only the secondary has
 *		bytes there
 */
void learn_add_span(struct learn *l, const struct flow_key *key, uint32_t from,
		    uint32_t to)
{
	if (l->n_spans == LEARN_SPANS_MAX)
		settle(l);
	if (l->n_spans == LEARN_SPANS_MAX) {
		l->n_lost++;
		return;
	}
	l->spans = grow(l->spans, l->n_spans, &l->cap_spans,
			sizeof(*l->spans));
	l->spans[l->n_spans++] = (struct learn_span){ *key, from, to };
	l->is_settled = false;
}

static void lower(char *to, const char *name, size_t len)
{
	memset(to, 0, LEARN_NAME_MAX);
	if (len > LEARN_NAME_MAX)
		len = LEARN_NAME_MAX;
	for (size_t i = 0; i < len; i++)
		to[i] = (char)tolower((unsigned char)name[i]);
}

/**
 * learn_add_header() - Learn that lines of this name differ
 * @l:		Gets the name; beyond LEARN_HEADERS_MAX they are only counted
 * @key:	The service
 * @name:	The name, before the colon; case does not count
 * @len:	Bytes of the name; the first LEARN_NAME_MAX count
 */
void learn_add_header(struct learn *l, const struct flow_key *key,
		      const char *name, size_t len)
{
	struct learn_header *h;

	if (learn_has_header(l, key, name, len))
		return;
	if (l->n_headers == LEARN_HEADERS_MAX) {
		l->n_lost++;
		return;
	}
	l->headers = grow(l->headers, l->n_headers, &l->cap_headers,
			  sizeof(*l->headers));
	h = &l->headers[l->n_headers++];
	h->key = *key;
	lower(h->name, name, len);
}

/**
 * learn_has_header() - May lines of this name differ?
 * @l:		What was learnt
 * @key:	The service
 * @name:	The name, before the colon; case does not count
 * @len:	Bytes of the name; the first LEARN_NAME_MAX count
 *
 * Return: true when learn_add_header() has got this name
 */
bool learn_has_header(const struct learn *l, const struct flow_key *key,
		      const char *name, size_t len)
{
	char text[LEARN_NAME_MAX];

	lower(text, name, len);
	for (size_t i = 0; i < l->n_headers; i++)
		if (!memcmp(l->headers[i].name, text, sizeof(text)) &&
		    !memcmp(&l->headers[i].key, key, sizeof(*key)))
			return true;
	return false;
}

/**
 * learn_add_other() - Learn that a flow has a difference of another kind
 * @l:		Gets it; beyond LEARN_OTHERS_MAX they are only counted
 * @key:	The flow
 * @kind:	The kind: any number that the caller gives it
 */
void learn_add_other(struct learn *l, const struct flow_key *key,
		     unsigned kind)
{
	if (l->n_others == LEARN_OTHERS_MAX)
		settle(l);
	if (l->n_others == LEARN_OTHERS_MAX) {
		l->n_lost++;
		return;
	}
	l->others = grow(l->others, l->n_others, &l->cap_others,
			 sizeof(*l->others));
	l->others[l->n_others++] = (struct learn_other){ *key, kind, 1 };
	l->is_settled = false;
}

/**
 * learn_take_other() - May a flow have one more difference of a kind?
 * @l:		What was learnt; this one is used up
 * @key:	The flow
 * @kind:	The kind
 *
 * Return: true as often as learn_add_other() was called for it
 */
bool learn_take_other(struct learn *l, const struct flow_key *key,
		      unsigned kind)
{
	const struct learn_other wanted = { .key = *key, .kind = kind };
	struct learn_other *o;

	settle(l);
	o = l->n_others ? bsearch(&wanted, l->others, l->n_others,
				  sizeof(wanted), by_flow) : NULL;
	if (!o || !o->n)
		return false;
	o->n--;
	return true;
}

/* The first span, in the order of by_place(), that is of the flow and ends at a
 * place or behind it, or is of a later flow. */
static const struct learn_span *first_to(const struct learn *l,
					 const struct flow_key *key,
					 uint32_t at)
{
	size_t low = 0, high = l->n_spans;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct learn_span *s = &l->spans[middle];
		int order = memcmp(&s->key, key, sizeof(*key));

		if (order < 0 || (!order && s->to < at))
			low = middle + 1;
		else
			high = middle;
	}
	return low < l->n_spans ? &l->spans[low] : NULL;
}

/**
 * learn_bytes() - May a byte differ?
 * @l:		What was learnt
 * @key:	The stream, or for datagrams the service
 * @at:		Offset of the byte in it
 * @gap:	Set when it may not: how many bytes from @at on may not differ;
 *		UINT32_MAX for all of them
 *
 * Return: how many bytes from @at on may differ; 0 when this one may not
 */
uint32_t learn_bytes(struct learn *l, const struct flow_key *key, uint32_t at,
		     uint32_t *gap)
{
	const struct learn_span *s;

	settle(l);
	*gap = UINT32_MAX;
	s = first_to(l, key, at + 1);
	if (!s || memcmp(&s->key, key, sizeof(*key)))
		return 0;
	if (s->from <= at)
		return s->to - at;
	*gap = s->from - at;
	return 0;
}

/**
 * learn_covers() - May all these bytes differ, and their number, too?
 * @l:		What was learnt
 * @key:	The stream, or for datagrams the service
 * @from:	Offset of the first byte
 * @to:		Offset behind the last byte; @from when there are none
 *
 * Return: true when one span covers them all
 */
bool learn_covers(struct learn *l, const struct flow_key *key, uint32_t from,
		  uint32_t to)
{
	const struct learn_span *s;

	settle(l);
	s = first_to(l, key, to);
	return s && !memcmp(&s->key, key, sizeof(*key)) && s->from <= from;
}
