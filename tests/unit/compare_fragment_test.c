/* SPDX-License-Identifier: ISC */
/*
 * QEMU fault 11: later fragments were keyed by their payload; the same
 * datagram cut differently was never released.
 */
#include "compare_kit.h"

static char data[4000], other[4000];

/* Bytes a..b of an UDP datagram of 4008 bytes; fragments of one datagram have
 * the same tag, so IPv6 ones are told apart by its low bits. */
#define UDP(t, a, b) \
	.tag = (t), .proto = PACKET_UDP, .data = data, .len = 4000, \
	.from = (a), .to = (b)
#define OTHER(t, a, b) \
	.tag = (t), .proto = PACKET_UDP, .data = other, .len = 4000, \
	.from = (a), .to = (b)
#define WHOLE(t) .tag = (t), .proto = PACKET_UDP, .data = data, .len = 4000

static void cut_alike(void)
{
	struct kit k;

	kit_init(&k);
	PRIMARY(&k, UDP(1, 0, 1480));
	PRIMARY(&k, UDP(1, 1480, 2960));
	PRIMARY(&k, UDP(1, 2960, 4008));
	CHECK_EQ(k.n_out, 0);
	CHECK_EQ(kit_stats(&k).held, 3);
	SECONDARY(&k, UDP(7, 0, 1480));
	SECONDARY(&k, UDP(7, 1480, 2960));
	CHECK_EQ(k.n_out, 0);
	SECONDARY(&k, UDP(7, 2960, 4008));
	CHECK_OUT(&k, 1, 1, 1);
	CHECK_EQ(kit_dropped(&k, "matched"), 3);
	CHECK(!compare_is_holding(k.c));
	CHECK_EQ(k.n_asked, 0);
	kit_fini(&k);
}

static void cut_differently(void)
{
	struct kit k;

	kit_init(&k);
	SECONDARY(&k, UDP(7, 0, 2000));
	SECONDARY(&k, UDP(7, 2000, 4008));
	PRIMARY(&k, UDP(1, 2960, 4008));	/* out of order */
	PRIMARY(&k, UDP(1, 0, 1480));
	PRIMARY(&k, UDP(1, 1480, 2960));
	CHECK_OUT(&k, 1, 1, 1);
	CHECK(!compare_is_holding(k.c));
	CHECK_EQ(k.n_asked, 0);
	kit_fini(&k);
}

static void cut_on_one_side(void)
{
	struct kit k;

	kit_init(&k);
	PRIMARY(&k, WHOLE(1));
	SECONDARY(&k, UDP(7, 0, 2000));
	SECONDARY(&k, UDP(7, 2000, 4008));
	CHECK_OUT(&k, 1);
	PRIMARY(&k, UDP(2, 0, 2000));
	PRIMARY(&k, UDP(2, 2000, 4008));
	SECONDARY(&k, WHOLE(7));
	CHECK_OUT(&k, 1, 2, 2);
	CHECK(!compare_is_holding(k.c));
	kit_fini(&k);
}

static void order_among_others(void)
{
	struct kit k;

	kit_init(&k);
	PRIMARY(&k, .tag = 1, .proto = PACKET_UDP, .data = "x", .len = 1);
	PRIMARY(&k, UDP(2, 0, 2000));
	PRIMARY(&k, UDP(2, 2000, 4008));
	SECONDARY(&k, UDP(7, 0, 2000));
	SECONDARY(&k, UDP(7, 2000, 4008));
	CHECK_EQ(k.n_out, 0);
	SECONDARY(&k, .tag = 8, .proto = PACKET_UDP, .data = "x", .len = 1);
	CHECK_OUT(&k, 1, 2, 2);
	kit_fini(&k);
}

static void ipv6(void)
{
	struct kit k;

	kit_init(&k);
	PRIMARY(&k, UDP(0x10, 0, 2000), .v6 = true);
	PRIMARY(&k, UDP(0x11, 2000, 4008), .v6 = true);
	SECONDARY(&k, UDP(0x20, 0, 800), .v6 = true);
	SECONDARY(&k, UDP(0x21, 800, 4008), .v6 = true);
	CHECK_OUT(&k, 0x10, 0x11);
	PRIMARY(&k, WHOLE(3), .v6 = true);
	SECONDARY(&k, UDP(0x30, 0, 800), .v6 = true);
	SECONDARY(&k, UDP(0x31, 800, 4008), .v6 = true);
	CHECK_OUT(&k, 0x10, 0x11, 3);
	CHECK(!compare_is_holding(k.c));
	kit_fini(&k);
}

static void different(void)
{
	struct kit k;

	kit_init(&k);
	PRIMARY(&k, UDP(1, 0, 2000));
	PRIMARY(&k, UDP(1, 2000, 4008));
	SECONDARY(&k, OTHER(1, 0, 2000));
	SECONDARY(&k, OTHER(1, 2000, 4008));
	kit_wait(&k, 10 * MS);
	CHECK_EQ(k.n_asked, 1);
	CHECK_EQ(k.reason, COMPARE_PAYLOAD);
	CHECK_EQ(k.offset, 3000);
	CHECK_EQ(kit_dropped(&k, "different"), 2);
	compare_flush(k.c, k.now_ns);
	CHECK_OUT(&k, 1, 1);
	CHECK(!compare_is_holding(k.c));
	kit_fini(&k);
}

