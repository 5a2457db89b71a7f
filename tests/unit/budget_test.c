/* SPDX-License-Identifier: ISC */
#include "../../compare/live/budget.h"
#include "test.h"

#define MS UINT64_C(1000000)
#define SEC (1000 * MS)

/* Requests as often as they may be, each answered after took_ns: how much of
 * for_ns goes into them? */
static uint64_t time_spent(struct budget *b, uint64_t *now, uint64_t took_ns,
			   uint64_t for_ns)
{
	uint64_t end = *now + for_ns, spent = 0, wait;

	while (*now < end) {
		wait = budget_wait_ns(b, *now);
		*now += wait;
		CHECK_EQ(budget_wait_ns(b, *now), 0);
		budget_take(b, *now);
		*now += took_ns;
		budget_charge(b, took_ns, *now);
		spent += took_ns;
	}
	return spent;
}

static void a_share_of_time(void)
{
	const uint64_t took[] = { 1 * MS, 100 * MS, 3 * SEC, 20 * SEC };
	const uint64_t percent[] = { 1, 25, 50, 99 };

	for (unsigned i = 0; i < 4; i++)
		for (unsigned k = 0; k < 4; k++) {
			uint64_t saved = percent[k] * BUDGET_BURST_NS / 100;
			uint64_t now = 5 * SEC, spent;
			struct budget b;

			budget_init(&b, percent[k], 0, now);
			spent = time_spent(&b, &now, took[i], 10000 * SEC);
			CHECK(spent <= 100 * SEC * percent[k] + saved +
				       2 * took[i]);
			/* what takes longer than is saved for costs more */
			if (took[i] <= BUDGET_BURST_NS)
				CHECK(spent >= 99 * SEC * percent[k] -
					       2 * took[i]);
		}
}

/* A few in a row, after a while without, go out at once. */
static void what_was_saved_is_spent(void)
{
	uint64_t now = SEC;
	struct budget b;

	budget_init(&b, 25, 0, now);
	for (unsigned i = 0; i < 8; i++) {
		CHECK_EQ(budget_wait_ns(&b, now), 0);
		budget_take(&b, now);
		budget_charge(&b, 300 * MS, now);
	}
	CHECK_EQ(budget_wait_ns(&b, now), 0);
	budget_charge(&b, 300 * MS, now);	/* 2700 ms of 2500 */
	CHECK(budget_wait_ns(&b, now) > 800 * MS);
	CHECK(budget_wait_ns(&b, now) < 801 * MS);
	CHECK(budget_wait_ns(&b, now + 799 * MS) > 0);
	CHECK_EQ(budget_wait_ns(&b, now + 801 * MS), 0);
	/* and no more than ten seconds of it are saved */
	now += 100000 * SEC;
	CHECK_EQ(budget_wait_ns(&b, now), 0);
	budget_charge(&b, 2501 * MS, now);
	CHECK(budget_wait_ns(&b, now) > 0);
}

static void a_number_of_requests(void)
{
	uint64_t now = SEC, n = 0;
	struct budget b;

	budget_init(&b, 0, 60, now);
	while (!budget_wait_ns(&b, now)) {
		budget_take(&b, now);
		n++;
	}
	CHECK_EQ(n, 10);
	CHECK_EQ(budget_wait_ns(&b, now), SEC);
	CHECK_EQ(budget_wait_ns(&b, now + SEC), 0);
	/* fewer than one in ten seconds */
	budget_init(&b, 0, 1, now);
	CHECK_EQ(budget_wait_ns(&b, now), 0);
	budget_take(&b, now);
	CHECK_EQ(budget_wait_ns(&b, now), 60 * SEC);
}

static void no_limit(void)
{
	uint64_t now = SEC;
	struct budget b;

	budget_init(&b, 0, 0, now);
	for (unsigned i = 0; i < 1000; i++) {
		CHECK_EQ(budget_wait_ns(&b, now), 0);
		budget_take(&b, now);
		budget_charge(&b, 100 * SEC, now);
	}
	budget_init(&b, 100, 0, now);
	budget_charge(&b, 100 * SEC, now);
	CHECK_EQ(budget_wait_ns(&b, now), 0);
}

/* Nobody was there to answer, for a day. */
static void a_debt_has_an_end(void)
{
	uint64_t now = SEC;
	struct budget b;

	budget_init(&b, 25, 0, now);
	budget_charge(&b, 86400 * SEC, now);
	CHECK(budget_wait_ns(&b, now) <= 240 * SEC);
}

int main(void)
{
	TEST(a_share_of_time);
	TEST(what_was_saved_is_spent);
	TEST(a_number_of_requests);
	TEST(no_limit);
	TEST(a_debt_has_an_end);
	return TEST_END();
}
