/* SPDX-License-Identifier: ISC */
/*
 * mh: the table of Eisenbud and others, "Maglev" (NSDI 2016), section 3.4. Each
 * destination has a permutation of all slots, made from its name, and claims in
 * its turns the first of them that is free. Slots stay with their owner when
 * others come and go, but for a few.
 *
 * The destinations take turns in the order of their names: the table does not
 * depend on the order in which they were added. One with half the weight of the
 * heaviest takes every second turn.
 *
 * The hashes have fixed seeds, so that several directors choose alike.
 */
#include "maglev.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "dest.h"

#define WALK_MAX 64u	/* hashes before slots are taken one by one */

/* A destination while the table is filled. */
struct claimant {
	const char *name;
	uint32_t at, skip;	/* its permutation: at, at + skip, ... */
	uint64_t weight;
	uint64_t target;	/* weights of its turns, until its next claim */
	uint16_t dest;
};

static int by_name(const void *a, const void *b)
{
	const struct claimant *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static unsigned find_claimants(struct claimant *v, const struct scheduler *s,
			       const struct dest_set *set)
{
	unsigned n = 0;

	for (unsigned at = 0; at < set->n; at++) {
		const struct dest *d = &set->v[set->order[at]];
		size_t len = strlen(d->name);

		if (!d->weight)
			continue;
		v[n++] = (struct claimant){
			.name = d->name,
			.at = (uint32_t)(XXH3_64bits_withSeed(d->name, len, 1) %
					 s->n_slots),
			.skip = 1 + (uint32_t)(XXH3_64bits_withSeed(d->name,
						len, 2) % (s->n_slots - 1)),
			.weight = d->weight,
			.dest = set->order[at],
		};
	}
	qsort(v, n, sizeof(*v), by_name);
	return n;
}

static void claim(struct scheduler *s, struct claimant *c)
{
	while (s->slots[c->at] != DEST_NONE)
		c->at = (c->at + c->skip) % s->n_slots;
	s->slots[c->at] = c->dest;
}

/**
 * maglev_fill() - Fill the table again
 * @s:		scheduler mh; n_slots is a prime
 * @set:	destinations as they are now; one of weight 0 owns no slot
 */
void maglev_fill(struct scheduler *s, const struct dest_set *set)
{
	struct claimant v[DESTS_MAX] = { { 0 } };
	unsigned n = find_claimants(v, s, set);
	uint64_t max = 0;
	uint32_t n_left = s->n_slots;

	for (uint32_t i = 0; i < s->n_slots; i++)
		s->slots[i] = DEST_NONE;
	for (unsigned i = 0; i < n; i++)
		max = v[i].weight > max ? v[i].weight : max;
	for (uint64_t turn = 1; n && n_left; turn++) {
		for (unsigned i = 0; i < n && n_left; i++) {
			if (turn * v[i].weight < v[i].target)
				continue;
			v[i].target += max;
			claim(s, &v[i]);
			n_left--;
		}
	}
}

static uint32_t slot_of(const struct scheduler *s, const struct slots_key *key,
			uint32_t seed)
{
	uint64_t hash = XXH3_64bits_withSeed(key->src, key->addr_len,
					     key->sport | seed << 16);

	return (uint32_t)(hash % s->n_slots);
}

/**
 * maglev_pick() - Choose a destination by the client's address
 * @s:		scheduler mh
 * @set:	destinations
 * @key:	the connection
 *
 * Unless `strict` says so, the clients of one that is not usable are hashed again:
 * they spread over all others.
 *
 * Return: index or DEST_NONE
 */
uint16_t maglev_pick(const struct scheduler *s, const struct dest_set *set,
		     const struct slots_key *key)
{
	uint32_t n_tries = s->strict ? 1 : WALK_MAX + s->n_slots;
	uint32_t slot = 0;

	for (uint32_t n = 0; n < n_tries; n++) {
		uint16_t i;

		slot = n < WALK_MAX ? slot_of(s, key, n) :
				      (slot + 1) % s->n_slots;
		i = s->slots[slot];
		if (i != DEST_NONE && dest_is_usable(&set->v[i]))
			return i;
	}
	return DEST_NONE;
}
