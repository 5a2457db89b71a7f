/* SPDX-License-Identifier: ISC */
#include "../../common/pcapng_in.h"

#include <errno.h>
#include <pcap/dlt.h>

#include "../../common/bytes.h"
#include "random.h"
#include "test.h"

static struct random rnd;

/* A block in a buffer of exactly its size, as big-endian as the file is. */
static struct {
	uint8_t *at;
	uint32_t len;
	bool is_big_endian;
} b;

static void put32(uint8_t *at, uint32_t x)
{
	bytes_put32(at, b.is_big_endian ? x : __builtin_bswap32(x));
}

static void block(uint32_t type, const void *body, uint32_t len)
{
	free(b.at);
	b.len = 12 + ((len + 3) & ~3u);
	b.at = calloc(1, b.len);
	put32(b.at, type);
	put32(b.at + 4, b.len);
	if (len)
		memcpy(b.at + 8, body, len);
	put32(b.at + b.len - 4, b.len);
}

static int feed(struct pcapng_in *in, struct pcapng_in_packet *p)
{
	if (pcapng_in_block_len(in, b.at) != b.len)
		return -EIO;
	return pcapng_in_block(in, b.at, b.len, p);
}

static int section(struct pcapng_in *in)
{
	struct pcapng_in_packet p;
	uint8_t body[16] = { 0 };

	put32(body, 0x1a2b3c4d);
	block(0x0a0d0d0a, body, 16);
	return feed(in, &p);
}

static int interface(struct pcapng_in *in, uint16_t linktype, uint32_t snaplen,
		     int resolution)
{
	struct pcapng_in_packet p;
	uint8_t body[20] = { 0 };

	put32(body, b.is_big_endian ? (uint32_t)linktype << 16 : linktype);
	put32(body + 4, snaplen);
	put32(body + 8, b.is_big_endian ? 9 << 16 | 1 : 1 << 16 | 9);
	body[12] = (uint8_t)resolution;
	block(1, body, resolution < 0 ? 8 : 20);
	return feed(in, &p);
}

static int enhanced(struct pcapng_in *in, uint32_t interface, uint64_t time,
		    uint32_t len, uint32_t wire_len,
		    struct pcapng_in_packet *p)
{
	uint8_t body[28] = { 0 };

	put32(body, interface);
	put32(body + 4, (uint32_t)(time >> 32));
	put32(body + 8, (uint32_t)time);
	put32(body + 12, len);
	put32(body + 16, wire_len);
	memcpy(body + 20, "12345678", 8);
	block(6, body, 28);
	return feed(in, p);
}

static void both_byte_orders(void)
{
	for (int big = 0; big < 2; big++) {
		struct pcapng_in in = { 0 };
		struct pcapng_in_packet p;

		b.is_big_endian = big;
		CHECK_EQ(section(&in), 0);
		CHECK_EQ(interface(&in, 1, 65535, -1), 0);
		CHECK_EQ(interface(&in, 101, 262144, 9), 0);
		block(11, "unknown", 7);
		CHECK_EQ(feed(&in, &p), 0);
		CHECK_EQ(enhanced(&in, 0, 1700000000123456, 8, 100, &p), 1);
		CHECK_EQ(p.linktype, DLT_EN10MB);
		CHECK_EQ(p.time_s, 1700000000);
		CHECK_EQ(p.time_ns, 123456000);
		CHECK_EQ(p.len, 8);
		CHECK_EQ(p.wire_len, 100);
		CHECK(!memcmp(p.bytes, "12345678", 8));
		CHECK_EQ(enhanced(&in, 1, 1700000000123456789, 5, 0, &p), 1);
		CHECK_EQ(p.linktype, DLT_RAW);
		CHECK_EQ(p.time_ns, 123456789);
		CHECK_EQ(p.wire_len, 5);
		CHECK_EQ(enhanced(&in, 2, 0, 5, 5, &p), -EINVAL);
		CHECK_EQ(enhanced(&in, 1, 0, 9, 9, &p), -EINVAL);
		/* a new section has interfaces of its own */
		CHECK_EQ(section(&in), 0);
		CHECK_EQ(enhanced(&in, 0, 0, 5, 5, &p), -EINVAL);
		pcapng_in_fini(&in);
	}
	b.is_big_endian = false;
}

