/* SPDX-License-Identifier: ISC */
#include "compare_kit.h"
#include "random.h"

#define TCP(t, s, ack_, fl, d) \
	.tag = (t), .proto = PACKET_TCP, .seq = (s), .ack = (ack_), \
	.flags = (fl), .data = (d), .len = sizeof(d) - 1
#define PART(t, s, d, n) \
	.tag = (t), .proto = PACKET_TCP, .seq = (s), .ack = 500, .flags = A, \
	.data = (d), .len = (n)
#define DATA(t, s, d) TCP(t, s, 500, A, d)
#define UDP(t, d) \
	.tag = (t), .proto = PACKET_UDP, .data = (d), .len = sizeof(d) - 1

/* Recordings of two runs: other ports, other sequence numbers. */
static void init(struct kit *k)
{
	struct compare_config config = kit_config();

	config.report_only = true;
	config.own_isn = true;
	config.pair_order = true;
	config.ignore_mac = true;
	config.ignore_addr = true;
	kit_init_with(k, &config);
}

static void nothing_is_held(void)
{
	struct compare_config config = kit_config();
	struct kit k;

	config.report_only = true;
	kit_init_with(&k, &config);
	PRIMARY(&k, UDP(1, "one"));
	CHECK_OUT(&k, 1);
	PRIMARY(&k, UDP(2, "two"));
	SECONDARY(&k, UDP(2, "two"));
	SECONDARY(&k, UDP(1, "ono"));
	CHECK_OUT(&k, 1, 2);
	kit_wait(&k, 10 * MS);
	CHECK_EQ(k.n_differ, 1);
	CHECK_EQ(k.n_asked, 0);
	CHECK(!compare_is_holding(k.c));
	PRIMARY(&k, UDP(3, "three"));
	kit_wait(&k, 3 * SEC);
	CHECK_EQ(k.n_differ, 2);
	SECONDARY(&k, UDP(4, "four"));
	kit_wait(&k, 3 * SEC);
	CHECK_EQ(k.n_differ, 3);
	CHECK(!compare_is_holding(k.c));
	CHECK_OUT(&k, 1, 2, 3);
	kit_fini(&k);
}

static void every_place_is_told_once(void)
{
	struct kit k;

	init(&k);
	PRIMARY(&k, TCP(1, 100, 500, S | A, ""), .dport = 1000);
	SECONDARY(&k, TCP(1, 7700, 900, S | A, ""), .dport = 2000, .mac = 9);
	PRIMARY(&k, DATA(2, 101, "same A same same B same"), .dport = 1000);
	SECONDARY(&k, DATA(2, 7701, "same X same same Y same"), .dport = 2000);
	CHECK_EQ(k.n_differ, 2);
	CHECK_EQ(k.places[0], 5);
	CHECK_EQ(k.places[1], 17);
	PRIMARY(&k, DATA(3, 124, "and on"), .dport = 1000);
	SECONDARY(&k, DATA(3, 7724, "and on"), .dport = 2000);
	CHECK_EQ(k.n_differ, 2);
	CHECK(!compare_is_holding(k.c));
	CHECK_OUT(&k, 1, 2, 3);
	kit_fini(&k);
}

static void connections_go_by_number(void)
{
	struct kit k;

	init(&k);
	for (uint16_t i = 0; i < 3; i++)
		PRIMARY(&k, TCP(i, 100, 500, S | A, ""),
			.dport = (uint16_t)(1000 + i));
	for (uint16_t i = 0; i < 3; i++)
		SECONDARY(&k, TCP(i, 9100, 500, S | A, ""),
			  .dport = (uint16_t)(3000 - i));
	CHECK_EQ(k.n_differ, 0);
	CHECK(!compare_is_holding(k.c));
	PRIMARY(&k, DATA(4, 101, "first"), .dport = 1000);
	PRIMARY(&k, DATA(5, 101, "third"), .dport = 1002);
	SECONDARY(&k, DATA(6, 9101, "third"), .dport = 2998);
	SECONDARY(&k, DATA(7, 9101, "first"), .dport = 3000);
	CHECK_EQ(k.n_differ, 0);
	CHECK(!compare_is_holding(k.c));
	/* the same port once more */
	PRIMARY(&k, TCP(8, 5000, 500, S | A, ""), .dport = 1000);
	SECONDARY(&k, TCP(8, 6000, 500, S | A, ""), .dport = 4000);
	PRIMARY(&k, DATA(9, 5001, "again"), .dport = 1000);
	SECONDARY(&k, DATA(9, 6001, "again"), .dport = 4000);
	CHECK_EQ(k.n_differ, 0);
	CHECK(!compare_is_holding(k.c));
	kit_fini(&k);
}

