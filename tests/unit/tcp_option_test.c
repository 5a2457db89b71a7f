/* SPDX-License-Identifier: ISC */
#include <stdint.h>

#include "../../common/bytes.h"
#include "../../common/checksum.h"
#include "../../common/tcp_option.h"
#include "random.h"
#include "test.h"

#define SUM_AT 16u

static struct random rnd;

/* A header with these options behind the 20 fixed bytes. */
static size_t header(uint8_t *tcp, const void *options, size_t n)
{
	memset(tcp, 0, TCP_OPTION_FIRST);
	memcpy(tcp + TCP_OPTION_FIRST, options, n);
	return TCP_OPTION_FIRST + n;
}

static void each_option_in_turn(void)
{
	uint8_t tcp[60];
	size_t len = header(tcp, "\2\4\5\264\1\1\3\3\7\4\2\1", 12);
	size_t next = TCP_OPTION_FIRST;

	CHECK_EQ(tcp_option_next(tcp, &next, len), 20);
	CHECK_EQ(tcp_option_next(tcp, &next, len), 26);
	CHECK_EQ(tcp_option_next(tcp, &next, len), 29);
	CHECK_EQ(tcp_option_next(tcp, &next, len), 0);
	CHECK_EQ(tcp_option_next(tcp, &next, len), 0);
}

static void nothing_behind_the_end_of_the_list(void)
{
	uint8_t tcp[60];
	size_t len = header(tcp, "\4\2\0\0\4\2\1\1", 8);
	size_t next = TCP_OPTION_FIRST;

	CHECK_EQ(tcp_option_next(tcp, &next, len), 20);
	CHECK_EQ(tcp_option_next(tcp, &next, len), 0);
	CHECK_EQ(tcp_option_find(tcp, len, TCP_OPTION_SACK_PERMITTED), 20);
}

static void a_length_that_does_not_hold_ends_the_walk(void)
{
	static const char *bad[] = { "\5\0\4\2", "\5\1\4\2", "\5\5\4\2",
				     "\1\1\1\5" };
	uint8_t tcp[60];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		size_t next = TCP_OPTION_FIRST;
		size_t len = header(tcp, bad[i], 4);

		CHECK_EQ(tcp_option_next(tcp, &next, len), 0);
		CHECK_EQ(tcp_option_find(tcp, len, TCP_OPTION_SACK_PERMITTED), 0);
	}
}

/* A header that an ICMP error quotes may be cut anywhere. */
static void a_header_that_is_cut(void)
{
	uint8_t tcp[60];
	size_t next;

	header(tcp, "\1\1\10\12abcdefgh", 12);
	for (size_t len = 0; len <= 32; len++) {
		next = TCP_OPTION_FIRST;
		CHECK_EQ(tcp_option_next(tcp, &next, len), len < 32 ? 0 : 22);
	}
}

static void find_takes_the_first_of_a_kind(void)
{
	uint8_t tcp[60];
	size_t len = header(tcp, "\4\2\3\3\1\3\3\2", 8);

	CHECK_EQ(tcp_option_find(tcp, len, TCP_OPTION_WINDOW_SCALE), 22);
	CHECK_EQ(tcp_option_find(tcp, len, TCP_OPTION_MSS), 0);
}

static void erase_writes_nops(void)
{
	uint8_t tcp[60], want[60];
	size_t len = header(tcp, "\4\2\5\12abcdefgh", 12);

	header(want, "\4\2\1\1\1\1\1\1\1\1\1\1", 12);
	tcp_option_erase(tcp, 22, NULL);
	CHECK(!memcmp(tcp, want, len));
}

/* At every offset, with every length: the sum over all stays right. */
static void the_checksum_follows_an_erased_option(void)
{
	uint8_t tcp[60];

	for (size_t n = soak_n(20000); n; n--) {
		size_t at = 20 + random_below(&rnd, 38);
		size_t len = 2 + random_below(&rnd, 60 - at - 1);

		random_fill(&rnd, tcp, sizeof(tcp));
		tcp[at] = TCP_OPTION_SACK;
		tcp[at + 1] = (uint8_t)len;
		tcp[0] |= 1;		/* the sum is not 0 */
		bytes_put16(tcp + SUM_AT, 0);
		bytes_put16(tcp + SUM_AT, checksum_fold(
			checksum_add(0, tcp, sizeof(tcp))));
		tcp_option_erase(tcp, at, tcp + SUM_AT);
		CHECK_EQ(checksum_fold(checksum_add(0, tcp, sizeof(tcp))), 0);
		for (size_t i = 0; i < len; i++)
			CHECK_EQ(tcp[at + i], TCP_OPTION_NOP);
	}
}

/* Whatever the bytes are: no option begins before the last ends, or ends
 * beyond the header. */
static void any_bytes(void)
{
	uint8_t tcp[60];

	for (size_t n = soak_n(20000); n; n--) {
		size_t len = random_below(&rnd, sizeof(tcp) + 1);
		size_t next = TCP_OPTION_FIRST, end = next, at;

		random_fill(&rnd, tcp, sizeof(tcp));
		for (size_t i = TCP_OPTION_FIRST; i < sizeof(tcp); i++)
			tcp[i] &= 7;
		while ((at = tcp_option_next(tcp, &next, len))) {
			CHECK(at >= end && next >= at + 2 && next <= len);
			end = next;
		}
	}
}

int main(int argc, char **argv)
{
	random_init(&rnd, argc, argv);
	TEST(each_option_in_turn);
	TEST(nothing_behind_the_end_of_the_list);
	TEST(a_length_that_does_not_hold_ends_the_walk);
	TEST(a_header_that_is_cut);
	TEST(find_takes_the_first_of_a_kind);
	TEST(erase_writes_nops);
	TEST(the_checksum_follows_an_erased_option);
	TEST(any_bytes);
	return TEST_END();
}
