/* SPDX-License-Identifier: ISC */
/*
 * Nobody can fill the room for segments that wait for an offset: a victim's
 * request, sent before its guest has answered, reaches the guest.
 */
#include "../../rewriter/rewrite_view.h"
#include "rewrite_kit.h"

#define HELD_MAX 16384u
#define FLOW_MAX 32u
#define REACH (FLOW_MAX << 16)	/* of what a flow may hold */

static void start_large(size_t max_held)
{
	start_with((struct rewrite_config){ .max_flows = 1 << 16,
					    .max_held = max_held });
}

/* A client sends a SYN and n_segments behind it, before the guest has
 * answered. */
static void knock(uint32_t host, unsigned port, unsigned n_segments)
{
	wrap.host = host;
	wrap.port = (uint16_t)port;
	tx(PEER_ISN, 0, TCP_SYN, 0);
	for (unsigned i = 0; i < n_segments; i++)
		tx(PEER_ISN + 1 + i, PRIMARY_ISN + 1, TCP_ACK | TCP_PSH, 1);
	n_seen = 0;
}

/* The guest answers. Return: how many held segments follow. */
static unsigned answered(uint32_t host, unsigned port)
{
	unsigned n;

	wrap.host = host;
	wrap.port = (uint16_t)port;
	n_seen = 0;
	rx(GUEST_ISN, PEER_ISN + 1, TCP_SYN | TCP_ACK, 0);
	CHECK(n_seen);
	n = n_seen - 1;
	expect(REWRITE_RX, PRIMARY_ISN, PEER_ISN + 1);
	for (unsigned i = 0; i < n; i++)
		expect(REWRITE_TX, PEER_ISN + 1 + i, GUEST_ISN + 1);
	return n;
}

static uint64_t held_now(void)
{
	struct stats s = { 0 };

	rewrite_stats(rw, &s);
	CHECK_EQ(stat("hold", "held"),
		 s.held + stat("hold", "released") + stats_dropped(&s) -
			 stat("dropped", "hold-outside"));
	return s.held;
}

static void victims_are_served(unsigned n)
{
	for (unsigned port = 1; port <= n; port++)
		knock(7, port, 2);
	for (unsigned port = 1; port <= n; port++)
		CHECK_EQ(answered(7, port), 2);
}

/* One address sends more than the room for all. */
static void one_peer_fills_its_share_only(void)
{
	start_large(16 << 20);
	for (unsigned port = 1; port <= 2 * HELD_MAX / FLOW_MAX; port++)
		knock(1000, port, FLOW_MAX);
	CHECK_EQ(held_now(), HELD_MAX / 4);
	victims_are_served(100);
}

/* Victims whose segments came first keep them while another address floods. */
static void one_peer_pushes_nobody_out(void)
{
	start_large(16 << 20);
	for (unsigned port = 1; port <= 100; port++)
		knock(7, port, 2);
	for (unsigned port = 1; port <= 2 * HELD_MAX / FLOW_MAX; port++)
		knock(1000, port, FLOW_MAX);
	for (unsigned port = 1; port <= 100; port++)
		CHECK_EQ(answered(7, port), 2);
}

/* One address may be many clients: the last that came are served. */
static void a_share_turns_over(void)
{
	start_large(16 << 20);
	for (unsigned port = 1; port <= 1000; port++)
		knock(1000, port, FLOW_MAX);
	for (unsigned port = 1000; port > 1000 - HELD_MAX / 4 / FLOW_MAX; port--)
		CHECK_EQ(answered(1000, port), FLOW_MAX);
	CHECK_EQ(held_now(), 0);
	CHECK_EQ(answered(1000, 1), 0);
}

/* A flood of SYNs with segments behind them, each from another address. */
static void flood_of_addresses(void)
{
	start_large(16 << 20);
	for (uint32_t host = 1000; host < 31000; host++)
		knock(host, 1, 2);
	CHECK_EQ(held_now(), HELD_MAX);
	victims_are_served(100);
	CHECK_EQ(held_now(), HELD_MAX - 200);
	CHECK_EQ(answered(1000, 1), 0);
	CHECK_EQ(answered(30999, 1), 2);
}

/* 32 peers fill the bytes; the one that has waited longest gives way. */
static void bytes_turn_over(void)
{
	const size_t one = 14 + 20 + 20 + 1;

	start_large(one * 64);
	for (uint32_t host = 1000; host < 1032; host++)
		knock(host, 1, 2);
	CHECK_EQ(held_now(), 64);
	knock(7, 1, 1);
	CHECK_EQ(held_now(), 63);
	CHECK_EQ(stat("dropped", "hold-full"), 2);
	CHECK_EQ(answered(1000, 1), 0);
	CHECK_EQ(answered(1001, 1), 2);
	CHECK_EQ(answered(7, 1), 1);
}

/* A flow never gives up a held segment for one that it sends later. */
static void a_flow_keeps_its_first(void)
{
	const size_t one = 14 + 20 + 20 + 1;

	start_large(one * 16);
	knock(7, 1, 6);			/* its quarter has room for four */
	CHECK_EQ(stat("dropped", "hold-full"), 2);
	CHECK_EQ(answered(7, 1), 4);

	start_large(one * 2);		/* a quarter is less than one */
	knock(7, 1, 1);
	CHECK_EQ(answered(7, 1), 1);
	start_large(one - 1);
	knock(7, 1, 1);
	CHECK_EQ(answered(7, 1), 0);
}

