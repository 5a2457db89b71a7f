/* SPDX-License-Identifier: ISC */
#include <assert.h>

#include "../../common/stats.h"
#include "../../rewriter/rewrite.h"
#include "fuzz.h"

static uint64_t n_out;

static void emit(void *arg, enum rewrite_side side, const struct frame *v,
		 unsigned n)
{
	(void)arg;
	(void)side;
	(void)v;
	n_out += n;
}

static void act(struct rewrite *r, uint8_t op, struct fuzz *z, uint64_t now,
		uint64_t *n_in)
{
	struct frame f;

	switch (op % 8) {
	case 5:
		rewrite_expire(r, now);
		break;
	case 6:
		rewrite_checkpoint(r, now);
		break;
	case 7:
		if (op == 7)
			rewrite_failover(r);
		break;
	default:
		f = op & 0x40 ? fuzz_frame(z, op & 0x80 ? 12 : 0, 256) :
				fuzz_segment(z, op & 0x80 ? 12 : 0, op & 1);
		if (f.len > f.vnet_len) {
			++*n_in;
			rewrite_input(r, (enum rewrite_side)(op & 1), &f, 1,
				      now);
		}
		chunk_unref(f.chunk);
	}
}

/* Steps: a byte that says what, a byte of time, for frames length and bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct rewrite_handler handler = { .emit = emit };
	struct rewrite_config config = {
		.max_flows = 4, .max_held = 4096, .seed = 1,
	};
	struct fuzz z = { data, size };
	struct stats s = { 0 };
	uint64_t now = 1, n_in = 0;
	struct rewrite *r;

	config.drop_unknown = fuzz_byte(&z) & 1;
	n_out = 0;
	r = rewrite_new(&config, &handler, now);
	assert(r);
	while (z.left) {
		uint8_t op = fuzz_byte(&z);

		now += (uint64_t)fuzz_byte(&z) * 1000000000;
		act(r, op, &z, now, &n_in);
	}
	rewrite_stats(r, &s);
	assert(n_in + s.originated + s.copied ==
	       n_out + s.merged + s.held + stats_dropped(&s));
	rewrite_free(r);
	return 0;
}
