/* SPDX-License-Identifier: ISC */
#include "compare_kit.h"

#define UDP(t, d) \
	.tag = (t), .proto = PACKET_UDP, .data = (d), .len = sizeof(d) - 1
#define ICMP(t, d) \
	.tag = (t), .proto = PACKET_ICMP, .data = (d), .len = sizeof(d) - 1

static void in_order(void)
{
	struct kit k;

	kit_init(&k);
	PRIMARY(&k, UDP(1, "one"));
	PRIMARY(&k, UDP(2, "two"));
	CHECK_EQ(k.n_out, 0);
	SECONDARY(&k, UDP(7, "one"));
	CHECK_OUT(&k, 1);
	SECONDARY(&k, UDP(8, "two"));
	SECONDARY(&k, UDP(9, "three"));
	PRIMARY(&k, UDP(3, "three"), .ttl = 3);
	CHECK_OUT(&k, 1, 2, 3);
	CHECK(!compare_is_holding(k.c));
	CHECK_EQ(k.n_asked, 0);
	kit_fini(&k);
}

/* QEMU fault 2: 1,2,3 against 1,2,3 came out as 3,2,1 after two requests. */
static void order_of_the_primary(void)
{
	struct kit k;

	kit_init(&k);
	PRIMARY(&k, UDP(1, "one"));
	PRIMARY(&k, UDP(2, "two"));
	PRIMARY(&k, UDP(3, "three"));
	SECONDARY(&k, UDP(3, "three"));
	SECONDARY(&k, UDP(1, "one"));
	CHECK_OUT(&k, 1);
	SECONDARY(&k, UDP(2, "two"));
	CHECK_OUT(&k, 1, 2, 3);
	CHECK_EQ(k.n_asked, 0);
	SECONDARY(&k, UDP(5, "five"));
	SECONDARY(&k, UDP(4, "four"));
	PRIMARY(&k, UDP(4, "four"));
	PRIMARY(&k, UDP(5, "five"));
	CHECK_OUT(&k, 1, 2, 3, 4, 5);
	kit_wait(&k, 10 * SEC);
	CHECK_EQ(k.n_asked, 0);
	kit_fini(&k);
}

static void different(void)
{
	struct kit k;

	kit_init(&k);
	PRIMARY(&k, UDP(1, "one"));
	SECONDARY(&k, UDP(1, "eno"));
	CHECK_EQ(compare_due_ns(k.c), k.now_ns + 10 * MS);
	kit_wait(&k, 9 * MS);
	CHECK_EQ(k.n_asked, 0);
	kit_wait(&k, 1 * MS);
	CHECK_EQ(k.n_asked, 1);
	CHECK_EQ(k.reason, COMPARE_PAYLOAD);
	CHECK(!strcmp(k.flow, "udp 10.0.0.1:80 > 10.0.0.2:1000"));
	PRIMARY(&k, UDP(2, "two"));
	SECONDARY(&k, UDP(2, "two"));
	PRIMARY(&k, UDP(3, "two"), .dport = 7);	/* another flow */
	SECONDARY(&k, UDP(3, "two"), .dport = 7);
	CHECK_OUT(&k, 3);
	compare_flush(k.c, k.now_ns);
	CHECK_OUT(&k, 3, 1, 2);
	PRIMARY(&k, UDP(4, "four"));
	SECONDARY(&k, UDP(4, "four"));
	CHECK_OUT(&k, 3, 1, 2, 4);
	CHECK_EQ(k.n_asked, 1);
	kit_fini(&k);
}

static void suspicion_that_moves_on(void)
{
	struct kit k;

	kit_init(&k);
	PRIMARY(&k, UDP(1, "a"));
	SECONDARY(&k, UDP(1, "b"));
	kit_wait(&k, 8 * MS);
	PRIMARY(&k, UDP(2, "b"));
	PRIMARY(&k, UDP(3, "c"));
	SECONDARY(&k, UDP(2, "d"));
	kit_wait(&k, 8 * MS);
	CHECK_EQ(k.n_asked, 0);		/* a and d have waited only 8 */
	SECONDARY(&k, UDP(2, "a"));
	SECONDARY(&k, UDP(2, "c"));
	PRIMARY(&k, UDP(4, "d"));
	CHECK_OUT(&k, 1, 2, 3, 4);
	CHECK_EQ(compare_due_ns(k.c), COMPARE_NEVER);
	kit_fini(&k);
}

static void missing_one(void)
{
	struct kit k;

	kit_init(&k);
	PRIMARY(&k, UDP(1, "one"));
	PRIMARY(&k, UDP(2, "two"));
	SECONDARY(&k, UDP(2, "two"));
	kit_wait(&k, 2999 * MS);
	CHECK_EQ(k.n_asked, 0);
	CHECK_EQ(k.n_out, 0);
	kit_wait(&k, 1 * MS);
	CHECK_EQ(k.n_asked, 1);
	CHECK_EQ(k.reason, COMPARE_TIMEOUT);
	compare_flush(k.c, k.now_ns);
	CHECK_OUT(&k, 1, 2);
	kit_fini(&k);
}

static void extra_one(void)
{
	struct kit k;

	kit_init(&k);
	SECONDARY(&k, UDP(1, "one"));
	kit_wait(&k, 3 * SEC);
	CHECK_EQ(k.n_asked, 1);
	CHECK_EQ(k.reason, COMPARE_TIMEOUT);
	compare_flush(k.c, k.now_ns);
	CHECK_EQ(kit_dropped(&k, "flushed"), 1);
	kit_fini(&k);
}

