/* SPDX-License-Identifier: ISC */
#include <stdint.h>

#include "../../common/seq.h"
#include "test.h"

static const uint32_t starts[] = {
	0, 1, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff,
};
#define N_STARTS (sizeof(starts) / sizeof(starts[0]))

static void later_is_greater_across_the_wrap(void)
{
	static const uint32_t steps[] = { 1, 2, 1460, 65535, 0x7fffffff };

	for (size_t i = 0; i < N_STARTS; i++) {
		for (size_t k = 0; k < sizeof(steps) / sizeof(steps[0]); k++) {
			uint32_t a = starts[i], b = a + steps[k];

			CHECK(seq_lt(a, b) && seq_le(a, b));
			CHECK(!seq_gt(a, b) && !seq_ge(a, b));
			CHECK(seq_gt(b, a) && seq_ge(b, a));
			CHECK(!seq_lt(b, a) && !seq_le(b, a));
			CHECK_EQ(seq_max(a, b), b);
			CHECK_EQ(seq_max(b, a), b);
			CHECK_EQ(seq_min(a, b), a);
			CHECK_EQ(seq_min(b, a), a);
			CHECK(seq_diff(b, a) == (int32_t)steps[k]);
			CHECK(seq_diff(a, b) == -(int32_t)steps[k]);
		}
	}
}

static void a_number_equals_itself(void)
{
	for (size_t i = 0; i < N_STARTS; i++) {
		uint32_t a = starts[i];

		CHECK(seq_le(a, a) && seq_ge(a, a));
		CHECK(!seq_lt(a, a) && !seq_gt(a, a));
		CHECK(seq_diff(a, a) == 0);
		CHECK_EQ(seq_max(a, a), a);
		CHECK_EQ(seq_min(a, a), a);
	}
}

int main(void)
{
	TEST(later_is_greater_across_the_wrap);
	TEST(a_number_equals_itself);
	return TEST_END();
}
