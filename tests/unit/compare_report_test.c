/* SPDX-License-Identifier: ISC */
#include "compare_kit.h"

#define TCP(t, s, ack_, fl, d) \
	.tag = (t), .proto = PACKET_TCP, .seq = (s), .ack = (ack_), \
	.flags = (fl), .data = (d), .len = sizeof(d) - 1
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

static void a_flow_that_ends_otherwise_is_told_once(void)
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
	CHECK_EQ(k.n_differ, 1);
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

int main(void)
{
	TEST(nothing_is_held);
	TEST(every_place_is_told_once);
	TEST(connections_go_by_number);
	TEST(a_flow_that_ends_otherwise_is_told_once);
	TEST(missing_and_extra_ends);
	return TEST_END();
}