static void resolutions(void)
{
	static const struct {
		int resolution;
		uint64_t time;
		int64_t s;
		uint32_t ns;
	} rows[] = {
		{ 0, 5, 5, 0 },
		{ 3, 5007, 5, 7000000 },
		{ 12, 5000007000999, 5, 7000 },
		{ 19, 15000000000000000000u, 1, 500000000 },
		{ 128, 5, 5, 0 },
		{ 129, 11, 5, 500000000 },
		{ 128 + 30, 3ull << 29, 1, 500000000 },
		{ 128 + 63, 3ull << 62, 1, 500000000 },
	};
	struct pcapng_in_packet p;
	struct pcapng_in in = { 0 };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK_EQ(section(&in), 0);
		CHECK_EQ(interface(&in, 1, 0, rows[i].resolution), 0);
		CHECK_EQ(enhanced(&in, 0, rows[i].time, 8, 8, &p), 1);
		CHECK_EQ(p.time_s, rows[i].s);
		CHECK_EQ(p.time_ns, rows[i].ns);
	}
	CHECK_EQ(interface(&in, 1, 0, 20), -EINVAL);
	CHECK_EQ(interface(&in, 1, 0, 128 + 64), -EINVAL);
	pcapng_in_fini(&in);
}

/* Its length is that of the block, or the interface's. */
static void simple_packets(void)
{
	struct pcapng_in_packet p;
	struct pcapng_in in = { 0 };
	uint8_t body[12] = "\5\0\0\0" "12345678";

	CHECK_EQ(section(&in), 0);
	block(3, body, 12);
	CHECK_EQ(feed(&in, &p), -EINVAL);	/* nobody's */
	CHECK_EQ(interface(&in, 1, 6, -1), 0);
	block(3, body, 12);
	CHECK_EQ(feed(&in, &p), 1);
	CHECK_EQ(p.len, 5);
	put32(body, 100);
	block(3, body, 12);
	CHECK_EQ(feed(&in, &p), 1);
	CHECK_EQ(p.len, 6);
	CHECK_EQ(p.wire_len, 100);
	block(3, body, 2);
	b.len = 12;
	CHECK(feed(&in, &p) < 0);
	pcapng_in_fini(&in);
}

static void not_a_file(void)
{
	struct pcapng_in in = { 0 };
	uint8_t head[12] = { 0 };

	CHECK_EQ(pcapng_in_block_len(&in, head), 0);
	CHECK_EQ(interface(&in, 1, 0, -1), -EIO);	/* before a section */
	CHECK_EQ(section(&in), 0);
	for (uint32_t len = 0; len < 40; len++) {
		put32(head, 6);
		put32(head + 4, len);
		CHECK_EQ(pcapng_in_block_len(&in, head),
			 len < 12 || len % 4 ? 0 : len);
	}
	put32(head + 4, PCAPNG_IN_BLOCK_MAX + 4);
	CHECK_EQ(pcapng_in_block_len(&in, head), 0);
}

/* Blocks of any bytes: packets lie in them. */
static void any_bytes(void)
{
	struct pcapng_in in = { 0 };

	for (size_t n = soak_n(100000); n; n--) {
		static const uint32_t types[] = { 1, 2, 3, 6 };
		uint8_t body[48];
		struct pcapng_in_packet p;

		if (n % 64 == 0)
			section(&in);
		random_fill(&rnd, body, sizeof(body));
		for (unsigned i = 0; i < sizeof(body); i += 4)
			if (random_below(&rnd, 4))
				put32(body + i,
				      (uint32_t)random_below(&rnd, 32));
		block(types[random_below(&rnd, 4)], body,
		      (uint32_t)random_below(&rnd, sizeof(body)));
		if (feed(&in, &p) != 1)
			continue;
		CHECK(p.bytes >= b.at && p.len <= b.len &&
		      p.bytes + p.len <= b.at + b.len - 4);
		CHECK(p.wire_len >= p.len && p.time_ns < 1000000000);
	}
	pcapng_in_fini(&in);
}

int main(int argc, char **argv)
{
	random_init(&rnd, argc, argv);
	TEST(both_byte_orders);
	TEST(resolutions);
	TEST(simple_packets);
	TEST(not_a_file);
	TEST(any_bytes);
	free(b.at);
	return TEST_END();
}
