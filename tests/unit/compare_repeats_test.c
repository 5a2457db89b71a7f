/* SPDX-License-Identifier: ISC */
/* What TCP repeats, in a report: the two recordings have other numbers. */
#include "compare_kit.h"

#define TCP(s, fl, d) \
	.proto = PACKET_TCP, .seq = (s), .ack = 500, .flags = (fl), \
	.data = (d), .len = sizeof(d) - 1
#define DATA(s, d) TCP(s, A, d)
#define ISN_P 0xfffffffbu	/* its numbers wrap */
#define ISN_S 7700u

#define SAID "hello, world"
#define SAID_OTHERWISE "hello, World"

static void open_both(struct kit *k)
{
	struct compare_config config = kit_config();

	config.report_only = true;
	config.own_isn = true;
	config.repeats = true;
	config.pair_order = true;
	config.ignore_mac = true;
	config.ignore_addr = true;
	kit_init_with(k, &config);
	PRIMARY(k, TCP(ISN_P, S | A, ""));
	SECONDARY(k, TCP(ISN_S, S | A, ""));
	PRIMARY(k, DATA(ISN_P + 1, SAID));
	SECONDARY(k, DATA(ISN_S + 1, SAID));
}

/* differ: how many differences there are of this kind, and no others */
static void end(struct kit *k, unsigned differ)
{
	CHECK_EQ(k->n_differ, 0);	/* the end shows it */
	compare_end(k->c);
	CHECK(!compare_is_holding(k->c));
	CHECK_EQ(k->n_differ, differ);
	CHECK_EQ(k->n_reasons[COMPARE_REPEAT], differ);
	CHECK_EQ(compare_n_unknown(k->c, COMPARE_PRIMARY), 0);
	CHECK_EQ(compare_n_unknown(k->c, COMPARE_SECONDARY), 0);
	kit_fini(k);
}

static void one_side_may_repeat_more(void)
{
	struct kit k;

	open_both(&k);
	PRIMARY(&k, DATA(ISN_P + 1, SAID));
	PRIMARY(&k, DATA(ISN_P + 4, "lo, "));
	PRIMARY(&k, DATA(ISN_P + 8, "world and more"));
	SECONDARY(&k, DATA(ISN_S + 13, " and more"));
	PRIMARY(&k, DATA(ISN_P + 1, SAID " and more"));
	end(&k, 0);
}

static void other_bytes_of_one_side_differ(void)
{
	struct kit k;

	open_both(&k);
	SECONDARY(&k, DATA(ISN_S + 1, SAID_OTHERWISE));
	SECONDARY(&k, DATA(ISN_S + 1, SAID_OTHERWISE));
	PRIMARY(&k, DATA(ISN_P + 1, SAID));
	compare_end(k.c);
	CHECK_EQ(k.n_differ, 1);
	CHECK_EQ(k.n_reasons[COMPARE_REPEAT], 1);
	CHECK_EQ(k.places[0], 7);
	CHECK_EQ(k.lens[0][COMPARE_PRIMARY], 0);
	CHECK_EQ(k.lens[0][COMPARE_SECONDARY], 1);
	kit_fini(&k);
}

static void other_bytes_that_both_have_are_equal(void)
{
	struct kit k;

	open_both(&k);
	SECONDARY(&k, DATA(ISN_S + 1, SAID_OTHERWISE));
	PRIMARY(&k, DATA(ISN_P + 7, " Wor"));
	end(&k, 0);
	open_both(&k);
	SECONDARY(&k, DATA(ISN_S + 1, SAID_OTHERWISE));
	PRIMARY(&k, DATA(ISN_P + 1, "hello, wOrld"));
	end(&k, 2);
}

/* Behind a hole nothing is compared yet, and both wait in any order. */
static void what_waits_is_repeated(void)
{
	struct kit k;

	open_both(&k);
	PRIMARY(&k, DATA(ISN_P + 23, "second half"));
	PRIMARY(&k, DATA(ISN_P + 13, "first half, SECOND HALF"));
	SECONDARY(&k, DATA(ISN_S + 23, "second half"));
	SECONDARY(&k, DATA(ISN_S + 13, "first half, SECOND HALF"));
	SECONDARY(&k, DATA(ISN_S + 34, ", the end"));
	PRIMARY(&k, DATA(ISN_P + 34, ", the end"));
	compare_end(k.c);
	CHECK_EQ(k.n_differ, 0);
	kit_fini(&k);
}

