/* SPDX-License-Identifier: ISC */
/*
 * Segments that wait because an offset is not known yet. Each is a copy, on
 * its flow's chain in the order of delivery and on one list of all in the
 * order of arrival, by which they expire. Three bounds: segments of a flow,
 * segments of all, bytes of all; at a bound the newest is refused.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "rewrite_impl.h"

/**
 * rewrite_hold_init() - Nothing is held
 * @h:	to be set
 *
 * Return: 0 or -ENOMEM.
 */
int rewrite_hold_init(struct rewrite_hold *h)
{
	*h = (struct rewrite_hold){ 0 };
	h->pool = calloc(REWRITE_HELD_MAX, sizeof(*h->pool));
	return h->pool ? 0 : -ENOMEM;
}

/**
 * rewrite_hold_fini() - Free what is held
 * @h:	after rewrite_hold_init(), or zeroed
 */
void rewrite_hold_fini(struct rewrite_hold *h)
{
	for (uint32_t n = h->oldest; n; n = h->pool[n - 1].younger)
		chunk_unref(h->pool[n - 1].frame.chunk);
	free(h->pool);
}

static struct rewrite_held *held_at(struct rewrite_hold *h, uint32_t n)
{
	return &h->pool[n - 1];
}

static uint32_t held_new(struct rewrite_hold *h)
{
	uint32_t n = h->free;

	if (n)
		h->free = held_at(h, n)->next;
	else if (h->fresh < REWRITE_HELD_MAX)
		n = ++h->fresh;
	return n;
}

static void chain_insert(struct rewrite_hold *h, struct rewrite_flow *fl,
			 uint32_t n, bool first)
{
	uint32_t *link = &fl->held;

	while (*link && !first)
		link = &held_at(h, *link)->next;
	held_at(h, n)->next = *link;
	*link = n;
	fl->n_held++;
}

/**
 * rewrite_hold_add() - Hold a copy of a segment
 * @r:		rewriter
 * @fl:		its flow
 * @s:		segment as it came in
 * @first:	to be delivered before those that wait already
 *
 * Return: 0, or -ENOBUFS at a bound.
 */
int rewrite_hold_add(struct rewrite *r, struct rewrite_flow *fl,
		     const struct rewrite_segment *s, bool first)
{
	struct rewrite_hold *h = &r->hold;
	struct rewrite_held *held;
	uint32_t n;

	if (fl->n_held >= REWRITE_FLOW_HELD_MAX ||
	    h->bytes + s->frame->len > r->config.max_held)
		return -ENOBUFS;
	n = held_new(h);
	if (!n)
		return -ENOBUFS;
	held = held_at(h, n);
	*held = (struct rewrite_held){ .since_ns = r->now_ns, .flow = fl,
				       .side = s->side, .older = h->youngest };
	frame_copy(&held->frame, s->frame);
	if (h->youngest)
		held_at(h, h->youngest)->younger = n;
	else
		h->oldest = n;
	h->youngest = n;
	h->n++;
	h->bytes += held->frame.len;
	chain_insert(h, fl, n, first);
	r->n.held++;
	return 0;
}

static void list_unlink(struct rewrite_hold *h, const struct rewrite_held *held)
{
	if (held->older)
		held_at(h, held->older)->younger = held->younger;
	else
		h->oldest = held->younger;
	if (held->younger)
		held_at(h, held->younger)->older = held->older;
	else
		h->youngest = held->older;
}

/* Take the segment that a link of its flow's chain leads to out of it. */
static struct rewrite_held held_take(struct rewrite_hold *h, uint32_t *link)
{
	uint32_t n = *link;
	struct rewrite_held *held = held_at(h, n);
	struct rewrite_held copy = *held;

	list_unlink(h, held);
	*link = held->next;
	held->flow->n_held--;
	h->n--;
	h->bytes -= held->frame.len;
	held->next = h->free;
	h->free = n;
	return copy;
}

/**
 * rewrite_hold_pop() - The next segment of a flow that waits
 * @r:		rewriter
 * @fl:		flow
 * @out:	the segment; its chunk is the caller's to give back
 *
 * Return: false when none is left.
 */
bool rewrite_hold_pop(struct rewrite *r, struct rewrite_flow *fl,
		      struct rewrite_held *out)
{
	if (!fl->held)
		return false;
	*out = held_take(&r->hold, &fl->held);
	return true;
}

/**
 * rewrite_hold_drop_guest() - A checkpoint: what the guest sent is void
 * @r:	rewriter
 * @fl:	flow
 */
void rewrite_hold_drop_guest(struct rewrite *r, struct rewrite_flow *fl)
{
	uint32_t *link = &fl->held;

	while (*link) {
		if (held_at(&r->hold, *link)->side == REWRITE_RX) {
			chunk_unref(held_take(&r->hold, link).frame.chunk);
			r->n.drop_hold_checkpoint++;
		} else {
			link = &held_at(&r->hold, *link)->next;
		}
	}
}

/**
 * rewrite_hold_discard() - Drop all that a flow holds
 * @r:		rewriter
 * @fl:		flow
 * @counter:	of the reason
 */
void rewrite_hold_discard(struct rewrite *r, struct rewrite_flow *fl,
			  uint64_t *counter)
{
	struct rewrite_held held;

	while (rewrite_hold_pop(r, fl, &held)) {
		chunk_unref(held.frame.chunk);
		++*counter;
	}
}

/**
 * rewrite_hold_oldest() - The flow whose segment has waited longest
 * @r:	rewriter
 *
 * Return: the flow, or NULL when nothing is held.
 */
struct rewrite_flow *rewrite_hold_oldest(const struct rewrite *r)
{
	const struct rewrite_hold *h = &r->hold;

	return h->oldest ? h->pool[h->oldest - 1].flow : NULL;
}

/**
 * rewrite_hold_expire() - Drop what has waited too long
 * @r:	rewriter
 *
 * With the oldest segment of a flow all its others go: what they wait for has
 * not come, and delivery without the first would be out of order.
 */
void rewrite_hold_expire(struct rewrite *r)
{
	const struct rewrite_hold *h = &r->hold;

	while (h->oldest && r->now_ns - h->pool[h->oldest - 1].since_ns >=
				    REWRITE_HELD_NS)
		rewrite_hold_discard(r, h->pool[h->oldest - 1].flow,
				     &r->n.drop_hold_expired);
}
