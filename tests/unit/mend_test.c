/* SPDX-License-Identifier: ISC */
#include "../../compare/diff/mend.h"

#include "random.h"
#include "test.h"

static struct random rnd;

/* A SYN with 20 bytes of options and 100 of data. */
#define MACS "\2\0\0\0\0\1\2\0\0\0\0\2"
#define IPV4 MACS "\x08\0\x45\0\0\xa0\0\1\0\0\x40\6\0\0\x0a\0\0\1\x0a\0\0\2"
#define IPV6 MACS "\x86\xdd\x60\0\0\0\0\x8c\6\x40" "fedcba9876543210" "0123456789abcdef"
#define TCP "\0\x50\4\1\0\0\0\7\0\0\0\x9\xa0\2\xff\xff\0\0\0\0"
#define OPTIONS "\2\4\5\xb4\1\3\3\7\1\1\x08\x0a" "stampecho"

static bool mend(const void *bytes, size_t len, struct packet *p,
		 struct frame *f)
{
	uint8_t *exact = malloc(len + !len);
	struct frame cut = { .data = exact, .len = (uint32_t)len, .time_ns = 7 };
	bool is_mended;

	memcpy(exact, bytes, len);
	packet_parse(p, exact, len);
	is_mended = mend_frame(f, &cut, p);
	free(exact);
	if (is_mended)
		packet_parse(p, frame_eth(f), frame_eth_len(f));
	return is_mended;
}

/* Cut after any byte: with the fixed part of the header it is a segment. */
static void check_each(const uint8_t *bytes, size_t headers)
{
	for (size_t len = 0; len <= headers + 40; len++) {
		bool is_mended;
		struct packet p;
		struct frame f;

		is_mended = mend(bytes, len, &p, &f);
		CHECK_EQ(is_mended, len >= headers + 20 && len < headers + 40);
		if (!is_mended)
			continue;
		CHECK_EQ(p.level, PACKET_L4);
		CHECK_EQ(p.seq, 7);
		CHECK_EQ(p.tcp_opt_len, 20);
		CHECK_EQ(packet_wire_len(&p) - p.payload_off, 100);
		CHECK_EQ(f.time_ns, 7);
		chunk_unref(f.chunk);
	}
}

static void a_header_cut_in_its_options(void)
{
	static const char v4[] = IPV4 TCP OPTIONS, v6[] = IPV6 TCP OPTIONS;

	check_each((const uint8_t *)v4, 34);
	check_each((const uint8_t *)v6, 54);
}

/* The hardware was to cut it into segments: its length is that of the frame. */
static void a_length_of_0_is_that_of_the_frame(void)
{
	static const struct {
		uint32_t cut;
		uint16_t len;
	} rows[] = {
		{ 100, 160 }, { 65535 - 60, 65535 }, { 65536 - 60, 65535 },
		{ UINT32_MAX, 65535 },
	};
	uint8_t bytes[] = IPV4 TCP OPTIONS;
	struct frame cut = { .data = bytes, .len = 74 }, f;
	struct packet p;

	bytes[16] = bytes[17] = 0;
	packet_parse(&p, bytes, cut.len);
	CHECK(!mend_length(&f, &cut, &p));	/* it was not cut */
	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		cut.cut = rows[i].cut;
		CHECK(mend_length(&f, &cut, &p));
		CHECK_EQ(f.data[16] << 8 | f.data[17], rows[i].len);
		CHECK_EQ(f.cut, rows[i].cut);
		chunk_unref(f.chunk);
	}
	bytes[17] = 1;
	packet_parse(&p, bytes, cut.len);
	CHECK(!mend_length(&f, &cut, &p));	/* it says a length */
}

static void any_bytes(void)
{
	char bytes[] = IPV4 TCP OPTIONS;

	for (unsigned i = 0; i < 100000; i++) {
		size_t at = random_below(&rnd, sizeof(bytes) - 1);
		char was = bytes[at];
		struct packet p;
		struct frame f;

		bytes[at] = (char)random_below(&rnd, 256);
		if (mend(bytes, random_below(&rnd, sizeof(bytes)), &p, &f))
			chunk_unref(f.chunk);
		bytes[at] = was;
	}
}

int main(int argc, char **argv)
{
	random_init(&rnd, argc, argv);
	TEST(a_header_cut_in_its_options);
	TEST(a_length_of_0_is_that_of_the_frame);
	TEST(any_bytes);
	return TEST_END();
}