static void incomplete_waits_and_asks(void)
{
	struct kit k;

	kit_init(&k);
	PRIMARY(&k, UDP(1, 0, 2000));
	SECONDARY(&k, UDP(1, 0, 2000));
	CHECK_EQ(kit_stats(&k).held, 2);
	kit_wait(&k, 3 * SEC);
	CHECK_EQ(k.n_asked, 1);
	CHECK_EQ(k.reason, COMPARE_TIMEOUT);
	compare_flush(k.c, k.now_ns);
	CHECK_OUT(&k, 1);
	CHECK(!compare_is_holding(k.c));
	kit_fini(&k);
}

static void overlap(void)
{
	struct kit k;

	kit_init(&k);
	SECONDARY(&k, UDP(1, 0, 2000));
	SECONDARY(&k, UDP(1, 1600, 4008));
	CHECK_EQ(kit_dropped(&k, "different"), 2);
	PRIMARY(&k, UDP(1, 0, 2000));
	PRIMARY(&k, UDP(1, 0, 2000));		/* twice the same is fine */
	CHECK_EQ(k.n_asked, 0);
	PRIMARY(&k, UDP(1, 1600, 4008));
	CHECK_EQ(k.n_asked, 1);
	compare_flush(k.c, k.now_ns);
	CHECK_OUT(&k, 1, 1, 1);
	kit_fini(&k);
}

/* Compared is one datagram; the client might make another one of them. */
static void other_bytes_for_the_same_piece(void)
{
	struct kit k;

	kit_init(&k);
	SECONDARY(&k, WHOLE(1));
	PRIMARY(&k, OTHER(1, 2000, 4008));
	PRIMARY(&k, UDP(1, 2000, 4008));
	CHECK_EQ(k.n_asked, 1);
	PRIMARY(&k, UDP(1, 0, 2000));
	CHECK_EQ(k.n_out, 0);
	compare_flush(k.c, k.now_ns);
	CHECK_OUT(&k, 1, 1, 1);
	kit_fini(&k);
}

static void beyond_the_last_piece(void)
{
	static const struct seg shorter = { .tag = 1, .proto = PACKET_UDP,
		.data = data, .len = 1992, .from = 1600, .to = 2000 };
	struct kit k;

	kit_init(&k);
	SECONDARY(&k, WHOLE(1));
	PRIMARY(&k, UDP(1, 0, 1600));
	PRIMARY(&k, UDP(1, 2000, 4008));
	CHECK_EQ(k.n_asked, 0);
	kit_input(&k, COMPARE_PRIMARY, shorter);	/* says it is the last */
	CHECK_EQ(k.n_asked, 1);
	CHECK_EQ(k.n_out, 0);
	kit_fini(&k);
}

static void repeated_fragment(void)
{
	struct kit k;

	kit_init(&k);
	PRIMARY(&k, UDP(1, 0, 2000));
	PRIMARY(&k, UDP(1, 0, 2000));
	PRIMARY(&k, UDP(1, 2000, 4008));
	SECONDARY(&k, WHOLE(1));
	CHECK_OUT(&k, 1, 1, 1);
	CHECK(!compare_is_holding(k.c));
	kit_fini(&k);
}

static void many_open_ones(void)
{
	struct kit k;

	kit_init(&k);
	for (unsigned i = 0; i < 1000; i++)
		SECONDARY(&k, UDP(i, 0, 2000));
	CHECK_EQ(kit_stats(&k).held, 256);
	CHECK_EQ(k.n_asked, 0);
	for (unsigned i = 0; i < 1000; i++)
		PRIMARY(&k, UDP(i, 0, 2000));
	CHECK_EQ(k.n_asked, 1);
	compare_flush(k.c, k.now_ns);
	CHECK_EQ(k.n_out, 1000);
	CHECK(!compare_is_holding(k.c));
	kit_fini(&k);
}

static void full_secondary_gives_up_fragments(void)
{
	struct compare_config config = kit_config();
	struct kit k;

	config.max_bytes = 1 << 20;
	kit_init_with(&k, &config);
	for (unsigned i = 0; i < 200; i++)
		for (unsigned at = 0; at < 3840; at += 384)
			SECONDARY(&k, UDP(i, at, at + 384));
	CHECK(kit_stats(&k).held < 1500);
	CHECK(kit_dropped(&k, "over-bound") > 0);
	kit_fini(&k);
}

int main(void)
{
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = other[i] = (char)(i * i >> 3);
	other[3000] ^= 1;
	TEST(cut_alike);
	TEST(cut_differently);
	TEST(cut_on_one_side);
	TEST(order_among_others);
	TEST(ipv6);
	TEST(different);
	TEST(incomplete_waits_and_asks);
	TEST(overlap);
	TEST(other_bytes_for_the_same_piece);
	TEST(beyond_the_last_piece);
	TEST(repeated_fragment);
	TEST(many_open_ones);
	TEST(full_secondary_gives_up_fragments);
	return TEST_END();
}