static void equal_ones_count(void)
{
	struct kit k;

	kit_init(&k);
	PRIMARY(&k, UDP(1, "x"));
	PRIMARY(&k, UDP(2, "x"));
	SECONDARY(&k, UDP(1, "x"));
	CHECK_OUT(&k, 1);
	SECONDARY(&k, UDP(2, "x"));
	CHECK_OUT(&k, 1, 2);
	kit_fini(&k);
}

static void empty_ones(void)
{
	struct kit k;

	kit_init(&k);
	PRIMARY(&k, UDP(1, ""), .pad_to = 60);
	SECONDARY(&k, UDP(1, ""));
	CHECK_OUT(&k, 1);
	kit_fini(&k);
}

/* The length of UDP may leave out bytes that are in the IP packet. */
static void bytes_behind_udp(void)
{
	struct kit k;

	kit_init(&k);
	PRIMARY(&k, UDP(1, "answer, more"), .behind = 6);
	SECONDARY(&k, UDP(2, "answer, more"), .behind = 6);
	CHECK_OUT(&k, 1);
	PRIMARY(&k, UDP(3, "answer, more"), .behind = 6);
	SECONDARY(&k, UDP(4, "answer, less"), .behind = 6);
	kit_wait(&k, 10 * MS);
	CHECK_OUT(&k, 1);
	CHECK_EQ(k.n_asked, 1);
	kit_fini(&k);
}

static void icmp(void)
{
	struct kit k;

	kit_init(&k);
	PRIMARY(&k, ICMP(1, "\0\0\x12\x34\0\x07\0\1ping"));
	SECONDARY(&k, ICMP(9, "\0\0\x12\x34\0\x07\0\1ping"));
	CHECK_OUT(&k, 1);
	PRIMARY(&k, ICMP(2, "\0\0\x12\x34\0\x07\0\2ping"));
	SECONDARY(&k, ICMP(2, "\0\0\x12\x35\0\x07\0\2pinh"));
	kit_wait(&k, 10 * MS);
	CHECK_EQ(k.n_asked, 1);
	kit_fini(&k);
}

static void other_protocols(void)
{
	struct kit k;

	kit_init(&k);
	PRIMARY(&k, .tag = 1, .proto = 132, .data = "sctp", .len = 4);
	SECONDARY(&k, .tag = 1, .proto = 132, .data = "sctp", .len = 4);
	PRIMARY(&k, .tag = 2, .proto = 50, .v6 = true, .data = "esp", .len = 3);
	SECONDARY(&k, .tag = 2, .proto = 50, .v6 = true, .data = "esp",
		  .len = 3);
	CHECK_OUT(&k, 1, 2);
	PRIMARY(&k, .tag = 3, .proto = 50, .data = "esp", .len = 3);
	SECONDARY(&k, .tag = 3, .proto = 50, .data = "ESP", .len = 3);
	kit_wait(&k, 10 * MS);
	CHECK_EQ(k.n_asked, 1);
	kit_fini(&k);
}

static void not_ip(void)
{
	struct kit k;

	kit_init(&k);
	PRIMARY(&k, .tag = 1, .ethertype = 0x0806, .pad_to = 60);
	SECONDARY(&k, .tag = 1, .ethertype = 0x0806, .pad_to = 60);
	CHECK_OUT(&k, 1);
	CHECK_EQ(kit_dropped(&k, "uncompared"), 1);
	CHECK_EQ(k.n_asked, 0);
	kit_fini(&k);
}

static void not_ip_compared(void)
{
	struct compare_config config = kit_config();
	struct kit k;

	config.compare_non_ip = true;
	kit_init_with(&k, &config);
	PRIMARY(&k, .tag = 1, .ethertype = 0x88cc, .pad_to = 60);
	CHECK_EQ(k.n_out, 0);
	SECONDARY(&k, .tag = 1, .ethertype = 0x88cc, .pad_to = 60);
	CHECK_EQ(k.n_out, 1);
	PRIMARY(&k, .tag = 1, .ethertype = 0x88cc, .pad_to = 60);
	SECONDARY(&k, .tag = 2, .ethertype = 0x88cc, .pad_to = 60);
	kit_wait(&k, 10 * MS);
	CHECK_EQ(k.n_asked, 1);
	kit_fini(&k);
}

static void neighbour_discovery(void)
{
	struct kit k;

	kit_init(&k);
	PRIMARY(&k, .tag = 1, .proto = PACKET_ICMP6, .v6 = true,
		.data = "\x87\0\0\0\0\0\0\0", .len = 8);
	CHECK_OUT(&k, 1);
	PRIMARY(&k, .tag = 2, .proto = PACKET_ICMP6, .v6 = true,
		.data = "\x81\0\0\0\0\0\0\0", .len = 8);
	CHECK_OUT(&k, 1);
	kit_fini(&k);
}

int main(void)
{
	TEST(in_order);
	TEST(order_of_the_primary);
	TEST(different);
	TEST(suspicion_that_moves_on);
	TEST(missing_one);
	TEST(extra_one);
	TEST(equal_ones_count);
	TEST(empty_ones);
	TEST(bytes_behind_udp);
	TEST(icmp);
	TEST(other_protocols);
	TEST(not_ip);
	TEST(not_ip_compared);
	TEST(neighbour_discovery);
	return TEST_END();
}
