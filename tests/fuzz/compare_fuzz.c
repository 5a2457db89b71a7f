/* SPDX-License-Identifier: ISC */
#include <assert.h>

#include "../../common/stats.h"
#include "../../compare/compare.h"
#include "fuzz.h"

static uint64_t n_out;

static void on_release(void *arg, const struct frame *f)
{
	(void)arg;
	assert(f->len);
	n_out++;
}

static void on_differ(void *arg, const struct compare_difference *d)
{
	(void)arg;
	(void)d;
}

static void act(struct compare *c, uint8_t op, struct fuzz *z, uint64_t *now,
		uint64_t *n_in)
{
	struct frame f;

	switch (op % 8) {
	case 5:
		compare_expire(c, *now);
		break;
	case 6:
		compare_flush(c, *now);
		if (op & 0x80)
			compare_grace(c, *now + 1000000000);
		break;
	case 7:
		if (op == 7)
			compare_failover(c, *now);
		break;
	default:
		f = op & 0x40 ? fuzz_frame(z, op & 0x80 ? 12 : 0, 256) :
				fuzz_segment(z, op & 0x80 ? 12 : 0, false);
		if (f.len > f.vnet_len) {
			++*n_in;
			compare_input(c, op & 1 ? COMPARE_SECONDARY :
				      COMPARE_PRIMARY, &f, 1, *now);
			/* an exact copy from the other side */
			if (op & 2) {
				++*n_in;
				compare_input(c, op & 1 ? COMPARE_PRIMARY :
					      COMPARE_SECONDARY, &f, 1, *now);
			}
		}
		chunk_unref(f.chunk);
	}
}

/* Steps: a byte that says what, a byte of time, for frames length and bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct compare_handler handler = {
		.release = on_release, .differ = on_differ,
	};
	struct compare_config config = {
		.timeout_ns = 3000000000, .reorder_ns = 100000000,
		.max_queue = 8, .max_bytes = 65536, .max_flows = 4, .seed = 1,
	};
	struct fuzz z = { data, size };
	struct stats s = { 0 };
	uint64_t now = 1, n_in = 0;
	struct compare *c;

	config.ack_policy = (enum compare_ack_policy)(fuzz_byte(&z) % 3);
	c = compare_new(&config, &handler);
	assert(c);
	n_out = 0;
	while (z.left) {
		uint8_t op = fuzz_byte(&z);

		now += (uint64_t)fuzz_byte(&z) * 20000000;
		act(c, op, &z, &now, &n_in);
	}
	compare_stats(c, &s);
	assert(n_in + s.originated + s.copied ==
	       n_out + s.merged + s.held + stats_dropped(&s));
	compare_free(c);
	return 0;
}
