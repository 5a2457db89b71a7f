/* SPDX-License-Identifier: ISC */
/*
 * conhash: a ring of 64-bit points, 160 for each destination and unit of
 * weight. A client belongs to the next point behind its hash. Points are made
 * of the destination's name: the ring does not depend on the order in which
 * destinations were added. Weights are in proportion to the heaviest, which has
 * 64 units at most.
 *
 * Where the owner is not usable the walk goes on along the ring; `strict` drops.
 */
#include "ring.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "dest.h"

#define POINTS_PER_UNIT 160u
#define UNITS_MAX 64u

struct ring_point {
	uint64_t hash;
	uint16_t dest;
};

static int by_hash(const void *a, const void *b)
{
	const struct ring_point *x = a, *y = b;

	return x->hash < y->hash ? -1 : x->hash > y->hash;
}

static uint32_t n_points_of(const struct dest *d,
			    const struct dest_weights *all)
{
	uint64_t units;

	if (!d->weight)
		return 0;
	units = all->max / all->divisor > UNITS_MAX ?
			(uint64_t)d->weight * UNITS_MAX / all->max :
			d->weight / all->divisor;
	return (uint32_t)(units ? units : 1) * POINTS_PER_UNIT;
}

static uint32_t put_points(struct ring_point *at, const struct dest *d,
			   uint16_t i, uint32_t n)
{
	for (uint32_t k = 0; k < n; k++)
		at[k] = (struct ring_point){
			.hash = XXH3_64bits_withSeed(d->name, strlen(d->name),
						     k + 1),
			.dest = i,
		};
	return n;
}

/**
 * ring_fill() - Make the ring again
 * @s:		scheduler conhash
 * @set:	destinations as they are now
 *
 * Return: false when memory is short: the ring is the one before.
 */
bool ring_fill(struct scheduler *s, const struct dest_set *set)
{
	const struct dest_weights all = dest_weights(set);
	uint32_t n = 0, room = 1;
	struct ring_point *points;

	for (unsigned at = 0; at < set->n; at++)
		room += n_points_of(&set->v[set->order[at]], &all);
	points = calloc(room, sizeof(*points));
	if (!points)
		return false;
	for (unsigned at = 0; at < set->n; at++) {
		const struct dest *d = &set->v[set->order[at]];

		n += put_points(points + n, d, set->order[at],
				n_points_of(d, &all));
	}
	qsort(points, n, sizeof(*points), by_hash);
	free(s->points);
	s->points = points;
	s->n_points = n;
	return true;
}

/* The first point at a hash or behind it; behind the last one is the first. */
static uint32_t point_behind(const struct scheduler *s, uint64_t hash)
{
	uint32_t low = 0, high = s->n_points;

	while (low < high) {
		uint32_t mid = (low + high) / 2;

		if (s->points[mid].hash < hash)
			low = mid + 1;
		else
			high = mid;
	}
	return low == s->n_points ? 0 : low;
}

/**
 * ring_pick() - Choose a destination by the client's address
 * @s:		scheduler conhash
 * @set:	destinations
 * @key:	the connection
 *
 * Return: index or DEST_NONE
 */
uint16_t ring_pick(const struct scheduler *s, const struct dest_set *set,
		   const struct slots_key *key)
{
	uint64_t hash = XXH3_64bits_withSeed(key->src, key->addr_len,
					     key->sport);
	uint32_t at = point_behind(s, hash);

	for (uint32_t n = 0; n < s->n_points; n++) {
		uint16_t i = s->points[(at + n) % s->n_points].dest;

		if (dest_is_usable(&set->v[i]))
			return i;
		if (s->strict)
			break;
	}
	return DEST_NONE;
}
