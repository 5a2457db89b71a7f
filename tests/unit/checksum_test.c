/* SPDX-License-Identifier: ISC */
#include <stdint.h>

#include "../../common/bytes.h"
#include "../../common/checksum.h"
#include "random.h"
#include "test.h"

static struct random rnd;

/* RFC 1071 by the letter. */
static uint16_t naive(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++) {
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (uint16_t)~sum;
}

static uint16_t ours(const uint8_t *p, size_t len)
{
	return checksum_fold(checksum_add(0, p, len));
}

static void the_rfc_1071_example(void)
{
	static const uint8_t m[] = { 0x00, 0x01, 0xf2, 0x03,
				     0xf4, 0xf5, 0xf6, 0xf7 };

	CHECK_EQ(ours(m, sizeof(m)), 0xffff & ~0xddf2);
}

static void every_length_and_alignment(void)
{
	uint8_t buf[160];

	random_fill(&rnd, buf, sizeof(buf));
	for (size_t off = 0; off < 8; off++)
		for (size_t len = 0; off + len <= sizeof(buf); len++)
			CHECK_EQ(ours(buf + off, len), naive(buf + off, len));
}

static void extreme_bytes(void)
{
	static uint8_t buf[69632];

	CHECK_EQ(ours(buf, 0), 0xffff);
	CHECK_EQ(ours(buf, sizeof(buf)), 0xffff);
	memset(buf, 0xff, sizeof(buf));
	CHECK_EQ(ours(buf, sizeof(buf)), 0);
	CHECK_EQ(ours(buf, 65535), naive(buf, 65535));
	CHECK_EQ(checksum_fold(checksum_add(0xffffffff, buf, sizeof(buf))), 0);
}

static void pieces_add_up(void)
{
	uint8_t buf[512];

	for (size_t n = soak_n(2000); n; n--) {
		size_t len = random_below(&rnd, sizeof(buf) + 1);
		size_t cut = random_below(&rnd, len + 1) & ~(size_t)1;
		uint32_t sum;

		random_fill(&rnd, buf, sizeof(buf));
		sum = checksum_add(0, buf, cut);
		sum = checksum_add(sum, buf + cut, len - cut);
		CHECK_EQ(checksum_fold(sum), naive(buf, len));
	}
}

static void pseudo_headers(void)
{
	static const uint32_t lens[] = { 0, 1, 20, 0xffff, 0x10000, 0x12345 };
	uint8_t v4[12], v6[40];

	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		random_fill(&rnd, v4, 8);
		v4[8] = 0;
		v4[9] = 6;
		bytes_put16(v4 + 10, (uint16_t)lens[i]);
		if (lens[i] <= 0xffff)
			CHECK_EQ(checksum_fold(checksum_pseudo(4, v4, v4 + 4, 6,
							       lens[i])),
				 naive(v4, sizeof(v4)));
		random_fill(&rnd, v6, 32);
		bytes_put32(v6 + 32, lens[i]);
		bytes_put32(v6 + 36, 58);
		CHECK_EQ(checksum_fold(checksum_pseudo(6, v6, v6 + 16, 58,
						       lens[i])),
			 naive(v6, sizeof(v6)));
	}
}

/* Words at the edges of the fold more often than chance would bring them. */
static uint16_t word(void)
{
	static const uint16_t edge[] = { 0, 1, 0x7fff, 0x8000, 0xfffe, 0xffff };

	if (random_below(&rnd, 2))
		return edge[random_below(&rnd, 6)];
	return (uint16_t)random_next(&rnd);
}

/* A message of words whose word 0 is its checksum. */
static void message(uint8_t *m, size_t n_words)
{
	bytes_put16(m, 0);
	for (size_t i = 1; i < n_words; i++)
		bytes_put16(m + 2 * i, word());
	bytes_put16(m, naive(m, 2 * n_words));
}

