/* SPDX-License-Identifier: ISC */
/*
 * Chunks: memory with a count of its holders. A chunk does not know who fills it or
 * what it holds.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "chunk.h"

/**
 * chunk_new() - Allocate a chunk
 * @cap: bytes it shall hold
 *
 * A relay that cannot buffer a frame cannot keep its promise never to lose
 * one, so there is no error to return: out of memory ends the process.
 *
 * Return: the chunk, its bytes undefined; the caller owns its one reference.
 */
struct chunk *chunk_new(size_t cap)
{
	struct chunk *c;

	assert(cap <= UINT32_MAX);
	c = malloc(sizeof(*c) + cap);
	if (!c) {
		fprintf(stderr, "out of memory: chunk of %zu bytes\n", cap);
		abort();
	}
	c->refs = 1;
	c->cap = (uint32_t)cap;
	return c;
}

/**
 * chunk_ref() - Take one more reference
 * @c: chunk somebody holds already
 *
 * Return: @c, for the caller to chunk_unref().
 */
struct chunk *chunk_ref(struct chunk *c)
{
	assert(c->refs && c->refs < UINT32_MAX);
	c->refs++;
	return c;
}

/**
 * chunk_unref() - Give a reference back; the last one frees
 * @c: chunk, or NULL
 */
void chunk_unref(struct chunk *c)
{
	if (!c)
		return;
	assert(c->refs);
	if (!--c->refs)
		free(c);
}