static void an_ipv6_peer_is_a_64(void)
{
	start_large(16 << 20);
	wrap.v6 = true;
	for (uint32_t host = 1000; host < 1512; host++)
		knock(host, 1, FLOW_MAX);
	CHECK_EQ(held_now(), HELD_MAX / 4);
	for (wrap.net = 1; wrap.net < 5; wrap.net++)
		for (uint32_t host = 1000; host < 1128; host++)
			knock(host, 1, FLOW_MAX);
	CHECK_EQ(held_now(), HELD_MAX);
	wrap.net = 9;
	victims_are_served(100);
}

/* A segment that does not lie behind its SYN, or too far, takes no room. */
static void only_what_is_behind_the_syn(void)
{
	const uint32_t isns[] = { PEER_ISN, 0xfffffff0 };

	for (unsigned i = 0; i < 2; i++) {
		start();
		tx(isns[i], 0, TCP_SYN, 0);
		tx(isns[i] - 1, 77, TCP_ACK, 1);
		tx(isns[i] + REACH, 77, TCP_ACK, 1);
		tx(isns[i] + 500000000, 77, TCP_ACK, 1);
		tx(isns[i] + 0x80000000, 77, TCP_ACK, 1);
		CHECK_EQ(stat("dropped", "hold-outside"), 4);
		CHECK_EQ(held_now(), 0);
		tx(isns[i] + 1, PRIMARY_ISN + 1, TCP_ACK, 1);
		tx(isns[i] + REACH - 1, PRIMARY_ISN + 1, TCP_ACK, 1);
		CHECK_EQ(held_now(), 2);
	}
}

static void the_guest_too_speaks_behind_its_syn(void)
{
	start();
	tx(PEER_ISN, 0, TCP_SYN, 0);
	rx(GUEST_ISN, PEER_ISN + 1, TCP_SYN | TCP_ACK, 0);
	rx(GUEST_ISN - 1, PEER_ISN + 1, TCP_ACK, 1);
	rx(GUEST_ISN + REACH, PEER_ISN + 1, TCP_ACK, 1);
	CHECK_EQ(stat("dropped", "hold-outside"), 2);
	rx(GUEST_ISN + 1, PEER_ISN + 1, TCP_ACK, 1);
	CHECK_EQ(held_now(), 1);
}

/* The reset that refuses the guest's SYN comes before any SYN of the peer. */
static void a_refusal_waits_alone(void)
{
	start();
	tx(0, PRIMARY_ISN + 1, TCP_RST | TCP_ACK, 0);
	CHECK_EQ(held_now(), 1);
	rx(GUEST_ISN, 0, TCP_SYN, 0);
	expect(REWRITE_RX, PRIMARY_ISN, 0);
	expect(REWRITE_TX, 0, GUEST_ISN + 1);
	CHECK_EQ(held_now(), 0);
}

/* Reset, time and checkpoint empty a hold whose room was used many times. */
static void all_ways_out(void)
{
	start_large(16 << 20);
	for (uint32_t host = 1000; host < 11000; host++)
		knock(host, 1, 2);
	wrap.host = 10999;
	tx(PEER_ISN + 3, 0, TCP_RST, 0);
	CHECK_EQ(stat("dropped", "hold-reset"), 2);
	n_seen = 0;
	CHECK_EQ(held_now(), HELD_MAX - 2);
	now += 31 * NS_PER_S;
	rewrite_expire(rw, now);
	CHECK_EQ(held_now(), 0);
	knock(7, 1, 2);
	rewrite_checkpoint(rw, now);
	CHECK_EQ(n_seen, 2);
	CHECK_EQ(held_now(), 0);
}

/* A place that was given back still says whose it was. */
static void who_holds_nothing_any_more_is_not_shown(void)
{
	struct rewrite_view v;
	const void *holder;

	start();
	tx(PEER_ISN, 0, TCP_SYN, 0);
	tx(PEER_ISN + 1, PRIMARY_ISN + 1, TCP_ACK, 9);
	tx(PEER_ISN + 10, PRIMARY_ISN + 1, TCP_ACK, 9);
	CHECK_EQ(rewrite_view_holders_end(rw), 2);
	holder = rewrite_view_holder(rw, 0);
	CHECK(holder && !rewrite_view_holder(rw, 1));	/* each once */
	rewrite_view_of(rw, holder, &v);
	CHECK_EQ(v.n_held, 2);
	rx(GUEST_ISN, PEER_ISN + 1, TCP_SYN | TCP_ACK, 0);
	CHECK_EQ(rewrite_view_holders_end(rw), 2);
	CHECK(!rewrite_view_holder(rw, 0) && !rewrite_view_holder(rw, 1));
	n_seen = 0;
}

int main(void)
{
	TEST(one_peer_fills_its_share_only);
	TEST(one_peer_pushes_nobody_out);
	TEST(a_share_turns_over);
	TEST(flood_of_addresses);
	TEST(bytes_turn_over);
	TEST(a_flow_keeps_its_first);
	TEST(an_ipv6_peer_is_a_64);
	TEST(only_what_is_behind_the_syn);
	TEST(the_guest_too_speaks_behind_its_syn);
	TEST(a_refusal_waits_alone);
	TEST(all_ways_out);
	TEST(who_holds_nothing_any_more_is_not_shown);
	rewrite_free(rw);
	return TEST_END();
}
