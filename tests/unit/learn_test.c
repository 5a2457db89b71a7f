/* SPDX-License-Identifier: ISC */
#include "../../compare/diff/learn.h"

#include "random.h"
#include "test.h"

static const struct flow_key a = { .sport = 80, .dport = 1, .proto = 6 };
static const struct flow_key b = { .sport = 80, .dport = 2, .proto = 6 };

static void nothing_is_known(void)
{
	struct learn l = { 0 };
	uint32_t gap;

	CHECK_EQ(learn_bytes(&l, &a, 0, &gap), 0);
	CHECK_EQ(gap, UINT32_MAX);
	CHECK(!learn_covers(&l, &a, 0, 0));
	CHECK(!learn_has_header(&l, &a, "Date", 4));
	CHECK(!learn_take_other(&l, &a, 1));
	learn_fini(&l);
}

static void spans_are_of_one_stream(void)
{
	struct learn l = { 0 };
	uint32_t gap;

	learn_add_span(&l, &b, 100, 110);
	learn_add_span(&l, &a, 10, 20);
	learn_add_span(&l, &a, 20, 25);
	learn_add_span(&l, &a, 12, 15);
	learn_add_span(&l, &a, 40, 41);
	CHECK_EQ(learn_bytes(&l, &a, 9, &gap), 0);
	CHECK_EQ(gap, 1);
	CHECK_EQ(learn_bytes(&l, &a, 10, &gap), 15);
	CHECK_EQ(learn_bytes(&l, &a, 24, &gap), 1);
	CHECK_EQ(learn_bytes(&l, &a, 25, &gap), 0);
	CHECK_EQ(gap, 15);
	CHECK_EQ(learn_bytes(&l, &a, 41, &gap), 0);
	CHECK_EQ(gap, UINT32_MAX);
	CHECK_EQ(learn_bytes(&l, &b, 10, &gap), 0);
	CHECK_EQ(gap, 90);
	CHECK_EQ(learn_bytes(&l, &b, 109, &gap), 1);
	/* one that is learnt later counts too */
	learn_add_span(&l, &b, 0, 1);
	CHECK_EQ(learn_bytes(&l, &b, 0, &gap), 1);
	learn_fini(&l);
}

static void what_was_put_in_is_covered(void)
{
	struct learn l = { 0 };

	learn_add_span(&l, &a, 10, 20);
	learn_add_span(&l, &a, 30, 30);
	CHECK(learn_covers(&l, &a, 10, 20));
	CHECK(learn_covers(&l, &a, 20, 20));
	CHECK(learn_covers(&l, &a, 30, 30));
	CHECK(!learn_covers(&l, &a, 9, 10));
	CHECK(!learn_covers(&l, &a, 19, 21));
	CHECK(!learn_covers(&l, &a, 30, 31));
	CHECK(!learn_covers(&l, &b, 10, 20));
	learn_fini(&l);
}

static void headers_are_of_one_service(void)
{
	char name[100];
	struct learn l = { 0 };

	learn_add_header(&l, &a, "Date", 4);
	learn_add_header(&l, &a, "DATE", 4);
	CHECK_EQ(l.n_headers, 1);
	CHECK(learn_has_header(&l, &a, "date: x", 4));
	CHECK(!learn_has_header(&l, &a, "Dat", 3));
	CHECK(!learn_has_header(&l, &b, "Date", 4));
	memset(name, 'n', sizeof(name));
	learn_add_header(&l, &b, name, sizeof(name));
	CHECK(learn_has_header(&l, &b, name, sizeof(name)));
	CHECK(!learn_has_header(&l, &b, name, LEARN_NAME_MAX - 1));
	learn_fini(&l);
}

static void others_are_taken_as_often_as_learnt(void)
{
	struct learn l = { 0 };

	learn_add_other(&l, &a, 1);
	learn_add_other(&l, &b, 1);
	learn_add_other(&l, &a, 1);
	CHECK(learn_take_other(&l, &a, 1));
	CHECK(learn_take_other(&l, &a, 1));
	CHECK(!learn_take_other(&l, &a, 1));
	CHECK(!learn_take_other(&l, &a, 2));
	CHECK(learn_take_other(&l, &b, 1));
	CHECK(!learn_take_other(&l, &b, 1));
	learn_fini(&l);
}

static struct random r;

/* Against a map of every byte. */
static void random_spans(void)
{
	static bool map[2][512];
	struct learn l = { 0 };
	uint32_t gap, n;

	for (unsigned i = 0; i < 40; i++) {
		unsigned flow = (unsigned)random_below(&r, 2);
		uint32_t from = (uint32_t)random_below(&r, 500);
		uint32_t to = from + (uint32_t)random_below(&r, 12);

		learn_add_span(&l, flow ? &b : &a, from, to);
		for (uint32_t at = from; at < to; at++)
			map[flow][at] = true;
	}
	for (uint32_t at = 0; at < 512; at++) {
		for (unsigned flow = 0; flow < 2; flow++) {
			n = learn_bytes(&l, flow ? &b : &a, at, &gap);
			CHECK_EQ(n > 0, map[flow][at]);
			for (uint32_t i = 0; i < n; i++)
				CHECK(map[flow][at + i]);
			for (uint32_t i = 0; !n && i < gap && at + i < 512; i++)
				CHECK(!map[flow][at + i]);
		}
	}
	learn_fini(&l);
}

static void too_many_are_counted(void)
{
	struct learn l = { 0 };

	for (uint32_t i = 0; i < LEARN_SPANS_MAX + 3; i++)
		learn_add_span(&l, &a, 4 * i, 4 * i + 1);
	CHECK_EQ(l.n_spans, LEARN_SPANS_MAX);
	CHECK_EQ(l.n_lost, 3);
	learn_fini(&l);
	for (uint32_t i = 0; i < LEARN_HEADERS_MAX + 3; i++) {
		char name[16];
		int len = snprintf(name, sizeof(name), "x-%u", i);

		learn_add_header(&l, &a, name, (size_t)len);
	}
	CHECK_EQ(l.n_headers, LEARN_HEADERS_MAX);
	CHECK_EQ(l.n_lost, 3);
	learn_add_header(&l, &a, "X-7", 3);	/* it is known */
	CHECK_EQ(l.n_lost, 3);
	learn_fini(&l);
	for (uint32_t i = 0; i < LEARN_OTHERS_MAX; i++)
		learn_add_other(&l, &a, i / 2);	/* two of each are one */
	for (uint32_t i = 0; i < LEARN_OTHERS_MAX / 2 + 3; i++)
		learn_add_other(&l, &b, i);
	CHECK_EQ(l.n_others, LEARN_OTHERS_MAX);
	CHECK_EQ(l.n_lost, 3);
	CHECK(learn_take_other(&l, &a, 7) && learn_take_other(&l, &a, 7));
	CHECK(!learn_take_other(&l, &a, 7));
	learn_fini(&l);
}

int main(int argc, char **argv)
{
	TEST(nothing_is_known);
	TEST(spans_are_of_one_stream);
	TEST(what_was_put_in_is_covered);
	TEST(headers_are_of_one_service);
	TEST(others_are_taken_as_often_as_learnt);
	random_init(&r, argc, argv);
	TEST(random_spans);
	TEST(too_many_are_counted);
	return TEST_END();
}
