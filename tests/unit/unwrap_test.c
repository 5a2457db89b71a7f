/* SPDX-License-Identifier: ISC */
#include "../../compare/diff/unwrap.h"

#include "craft.h"
#include "random.h"
#include "test.h"

static struct random rnd;

/* An Ethernet frame with 10.1.1.1 > 10.1.1.2 in it; an IPv6 one. */
#define MACS "020000000a02020000000a01"
#define IP "4500001c00000000401100000a0101010a010102" UDP
#define UDP "0035138800080000"
#define IP6 "6000000000081140" "20010db8000000000000000000000001" \
	    "20010db8000000000000000000000002" UDP
#define ETHER MACS "0800" IP
/* Around it. */
#define OUTER(proto) "020000000002020000000001" "0800" \
	"450001f40000000040" proto "0000c0000201c0000202"
#define OUTER6(next) "020000000002020000000001" "86dd" "6000000001cc" next "40" \
	"20010db8000000000000000000000005" "20010db8000000000000000000000006"
#define LINK "020000000002020000000001"

static uint8_t *exact;

static size_t unhex(const char *hex)
{
	size_t len = strlen(hex) / 2;

	free(exact);
	exact = malloc(len ? len : 1);
	for (size_t i = 0; i < len; i++) {
		unsigned x;

		sscanf(hex + 2 * i, "%2x", &x);
		exact[i] = (uint8_t)x;
	}
	return len;
}

/* The IP length is set to what there is. Return: how often it was unwrapped */
static unsigned unwrap(size_t len, struct frame *f)
{
	struct frame inner;
	struct packet p;
	unsigned n = 0;

	*f = (struct frame){ .data = exact, .len = (uint32_t)len, .time_ns = 7 };
	packet_parse(&p, exact, len);
	while (unwrap_frame(&inner, f, &p)) {
		chunk_unref(f->chunk);
		*f = inner;
		CHECK_EQ(f->time_ns, 7);
		packet_parse(&p, frame_eth(f), frame_eth_len(f));
		n++;
	}
	return n;
}

