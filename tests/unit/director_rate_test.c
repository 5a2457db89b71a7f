/* SPDX-License-Identifier: ISC */
/* How much a destination does a second: counters and the time go in. */
#include "../../common/time.h"
#include "../../redirector/director_rate.h"
#include "test.h"

static struct director_rate rate;
static struct dest dest;

static void begin(void)
{
	rate = (struct director_rate){ 0 };
	dest = (struct dest){ .conns = 1000, .in_frames = 7 };
	director_rate_note(&rate, &dest, NS_PER_S);
}

static void what_was_before_the_first_look_is_no_rate(void)
{
	begin();
	for (unsigned i = 0; i < RATES; i++)
		CHECK_EQ(rate.per_s[i], 0);
}

static void each_counter_is_looked_at_every_two_seconds(void)
{
	begin();
	dest.conns += 10;
	dest.in_frames += 3;		/* 1.5 a second */
	dest.out_frames += 4;
	dest.in_bytes += UINT64_C(1) << 40;
	dest.out_bytes += 8;
	director_rate_note(&rate, &dest, 3 * NS_PER_S - 1);
	CHECK_EQ(rate.per_s[RATE_CONNS], 0);
	director_rate_note(&rate, &dest, 3 * NS_PER_S);
	CHECK_EQ(rate.per_s[RATE_CONNS], 5);
	CHECK_EQ(rate.per_s[RATE_IN_FRAMES], 2);
	CHECK_EQ(rate.per_s[RATE_OUT_FRAMES], 2);
	CHECK_EQ(rate.per_s[RATE_IN_BYTES], UINT64_C(1) << 39);
	CHECK_EQ(rate.per_s[RATE_OUT_BYTES], 4);
	director_rate_note(&rate, &dest, 7 * NS_PER_S);
	CHECK_EQ(rate.per_s[RATE_CONNS], 0);
	dest.conns += 100;		/* within 4 s: the timer was late */
	director_rate_note(&rate, &dest, 11 * NS_PER_S);
	CHECK_EQ(rate.per_s[RATE_CONNS], 25);
}

/* Another destination has got the place: its counters begin at 0. */
static void counters_that_go_back_have_begun_again(void)
{
	begin();
	dest = (struct dest){ .conns = 6 };
	director_rate_note(&rate, &dest, 3 * NS_PER_S);
	CHECK_EQ(rate.per_s[RATE_CONNS], 3);
	CHECK_EQ(rate.per_s[RATE_IN_FRAMES], 0);
}

int main(void)
{
	TEST(what_was_before_the_first_look_is_no_rate);
	TEST(each_counter_is_looked_at_every_two_seconds);
	TEST(counters_that_go_back_have_begun_again);
	return TEST_END();
}
