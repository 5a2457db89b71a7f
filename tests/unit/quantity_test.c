/* SPDX-License-Identifier: ISC */
#include "../../common/quantity.h"

#include <errno.h>

#include "../../common/time.h"
#include "test.h"

static void sizes(void)
{
	static const struct { const char *text; uint64_t bytes; } good[] = {
		{ "0", 0 }, { "1", 1 }, { "007", 7 }, { "64k", 65536 },
		{ "64M", 64 << 20 }, { "1.5G", 3ull << 29 },
		{ "0.5k", 512 }, { "1T", 1ull << 40 },
		{ "9999999999999999999", 9999999999999999999ull },
	};
	uint64_t n;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		CHECK_EQ(quantity_bytes(&n, good[i].text), 0);
		CHECK_EQ(n, good[i].bytes);
	}
}

static void times(void)
{
	static const struct { const char *text; uint64_t ns; } good[] = {
		{ "3", 3 * NS_PER_MS }, { "3s", 3 * NS_PER_S },
		{ "100ms", 100 * NS_PER_MS }, { "0.5s", NS_PER_S / 2 },
		{ "5us", 5000 }, { "7ns", 7 }, { "2min", 120 * NS_PER_S },
		{ "24h", 86400 * NS_PER_S }, { "1.000000001s", NS_PER_S + 1 },
	};
	uint64_t n;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		CHECK_EQ(quantity_time(&n, good[i].text, NS_PER_MS), 0);
		CHECK_EQ(n, good[i].ns);
	}
}

static void others(void)
{
	static const struct { const char *text; int bytes, time; } bad[] = {
		{ "", -EINVAL, -EINVAL }, { "x", -EINVAL, -EINVAL },
		{ "-1", -EINVAL, -EINVAL }, { " 1", -EINVAL, -EINVAL },
		{ ".5", -EINVAL, -EINVAL }, { "5.", -EINVAL, -EINVAL },
		{ "1.2.3", -EINVAL, -EINVAL }, { "1x", -ENOENT, -ENOENT },
		{ "1 k", -ENOENT, -ENOENT }, { "1m", -ENOENT, -ENOENT },
		{ "1kB", -ENOENT, -ENOENT }, { "1s", -ENOENT, 0 },
		{ "1k", 0, -ENOENT }, { "0.5", -ERANGE, 0 },
		{ "0.3k", -ERANGE, -ENOENT },
		{ "99999999999999999999", -ERANGE, -ERANGE },
		{ "9999999999999999999T", -ERANGE, -ENOENT },
		{ "9999999999999999999h", -ENOENT, -ERANGE },
		{ "0.00000000000000000000001s", -ENOENT, -ERANGE },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint64_t n = 7;

		CHECK_EQ(quantity_bytes(&n, bad[i].text), bad[i].bytes);
		CHECK_EQ(quantity_time(&n, bad[i].text, NS_PER_MS),
			 bad[i].time);
	}
}

static void numbers(void)
{
	static const struct { const char *text; int err; } bad[] = {
		{ "", -EINVAL }, { "-1", -EINVAL }, { "+1", -EINVAL },
		{ " 1", -EINVAL }, { "1 ", -EINVAL }, { "0x1", -EINVAL },
		{ "1.0", -EINVAL }, { "101", -ERANGE },
		{ "18446744073709551616", -ERANGE },
	};
	uint64_t n;

	CHECK_EQ(quantity_number(&n, "100", 100), 0);
	CHECK_EQ(n, 100);
	CHECK_EQ(quantity_number(&n, "18446744073709551615", UINT64_MAX), 0);
	CHECK_EQ(n, UINT64_MAX);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_EQ(quantity_number(&n, bad[i].text, 100), bad[i].err);
}

static void whole_seconds(void)
{
	static const struct { const char *text; int err; } bad[] = {
		{ "", -EINVAL }, { "5x", -ENOENT }, { "1.5", -ERANGE },
		{ "100ms", -ERANGE }, { "61", -ERANGE }, { "2min", -ERANGE },
	};
	uint64_t s;

	CHECK_EQ(quantity_seconds(&s, "60", 60), 0);
	CHECK_EQ(s, 60);
	CHECK_EQ(quantity_seconds(&s, "3000ms", 60), 0);
	CHECK_EQ(s, 3);
	CHECK_EQ(quantity_seconds(&s, "0", 60), 0);
	CHECK_EQ(s, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_EQ(quantity_seconds(&s, bad[i].text, 60), bad[i].err);
}

static void modes(void)
{
	static const char *const bad[] = {
		"", "8", "1000", "06600", "-1", " 660", "660 ", "40000000660",
	};
	mode_t mode;

	CHECK_EQ(quantity_mode(&mode, "0"), 0);
	CHECK_EQ(mode, 0);
	CHECK_EQ(quantity_mode(&mode, "0777"), 0);
	CHECK_EQ(mode, 0777);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_EQ(quantity_mode(&mode, bad[i]), -EINVAL);
}

int main(void)
{
	TEST(sizes);
	TEST(times);
	TEST(others);
	TEST(numbers);
	TEST(whole_seconds);
	TEST(modes);
	return TEST_END();
}