static void each_kind(void)
{
	static const struct {
		const char *hex;
		unsigned n;		/* layers */
		uint32_t vlan;
		uint8_t version;
		uint8_t mac;		/* the fifth byte of the destination's */
	} rows[] = {
		/* as it is */
		{ LINK "0800" IP, 0, 0, 4, 0 },
		{ LINK "8100000a" "0800" IP, 0, 10, 4, 0 },
		{ LINK "8847" "00001140" IP, 0, 0x80000000, 4, 0 },
		/* links */
		{ LINK "8864" "11000007001e0021" IP, 1, 0, 4, 0 },
		{ LINK "8100000a8864" "1100000700320057" IP6, 1, 10, 6, 0 },
		{ LINK "0024" "aaaa030000000800" IP "ffffffff", 1, 0, 4, 0 },
		{ LINK "8100000a0024" "aaaa030000000800" IP, 1, 10, 4, 0 },
		{ LINK "8847" "00001140" "00000000" ETHER, 1, 0, 4, 0x0a },
		{ LINK "880b" "ff030021" IP, 1, 0, 4, 0 },
		/* IP */
		{ OUTER("04") IP, 1, 0, 4, 0 },
		{ OUTER("29") IP6, 1, 0, 6, 0 },
		{ OUTER6("04") IP, 1, 0, 4, 0 },
		{ OUTER6("29") IP6, 1, 0, 6, 0 },
		{ OUTER("89") "00001140" IP, 1, 0x80000000, 4, 0 },
		/* GRE: nothing, all, PPTP, Ethernet, ERSPAN I, II, III */
		{ OUTER("2f") "00000800" IP, 1, 0, 4, 0 },
		{ OUTER6("2f") "000086dd" IP6, 1, 0, 6, 0 },
		{ OUTER("2f") "b0000800" "00000000" "00123456" "00000009" IP, 1,
		  0x123456, 4, 0 },
		{ OUTER("2f") "3081880b" "00000000" "00000001" "00000002"
		  "ff030021" IP, 1, 0, 4, 0 },
		{ OUTER("2f") "20006558" "00123477" ETHER, 1, 0x1234, 4, 0x0a },
		{ OUTER("2f") "000088be" ETHER, 1, 0, 4, 0x0a },
		{ OUTER("2f") "100088be" "00000005" "1005006400000000" ETHER, 1,
		  0, 4, 0x0a },
		{ OUTER("2f") "100022eb" "00000005" "200500640000000000000000"
		  ETHER, 1, 0, 4, 0x0a },
		{ OUTER("2f") "100022eb" "00000005" "200500640000000000000001"
		  "0000000000000000" ETHER, 1, 0, 4, 0x0a },
		/* UDP */
		{ OUTER("11") "c00012b500000000" "0800000000123400" ETHER, 1,
		  0x1234, 4, 0x0a },
		{ OUTER("11") "c00012b600000000" "0c00000100123400" IP, 1,
		  0x1234, 4, 0 },
		{ OUTER("11") "c00017c100000000" "0100655800123400" "12345678"
		  ETHER, 1, 0x1234, 4, 0x0a },
		{ OUTER("11") "c00017c100000000" "000086dd00123400" IP6, 1,
		  0x1234, 6, 0 },
		/* several */
		{ OUTER("2f") "00000800"
		  "4500005400000000402f0000c0000201c0000202"
		  "00008847" "00001140" IP, 2, 0x80000000, 4, 0 },
		{ OUTER("2f") "00006558" MACS "8864" "11000007001e0021" IP, 2, 0,
		  4, 0x0a },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len = unhex(rows[i].hex);
		struct frame f;
		struct packet p;

		packet_parse(&p, exact, len);
		if (p.ip_version == 4 && rows[i].n)
			bytes_put16(exact + 16, (uint16_t)(len - 14));
		else if (p.ip_version == 6)
			bytes_put16(exact + 18, (uint16_t)(len - 54));
		if (p.proto == PACKET_UDP && rows[i].n)
			bytes_put16(exact + 38, (uint16_t)(len - 34));
		CHECK_EQ(unwrap(len, &f), rows[i].n);
		packet_parse(&p, frame_eth(&f), frame_eth_len(&f));
		CHECK_EQ(p.level, PACKET_L4);
		CHECK_EQ(p.proto, PACKET_UDP);
		CHECK_EQ(p.dport, 5000);
		CHECK_EQ(p.ip_version, rows[i].version);
		CHECK_EQ(p.vlan & (rows[i].vlan & PACKET_TAGS ? PACKET_TAGS :
				   UINT32_MAX), rows[i].vlan);
		CHECK_EQ(p.eth[4], rows[i].mac);
		chunk_unref(f.chunk);
		/* cut anywhere: less is inside, or nothing */
		for (size_t n = 0; n < len; n++) {
			uint8_t *whole = exact;

			exact = malloc(n ? n : 1);
			memcpy(exact, whole, n);
			CHECK(unwrap(n, &f) <= rows[i].n);
			chunk_unref(f.chunk);
			free(exact);
			exact = whole;
		}
		/* broken */
		for (unsigned n = 0; n < 2000; n++) {
			size_t at = random_below(&rnd, len);
			uint8_t was = exact[at];

			exact[at] = (uint8_t)random_next(&rnd);
			unwrap(len, &f);
			chunk_unref(f.chunk);
			exact[at] = was;
		}
	}
}

/* What only looks like a tunnel is left as it is. */
static void not_a_tunnel(void)
{
	static const char *const rows[] = {
		OUTER("04") "6500", OUTER("29") IP, OUTER("2f") "00000806" IP,
		OUTER("2f") "00020800" IP, OUTER("2f") "0000",
		OUTER("2f") "20000800" "0000",
		OUTER("11") "c00012b50030" "0000" "0000000000123400" ETHER,
		OUTER("11") "c00017c10030" "0000" "4000655800123400" ETHER,
		OUTER("11") "12b5c0000030" "0000" "0800000000123400" ETHER,
		LINK "0024" "424203" IP, LINK "8864" "110000070014c021" IP,
		LINK "8847" "00001040",
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len = unhex(rows[i]);
		struct frame f;

		if (len > 34 && exact[12] == 8)
			bytes_put16(exact + 16, (uint16_t)(len - 14));
		CHECK_EQ(unwrap(len, &f), 0);
	}
	/* nor is a fragment looked into */
	for (unsigned i = 0; i < 2; i++) {
		size_t len = unhex(OUTER("04") IP);
		struct frame f;

		bytes_put16(exact + 16, (uint16_t)(len - 14));
		bytes_put16(exact + 20, i ? 0x2000 : 0);
		CHECK_EQ(unwrap(len, &f), !i);
		chunk_unref(f.chunk);
	}
}

int main(int argc, char **argv)
{
	random_init(&rnd, argc, argv);
	TEST(each_kind);
	TEST(not_a_tunnel);
	free(exact);
	return TEST_END();
}
