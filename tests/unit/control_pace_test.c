/* SPDX-License-Identifier: ISC */
#include "../../common/control_pace.h"
#include "../../common/time.h"
#include "test.h"

#define US UINT64_C(1000)

static const struct control_pace last = {
	.took_ns = 200 * US, .ended_ns = NS_PER_S, .ended_cpu_ns = 500 * US,
};

/* How long to wait, so long after the last turn, with so much processor time used. */
static uint64_t wait_us(const struct control_pace *p, uint64_t waited_us,
			uint64_t used_us)
{
	return control_pace_wait_ns(p, p->ended_ns + waited_us * US,
				    p->ended_cpu_ns + used_us * US) / US;
}

static void a_process_without_frames_spends_a_twentieth_of_its_time(void)
{
	CHECK_EQ(wait_us(&last, 0, 0), 4000);
	CHECK_EQ(wait_us(&last, 3999, 0), 1);
	CHECK_EQ(wait_us(&last, 4000, 0), 0);
	CHECK_EQ(wait_us(&last, 4000, 500), 0);
}

static void a_busy_one_spends_a_fiftieth_of_what_it_gets(void)
{
	/* all of a processor */
	CHECK_EQ(wait_us(&last, 4000, 4000), 6000);
	CHECK_EQ(wait_us(&last, 10000, 10000), 0);
	/* a quarter of one */
	CHECK_EQ(wait_us(&last, 4000, 1000), 9000);
	CHECK_EQ(wait_us(&last, 39999, 9999), 1);
	CHECK_EQ(wait_us(&last, 40000, 10000), 0);
}

static void one_whose_frames_end_waits_no_longer(void)
{
	CHECK_EQ(wait_us(&last, 4000, 1000), 9000);
	CHECK_EQ(wait_us(&last, 7999, 1000), 9000);
	CHECK_EQ(wait_us(&last, 8000, 1000), 0);
}

static void short_turns_are_a_millisecond_apart(void)
{
	const struct control_pace p = { .took_ns = 2 * US };

	CHECK_EQ(wait_us(&p, 0, 0), 1000);
	CHECK_EQ(wait_us(&p, 999, 999), 1);
	CHECK_EQ(wait_us(&p, 1000, 1000), 0);
}

static void the_first_question_is_answered_at_once(void)
{
	const struct control_pace p = { 0 };

	CHECK_EQ(wait_us(&p, NS_PER_S / US, 0), 0);
	CHECK_EQ(wait_us(&p, NS_PER_S / US, NS_PER_S / US), 0);
}

static void nobody_waits_longer_than_a_second(void)
{
	const struct control_pace p = { .took_ns = NS_PER_S };

	CHECK_EQ(wait_us(&p, 0, 0), NS_PER_S / US);
	CHECK_EQ(wait_us(&p, 0, 1000), NS_PER_S / US);
	CHECK_EQ(wait_us(&p, 999999, 999999), 1);
	CHECK_EQ(wait_us(&p, 1000000, 1000000), 0);
}

int main(void)
{
	TEST(a_process_without_frames_spends_a_twentieth_of_its_time);
	TEST(a_busy_one_spends_a_fiftieth_of_what_it_gets);
	TEST(one_whose_frames_end_waits_no_longer);
	TEST(short_turns_are_a_millisecond_apart);
	TEST(the_first_question_is_answered_at_once);
	TEST(nobody_waits_longer_than_a_second);
	return TEST_END();
}
