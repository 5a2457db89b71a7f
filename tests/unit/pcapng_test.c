/* SPDX-License-Identifier: ISC */
/* Byte by byte, as draft-ietf-opsawg-pcapng draws the blocks. */
#include "../../common/pcapng.h"

#include "../../common/bytes.h"
#include "test.h"

#define CHECK_BYTES(p, text)                                                 \
	do {                                                                 \
		CHECK_EQ((p)->len, sizeof(text) - 1);                        \
		CHECK(!memcmp((p)->bytes, text, sizeof(text) - 1));          \
	} while (0)

static void a_section(void)
{
	struct pcapng p = { 0 };

	pcapng_section(&p, "tests");
	CHECK_BYTES(&p, "\x0a\x0d\x0d\x0a" "\0\0\0\x2c" "\x1a\x2b\x3c\x4d"
			"\0\1\0\0" "\xff\xff\xff\xff\xff\xff\xff\xff"
			"\0\4\0\5" "tests\0\0\0" "\0\0\0\0" "\0\0\0\x2c");
	pcapng_fini(&p);
	CHECK_EQ(p.len, 0);
}

static void an_interface(void)
{
	struct pcapng p = { 0 };

	pcapng_interface(&p, 1, "abcd", "x");
	CHECK_BYTES(&p, "\0\0\0\1" "\0\0\0\x30" "\0\1\0\0" "\0\0\0\0"
			"\0\2\0\4" "abcd" "\0\3\0\1" "x\0\0\0"
			"\0\x09\0\1" "\x09\0\0\0" "\0\0\0\0" "\0\0\0\x30");
	pcapng_fini(&p);
}

static void a_packet(void)
{
	const char *const comments[] = { "one", "four" };
	const struct pcapng_packet packet = {
		.interface = 1, .time_ns = UINT64_C(0x123456789abcdef0),
		.bytes = (const uint8_t *)"hello", .len = 5, .wire_len = 1500,
		.comments = comments, .n_comments = 2,
	};
	struct pcapng p = { 0 };

	pcapng_packet(&p, &packet);
	CHECK_BYTES(&p, "\0\0\0\6" "\0\0\0\x3c" "\0\0\0\1"
			"\x12\x34\x56\x78" "\x9a\xbc\xde\xf0"
			"\0\0\0\5" "\0\0\x05\xdc" "hello\0\0\0"
			"\0\1\0\3" "one\0" "\0\1\0\4" "four"
			"\0\0\0\0" "\0\0\0\x3c");
	pcapng_fini(&p);
}

/* Of every length: blocks stay on their boundaries, and say how long they
 * are at both ends. */
static void every_length(void)
{
	static uint8_t bytes[70000];
	struct pcapng p = { 0 };
	size_t at = 0;

	for (uint32_t len = 0; len < sizeof(bytes); len += len < 9 ? 1 : 7777) {
		struct pcapng_packet packet = {
			.bytes = bytes, .len = len, .wire_len = len,
		};

		pcapng_packet(&p, &packet);
		CHECK_EQ(p.len % 4, 0);
		CHECK_EQ(bytes_get32(p.bytes + at + 4), p.len - at);
		CHECK_EQ(bytes_get32(p.bytes + p.len - 4), p.len - at);
		CHECK(p.len - at >= 36 + len && p.len - at < 40 + len);
		at = p.len;
	}
	pcapng_fini(&p);
}

static void a_comment_that_is_too_long(void)
{
	static char text[70001];
	const char *const comments[] = { text };
	const struct pcapng_packet packet = {
		.comments = comments, .n_comments = 1,
	};
	struct pcapng p = { 0 };

	memset(text, 'x', sizeof(text) - 1);
	pcapng_packet(&p, &packet);
	CHECK_EQ(bytes_get16(p.bytes + 30), 65535);
	CHECK_EQ(p.len, 28 + 4 + 65536 + 4 + 4);
	pcapng_fini(&p);
}

int main(void)
{
	TEST(a_section);
	TEST(an_interface);
	TEST(a_packet);
	TEST(every_length);
	TEST(a_comment_that_is_too_long);
	return TEST_END();
}
