/* SPDX-License-Identifier: ISC */
/*
 * All endpoints of a set at once, for the loop. This is above the endpoints and
 * has no state of its own.
 */
#include "endpoint_all.h"

#include "endpoint_impl.h"

/**
 * endpoint_all_flush() - Write what is queued, and close what a write found gone
 * @set:	The set
 */
void endpoint_all_flush(struct endpoint_set *set)
{
	struct endpoint *next;

	for (struct endpoint *ep = set->first; ep; ep = next) {
		next = ep->next;
		endpoint_output_flush(ep);
		endpoint_link_last_words(ep);
	}
}

/**
 * endpoint_all_close() - Close every endpoint
 * @set:	The set, empty from here on
 */
void endpoint_all_close(struct endpoint_set *set)
{
	while (set->first)
		endpoint_close(set->first);
}

/**
 * endpoint_all_are_over() - Have all inputs ended?
 * @set:	The set
 *
 * Return: false also without any input
 */
bool endpoint_all_are_over(const struct endpoint_set *set)
{
	bool has_input = false;

	for (struct endpoint *ep = set->first; ep; ep = ep->next) {
		if (!(ep->mode & ENDPOINT_READ))
			continue;
		has_input = true;
		if (!ep->ended)
			return false;
	}
	return has_input;
}

/**
 * endpoint_all_are_captures() - Do all inputs come from captures?
 * @set:	The set
 *
 * Return: false also without any; null: is no input here
 */
bool endpoint_all_are_captures(const struct endpoint_set *set)
{
	bool any = false;

	for (struct endpoint *ep = set->first; ep; ep = ep->next) {
		if (!(ep->mode & ENDPOINT_READ))
			continue;
		if (ep->spec.kind == ENDPOINT_PCAP)
			any = true;
		else if (ep->spec.kind != ENDPOINT_NULL)
			return false;
	}
	return any;
}

/**
 * endpoint_all_are_delivered() - Is nothing left that would be waited for?
 * @set:	The set
 * @hurried:	Absent peers are not waited for; those of copies that may be
 *		lost never are
 */
bool endpoint_all_are_delivered(const struct endpoint_set *set, bool hurried)
{
	for (struct endpoint *ep = set->first; ep; ep = ep->next) {
		if (ep->outq.count && !ep->dead &&
		    (ep->up || !(hurried || ep->lossy)))
			return false;
	}
	return true;
}

static void add_counters(struct stats *s, const struct endpoint_counters *c)
{
	s->in += c->in;
	s->originated += c->segmented;
	s->out += c->out;
	s->held += c->queued;
	stats_drop(s, DROP_DOWN, c->drop_down);
	stats_drop(s, DROP_FULL, c->drop_full);
	stats_drop(s, DROP_LINK, c->drop_link);
}

#define COUNT(n, u, member, h, ...) \
	{ NULL, n, u, h, .label = "endpoint", __VA_ARGS__ \
	  STATS_AT(struct endpoint_counters, member) }

static const struct stats_def table[] = {
	COUNT("in", "frames", in, "Frames that the endpoint has read."),
	COUNT("out", "frames", out, "Frames that the endpoint's peer, file or "
	      "interface has taken."),
	COUNT("queued", "frames", queued, "Frames that wait for it.",
	      .is_gauge = true,),
	COUNT("truncated", "frames", truncated,
	      "Half frames, at the end of a connection."),
	COUNT("bad", "connections", bad,
	      "Connections that were closed for bad bytes."),
	COUNT("refused", "connections", refused, "Peers that were sent away: "
	      "another one was served, or allow= does not name them."),
	COUNT("connections", "connections", n_up, "Peers that came."),
};

static void add_endpoint_stats(struct stats *s, const struct endpoint *ep)
{
	struct endpoint_counters c = endpoint_counters(ep);

	add_counters(s, &c);
	stats_add(s, table, sizeof(table) / sizeof(*table), ep->name, &c);
}

/**
 * endpoint_all_stats() - Add the endpoints' part of the account
 * @set:	The set
 * @s:		The account; also gets a row for each counter that matters
 */
void endpoint_all_stats(const struct endpoint_set *set, struct stats *s)
{
	add_counters(s, &set->gone);
	for (const struct endpoint *ep = set->first; ep; ep = ep->next)
		add_endpoint_stats(s, ep);
}
