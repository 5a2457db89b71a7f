/* SPDX-License-Identifier: ISC */
/* What the options mean for the comparison. */
#include "../../common/time.h"
#include "../../compare/live/live_config.h"
#include "test.h"

static bool is_capture;

/* In the place of that of live_options.c. */
bool live_options_is_capture(const struct live_options *o)
{
	CHECK(o);
	return is_capture;
}

static struct compare_config of(enum checkpoint_mode mode)
{
	const struct live_options o = {
		.timeout_ms = 3000, .reorder_ms = 10, .max_queue = 7,
		.max_bytes = UINT64_C(1) << 40, .max_flow_bytes = 8,
		.max_client_bytes = 9, .max_flows = 10,
		.ack_policy = COMPARE_ACK_HOLD, .l2 = true,
		.choice = { .mode = mode },
	};

	return live_config_of(&o, NULL);
}

static void numbers_are_those_of_the_options(void)
{
	const struct compare_config c = of(CHECKPOINT_NOTIFY);

	CHECK_EQ(c.timeout_ns, 3 * NS_PER_S);
	CHECK_EQ(c.reorder_ns, 10 * NS_PER_MS);
	CHECK_EQ(c.max_queue, 7);
	CHECK_EQ(c.max_bytes, UINT64_C(1) << 40);
	CHECK_EQ(c.max_flow_bytes, 8);
	CHECK_EQ(c.max_client_bytes, 9);
	CHECK_EQ(c.max_flows, 10);
	CHECK_EQ(c.ack_policy, COMPARE_ACK_HOLD);
	CHECK(!c.report_only);
}

/* Where checkpoints are made a gap asks for one early, and nothing waits for room;
 * where none is made the opposite is so. */
static void what_is_full_or_missing_asks_where_that_helps(void)
{
	struct compare_config c = of(CHECKPOINT_NONE);

	CHECK(!c.holds && c.full_waits);
	CHECK_EQ(c.gap_ns, 0);
	for (int mode = CHECKPOINT_NOTIFY; mode <= CHECKPOINT_QMP; mode++) {
		c = of((enum checkpoint_mode)mode);
		CHECK(!c.holds && !c.full_waits);
		CHECK_EQ(c.gap_ns, 300 * NS_PER_MS);
	}
	CHECK(of(CHECKPOINT_HOLD).holds);
}

static void captures_are_reported_on(void)
{
	struct compare_config c;

	is_capture = true;
	c = of(CHECKPOINT_NONE);
	is_capture = false;
	CHECK(c.report_only && c.compare_unknown && c.repeats);
	CHECK(!c.ignore_mac && c.ignore_addr);	/* --l2, not --l3 */
	CHECK(c.own_isn && c.pair_order);
}

int main(void)
{
	TEST(numbers_are_those_of_the_options);
	TEST(what_is_full_or_missing_asks_where_that_helps);
	TEST(captures_are_reported_on);
	return TEST_END();
}
