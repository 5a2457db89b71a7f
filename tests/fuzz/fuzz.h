/* SPDX-License-Identifier: ISC */
#ifndef COLO_FUZZ_H
#define COLO_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/frame.h"

/* Any bytes do; what must hold is asserted, the sanitizers see the rest. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is left of the input, taken from the front. */
struct fuzz {
	const uint8_t *at;
	size_t left;
};

static inline uint8_t fuzz_byte(struct fuzz *z)
{
	if (!z->left)
		return 0;
	z->left--;
	return *z->at++;
}

/* A frame of the next bytes in a chunk of its own, for the caller to unref. */
static inline struct frame fuzz_frame(struct fuzz *z, uint8_t vnet_len,
				      size_t max)
{
	size_t len = (size_t)(fuzz_byte(z) << 8 | fuzz_byte(z)) % (max + 1);
	struct frame f;

	if (len > z->left)
		len = z->left;
	f = (struct frame){
		.chunk = chunk_new(vnet_len + len + 1),
		.len = (uint32_t)(vnet_len + len),
		.vnet_len = vnet_len,
	};
	/* flush with the end, where the sanitizer watches */
	f.chunk->bytes[0] = 0;
	f.data = f.chunk->bytes + 1;
	memset(f.data, 0, vnet_len);
	memcpy(f.data + vnet_len, z->at, len);
	z->at += len;
	z->left -= len;
	return f;
}

/* A TCP segment of one of four connections, whose numbers are near together:
 * what free bytes would seldom be. */
static inline struct frame fuzz_segment(struct fuzz *z, uint8_t vnet_len,
					bool reverse)
{
	static const uint8_t head[54] = {
		[0] = 2, [6] = 2, [12] = 8, [14] = 0x45, [22] = 64, [23] = 6,
		[26] = 10, [30] = 10, [34] = 1, [36] = 2, [46] = 0x50,
		[48] = 16,
	};
	uint8_t which = fuzz_byte(z), len = fuzz_byte(z) % 32;
	struct frame f = {
		.chunk = chunk_new(vnet_len + sizeof(head) + len),
		.len = (uint32_t)(vnet_len + sizeof(head) + len),
		.vnet_len = vnet_len,
	};
	uint8_t *p;

	f.data = f.chunk->bytes;
	memset(f.data, 0, f.len);
	p = frame_eth(&f);
	memcpy(p, head, sizeof(head));
	p[17] = (uint8_t)(40 + len);
	p[19] = which;
	p[reverse ? 37 : 35] = which & 3;
	p[reverse ? 33 : 29] = 1;
	if (reverse) {
		p[34] = 2;
		p[36] = 1;
	}
	p[41] = fuzz_byte(z);
	p[45] = fuzz_byte(z);
	p[47] = fuzz_byte(z);
	for (unsigned i = 0; i < len; i++)
		p[54 + i] = (uint8_t)(which & 0x80 ? i : fuzz_byte(z));
	return f;
}

#endif
