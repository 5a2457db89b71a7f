/* SPDX-License-Identifier: ISC */
/*
 * The schedulers that look at how much each destination has: lc, wlc, sed, nq,
 * fo, ovf, with IPVS's results, which takes the first of equals. There is no
 * state here.
 *
 * A half-open connection weighs as an established one, as in IPVS: otherwise a
 * destination that has just come gets every SYN until the first handshake is over.
 */
#include "load.h"

#include "dest.h"

static uint64_t load_of(enum scheduler_kind kind, const struct dest *d)
{
	uint64_t n_active = (uint64_t)d->n_active + d->n_pending;

	if (kind == SCHEDULER_SED || kind == SCHEDULER_NQ)
		return n_active + 1;	/* as if it had this one already */
	return n_active * 256 + d->n_inactive;
}

/* In 256ths, below 2^24: products with a load fit into 64 bits. */
static uint64_t weight_of(const struct scheduler *s, const struct dest *d,
			  uint64_t now_ns)
{
	uint64_t share = dest_share(d, s->slow_ns, now_ns);

	return s->kind == SCHEDULER_LC ? share : share * d->weight;
}

static bool is_idle(const struct scheduler *s, const struct dest *d,
		    uint64_t now_ns)
{
	return s->kind == SCHEDULER_NQ && !d->n_active && !d->n_pending &&
	       dest_share(d, s->slow_ns, now_ns) == DEST_SHARE_FULL;
}

/* Least load for its weight; nq: or the first without any. */
static uint16_t pick_least(const struct scheduler *s,
			   const struct dest_set *set, uint64_t now_ns)
{
	uint16_t best = DEST_NONE;
	uint64_t best_load = 0, best_weight = 0;

	for (unsigned at = 0; at < set->n; at++) {
		const struct dest *d = &set->v[set->order[at]];
		uint64_t load, weight;

		if (!dest_is_usable(d))
			continue;
		if (is_idle(s, d, now_ns))
			return set->order[at];
		load = load_of(s->kind, d);
		weight = weight_of(s, d, now_ns);
		if (best != DEST_NONE &&
		    load * best_weight >= best_load * weight)
			continue;
		best = set->order[at];
		best_load = load;
		best_weight = weight;
	}
	return best;
}

/* The heaviest; ovf: of those that have no more connections than weight. */
static uint16_t pick_heaviest(const struct scheduler *s,
			      const struct dest_set *set)
{
	uint16_t best = DEST_NONE;
	uint32_t best_weight = 0;

	for (unsigned at = 0; at < set->n; at++) {
		const struct dest *d = &set->v[set->order[at]];

		if (!dest_is_usable(d) || d->weight <= best_weight ||
		    (s->kind == SCHEDULER_OVF &&
		     d->n_active + d->n_pending > d->weight))
			continue;
		best = set->order[at];
		best_weight = d->weight;
	}
	return best;
}

/**
 * load_pick() - Choose a destination by what all have
 * @s:		scheduler of one of the kinds above
 * @set:	destinations
 * @now_ns:	time, for slow starts
 *
 * Return: index or DEST_NONE
 */
uint16_t load_pick(const struct scheduler *s, const struct dest_set *set,
		   uint64_t now_ns)
{
	if (s->kind == SCHEDULER_FO || s->kind == SCHEDULER_OVF)
		return pick_heaviest(s, set);
	return pick_least(s, set, now_ns);
}

/**
 * load_least() - The destination with the least connections, overloaded or not
 * @set:	destinations
 *
 * Return: index or DEST_NONE
 */
uint16_t load_least(const struct dest_set *set)
{
	uint16_t best = DEST_NONE;

	for (unsigned at = 0; at < set->n; at++) {
		const struct dest *d = &set->v[set->order[at]];

		if (dest_is_open(d) &&
		    (best == DEST_NONE ||
		     dest_conns(d) < dest_conns(&set->v[best])))
			best = set->order[at];
	}
	return best;
}
