/* SPDX-License-Identifier: ISC */
#ifndef COLO_CHUNK_H
#define COLO_CHUNK_H

#include <stddef.h>
#include <stdint.h>

/*
 * A chunk is a large reference-counted buffer that frames point into. An
 * endpoint fills it, everybody who keeps a frame beyond the callback that
 * brought it holds a reference. Not thread safe: one process, one loop.
 */
struct chunk {
	uint32_t refs;		/* holders; the last chunk_unref() frees */
	uint32_t cap;		/* bytes available at bytes[] */
	uint8_t bytes[];
};

#define CHUNK_BYTES (256u * 1024u)	/* capacity of an endpoint's chunk */

struct chunk *chunk_new(size_t cap);	/* one reference; aborts when out of memory */
struct chunk *chunk_ref(struct chunk *c);
void chunk_unref(struct chunk *c);	/* NULL is legal */

#endif