static void update16_equals_doing_it_anew(void)
{
	uint8_t m[16];

	for (size_t n = soak_n(200000); n; n--) {
		size_t at = 2 + 2 * random_below(&rnd, 7);
		uint16_t to = word();
		uint16_t got;

		message(m, 8);
		bytes_put16(m + 14, 1);		/* as a pseudo header: never 0 */
		bytes_put16(m, 0);
		bytes_put16(m, naive(m, 16));
		if (at == 14)
			at = 12;
		checksum_update16(m, bytes_get16(m + at), to);
		bytes_put16(m + at, to);
		got = bytes_get16(m);
		bytes_put16(m, 0);
		CHECK_EQ(got, naive(m, 16));
	}
}

static void update32_equals_doing_it_anew(void)
{
	uint8_t m[16];

	for (size_t n = soak_n(200000); n; n--) {
		size_t at = 2 + 2 * random_below(&rnd, 5);
		uint32_t to = (uint32_t)word() << 16 | word();
		uint16_t got;

		message(m, 8);
		bytes_put16(m + 14, 1);
		bytes_put16(m, 0);
		bytes_put16(m, naive(m, 16));
		checksum_update32(m, bytes_get32(m + at), to);
		bytes_put32(m + at, to);
		got = bytes_get16(m);
		bytes_put16(m, 0);
		CHECK_EQ(got, naive(m, 16));
	}
}

static void update32_at_every_offset(void)
{
	uint8_t m[16];

	for (size_t n = soak_n(200000); n; n--) {
		size_t at = 2 + random_below(&rnd, 9);
		uint32_t to = (uint32_t)word() << 16 | word();
		uint16_t got;

		message(m, 8);
		bytes_put16(m + 14, 1);
		bytes_put16(m, 0);
		bytes_put16(m, naive(m, 16));
		checksum_update32_at(m, at, bytes_get32(m + at), to);
		bytes_put32(m + at, to);
		got = bytes_get16(m);
		bytes_put16(m, 0);
		CHECK_EQ(got, naive(m, 16));
	}
}

/* Both forms of zero stay valid: the whole message still sums to -0. */
static void update_of_a_negative_zero_field(void)
{
	uint8_t m[8] = { 0xff, 0xff, 0x12, 0x34, 0xed, 0xcb, 0, 0 };

	CHECK_EQ(naive(m, 8), 0);
	checksum_update16(m, 0x1234, 0x4321);
	bytes_put16(m + 2, 0x4321);
	CHECK_EQ(naive(m, 8), 0);
	checksum_update32(m, 0x4321edcb, 0xffff0001);
	bytes_put32(m + 2, 0xffff0001);
	CHECK_EQ(naive(m, 8), 0);
}

static void no_change_leaves_the_field(void)
{
	uint8_t field[2];

	for (uint32_t hc = 0; hc < 0x10000; hc++) {
		bytes_put16(field, (uint16_t)hc);
		checksum_update16(field, 0xffff, 0xffff);
		checksum_update16(field, 0, 0);
		checksum_update32(field, 0xffff0000, 0xffff0000);
		CHECK_EQ(bytes_get16(field), hc);
	}
}

/* RFC 1624, section 4: the case that equation 2 gets wrong. */
static void the_rfc_1624_example(void)
{
	uint8_t field[2] = { 0xdd, 0x2f };

	checksum_update16(field, 0x5555, 0x3285);
	CHECK_EQ(bytes_get16(field), 0x0000);
}

/* The check value of the catalogue of CRCs. */
static void crc32c_of_digits(void)
{
	CHECK_EQ(checksum_crc32c("123456789", 9), 0xe3069283);
	CHECK_EQ(checksum_crc32c("", 0), 0);
}

int main(int argc, char **argv)
{
	random_init(&rnd, argc, argv);
	TEST(the_rfc_1071_example);
	TEST(every_length_and_alignment);
	TEST(extreme_bytes);
	TEST(pieces_add_up);
	TEST(pseudo_headers);
	TEST(update16_equals_doing_it_anew);
	TEST(update32_equals_doing_it_anew);
	TEST(update32_at_every_offset);
	TEST(update_of_a_negative_zero_field);
	TEST(no_change_leaves_the_field);
	TEST(the_rfc_1624_example);
	TEST(crc32c_of_digits);
	return TEST_END();
}
