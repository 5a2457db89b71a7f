/* SPDX-License-Identifier: ISC */
#include "marks.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

_Static_assert(sizeof(struct mark) == sizeof(struct flow_key) + 28,
	       "its padding would be part of its hash");

struct marks {
	uint64_t seed;
	uint64_t *hashes;	/* 0: the place is free */
	size_t n, cap;		/* cap: a power of two, or 0 */
};

/**
 * marks_new() - Make a set
 * @seed:	Random, so that nobody chooses what collides
 *
 * Return: an empty one, for marks_free(); NULL when memory is short
 */
struct marks *marks_new(uint64_t seed)
{
	struct marks *m = calloc(1, sizeof(*m));

	if (m)
		m->seed = seed;
	return m;
}

/** marks_free() - Free a set; NULL is legal */
void marks_free(struct marks *m)
{
	if (m)
		free(m->hashes);
	free(m);
}

/** marks_hash() - Make a hash of bytes, for the member of that name */
uint64_t marks_hash(const struct marks *m, const void *bytes, size_t len)
{
	return XXH3_64bits_withSeed(bytes, len, m->seed);
}

static uint64_t *place_of(const struct marks *m, uint64_t hash)
{
	size_t i = hash & (m->cap - 1);

	while (m->hashes[i] && m->hashes[i] != hash)
		i = (i + 1) & (m->cap - 1);
	return &m->hashes[i];
}

static void grow(struct marks *m)
{
	struct marks old = *m;

	m->cap = old.cap ? old.cap * 2 : 1024;
	m->hashes = calloc(m->cap, sizeof(*m->hashes));
	if (!m->hashes)
		abort();
	for (size_t i = 0; i < old.cap; i++)
		if (old.hashes[i])
			*place_of(m, old.hashes[i]) = old.hashes[i];
	free(old.hashes);
}

static uint64_t hash_of(const struct marks *m, const struct mark *mark)
{
	return marks_hash(m, mark, sizeof(*mark)) | 1;
}

/** marks_add() - Put a mark into the set */
void marks_add(struct marks *m, const struct mark *mark)
{
	uint64_t hash = hash_of(m, mark), *place;

	if (2 * m->n >= m->cap)
		grow(m);
	place = place_of(m, hash);
	m->n += !*place;
	*place = hash;
}

/** marks_has() - Is a mark in the set? */
bool marks_has(const struct marks *m, const struct mark *mark)
{
	return m->cap && *place_of(m, hash_of(m, mark));
}