/* The byte of a keep-alive may be any, but is that of the other side. */
static void keep_alives(void)
{
	struct kit k;

	open_both(&k);
	PRIMARY(&k, DATA(ISN_P + 12, "\0"));
	PRIMARY(&k, DATA(ISN_P + 12, "\0"));
	end(&k, 0);
	open_both(&k);
	PRIMARY(&k, DATA(ISN_P + 12, "\0"));
	SECONDARY(&k, DATA(ISN_S + 12, "\0"));
	end(&k, 0);
	open_both(&k);
	PRIMARY(&k, DATA(ISN_P + 12, "\0"));
	SECONDARY(&k, DATA(ISN_S + 12, "d"));
	end(&k, 2);
}

static void words_of_a_reset(void)
{
	struct kit k;

	open_both(&k);
	PRIMARY(&k, TCP(ISN_P + 13, R, "no more"));
	SECONDARY(&k, TCP(ISN_S + 13, R, "no more"));
	PRIMARY(&k, TCP(ISN_P + 13, R, "no more"));
	end(&k, 0);
	open_both(&k);
	PRIMARY(&k, TCP(ISN_P + 13, R, "no more"));
	SECONDARY(&k, TCP(ISN_S + 13, R, "no More"));
	compare_end(k.c);
	CHECK_EQ(k.n_differ, 2);
	kit_fini(&k);
}

static void syns_say_bytes_again(void)
{
	struct kit k;

	open_both(&k);
	for (unsigned i = 0; i < 2; i++) {
		PRIMARY(&k, TCP(9000, S | A, "fast"));
		SECONDARY(&k, TCP(8000, S | A, "fast"));
	}
	end(&k, 0);
	open_both(&k);
	PRIMARY(&k, TCP(9000, S | A, "fast"));
	SECONDARY(&k, TCP(8000, S | A, "fast"));
	PRIMARY(&k, TCP(9000, S | A, "fasT"));
	end(&k, 1);
}

/* The same port and the same numbers, but another connection. */
static void another_connection_says_what_it_likes(void)
{
	struct kit k;

	open_both(&k);
	PRIMARY(&k, TCP(ISN_P + 2, S | A, ""));
	SECONDARY(&k, TCP(ISN_S + 2, S | A, ""));
	PRIMARY(&k, DATA(ISN_P + 3, SAID_OTHERWISE));
	SECONDARY(&k, DATA(ISN_S + 3, SAID_OTHERWISE));
	end(&k, 0);
}

static void what_was_not_captured_is_no_difference(void)
{
	struct kit k;

	open_both(&k);
	PRIMARY(&k, DATA(ISN_P + 1, SAID_OTHERWISE));
	SECONDARY(&k, DATA(ISN_S + 1, SAID_OTHERWISE), .cut = 6);
	end(&k, 0);
	open_both(&k);
	PRIMARY(&k, DATA(ISN_P + 1, "hellO, World"));
	SECONDARY(&k, DATA(ISN_S + 1, SAID_OTHERWISE), .cut = 6);
	end(&k, 1);
}

/* One side has the same bytes in two segments that say them otherwise, the other
 * has captured them in the second alone. */
static void what_was_captured_only_once_is_no_difference(void)
{
	struct kit k;

	open_both(&k);
	PRIMARY(&k, DATA(ISN_P + 13, "not all of it"));
	SECONDARY(&k, DATA(ISN_S + 13, "not all of it"), .cut = 6);
	PRIMARY(&k, DATA(ISN_P + 21, "Of it"));
	SECONDARY(&k, DATA(ISN_S + 21, "Of it"));
	end(&k, 0);
}

/* The primary has said both, the secondary has captured the second only, and both
 * segments of it wait. */
static void what_was_captured_of_both_is_compared_with_both(void)
{
	static const char late[2][6] = { "Of it", "0f it" };

	for (unsigned i = 0; i < 2; i++) {
		struct kit k;

		open_both(&k);
		SECONDARY(&k, DATA(ISN_S + 13, "not all of it"), .cut = 6);
		SECONDARY(&k, DATA(ISN_S + 21, late[i]));
		PRIMARY(&k, DATA(ISN_P + 13, "not all of it"));
		PRIMARY(&k, DATA(ISN_P + 21, "Of it"));
		end(&k, i);
	}
}

