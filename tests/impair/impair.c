/* SPDX-License-Identifier: ISC */
/*
 * Four random numbers are drawn for each frame, needed or not, so that one
 * option does not change what the others do:
 *
 *	lost?	duplicated?	then for each copy: reordered? how much jitter?
 *
 * Delay and jitter keep the order of a direction, as a line does. A reordered
 * frame is due reorder_ns later than the others, and those that come within
 * that time overtake it.
 */
#include "impair.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* splitmix64 */
static uint64_t draw(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static bool happens(uint64_t random, uint32_t ppm)
{
	return random % IMPAIR_PPM_MAX < ppm;
}

static bool is_broken(const struct impair *m, unsigned dir)
{
	return m->options.break_after &&
	       m->entered[dir] > m->options.break_after;
}

/**
 * impair_init() - A link on which nothing is under way
 * @m:		To be filled in
 * @options:	Copied
 */
void impair_init(struct impair *m, const struct impair_options *options)
{
	memset(m, 0, sizeof(*m));
	m->options = *options;
	for (unsigned dir = 0; dir < IMPAIR_DIRS; dir++) {
		m->random[dir] = options->seed * IMPAIR_DIRS + dir;
		m->random[dir] = draw(&m->random[dir]);
	}
}

/**
 * impair_fini() - Forget what is under way
 * @m:		The link
 */
void impair_fini(struct impair *m)
{
	for (size_t i = 0; i < m->count; i++)
		chunk_unref(m->heap[i].frame.chunk);
	free(m->heap);
	m->heap = NULL;
	m->count = m->cap = 0;
	m->bytes = 0;
}

static bool is_before(const struct impair_held *a, const struct impair_held *b)
{
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns :
					a->number < b->number;
}

static void heap_push(struct impair *m, const struct impair_held *held)
{
	size_t i = m->count++;

	if (i == m->cap) {
		m->cap = m->cap ? m->cap * 2 : 64;
		m->heap = realloc(m->heap, m->cap * sizeof(*m->heap));
		if (!m->heap)
			abort();
	}
	for (; i && is_before(held, &m->heap[(i - 1) / 2]); i = (i - 1) / 2)
		m->heap[i] = m->heap[(i - 1) / 2];
	m->heap[i] = *held;
	m->bytes += held->frame.len;
}

static void heap_pop(struct impair *m, struct impair_held *out)
{
	struct impair_held last;
	size_t i = 0, child;

	*out = m->heap[0];
	m->bytes -= out->frame.len;
	last = m->heap[--m->count];
	while ((child = 2 * i + 1) < m->count) {
		if (child + 1 < m->count &&
		    is_before(&m->heap[child + 1], &m->heap[child]))
			child++;
		if (!is_before(&m->heap[child], &last))
			break;
		m->heap[i] = m->heap[child];
		i = child;
	}
	m->heap[i] = last;
}

static void put_copy(struct impair *m, unsigned dir, const struct frame *f,
		     uint64_t now_ns, uint64_t random_reorder,
		     uint64_t random_jitter)
{
	const struct impair_options *o = &m->options;
	struct impair_held held = { .dir = dir, .number = m->next_number++ };
	uint64_t due_ns = now_ns + o->delay_ns;

	if (o->jitter_ns)
		due_ns += random_jitter % (o->jitter_ns + 1);
	if (due_ns < m->last_ns[dir])
		due_ns = m->last_ns[dir];
	m->last_ns[dir] = due_ns;
	if (happens(random_reorder, o->reorder_ppm)) {
		due_ns += o->reorder_ns;
		m->reordered++;
	}
	held.due_ns = due_ns;
	frame_copy(&held.frame, f);
	if (f->time_ns)			/* a capture: its time goes on too */
		held.frame.time_ns += due_ns - now_ns;
	heap_push(m, &held);
}

/**
 * impair_put() - A frame enters the link
 * @m:		The link
 * @dir:	Its direction, below IMPAIR_DIRS
 * @f:		The frame, copied
 * @now_ns:	The time, ns; never goes back
 *
 * It is lost, or has become due once or twice: ask impair_next().
 */
void impair_put(struct impair *m, unsigned dir, const struct frame *f,
		uint64_t now_ns)
{
	uint64_t *state = &m->random[dir];
	uint64_t fate = draw(state), again = draw(state);
	uint64_t reorder = draw(state), jitter = draw(state);

	m->entered[dir]++;
	if (is_broken(m, dir) || happens(fate, m->options.loss_ppm)) {
		m->lost++;
		return;
	}
	put_copy(m, dir, f, now_ns, reorder, jitter);
	if (!happens(again, m->options.duplicate_ppm))
		return;
	m->duplicated++;
	/* other numbers that follow from the same two */
	put_copy(m, dir, f, now_ns, draw(&reorder), draw(&jitter));
}

/**
 * impair_next() - Does a frame leave the link?
 * @m:		The link
 * @now_ns:	The time, ns; UINT64_MAX empties the link in the order in
 *		which the frames are due
 * @out:	Set to the frame; the caller drops the reference to its chunk
 *
 * A link that holds more than max_bytes lets go of the first due early.
 *
 * Return: false when none does
 */
bool impair_next(struct impair *m, uint64_t now_ns, struct impair_held *out)
{
	if (!m->count)
		return false;
	if (m->heap[0].due_ns > now_ns) {
		if (m->bytes <= m->options.max_bytes)
			return false;
		m->early++;
	}
	heap_pop(m, out);
	return true;
}

/**
 * impair_due_ns() - When will the next frame leave?
 * @m:		The link
 *
 * Return: the time, ns; UINT64_MAX when it is empty
 */
uint64_t impair_due_ns(const struct impair *m)
{
	return m->count ? m->heap[0].due_ns : UINT64_MAX;
}

/**
 * impair_percent() - Read a percentage with up to four decimals
 * @text:	0 to 100
 * @ppm:	Set on success: millionths
 *
 * Return: 0 or -EINVAL
 */
int impair_percent(const char *text, uint32_t *ppm)
{
	uint32_t v = 0, n_digits = 0, n_decimals = 0;
	bool is_decimal = false;

	for (; *text; text++) {
		if (*text == '.' && !is_decimal && n_digits) {
			is_decimal = true;
			continue;
		}
		if (*text < '0' || *text > '9' || v > IMPAIR_PPM_MAX)
			return -EINVAL;
		v = v * 10 + (uint32_t)(*text - '0');
		n_digits++;
		n_decimals += is_decimal;
	}
	if (!n_digits || n_decimals > 4 || (is_decimal && !n_decimals))
		return -EINVAL;
	for (; n_decimals < 4; n_decimals++) {
		if (v > IMPAIR_PPM_MAX)
			return -EINVAL;
		v *= 10;
	}
	if (v > IMPAIR_PPM_MAX)
		return -EINVAL;
	*ppm = v;
	return 0;
}