static void a_stream_that_goes_on_is_told_once(void)
{
	struct kit k;

	init(&k);
	PRIMARY(&k, TCP(1, 100, 500, S | A, ""));
	SECONDARY(&k, TCP(1, 7700, 900, S | A, ""));
	PRIMARY(&k, TCP(2, 101, 500, A | F, "abc"));
	SECONDARY(&k, DATA(2, 7701, "abcd"));
	SECONDARY(&k, DATA(3, 7705, "efgh"));
	PRIMARY(&k, TCP(3, 105, 500, R, ""));
	kit_wait(&k, 10 * SEC);
	CHECK_EQ(k.n_differ, 2);		/* the bytes, and no FIN */
	CHECK_EQ(k.places[0], 3);
	CHECK_EQ(k.lens[0][COMPARE_PRIMARY], 0);
	CHECK_EQ(k.lens[0][COMPARE_SECONDARY], 5);
	CHECK(!compare_is_holding(k.c));
	CHECK_OUT(&k, 1, 2, 3);
	kit_fini(&k);
}

static void missing_and_extra_ends(void)
{
	struct kit k;

	init(&k);
	PRIMARY(&k, TCP(1, 100, 500, S | A, ""));
	SECONDARY(&k, TCP(1, 7700, 900, S | A, ""));
	PRIMARY(&k, DATA(2, 101, "abc"));
	SECONDARY(&k, DATA(2, 7701, "abcdef"));
	SECONDARY(&k, DATA(3, 7707, "ghi"));
	kit_wait(&k, 10 * SEC);
	CHECK_EQ(k.n_differ, 1);
	CHECK(!compare_is_holding(k.c));
	kit_fini(&k);
}

/* Both sides' first segments, then the end of the recordings. */
static void open_both(struct kit *k)
{
	init(k);
	PRIMARY(k, TCP(1, 100, 500, S | A, ""));
	SECONDARY(k, TCP(1, 7700, 900, S | A, ""));
}

static void end(struct kit *k)
{
	kit_wait(k, 10 * SEC);
	CHECK(!compare_is_holding(k->c));
	kit_fini(k);
}

#define TAIL " and so on, for as long as it takes, to the very end"

static void bytes_put_in_are_one_difference(void)
{
	struct kit k;

	open_both(&k);
	PRIMARY(&k, DATA(2, 101, "length: 9" TAIL));
	SECONDARY(&k, DATA(2, 7701, "length: 10" TAIL));
	CHECK_EQ(k.n_differ, 1);
	CHECK_EQ(k.places[0], 8);
	CHECK_EQ(k.lens[0][0], 1);
	CHECK_EQ(k.lens[0][1], 2);
	/* and on, with the secondary one byte further */
	PRIMARY(&k, DATA(3, 101 + 61, "more" TAIL));
	SECONDARY(&k, DATA(3, 7701 + 62, "more, more" TAIL));
	CHECK_EQ(k.n_differ, 2);
	CHECK_EQ(k.places[1], 65);
	CHECK_EQ(k.lens[1][0], 0);
	CHECK_EQ(k.lens[1][1], 6);
	PRIMARY(&k, TCP(4, 101 + 117, 500, A | F, "end"));
	SECONDARY(&k, TCP(4, 7701 + 124, 900, A | F, "end"));
	CHECK_EQ(k.n_differ, 2);
	end(&k);
}

static void segments_that_wait_move_along(void)
{
	struct kit k;

	open_both(&k);
	SECONDARY(&k, DATA(2, 7701, "abcd" TAIL));
	SECONDARY(&k, DATA(3, 7701 + 56, TAIL));
	SECONDARY(&k, DATA(4, 7701 + 108, "z"));
	PRIMARY(&k, DATA(2, 101, "a" TAIL));
	PRIMARY(&k, DATA(3, 101 + 53, TAIL));
	PRIMARY(&k, DATA(4, 101 + 105, "z"));
	CHECK_EQ(k.n_differ, 1);
	CHECK_EQ(k.lens[0][0], 0);
	CHECK_EQ(k.lens[0][1], 3);
	end(&k);
}

