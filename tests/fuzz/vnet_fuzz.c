/* SPDX-License-Identifier: ISC */
#include <assert.h>

#include "../../common/vnet.h"
#include "fuzz.h"

static void emit(void *arg, const struct frame *f)
{
	unsigned *n = arg;

	assert(!f->vnet_len && f->len && f->len <= FRAME_LEN_MAX);
	++*n;
}

/* The first 10 bytes are the virtio-net header. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct frame f = { .vnet_len = 10, .len = (uint32_t)size };
	unsigned n = 0;

	if (size <= 10 || size > FRAME_LEN_MAX)
		return 0;
	f.chunk = chunk_new(size);
	f.data = f.chunk->bytes;
	memcpy(f.data, data, size);
	assert((vnet_to_plain(&f, emit, &n) == 0) == (n > 0));
	vnet_complete(&f);
	assert(f.chunk->refs == 1);
	chunk_unref(f.chunk);
	return 0;
}