/* The byte of a keep-alive is none of the stream's, also where that was not captured. */
static void keep_alives_say_nothing_of_what_is_cut(void)
{
	struct kit k;

	open_both(&k);
	SECONDARY(&k, DATA(ISN_S + 13, "not all of it"), .cut = 1);
	SECONDARY(&k, DATA(ISN_S + 25, "X"));
	PRIMARY(&k, DATA(ISN_P + 13, "not all of it"));
	PRIMARY(&k, DATA(ISN_P + 25, "X"));
	SECONDARY(&k, DATA(ISN_S + 21, "of it"));
	end(&k, 0);
}

/* One side has captured bytes only when it repeated them, the other at once: they
 * are compared, also when both streams have been compared up to there. */
static void what_was_captured_late_is_compared(void)
{
	static const char late[2][6] = { "of it", "Of it" };

	for (unsigned i = 0; i < 2; i++) {
		struct kit k;

		open_both(&k);
		PRIMARY(&k, DATA(ISN_P + 13, "not all of it"));
		SECONDARY(&k, DATA(ISN_S + 13, "not all of it"), .cut = 6);
		SECONDARY(&k, DATA(ISN_S + 21, late[i]));
		end(&k, i);
		open_both(&k);
		SECONDARY(&k, DATA(ISN_S + 13, "not all of it"));
		PRIMARY(&k, DATA(ISN_P + 13, "not all of it"), .cut = 6);
		PRIMARY(&k, DATA(ISN_P + 21, late[i]));
		end(&k, i);
	}
}

/* Before the recording's beginning; and what has been forgotten since. */
static void old_bytes_are_compared_with_the_other_sides(void)
{
	struct kit k;

	for (unsigned differ = 0; differ < 3; differ++) {
		open_both(&k);
		for (unsigned i = 0; i < 2; i++)
			kit_input(&k, i, (struct seg){
				  DATA((i ? ISN_S : ISN_P) - 50, "old") });
		if (differ == 1)
			SECONDARY(&k, DATA(ISN_S - 50, "olD"));
		if (differ == 2)
			SECONDARY(&k, DATA(ISN_S - 90, "older"));
		compare_end(k.c);
		CHECK_EQ(k.n_differ, differ == 1);
		CHECK_EQ(compare_n_unknown(k.c, COMPARE_PRIMARY), 0);
		CHECK_EQ(compare_n_unknown(k.c, COMPARE_SECONDARY),
			 differ == 2);
		kit_fini(&k);
	}
}

/* So many that not all are remembered: those are counted, and none differs. */
static void what_is_too_much_is_counted(void)
{
	static char bytes[1400];
	struct kit k;

	open_both(&k);
	for (uint32_t i = 0; i < 900; i++) {
		for (unsigned side = 0; side < 2; side++) {
			struct seg g = { .proto = PACKET_TCP, .flags = A,
				.ack = 500, .data = bytes, .len = sizeof(bytes),
				.seq = (side ? ISN_S : ISN_P) + 13 + i * 1400 };

			memset(bytes, 'a', sizeof(bytes));
			kit_input(&k, side, g);
			memset(bytes, 'b', sizeof(bytes));
			kit_input(&k, side, g);
		}
	}
	compare_end(k.c);
	CHECK_EQ(k.n_differ, 0);
	CHECK(compare_n_unknown(k.c, COMPARE_PRIMARY) > 300);
	CHECK_EQ(compare_n_unknown(k.c, COMPARE_PRIMARY) +
		 compare_n_unknown(k.c, COMPARE_SECONDARY),
		 2 * (900 - (1u << 19) / 1400));
	kit_fini(&k);
}

int main(void)
{
	TEST(one_side_may_repeat_more);
	TEST(other_bytes_of_one_side_differ);
	TEST(other_bytes_that_both_have_are_equal);
	TEST(what_waits_is_repeated);
	TEST(keep_alives);
	TEST(words_of_a_reset);
	TEST(syns_say_bytes_again);
	TEST(another_connection_says_what_it_likes);
	TEST(what_was_not_captured_is_no_difference);
	TEST(what_was_captured_only_once_is_no_difference);
	TEST(what_was_captured_of_both_is_compared_with_both);
	TEST(keep_alives_say_nothing_of_what_is_cut);
	TEST(what_was_captured_late_is_compared);
	TEST(old_bytes_are_compared_with_the_other_sides);
	TEST(what_is_too_much_is_counted);
	return TEST_END();
}
