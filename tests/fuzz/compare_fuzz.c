/* SPDX-License-Identifier: ISC */
#include <assert.h>

#include "../../common/stats.h"
#include "../../compare/compare.h"
#include "../../compare/diff.h"
#include "fuzz.h"

static uint64_t n_out;
static struct learn learnt;
static struct diff diff;	/* what it says goes to /dev/null */

static void on_release(void *arg, const struct frame *f)
{
	(void)arg;
	assert(f->len);
	n_out++;
}

static void on_differ(void *arg, const struct compare_difference *d)
{
	(void)arg;
	diff_differ(&diff, d);
}

static void on_midstream(void *arg, const struct compare_midstream *m)
{
	(void)arg;
	diff_midstream(&diff, m);
}

/* What differs is told, or learnt and then told when it is something else. */
static void begin_report(uint8_t how)
{
	static FILE *null;

	if (!null)
		null = fopen("/dev/null", "w");
	assert(null);
	learn_fini(&learnt);
	diff = (struct diff){
		.text = null, .json = null, .learn = &learnt,
		.is_learning = how & 1, .is_over = how & 2,
	};
}

static struct compare_config config_of(uint8_t how)
{
	struct compare_config config = {
		.timeout_ns = 3000000000, .reorder_ns = 100000000,
		.max_queue = 8, .max_bytes = 65536, .max_flows = 4, .seed = 1,
		.ack_policy = (enum compare_ack_policy)(how % 3),
	};

	config.report_only = how & 0x80;
	if (config.report_only) {
		config.own_isn = how & 0x40;
		config.pair_order = how & 0x20;
		config.ignore_addr = config.ignore_mac = how & 0x10;
		config.compare_non_ip = how & 0x08;
		if (how & 0x04)
			config.reorder_ns = COMPARE_AT_END_NS;
	}
	return config;
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
		else
			diff.is_learning = false;
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
		.midstream = on_midstream,
	};
	struct compare_config config;
	struct fuzz z = { data, size };
	struct stats s = { 0 };
	uint64_t now = 1, n_in = 0;
	struct compare *c;

	config = config_of(fuzz_byte(&z));
	begin_report(fuzz_byte(&z));
	c = compare_new(&config, &handler);
	assert(c);
	n_out = 0;
	while (z.left) {
		uint8_t op = fuzz_byte(&z);

		now += (uint64_t)fuzz_byte(&z) * 20000000;
		act(c, op, &z, &now, &n_in);
	}
	if (config.report_only) {
		compare_expire(c, UINT64_MAX / 2);
		assert(!compare_is_holding(c));
	}
	compare_stats(c, &s);
	assert(n_in + s.originated + s.copied ==
	       n_out + s.merged + s.held + stats_dropped(&s));
	compare_free(c);
	return 0;
}
