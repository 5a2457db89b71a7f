/* SPDX-License-Identifier: ISC */
/*
 * The schedulers that give each destination its turn: rr and wrr, in IPVS's
 * order. The state is the cursor in struct scheduler, and for wrr the weight
 * that a destination has to have in the present round.
 *
 * A destination in its slow start lets some of its turns pass.
 */
#include "turn.h"

#include "dest.h"

/**
 * turn_changed() - Destinations have come, gone or changed their weight
 * @s:		scheduler rr or wrr; one that is new is all zero but its kind,
 *		with the cursor DEST_NONE
 * @set:	destinations as they are now
 *
 * rr goes on behind its cursor. wrr begins a round at the first destination, at
 * the weight where it was if that is still one.
 */
void turn_changed(struct scheduler *s, const struct dest_set *set)
{
	const struct dest_weights all = dest_weights(set);

	if (s->kind == SCHEDULER_RR)
		return;
	s->cursor = DEST_NONE;
	s->di = all.divisor ? (int32_t)all.divisor : 1;
	s->mw = all.max ? (int32_t)all.max - (s->di - 1) : 0;
	if (s->cw > s->mw || !s->cw)
		s->cw = s->mw;
	else if (s->di > 1)
		s->cw = s->cw / s->di * s->di + 1;
}

/* Where the cursor stands in the order. Of one that was removed nothing says
 * that: dest.at is where its successor is now. */
static unsigned after_cursor(const struct scheduler *s,
			     const struct dest_set *set)
{
	const struct dest *d;

	if (s->cursor == DEST_NONE)
		return 0;
	d = &set->v[s->cursor];
	return d->is_member ? d->at + 1u : d->at;
}

static uint16_t next_turn(struct scheduler *s, const struct dest_set *set)
{
	unsigned at = after_cursor(s, set);

	for (unsigned n = 0; n < set->n; n++, at++) {
		if (at >= set->n)
			at = 0;
		if (dest_is_usable(&set->v[set->order[at]]))
			return s->cursor = set->order[at];
	}
	return DEST_NONE;
}

static int32_t heaviest_usable(const struct dest_set *set)
{
	uint32_t max = 0;

	for (unsigned at = 0; at < set->n; at++) {
		const struct dest *d = &set->v[set->order[at]];

		if (dest_is_usable(d) && d->weight > max)
			max = d->weight;
	}
	return (int32_t)max;
}

/* A round is over. Rounds in which nobody usable has the weight are left out. */
static void next_round(struct scheduler *s, int32_t heaviest)
{
	s->cw -= s->di;
	if (s->cw <= 0)
		s->cw = s->mw;
	if (s->cw > heaviest)
		s->cw -= (s->cw - heaviest + s->di - 1) / s->di * s->di;
}

/* Round after round each destination that has the round's weight. Two rounds
 * behind the present one are enough to find one, wherever the cursor is. */
static uint16_t next_weighted(struct scheduler *s, const struct dest_set *set)
{
	int32_t heaviest = heaviest_usable(set);
	unsigned at = after_cursor(s, set);

	if (!heaviest)
		return DEST_NONE;
	for (unsigned n = 0; n < 3u * (set->n + 1u); n++, at++) {
		const struct dest *d;

		if (at >= set->n) {
			at = 0;
			next_round(s, heaviest);
		}
		d = &set->v[set->order[at]];
		if (dest_is_usable(d) && (int32_t)d->weight >= s->cw)
			return s->cursor = set->order[at];
	}
	return DEST_NONE;
}

/* The greatest share that a usable destination has. After a start all of them are
 * in their slow start: that is no reason to let turns pass. */
static uint32_t greatest_share(const struct scheduler *s,
			       const struct dest_set *set, uint64_t now_ns)
{
	uint32_t max = 1;

	if (!s->slow_ns)
		return DEST_SHARE_FULL;
	for (unsigned at = 0; at < set->n; at++) {
		const struct dest *d = &set->v[set->order[at]];
		uint32_t share = dest_share(d, s->slow_ns, now_ns);

		if (dest_is_usable(d) && share > max)
			max = share;
	}
	return max;
}

/* Does a destination take this turn? In a slow start its share of them, beside the
 * one with the greatest, which takes each. */
static bool takes(const struct scheduler *s, struct dest *d, uint32_t greatest,
		  uint64_t now_ns)
{
	d->credit += dest_share(d, s->slow_ns, now_ns) * DEST_SHARE_FULL /
		     greatest;
	if (d->credit < DEST_SHARE_FULL)
		return false;
	d->credit %= DEST_SHARE_FULL;
	return true;
}

/**
 * turn_pick() - Choose the destination whose turn it is
 * @s:		scheduler rr or wrr
 * @set:	destinations
 * @now_ns:	time, for slow starts
 *
 * Return: index or DEST_NONE
 */
uint16_t turn_pick(struct scheduler *s, struct dest_set *set, uint64_t now_ns)
{
	uint32_t greatest = greatest_share(s, set, now_ns);
	uint16_t i = DEST_NONE;

	for (unsigned n = 0; n < 2u * set->n; n++) {
		i = s->kind == SCHEDULER_RR ? next_turn(s, set) :
					      next_weighted(s, set);
		if (i == DEST_NONE || takes(s, &set->v[i], greatest, now_ns))
			break;
	}
	return i;
}
