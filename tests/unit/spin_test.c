/* SPDX-License-Identifier: ISC */
#include "../../common/spin.h"

#include "../../common/time.h"
#include "test.h"

#define US 1000u
#define MS NS_PER_MS

static uint64_t taken, asked;

static uint64_t preempted(void)
{
	asked++;
	return taken;
}

/* So many frames, one each @gap_ns, which find the process awake or asleep; it is
 * asked once more in the middle. Return: how often it went on looking there */
static unsigned frames(struct spin *s, unsigned n, uint64_t gap_ns,
		       uint64_t *now_ns)
{
	unsigned n_awake = 0;

	for (unsigned i = 0; i < n; i++) {
		*now_ns += gap_ns / 2;
		n_awake += spin_goes_on(s, s->n_in, *now_ns, preempted);
		*now_ns += gap_ns - gap_ns / 2;
		spin_goes_on(s, s->n_in + 1, *now_ns, preempted);
	}
	return n_awake;
}

static void zero_sleeps_at_once(void)
{
	struct spin s;

	spin_init(&s, 0, 8);
	CHECK(!spin_goes_on(&s, 1, 1000, preempted));
}

static void microseconds_are_kept_whoever_wants_the_processor(void)
{
	struct spin s;

	asked = 0;
	spin_init(&s, 50, 1);
	CHECK(spin_goes_on(&s, 1, 1 * MS, preempted));
	CHECK(spin_goes_on(&s, 1, 1 * MS + 49 * US, preempted));
	CHECK(!spin_goes_on(&s, 1, 1 * MS + 50 * US, preempted));
	CHECK(spin_goes_on(&s, 2, 1 * MS + 60 * US, preempted));
	CHECK(asked == 0);
}

static void auto_looks_for_twice_the_usual_gap(void)
{
	uint64_t now_ns = 1 * MS;
	struct spin s;

	spin_init(&s, SPIN_AUTO, 2);
	CHECK(frames(&s, 50, 20 * US, &now_ns) >= 48);
	CHECK(spin_goes_on(&s, s.n_in, now_ns + 39 * US, preempted));
	CHECK(!spin_goes_on(&s, s.n_in, now_ns + 41 * US, preempted));
}

static void auto_looks_for_nothing_that_comes_seldom(void)
{
	uint64_t now_ns = 1 * MS;
	struct spin s;

	spin_init(&s, SPIN_AUTO, 2);
	CHECK(frames(&s, 50, 120 * US, &now_ns) == 0);
	CHECK(frames(&s, 50, 20 * US, &now_ns) >= 30);
	now_ns += 3600 * NS_PER_S;
	CHECK(frames(&s, 50, 20 * US, &now_ns) >= 30);
}

static void auto_does_not_look_on_one_processor(void)
{
	uint64_t now_ns = 1 * MS;
	struct spin s;

	spin_init(&s, SPIN_AUTO, 1);
	CHECK(frames(&s, 50, 20 * US, &now_ns) == 0);
}

static void auto_rests_longer_each_time_that_others_want_the_processor(void)
{
	uint64_t now_ns = 1 * MS, rest_ns = 10 * MS;
	struct spin s;

	spin_init(&s, SPIN_AUTO, 2);
	frames(&s, 50, 20 * US, &now_ns);
	for (unsigned i = 0; i < 12; i++) {
		taken++;
		frames(&s, 60, 20 * US, &now_ns);
		/* it was taken within a millisecond, and some has passed */
		CHECK(frames(&s, (unsigned)((rest_ns - 2 * MS) / (20 * US)),
			     20 * US, &now_ns) <= 60);
		now_ns = s.rested_ns;
		CHECK(frames(&s, 10, 20 * US, &now_ns) >= 8);
		rest_ns = rest_ns < 5 * NS_PER_S ? 2 * rest_ns :
							  10 * NS_PER_S;
	}
	CHECK(s.rest_ns == SPIN_REST_MAX_NS);
}

static void auto_forgets_after_a_second_in_peace(void)
{
	uint64_t now_ns = 1 * MS;
	struct spin s;

	spin_init(&s, SPIN_AUTO, 2);
	for (unsigned i = 0; i < 5; i++) {
		frames(&s, 50, 20 * US, &now_ns);
		taken++;
		frames(&s, 60, 20 * US, &now_ns);
		now_ns = s.rested_ns;
	}
	CHECK(s.rest_ns == 16 * SPIN_REST_MIN_NS);
	frames(&s, 60000, 20 * US, &now_ns);
	taken++;
	frames(&s, 60, 20 * US, &now_ns);
	CHECK(s.rest_ns == SPIN_REST_MIN_NS);
}

static void auto_does_not_count_what_was_taken_while_it_slept(void)
{
	uint64_t now_ns = 1 * MS;
	struct spin s;

	spin_init(&s, SPIN_AUTO, 2);
	frames(&s, 50, 20 * US, &now_ns);
	CHECK(!spin_goes_on(&s, s.n_in, now_ns + 50 * US, preempted));
	taken++;
	now_ns += 60 * US;
	CHECK(frames(&s, 200, 20 * US, &now_ns) >= 150);
	CHECK(s.rest_ns == 0);
}

static void auto_counts_a_look_that_was_interrupted_to_its_end(void)
{
	uint64_t now_ns = 1 * MS;
	struct spin s;

	spin_init(&s, SPIN_AUTO, 2);
	frames(&s, 50, 20 * US, &now_ns);
	taken++;
	now_ns += 3 * MS;
	CHECK(!spin_goes_on(&s, s.n_in, now_ns, preempted));
	CHECK(s.rest_ns == SPIN_REST_MIN_NS);
}

int main(void)
{
	TEST(zero_sleeps_at_once);
	TEST(microseconds_are_kept_whoever_wants_the_processor);
	TEST(auto_looks_for_twice_the_usual_gap);
	TEST(auto_looks_for_nothing_that_comes_seldom);
	TEST(auto_does_not_look_on_one_processor);
	TEST(auto_rests_longer_each_time_that_others_want_the_processor);
	TEST(auto_forgets_after_a_second_in_peace);
	TEST(auto_does_not_count_what_was_taken_while_it_slept);
	TEST(auto_counts_a_look_that_was_interrupted_to_its_end);
	return TEST_END();
}
