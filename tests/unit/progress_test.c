/* SPDX-License-Identifier: ISC */
#include "../../compare/live/progress.h"

#include "test.h"

#define MIB (UINT64_C(1) << 20)
#define SEC UINT64_C(1000000000)

static void check(const char *want, uint64_t done, uint64_t size, uint64_t ns)
{
	char text[160];

	progress_text(text, sizeof(text), done, size, ns);
	if (strcmp(text, want)) {
		fprintf(stderr, "got <%s>, not <%s>\n", text, want);
		exit(1);
	}
}

static void how_far_how_fast_how_long(void)
{
	check("0 % of 100 MiB", 0, 100 * MIB, SEC);
	check("0 % of 100 MiB", MIB, 100 * MIB, 0);
	check("25 % of 400 MiB, 50 MiB/s, 0:06 left", 100 * MIB, 400 * MIB,
	      2 * SEC);
	check("50 % of 20000 MiB, 100 MiB/s, 1:40 left", 10000 * MIB,
	      20000 * MIB, 100 * SEC);
	check("100 % of 16 MiB, 16 MiB/s, 0:00 left", 16 * MIB, 16 * MIB, SEC);
	/* written to while it is read */
	check("100 % of 16 MiB, 17 MiB/s, 0:00 left", 17 * MIB, 16 * MIB, SEC);
}

/* Where nobody looks there is nothing to show: make check has no terminal. */
static void small_captures_have_no_line(void)
{
	struct progress p;

	progress_begin(&p, "test", 16 * MIB - 1);
	CHECK(!p.is_on);
	CHECK(!progress_is_due(&p));
	progress_clear(&p);
	CHECK(!p.is_shown);
}

int main(void)
{
	TEST(how_far_how_fast_how_long);
	TEST(small_captures_have_no_line);
	return TEST_END();
}
