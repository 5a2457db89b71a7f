/* SPDX-License-Identifier: ISC */
/*
 * The list of endpoints, and whether their inputs flow. An endpoint knows its
 * set, and no more of the loop; the loop owns the set.
 */
#include "endpoint_set.h"

#include "endpoint_impl.h"

/**
 * endpoint_set_init() - A set without endpoints
 * @set:	To be filled in; one attempt is under way that only
 *		endpoint_set_settle() ends: the start of the process
 * @uv:		Polls them; borrowed
 * @clock:	Which captures advance; borrowed
 */
void endpoint_set_init(struct endpoint_set *set, uv_loop_t *uv,
		       struct clock *clock)
{
	*set = (struct endpoint_set){ .uv = uv, .clock = clock,
				      .n_unsettled = 1 };
}

/**
 * endpoint_set_add() - Add an endpoint, whose first attempt is under way
 * @set:	The set
 * @ep:		Borrowed until endpoint_set_remove()
 */
void endpoint_set_add(struct endpoint_set *set, struct endpoint *ep)
{
	ep->set = set;
	ep->next = set->first;
	set->first = ep;
	set->n_unsettled++;
}

static void forget_feeder(struct endpoint *out, const struct endpoint *in)
{
	for (unsigned i = out->n_feeders; i-- > 0;) {
		if (out->feeders[i] == in)
			out->feeders[i] = out->feeders[--out->n_feeders];
	}
}

/* The account outlives an endpoint; what it has queued is dropped. */
static void keep_counters(struct endpoint_counters *gone,
			  const struct endpoint *ep)
{
	gone->in += ep->count.in;
	gone->out += ep->count.out;
	gone->segmented += ep->count.segmented;
	gone->drop_down += ep->count.drop_down + ep->outq.frames;
	gone->drop_full += ep->count.drop_full;
	gone->drop_link += ep->count.drop_link;
}

/**
 * endpoint_set_remove() - Remove an endpoint that is being closed
 * @set:	The set; it keeps the counters
 * @ep:		The endpoint; what is still queued counts as dropped
 */
void endpoint_set_remove(struct endpoint_set *set, struct endpoint *ep)
{
	struct endpoint **at = &set->first;

	while (*at != ep)
		at = &(*at)->next;
	*at = ep->next;
	for (struct endpoint *out = set->first; out; out = out->next)
		forget_feeder(out, ep);
	keep_counters(&set->gone, ep);
}

static void update_polls(struct endpoint_set *set)
{
	for (struct endpoint *ep = set->first; ep; ep = ep->next)
		endpoint_poll_update(ep);
}

/**
 * endpoint_set_settle() - One attempt to connect fewer is under way
 * @set:	The set; its inputs flow when this was the last
 */
void endpoint_set_settle(struct endpoint_set *set)
{
	if (--set->n_unsettled || set->state != ENDPOINT_SET_WAITS)
		return;
	set->state = ENDPOINT_SET_FLOWS;
	update_polls(set);
}

/**
 * endpoint_set_end() - Read nothing any more
 * @set:	The set; its outputs go on
 */
void endpoint_set_end(struct endpoint_set *set)
{
	set->state = ENDPOINT_SET_OVER;
	update_polls(set);
}

/**
 * endpoint_set_fail() - The process has failed: exit status 1, whatever comes
 * @set:	The set; nothing is ended by this
 */
void endpoint_set_fail(struct endpoint_set *set)
{
	set->failed = true;
}
