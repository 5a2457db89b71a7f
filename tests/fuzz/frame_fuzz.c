/* SPDX-License-Identifier: ISC */
#include <assert.h>

#include "fuzz.h"

/* First byte: the form and how the rest is cut. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz z = { data, size };
	uint8_t how = fuzz_byte(&z);
	struct frame_decoder d;
	struct frame v[16];
	uint32_t bad;
	int n = 0;

	frame_decoder_init(&d, how & 1);
	while (z.left && n >= 0) {
		size_t room, len = 1u + (how >> 1);
		uint8_t *at = frame_decoder_room(&d, &room);

		assert(room >= FRAME_PREFIX_MAX + FRAME_LEN_MAX);
		if (len > z.left)
			len = z.left;
		memcpy(at, z.at, len);
		z.at += len;
		z.left -= len;
		frame_decoder_filled(&d, len);
		while ((n = frame_decoder_batch(&d, v, 16, &bad)) > 0) {
			for (int i = 0; i < n; i++) {
				assert(v[i].len > v[i].vnet_len);
				assert(v[i].len <= FRAME_LEN_MAX);
				assert(v[i].data + v[i].len <=
				       d.chunk->bytes + d.end);
			}
		}
	}
	frame_decoder_fini(&d);
	return 0;
}