static void as_long_is_no_shift(void)
{
	struct kit k;

	open_both(&k);
	PRIMARY(&k, DATA(2, 101, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaXaaaaaaaaaaaaaaaaaa"));
	SECONDARY(&k, DATA(2, 7701, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaYaaaaaaaaaaaaaaaaaa"));
	CHECK_EQ(k.n_differ, 1);
	CHECK_EQ(k.places[0], 28);
	CHECK_EQ(k.lens[0][0], 1);
	CHECK_EQ(k.lens[0][1], 1);
	end(&k);
}

static void a_gap_is_told_and_passed(void)
{
	struct kit k;

	open_both(&k);
	PRIMARY(&k, DATA(2, 101, "one"));
	PRIMARY(&k, DATA(3, 104, "two"));
	PRIMARY(&k, DATA(4, 107, "three"));
	SECONDARY(&k, DATA(2, 7701, "one"));
	SECONDARY(&k, DATA(4, 7706, "othree"));	/* and an o of two */
	CHECK_EQ(k.n_differ, 0);
	kit_wait(&k, 10 * SEC);
	CHECK_EQ(k.n_differ, 1);
	CHECK_EQ(k.places[0], 3);
	CHECK_EQ(k.lens[0][COMPARE_PRIMARY], 2);
	PRIMARY(&k, DATA(6, 112 + 3, "six"));
	SECONDARY(&k, DATA(5, 7712, "fivsix"));
	kit_wait(&k, 10 * SEC);
	CHECK_EQ(k.n_differ, 2);
	CHECK_EQ(k.places[1], 11);
	CHECK_EQ(k.lens[1][COMPARE_SECONDARY], 3);
	end(&k);
}

static void midstream_begins_with_what_both_have(void)
{
	static const char text[] = "once upon a time there was a stream of "
				   "bytes whose beginning nobody had seen";
	struct kit k;

	init(&k);
	PRIMARY(&k, PART(2, 5000, text + 20, 10));
	SECONDARY(&k, PART(2, 123, text, 50));
	CHECK_EQ(k.n_midstream, 0);		/* ten bytes are few */
	PRIMARY(&k, PART(3, 5010, text + 30, 45));
	SECONDARY(&k, PART(3, 173, text + 50, 25));
	kit_wait(&k, 10 * SEC);
	CHECK_EQ(k.n_midstream, 1);
	CHECK(k.midstream.is_found);
	CHECK_EQ(k.midstream.skipped[COMPARE_PRIMARY], 0);
	CHECK_EQ(k.midstream.skipped[COMPARE_SECONDARY], 20);
	CHECK(!compare_is_holding(k.c));
	PRIMARY(&k, DATA(4, 5055, "abc"));
	SECONDARY(&k, DATA(4, 198, "abd"));
	CHECK_EQ(k.n_differ, 1);
	CHECK_EQ(k.places[0], 57);		/* from the primary's first */
	end(&k);
}

static void midstream_of_one_side_only(void)
{
	struct kit k;

	init(&k);
	PRIMARY(&k, TCP(1, 100, 500, S | A, ""));
	PRIMARY(&k, DATA(2, 101, "skipped: " TAIL));
	SECONDARY(&k, DATA(2, 99, TAIL));
	kit_wait(&k, 10 * SEC);
	CHECK_EQ(k.n_midstream, 1);
	CHECK_EQ(k.midstream.skipped[COMPARE_PRIMARY], 9);
	CHECK_EQ(k.midstream.skipped[COMPARE_SECONDARY], 0);
	PRIMARY(&k, DATA(3, 162, "x"));
	SECONDARY(&k, DATA(3, 151, "y"));
	CHECK_EQ(k.n_differ, 1);
	CHECK_EQ(k.places[0], 61);		/* from the SYN on */
	end(&k);
}

static void midstream_that_begins_out_of_order(void)
{
	struct kit k;

	init(&k);
	PRIMARY(&k, DATA(3, 104, TAIL));
	SECONDARY(&k, DATA(3, 904, TAIL));
	PRIMARY(&k, DATA(2, 101, "abc"));
	SECONDARY(&k, DATA(2, 901, "abX"));
	for (uint32_t i = 0; i < 20; i++) {
		PRIMARY(&k, DATA(4, 155 + i, "x"));
		SECONDARY(&k, DATA(4, 955 + i, "x"));
	}
	kit_wait(&k, 10 * SEC);
	CHECK_EQ(k.n_midstream, 1);
	CHECK_EQ(k.n_differ, 1);
	end(&k);
}

static void midstream_with_nothing_in_common(void)
{
	struct kit k;

	init(&k);
	PRIMARY(&k, DATA(2, 101, "abcdefgh"));
	SECONDARY(&k, DATA(2, 99, "stuvwxyz"));
	CHECK_EQ(k.n_differ, 0);
	kit_wait(&k, 10 * SEC);
	CHECK_EQ(k.n_midstream, 1);
	CHECK(!k.midstream.is_found);
	CHECK_EQ(k.n_differ, 1);
	CHECK_EQ(k.places[0], 0);
	CHECK_EQ(k.lens[0][0], 8);
	end(&k);
}

static void midstream_that_one_side_never_has(void)
{
	struct kit k;

	init(&k);
	PRIMARY(&k, DATA(2, 101, TAIL));
	PRIMARY(&k, TCP(3, 152, 500, A, ""));
	kit_wait(&k, 10 * SEC);
	CHECK_EQ(k.n_midstream, 0);
	CHECK_EQ(k.n_differ, 1);
	end(&k);
}

/* What was not captured counts as equal, and the stream goes on behind it. */
static void cut_segments_are_compared_as_far_as_they_go(void)
{
	struct kit k;

	open_both(&k);
	PRIMARY(&k, DATA(2, 101, "0123456789"), .cut = 6);
	SECONDARY(&k, DATA(2, 7701, "01234xxxxx"), .cut = 3);
	CHECK_EQ(k.n_differ, 0);
	PRIMARY(&k, DATA(3, 111, "abcdefghij"), .cut = 5);
	SECONDARY(&k, DATA(3, 7711, "abXd"));
	SECONDARY(&k, DATA(4, 7715, "efghij"), .cut = 6);
	CHECK_EQ(k.n_differ, 1);
	CHECK_EQ(k.places[0], 12);
	CHECK_EQ(k.lens[0][0], 1);
	PRIMARY(&k, TCP(4, 121, 500, A | F, "end"), .cut = 3);
	SECONDARY(&k, TCP(5, 7721, 900, A | F, "end"));
	CHECK_EQ(k.n_differ, 1);
	end(&k);
}

/* A long segment of which little was captured waits before others that have all of
 * its bytes. */
static void what_one_segment_lacks_another_has(void)
{
	struct kit k;

	open_both(&k);
	PRIMARY(&k, DATA(2, 101, "01234"));
	PRIMARY(&k, DATA(3, 106, "56789"));
	PRIMARY(&k, DATA(4, 101, "0123456789"), .cut = 8);
	SECONDARY(&k, DATA(2, 7701, "01234"));
	SECONDARY(&k, DATA(3, 7706, "5X789"));
	SECONDARY(&k, DATA(4, 7701, "0123456789"), .cut = 8);
	CHECK_EQ(k.n_differ, 1);
	CHECK_EQ(k.places[0], 6);
	end(&k);
}

static void cut_datagrams_are_compared_as_far_as_they_go(void)
{
	struct kit k;

	init(&k);
	PRIMARY(&k, UDP(1, "0123456789"), .cut = 6);
	SECONDARY(&k, UDP(1, "01234xxxxx"), .cut = 3);
	CHECK_EQ(k.n_differ, 0);
	CHECK(!compare_is_holding(k.c));
	SECONDARY(&k, UDP(2, "0123456789"));
	PRIMARY(&k, UDP(2, "01X3456789"), .cut = 6);
	kit_wait(&k, SEC);
	CHECK_EQ(k.n_differ, 1);
	CHECK_EQ(k.places[0], 2);
	PRIMARY(&k, UDP(3, "0123456789"), .cut = 6);
	SECONDARY(&k, UDP(3, "01234567890"), .cut = 6);
	kit_wait(&k, SEC);
	CHECK_EQ(k.n_differ, 2);		/* their length says so */
	end(&k);
}

static void a_longer_datagram_is_told_of_too(void)
{
	struct kit k;

	init(&k);
	PRIMARY(&k, UDP(1, "abc"));
	SECONDARY(&k, UDP(1, "abcde"));
	kit_wait(&k, SEC);
	CHECK_EQ(k.n_differ, 1);
	CHECK_EQ(k.places[0], 3);
	CHECK_EQ(k.lens[0][0], 0);
	CHECK_EQ(k.lens[0][1], 2);
	PRIMARY(&k, UDP(2, "Xbc"));
	SECONDARY(&k, UDP(2, "abcde"));
	kit_wait(&k, SEC);
	CHECK_EQ(k.n_differ, 3);
	CHECK_EQ(k.places[1], 0);
	CHECK_EQ(k.places[2], 3);
	end(&k);
}

/* Recordings: their clocks say nothing about each other. */
static void datagrams_go_by_number_to_the_end(void)
{
	struct compare_config config = kit_config();
	struct kit k;

	config.report_only = true;
	config.timeout_ns = config.reorder_ns = COMPARE_AT_END_NS;
	kit_init_with(&k, &config);
	SECONDARY(&k, UDP(1, "more"));
	for (uint32_t i = 0; i < 1000; i++) {
		char data[16];
		unsigned len = (unsigned)snprintf(data, sizeof(data), "%u", i);

		PRIMARY(&k, .tag = i, .proto = PACKET_UDP, .data = data,
			.len = len);
		kit_wait(&k, SEC);
		SECONDARY(&k, .tag = i, .proto = PACKET_UDP, .data = data,
			  .len = len);
	}
	CHECK_EQ(k.n_differ, 0);
	for (uint32_t i = 0; i < 65; i++) {
		PRIMARY(&k, UDP(i, "other"));
		SECONDARY(&k, UDP(i, "OTHER"));
	}
	CHECK(k.n_differ > 0);			/* that is no order any more */
	compare_end(k.c);
	CHECK(!compare_is_holding(k.c));
	CHECK_EQ(kit_stats(&k).held, 0);
	kit_fini(&k);
}

/* Those behind a datagram that only the one side has are each other's equals, however
 * many they are, and whichever of the two comes first. */
static void one_that_is_missing_does_not_spoil_the_rest(void)
{
	for (unsigned i = 0; i < 4; i++) {
		enum compare_side more = i & 1, first = i >> 1;
		struct compare_config config = kit_config();
		struct kit k;

		config.report_only = true;
		config.timeout_ns = config.reorder_ns = COMPARE_AT_END_NS;
		kit_init_with(&k, &config);
		kit_input(&k, more, (struct seg){ UDP(1, "more") });
		for (uint32_t n = 0; n < 1000; n++) {
			struct seg g = { .tag = n, .proto = PACKET_UDP,
					 .data = &n, .len = 4 };

			kit_input(&k, first, g);
			kit_input(&k, !first, g);
		}
		CHECK_EQ(k.n_differ, 0);
		compare_end(k.c);
		CHECK_EQ(k.n_differ, 1);
		CHECK_EQ(kit_stats(&k).held, 0);
		kit_fini(&k);
	}
}

/* Bytes that were captured nowhere end nothing: not the comparison, and they
 * are no difference. */
static void a_hole_that_both_have_is_passed(void)
{
	struct kit k;

	open_both(&k);
	PRIMARY(&k, DATA(2, 101, "one"));
	SECONDARY(&k, DATA(2, 7701, "one"));
	PRIMARY(&k, DATA(3, 107, "three"));
	SECONDARY(&k, DATA(3, 7707, "thrXe"));
	PRIMARY(&k, TCP(4, 120, 500, A | F, "four"));
	SECONDARY(&k, TCP(4, 7720, 900, A | F, "four"));
	CHECK_EQ(k.n_differ, 0);
	kit_wait(&k, 10 * SEC);
	CHECK_EQ(k.n_differ, 1);
	CHECK_EQ(k.places[0], 9);
	end(&k);
}

static void a_hole_and_a_gap_behind_it(void)
{
	struct kit k;

	open_both(&k);
	PRIMARY(&k, DATA(3, 107, "three"));
	SECONDARY(&k, DATA(3, 7710, "ee"));
	kit_wait(&k, 10 * SEC);
	CHECK_EQ(k.n_differ, 1);
	CHECK_EQ(k.places[0], 6);
	CHECK_EQ(k.lens[0][COMPARE_PRIMARY], 3);
	end(&k);
}

static void bytes_captured_behind_a_reset_are_compared(void)
{
	struct kit k;

	open_both(&k);
	PRIMARY(&k, TCP(2, 104, 500, R, ""));
	SECONDARY(&k, DATA(3, 7701, "abc"));
	SECONDARY(&k, TCP(2, 7704, 500, R, ""));
	PRIMARY(&k, DATA(3, 101, "abc"));
	CHECK_EQ(k.n_differ, 0);
	CHECK(!compare_is_holding(k.c));
	PRIMARY(&k, TCP(4, 1000, 500, S | A, ""));
	SECONDARY(&k, TCP(4, 9000, 900, S | A, ""));
	PRIMARY(&k, TCP(5, 1001, 500, R, ""));
	SECONDARY(&k, DATA(5, 9001, "abc"));
	CHECK_EQ(k.n_differ, 0);
	kit_wait(&k, 10 * SEC);
	CHECK_EQ(k.n_differ, 1);
	end(&k);
}

static void a_reset_may_be_captured_twice(void)
{
	struct kit k;

	init(&k);
	for (unsigned i = 0; i < 2; i++)
		PRIMARY(&k, TCP(i, 100, 500, R | A, ""));
	for (unsigned i = 0; i < 2; i++)
		SECONDARY(&k, TCP(i, 7700, 500, R | A, ""));
	kit_wait(&k, 10 * SEC);
	CHECK_EQ(k.n_differ, 0);
	end(&k);
}

/* The side's own number of a byte of its n-th connection. */
#define AT(side, n, at) (((side) ? 7700u : 100u) + (n) * 1000u + (at))
#define SAY(k, side, n, at, fl, d) \
	kit_input((k), (side), (struct seg){ TCP(1, AT(side, n, at), 500, fl, d) })

/* One side has more of a connection; its end is told before the next one's SYN has
 * come (when 1), behind the first of the two (2), or because both have (0). Of the
 * connections that follow the last one differs. */
static void check_next(enum compare_side more, enum compare_side first,
		       bool is_rst, unsigned when, unsigned last)
{
	struct compare_config config = kit_config();
	struct kit k;

	config.report_only = config.own_isn = true;
	config.ignore_mac = true;
	kit_init_with(&k, &config);
	SAY(&k, first, 0, 0, S | A, "");
	SAY(&k, !first, 0, 0, S | A, "");
	if (is_rst)
		SAY(&k, more, 0, 1, R, "");
	else
		SAY(&k, more, 0, 1, A, "rest");
	kit_wait(&k, when == 1 ? config.timeout_ns : when * SEC);
	for (unsigned n = 1; n <= last; n++) {
		SAY(&k, first, n, 0, S | A, "");
		if (n == 1 && when == 2)
			kit_wait(&k, config.timeout_ns - SEC);
		SAY(&k, first, n, 1, A, "abcd");
		SAY(&k, !first, n, 0, S | A, "");
		if (n == last)
			SAY(&k, !first, n, 1, A, "abXd");
		else
			SAY(&k, !first, n, 1, A, "abcd");
	}
	CHECK_EQ(k.n_differ, 2);
	CHECK_EQ(k.places[0], 0);
	CHECK_EQ(k.n_reasons[COMPARE_TIMEOUT], 1);
	CHECK_EQ(k.places[1], 2);
	end(&k);
}

/* The same ports once more. */
static void the_next_connection_is_compared(void)
{
	for (unsigned i = 0; i < 40; i++)
		check_next(i & 1, i >> 1 & 1, i >= 24, i / 8 % 3,
			   i >> 2 & 1 ? 3 : 1);
}

/* One side alone has bytes before the RST that both have, and the ports are used again:
 * that is one difference, whichever side it is. */
static void bytes_before_a_reset_are_told_when_the_next_begins(void)
{
	for (unsigned more = 0; more < 2; more++) {
		struct compare_config config = kit_config();
		struct kit k;

		config.report_only = config.own_isn = true;
		config.ignore_mac = true;
		kit_init_with(&k, &config);
		for (unsigned side = 0; side < 2; side++) {
			SAY(&k, side, 0, 0, S | A, "");
			if (side == more)
				SAY(&k, side, 0, 1, A, "rest");
			SAY(&k, side, 0, side == more ? 5u : 1u, R, "");
		}
		SAY(&k, 0, 1, 0, S | A, "");
		SAY(&k, 1, 1, 0, S | A, "");
		CHECK_EQ(k.n_differ, 1);
		CHECK_EQ(k.n_reasons[COMPARE_FLAGS], 1);
		end(&k);
	}
}

#define FRAGMENT(t, d, a, b) UDP(t, d), .from = (a), .to = (b)

static void lone_fragments_are_compared(void)
{
	struct kit k;

	init(&k);
	PRIMARY(&k, FRAGMENT(16, TAIL, 8, 16));
	PRIMARY(&k, FRAGMENT(32, TAIL, 16, 32));
	SECONDARY(&k, FRAGMENT(16, TAIL, 8, 16));
	CHECK_EQ(k.n_differ, 0);
	kit_wait(&k, 10 * SEC);
	CHECK_EQ(k.n_differ, 1);
	CHECK_EQ(k.places[0], 0);
	end(&k);
}

static void overlapping_fragments_are_compared(void)
{
	struct kit k;

	init(&k);
	for (unsigned side = 0; side < 2; side++) {
		kit_input(&k, side, (struct seg){ FRAGMENT(16, TAIL, 8, 16) });
		kit_input(&k, side, (struct seg){ FRAGMENT(16, TAIL, 8, 32) });
		kit_input(&k, side, (struct seg){ FRAGMENT(16, TAIL, 0, 40),
						  .cut = 4 });
	}
	kit_wait(&k, 10 * SEC);
	CHECK_EQ(k.n_differ, 0);
	end(&k);
}

static void a_segment_in_fragments_is_a_segment(void)
{
	struct stats st;
	struct kit k;

	open_both(&k);
	PRIMARY(&k, DATA(16, 101, "0123456789abcdef"), .from = 0, .to = 24);
	PRIMARY(&k, DATA(16, 101, "0123456789abcdef"), .from = 24, .to = 36);
	SECONDARY(&k, DATA(2, 7701, "01234567"));
	SECONDARY(&k, DATA(3, 7709, "89abcdeX"));
	CHECK_EQ(k.n_differ, 1);
	CHECK_EQ(k.places[0], 15);
	st = kit_stats(&k);
	CHECK_EQ(st.in + st.originated, st.out + stats_dropped(&st));
	end(&k);
}

/* Neither side's bytes may be used up silently. */
static void check_too_much(bool full_waits)
{
	static const char text[1400];
	struct compare_config config = kit_config();
	struct kit k;

	config.report_only = true;
	config.own_isn = true;
	config.full_waits = full_waits;
	config.max_bytes = 1 << 20;
	kit_init_with(&k, &config);
	for (unsigned side = 0; side < 2; side++) {
		for (uint32_t i = 0; i < 1000; i++)
			kit_input(&k, side, (struct seg){ .tag = i,
				  .proto = PACKET_TCP, .flags = A,
				  .sport = (uint16_t)(80 + side),
				  .seq = 1 + i * 1400, .data = text,
				  .len = 1400 });
		CHECK_EQ(k.n_differ, side + 1);
		CHECK(!compare_is_full(k.c));
	}
	end(&k);
}

static void too_much_is_given_up_aloud(void)
{
	check_too_much(false);
	check_too_much(true);	/* as captures have it */
}

/* More flows than can be remembered: the newest are. */
static void old_flows_are_forgotten_for_new_ones(void)
{
	struct compare_config config = kit_config();
	struct kit k;

	config.report_only = config.own_isn = config.pair_order = true;
	config.ignore_mac = config.ignore_addr = true;
	config.max_flows = 64;
	kit_init_with(&k, &config);
	for (uint32_t i = 0; i < 80000; i++) {
		uint16_t vlan = (uint16_t)(1 + i / 50000);
		uint16_t port = (uint16_t)(1000 + i % 50000);

		PRIMARY(&k, UDP(1, "x"), .vlan = vlan, .dport = port);
		SECONDARY(&k, UDP(1, "x"), .vlan = vlan, .dport = port);
	}
	for (uint16_t i = 0; i < 2; i++) {
		PRIMARY(&k, TCP(1, 100u + i, 500, S | A, ""),
			.dport = (uint16_t)(1000 + i));
		SECONDARY(&k, TCP(1, 500u + i, 500, S | A, ""),
			  .dport = (uint16_t)(3000 + i));
		PRIMARY(&k, DATA(2, 101u + i, "data"),
			.dport = (uint16_t)(1000 + i));
		SECONDARY(&k, DATA(2, 501u + i, "data"),
			  .dport = (uint16_t)(3000 + i));
	}
	PRIMARY(&k, DATA(2, 105, "first"), .dport = 1000);
	PRIMARY(&k, DATA(2, 106, "second"), .dport = 1001);
	SECONDARY(&k, DATA(2, 506, "second"), .dport = 3001);
	SECONDARY(&k, DATA(2, 505, "first"), .dport = 3000);
	CHECK_EQ(k.n_differ, 0);
	CHECK(!compare_is_holding(k.c));
	end(&k);
}

/* --- random streams --- */

#define STREAM_LEN 3000u
#define SEGMENTS_MAX 256u

enum edit { EDIT_NONE, EDIT_CHANGE, EDIT_PUT_IN, EDIT_TAKE_OUT, EDITS };

struct stream {
	uint8_t bytes[STREAM_LEN + 64];
	uint32_t len;
	uint32_t isn;
	struct { uint32_t from, len; } segments[SEGMENTS_MAX];
	unsigned n_segments;
};

static struct random r;

/* Any segments, some of them twice, some in another order. */
static void cut(struct stream *x, uint32_t first)
{
	uint32_t at = first;

	x->n_segments = 0;
	while (at < x->len) {
		uint32_t len = 1 + (uint32_t)random_below(&r, 400);
		unsigned times = random_below(&r, 8) ? 1 : 2;

		if (len > x->len - at)
			len = x->len - at;
		while (times--) {
			x->segments[x->n_segments].from = at;
			x->segments[x->n_segments++].len = len;
		}
		at += len;
	}
	for (unsigned i = 1; i < x->n_segments; i++) {
		unsigned j = i - (random_below(&r, 6) == 0);
		uint32_t from = x->segments[i].from, len = x->segments[i].len;

		/* the first one says where the stream begins */
		if (j == 0)
			continue;
		x->segments[i] = x->segments[j];
		x->segments[j].from = from;
		x->segments[j].len = len;
	}
}

static void send_segment(struct kit *k, enum compare_side side,
			 const struct stream *x, unsigned i)
{
	uint32_t from = x->segments[i].from, len = x->segments[i].len;

	kit_input(k, side, (struct seg){
		.tag = i, .proto = PACKET_TCP, .flags = A,
		.seq = x->isn + 1 + from, .ack = 500,
		.data = x->bytes + from, .len = len,
		.dport = (uint16_t)(1000 + side),
	});
}

/* The two sides' segments in any mixture, each side's in its order. */
static void send_all(struct kit *k, const struct stream v[2])
{
	unsigned next[2] = { 0, 0 };

	while (next[0] < v[0].n_segments || next[1] < v[1].n_segments) {
		unsigned side = (unsigned)random_below(&r, 2);

		if (next[side] == v[side].n_segments)
			side = !side;
		send_segment(k, side, &v[side], next[side]++);
	}
	for (unsigned side = 0; side < 2; side++)
		kit_input(k, side, (struct seg){
			.proto = PACKET_TCP, .flags = A | F,
			.seq = v[side].isn + 1 + v[side].len,
			.dport = (uint16_t)(1000 + side),
		});
}

static void edit(struct stream *x, enum edit how, uint32_t at, uint32_t n)
{
	uint8_t *place = x->bytes + at;

	if (how == EDIT_CHANGE) {
		*place ^= 1;
	} else if (how == EDIT_PUT_IN) {
		memmove(place + n, place, x->len - at);
		random_fill(&r, place, n);
		x->len += n;
	} else if (how == EDIT_TAKE_OUT) {
		memmove(place, place + n, x->len - at - n);
		x->len -= n;
	}
}

static void check_found(const struct kit *k, enum edit how, uint32_t at,
			uint32_t n)
{
	/* one more only when a segment ends right there */
	CHECK_EQ(k->n_reasons[COMPARE_PAYLOAD], k->n_differ);
	switch (how) {
	case EDIT_NONE:
		CHECK_EQ(k->n_differ, 0);
		break;
	case EDIT_CHANGE:
		CHECK_EQ(k->n_differ, 1);
		CHECK_EQ(k->places[0], at);
		CHECK_EQ(k->sums[0], 1);
		CHECK_EQ(k->sums[1], 1);
		break;
	default:
		CHECK(k->n_differ >= 1);
		/* random bytes may agree by chance */
		CHECK(k->places[0] >= at && k->places[0] <= at + 3);
		CHECK_EQ(k->sums[1] - k->sums[0],
			 how == EDIT_PUT_IN ? n : -(uint64_t)n);
	}
}

static void random_round(void)
{
	static struct stream v[2];
	enum edit how = (enum edit)random_below(&r, EDITS);
	uint32_t at = 600 + (uint32_t)random_below(&r, STREAM_LEN - 1600);
	uint32_t n = 1 + (uint32_t)random_below(&r, 40);
	uint32_t late = random_below(&r, 3) ? 0 :
			(uint32_t)random_below(&r, 500);
	unsigned late_side = (unsigned)random_below(&r, 2);
	struct kit k;

	random_fill(&r, v[0].bytes, STREAM_LEN);
	v[0].len = STREAM_LEN;
	v[1] = v[0];
	v[0].isn = (uint32_t)random_next(&r);
	v[1].isn = (uint32_t)random_next(&r);
	edit(&v[1], how, at, n);
	init(&k);
	for (unsigned side = 0; side < 2 && !late; side++)
		kit_input(&k, side, (struct seg){ .proto = PACKET_TCP,
			  .flags = S | A, .seq = v[side].isn,
			  .dport = (uint16_t)(1000 + side) });
	cut(&v[0], late_side ? 0 : late);
	cut(&v[1], late_side ? late : 0);
	send_all(&k, v);
	compare_end(k.c);
	CHECK(!compare_is_holding(k.c));
	CHECK_EQ(k.n_midstream, late > 0);
	check_found(&k, how, late_side ? at : at - late, n);
	kit_fini(&k);
}

static void random_streams(void)
{
	size_t rounds = soak_n(2000);

	for (size_t i = 0; i < rounds; i++)
		random_round();
}

int main(int argc, char **argv)
{
	TEST(nothing_is_held);
	TEST(every_place_is_told_once);
	TEST(connections_go_by_number);
	TEST(a_stream_that_goes_on_is_told_once);
	TEST(missing_and_extra_ends);
	TEST(bytes_put_in_are_one_difference);
	TEST(segments_that_wait_move_along);
	TEST(as_long_is_no_shift);
	TEST(a_gap_is_told_and_passed);
	TEST(midstream_begins_with_what_both_have);
	TEST(midstream_of_one_side_only);
	TEST(midstream_that_begins_out_of_order);
	TEST(midstream_with_nothing_in_common);
	TEST(midstream_that_one_side_never_has);
	TEST(cut_segments_are_compared_as_far_as_they_go);
	TEST(what_one_segment_lacks_another_has);
	TEST(cut_datagrams_are_compared_as_far_as_they_go);
	TEST(a_longer_datagram_is_told_of_too);
	TEST(datagrams_go_by_number_to_the_end);
	TEST(one_that_is_missing_does_not_spoil_the_rest);
	TEST(a_hole_that_both_have_is_passed);
	TEST(a_hole_and_a_gap_behind_it);
	TEST(bytes_captured_behind_a_reset_are_compared);
	TEST(a_reset_may_be_captured_twice);
	TEST(the_next_connection_is_compared);
	TEST(bytes_before_a_reset_are_told_when_the_next_begins);
	TEST(lone_fragments_are_compared);
	TEST(overlapping_fragments_are_compared);
	TEST(a_segment_in_fragments_is_a_segment);
	TEST(too_much_is_given_up_aloud);
	TEST(old_flows_are_forgotten_for_new_ones);
	random_init(&r, argc, argv);
	TEST(random_streams);
	return TEST_END();
}
