/* SPDX-License-Identifier: ISC */
/* The rewriter's core against segments built by hand. */
#include <errno.h>
#include <unistd.h>

#include "rewrite_kit.h"

static void passive_open(void)
{
	start();
	open_passive();
	CHECK_EQ(rewrite_translated(rw), 1);
	data_both_ways();
	CHECK_EQ(stat("translated", "tx"), 3);
	CHECK_EQ(stat("translated", "rx"), 1);
}

static void active_open(void)
{
	start();
	open_active();
	CHECK_EQ(rewrite_translated(rw), 1);
	data_both_ways();
}

static void every_encapsulation(void)
{
	for (unsigned bits = 0; bits < 48; bits++) {
		start();
		wrap.v6 = bits & 1;
		wrap.ip_options = bits & 2;
		wrap.vnet_len = bits & 4 ? 12 : 0;
		wrap.partial = bits & 8 && wrap.vnet_len;
		wrap.n_vlan = bits / 16;
		open_passive();
		data_both_ways();
	}
}

/* QEMU fault 16: a wrong checksum, computed anew, became right. */
static void wrong_checksum_stays_wrong(void)
{
	start();
	wrap.bad_sum = true;
	open_passive();
	data_both_ways();
}

static void first_fragment_is_translated(void)
{
	start();
	open_passive();
	wrap.first_fragment = true;
	rx(GUEST_ISN + 1, PEER_ISN + 1, TCP_ACK, 96);
	expect(REWRITE_RX, PRIMARY_ISN + 1, PEER_ISN + 1);
}

/* RFC 1624 by hand: ack 0x00001389 becomes 0x00002329, sum falls by 0xfa0. */
static void hand_checked_checksum(void)
{
	uint8_t buf[64];
	uint32_t len;
	struct packet p;

	start();
	open_passive();
	len = put_segment(buf, REWRITE_TX, PEER_ISN + 1, PRIMARY_ISN + 1,
			  TCP_ACK, &no_opts, 0);
	bytes_put16(buf + 14 + 20 + 16, 0xbeef);
	input(REWRITE_TX, buf, len);
	packet_parse(&p, seen[0].bytes, seen[0].len);
	CHECK_EQ(bytes_get16(packet_l4(&p) + 16), 0xbeef - 0xfa0);
	bytes_put16(buf + 14 + 20 + 16, 0x0010);
	bytes_put32(buf + 14 + 20 + 8, PRIMARY_ISN + 1);
	input(REWRITE_TX, buf, len);
	packet_parse(&p, seen[1].bytes, seen[1].len);
	/* 0x0010 - 0xfa0 borrows: one less, in ones' complement */
	CHECK_EQ(bytes_get16(packet_l4(&p) + 16), 0xf06f);
	n_seen = 0;
}

static void numbers_wrap(void)
{
	start();
	tx(0xffffffff, 0, TCP_SYN, 0);
	rx(10, 0, TCP_SYN | TCP_ACK, 0);
	tx(0, 0xfffffff0 + 1, TCP_ACK, 0);	/* primary's ISN 0xfffffff0 */
	rx(11, 0, TCP_ACK, 31);
	n_seen = 0;
	tx(0, 0x10, TCP_ACK, 5);		/* 31 bytes on */
	expect(REWRITE_TX, 0, 42);
	rx(42, 5, TCP_ACK, 5);
	expect(REWRITE_RX, 0x10, 5);
}

static void slow_secondary_passive(void)
{
	start();
	tx(PEER_ISN, 0, TCP_SYN, 0);
	expect(REWRITE_TX, PEER_ISN, 0);
	tx(PEER_ISN + 1, PRIMARY_ISN + 1, TCP_ACK, 0);
	tx(PEER_ISN + 1, PRIMARY_ISN + 1, TCP_ACK | TCP_PSH, 100);
	CHECK_EQ(n_seen, 0);
	CHECK_EQ(stat("hold", "held"), 2);
	rx(GUEST_ISN, PEER_ISN + 1, TCP_SYN | TCP_ACK, 0);
	expect(REWRITE_RX, PRIMARY_ISN, PEER_ISN + 1);
	expect(REWRITE_TX, PEER_ISN + 1, GUEST_ISN + 1);
	CHECK_EQ(take(REWRITE_TX).payload_len, 100);
	CHECK_EQ(stat("hold", "released"), 2);
}

static void slow_secondary_active(void)
{
	start();
	tx(PEER_ISN, PRIMARY_ISN + 1, TCP_SYN | TCP_ACK, 0);
	CHECK_EQ(n_seen, 0);
	rx(GUEST_ISN, 0, TCP_SYN, 0);
	expect(REWRITE_RX, PRIMARY_ISN, 0);
	expect(REWRITE_TX, PEER_ISN, GUEST_ISN + 1);
}

static void refused_connection(void)
{
	start();
	rx(GUEST_ISN, 0, TCP_SYN, 0);
	expect(REWRITE_RX, GUEST_ISN, 0);
	tx(0, PRIMARY_ISN + 1, TCP_RST | TCP_ACK, 0);
	expect(REWRITE_TX, 0, GUEST_ISN + 1);
	CHECK_EQ(stat("flows", "closed"), 1);

	start();	/* the primary's SYN is refused before the guest's */
	tx(0, PRIMARY_ISN + 1, TCP_RST | TCP_ACK, 0);
	CHECK_EQ(n_seen, 0);
	rx(GUEST_ISN, 0, TCP_SYN, 0);
	expect(REWRITE_RX, PRIMARY_ISN, 0);
	expect(REWRITE_TX, 0, GUEST_ISN + 1);
}

/* A segment that overtook the first one behind the SYN waits for it, and is
 * delivered after it. */
static void reordered_handshake(void)
{
	start();
	tx(PEER_ISN, 0, TCP_SYN, 0);
	rx(GUEST_ISN, PEER_ISN + 1, TCP_SYN | TCP_ACK, 0);
	n_seen = 0;
	tx(PEER_ISN + 101, PRIMARY_ISN + 1, TCP_ACK, 50);
	CHECK_EQ(n_seen, 0);
	tx(PEER_ISN + 1, PRIMARY_ISN + 1, TCP_ACK, 100);
	expect(REWRITE_TX, PEER_ISN + 1, GUEST_ISN + 1);
	expect(REWRITE_TX, PEER_ISN + 101, GUEST_ISN + 1);

	start();	/* the same before the guest has answered */
	tx(PEER_ISN, 0, TCP_SYN, 0);
	expect(REWRITE_TX, PEER_ISN, 0);
	tx(PEER_ISN + 101, PRIMARY_ISN + 1, TCP_ACK, 50);
	tx(PEER_ISN + 1, PRIMARY_ISN + 1, TCP_ACK, 100);
	rx(GUEST_ISN, PEER_ISN + 1, TCP_SYN | TCP_ACK, 0);
	expect(REWRITE_RX, PRIMARY_ISN, PEER_ISN + 1);
	expect(REWRITE_TX, PEER_ISN + 1, GUEST_ISN + 1);
	expect(REWRITE_TX, PEER_ISN + 101, GUEST_ISN + 1);
}

/* The server speaks first, and acknowledgements of its client are reordered. */
static void lower_ack_corrects(void)
{
	start();
	tx(PEER_ISN, 0, TCP_SYN, 0);
	rx(GUEST_ISN, PEER_ISN + 1, TCP_SYN | TCP_ACK, 0);
	n_seen = 0;
	tx(PEER_ISN + 1, PRIMARY_ISN + 1 + 500, TCP_ACK, 0);
	expect(REWRITE_TX, PEER_ISN + 1, GUEST_ISN + 1);
	tx(PEER_ISN + 1, PRIMARY_ISN + 1, TCP_ACK, 0);
	expect(REWRITE_TX, PEER_ISN + 1, GUEST_ISN + 1);
	rx(GUEST_ISN + 1, PEER_ISN + 1, TCP_ACK, 500);
	expect(REWRITE_TX, PEER_ISN + 1, GUEST_ISN + 1 + 500);	/* answered */
	expect(REWRITE_RX, PRIMARY_ISN + 1, PEER_ISN + 1);
	tx(PEER_ISN + 1, PRIMARY_ISN + 1 + 500, TCP_ACK, 0);
	expect(REWRITE_TX, PEER_ISN + 1, GUEST_ISN + 1 + 500);
	CHECK_EQ(stat("flows", "corrected"), 1);
	/* 3 GiB later a number that compares as lower is no lower ack */
	for (uint32_t at = 0; at < 3; at++)
		tx(PEER_ISN + 1, PRIMARY_ISN + 1 + (at << 30), TCP_ACK, 0);
	n_seen = 0;
	tx(PEER_ISN + 1, PRIMARY_ISN - 5, TCP_ACK, 0);
	expect(REWRITE_TX, PEER_ISN + 1, GUEST_ISN - 5);
	CHECK_EQ(stat("flows", "corrected"), 1);
}

static void simultaneous_open(void)
{
	start();
	tx(PEER_ISN, 0, TCP_SYN, 0);
	rx(GUEST_ISN, 0, TCP_SYN, 0);
	expect(REWRITE_TX, PEER_ISN, 0);
	expect(REWRITE_RX, GUEST_ISN, 0);
	rx(GUEST_ISN, PEER_ISN + 1, TCP_SYN | TCP_ACK, 0);
	expect(REWRITE_RX, GUEST_ISN, PEER_ISN + 1);
	tx(PEER_ISN, PRIMARY_ISN + 1, TCP_SYN | TCP_ACK, 0);
	expect(REWRITE_TX, PEER_ISN, GUEST_ISN + 1);
	data_both_ways();
}

static void fast_open(void)
{
	start();
	tx(PEER_ISN, 0, TCP_SYN, 200);
	rx(GUEST_ISN, PEER_ISN + 201, TCP_SYN | TCP_ACK, 0);
	n_seen = 0;
	rx(GUEST_ISN + 1, PEER_ISN + 201, TCP_ACK, 50);	/* is held */
	CHECK_EQ(n_seen, 0);
	tx(PEER_ISN + 201, PRIMARY_ISN + 1, TCP_ACK, 0);
	expect(REWRITE_TX, PEER_ISN + 201, GUEST_ISN + 1);
	expect(REWRITE_RX, PRIMARY_ISN + 1, PEER_ISN + 201);
}

static void retransmitted_handshake(void)
{
	start();
	for (int i = 0; i < 3; i++) {
		tx(PEER_ISN, 0, TCP_SYN, 0);
		expect(REWRITE_TX, PEER_ISN, 0);
		rx(GUEST_ISN, PEER_ISN + 1, TCP_SYN | TCP_ACK, 0);
		expect(REWRITE_RX, GUEST_ISN, PEER_ISN + 1);
	}
	tx(PEER_ISN + 1, PRIMARY_ISN + 1, TCP_ACK, 0);
	expect(REWRITE_TX, PEER_ISN + 1, GUEST_ISN + 1);
	rx(GUEST_ISN, PEER_ISN + 1, TCP_SYN | TCP_ACK, 0);	/* repeated */
	expect(REWRITE_RX, PRIMARY_ISN, PEER_ISN + 1);
	data_both_ways();
}

static void reset_and_fin(void)
{
	start();
	open_passive();
	rx(GUEST_ISN + 1, 0, TCP_RST, 0);	/* the answer to an ACK */
	expect(REWRITE_RX, PRIMARY_ISN + 1, 0);
	rx(GUEST_ISN + 1, PEER_ISN + 1, TCP_RST | TCP_ACK, 0);
	expect(REWRITE_RX, PRIMARY_ISN + 1, PEER_ISN + 1);
	rx(0, PEER_ISN + 1, TCP_RST | TCP_ACK, 0);
	expect(REWRITE_RX, 0, PEER_ISN + 1);
	rx(GUEST_ISN + 1, 0, TCP_FIN, 0);
	expect(REWRITE_RX, PRIMARY_ISN + 1, 0);
	tx(PEER_ISN + 1, 77, TCP_RST, 0);	/* no ACK: nothing to shift */
	expect(REWRITE_TX, PEER_ISN + 1, 77);
	tx(PEER_ISN + 1, PRIMARY_ISN + 1, TCP_RST | TCP_ACK, 0);
	expect(REWRITE_TX, PEER_ISN + 1, GUEST_ISN + 1);
}

static void closes_in_order(void)
{
	start();
	open_passive();
	tx(PEER_ISN + 1, PRIMARY_ISN + 1, TCP_FIN | TCP_ACK, 0);
	CHECK_EQ(stat("flows", "closing"), 1);
	rx(GUEST_ISN + 1, PEER_ISN + 2, TCP_FIN | TCP_ACK, 0);
	CHECK_EQ(stat("flows", "closing"), 1);
	tx(PEER_ISN + 2, PRIMARY_ISN + 2, TCP_ACK, 0);
	CHECK_EQ(stat("flows", "closed"), 1);
	n_seen = 0;
	tx(PEER_ISN + 2, PRIMARY_ISN + 2, TCP_ACK, 0);
	expect(REWRITE_TX, PEER_ISN + 2, GUEST_ISN + 2);
	now += 121 * NS_PER_S;
	rewrite_expire(rw, now);
	CHECK_EQ(stat("flows", "closed"), 0);
	CHECK_EQ(rewrite_translated(rw), 0);
}

static void reused_tuple(void)
{
	start();
	open_passive();
	rx(GUEST_ISN + 1, PEER_ISN + 1, TCP_RST | TCP_ACK, 0);
	n_seen = 0;
	tx(3000, 0, TCP_SYN, 0);
	expect(REWRITE_TX, 3000, 0);
	rx(100, 3001, TCP_SYN | TCP_ACK, 0);
	expect(REWRITE_RX, 100, 3001);
	tx(3001, 201, TCP_ACK, 0);
	expect(REWRITE_TX, 3001, 101);
}

/* A SYN on a live connection is believed when one of the ends sends what
 * follows it. */
static void syn_on_live_connection(void)
{
	start();
	open_passive();
	tx(3000, 0, TCP_SYN, 0);
	expect(REWRITE_TX, 3000, 0);
	data_both_ways();
	rx(100, 3001, TCP_SYN | TCP_ACK, 0);
	expect(REWRITE_RX, 100, 3001);
	tx(3001, 201, TCP_ACK, 0);
	expect(REWRITE_TX, 3001, 101);

	start();		/* the peer does so first */
	open_passive();
	tx(3000, 0, TCP_SYN, 0);
	n_seen = 0;
	tx(3001, 201, TCP_ACK, 0);
	CHECK_EQ(n_seen, 0);
	rx(100, 3001, TCP_SYN | TCP_ACK, 0);
	expect(REWRITE_RX, 200, 3001);
	expect(REWRITE_TX, 3001, 101);
}

static void timestamps(void)
{
	struct packet p;

	start();
	open_passive_ts();
	p = take(REWRITE_TX);
	CHECK_EQ(option32(&p, 4), 2);
	CHECK_EQ(option32(&p, 8), GUEST_TS);	/* exactly its TSval */
	send_full(REWRITE_RX, GUEST_ISN + 1, PEER_ISN + 1, TCP_ACK,
		  opt_ts(GUEST_TS + 40, 2), 10);
	p = take(REWRITE_RX);
	CHECK_EQ(option32(&p, 4), PRIMARY_TS + 40);
	CHECK_EQ(option32(&p, 8), 2);
	send_full(REWRITE_TX, PEER_ISN + 1, PRIMARY_ISN + 11, TCP_ACK,
		  opt_ts(3, PRIMARY_TS + 40), 0);
	p = take(REWRITE_TX);
	CHECK_EQ(option32(&p, 8), GUEST_TS + 40);
	/* the primary's clock is ahead: no echo later than the guest's last */
	send_full(REWRITE_TX, PEER_ISN + 1, PRIMARY_ISN + 11, TCP_ACK,
		  opt_ts(3, PRIMARY_TS + 90), 0);
	p = take(REWRITE_TX);
	CHECK_EQ(option32(&p, 8), GUEST_TS + 40);
	CHECK_EQ(stat("clock", "capped"), 1);
	/* an echo of an earlier SYN+ACK of the primary: no earlier than the
	 * guest's */
	send_full(REWRITE_TX, PEER_ISN + 1, PRIMARY_ISN + 11, TCP_ACK,
		  opt_ts(3, PRIMARY_TS - 5), 0);
	p = take(REWRITE_TX);
	CHECK_EQ(option32(&p, 8), GUEST_TS);
}

/* The guest is 3 s behind the primary: its clock jumps once after a failover. */
static void timestamps_raised_at_failover(void)
{
	struct packet p;

	start();
	open_passive_ts();
	send_full(REWRITE_TX, PEER_ISN + 1, PRIMARY_ISN + 1, TCP_ACK,
		  opt_ts(3, PRIMARY_TS + 3000), 0);
	n_seen = 0;
	rewrite_failover(rw);
	send_full(REWRITE_RX, GUEST_ISN + 1, PEER_ISN + 1, TCP_ACK,
		  opt_ts(GUEST_TS + 10, 2), 10);
	p = take(REWRITE_RX);
	CHECK_EQ(option32(&p, 4), PRIMARY_TS + 3000);
	send_full(REWRITE_RX, GUEST_ISN + 1, PEER_ISN + 1, TCP_ACK,
		  opt_ts(GUEST_TS + 20, 2), 10);
	p = take(REWRITE_RX);
	CHECK_EQ(option32(&p, 4), PRIMARY_TS + 3010);
	send_full(REWRITE_TX, PEER_ISN + 1, PRIMARY_ISN + 11, TCP_ACK,
		  opt_ts(4, PRIMARY_TS + 3010), 0);
	p = take(REWRITE_TX);
	CHECK_EQ(option32(&p, 8), GUEST_TS + 20);
	CHECK_EQ(stat("clock", "raised"), 1);
}

/* The same after a checkpoint, when the offsets are 0. */
static void timestamps_raised_at_offset_zero(void)
{
	struct packet p;

	start();
	open_passive_ts();
	rewrite_checkpoint(rw, now);
	send_full(REWRITE_TX, PEER_ISN + 1, PRIMARY_ISN + 1, TCP_ACK,
		  opt_ts(3, PRIMARY_TS + 3000), 0);
	n_seen = 0;
	rewrite_failover(rw);
	send_full(REWRITE_RX, PRIMARY_ISN + 1, PEER_ISN + 1, TCP_ACK,
		  opt_ts(PRIMARY_TS + 1000, 3), 10);
	p = take(REWRITE_RX);
	CHECK_EQ(p.seq, PRIMARY_ISN + 1);
	CHECK_EQ(option32(&p, 4), PRIMARY_TS + 3000);
}

static void guest_sends(uint32_t seq, uint32_t tsval, size_t len)
{
	send_full(REWRITE_RX, seq, PEER_ISN + 1, TCP_ACK, opt_ts(tsval, 2),
		  len);
	take(REWRITE_RX);
}

/* The peer acknowledges, with an echo of the primary's clock. Return: the echo
 * that the guest gets. */
static uint32_t guest_hears(uint32_t ack, uint32_t echo)
{
	struct packet p;

	send_full(REWRITE_TX, PEER_ISN + 1, ack, TCP_ACK, opt_ts(3, echo), 0);
	p = take(REWRITE_TX);
	return option32(&p, 8);
}

/*
 * RFC 3522: an echo that is older than the guest's repetition would say that it
 * repeated for nothing, and it would not repeat the rest of what was lost.
 */
static void echo_of_what_was_repeated(void)
{
	uint32_t at = GUEST_ISN + 1, peers = PRIMARY_ISN + 1;

	start();
	open_passive_ts();
	n_seen = 0;
	guest_sends(at, GUEST_TS + 100, 10);
	guest_sends(at + 10, GUEST_TS + 100, 10);
	guest_sends(at + 20, GUEST_TS + 100, 10);
	CHECK_EQ(guest_hears(peers, PRIMARY_TS + 90), GUEST_TS + 90);
	guest_sends(at, GUEST_TS + 300, 10);
	CHECK_EQ(guest_hears(peers, PRIMARY_TS + 90), GUEST_TS + 90);
	guest_sends(at, GUEST_TS + 700, 10);	/* once more */
	CHECK_EQ(guest_hears(peers + 10, PRIMARY_TS + 90), GUEST_TS + 700);
	CHECK_EQ(stat("clock", "lifted"), 1);
	guest_sends(at + 10, GUEST_TS + 710, 10);
	guest_sends(at + 20, GUEST_TS + 720, 10);
	CHECK_EQ(guest_hears(peers + 20, PRIMARY_TS + 90), GUEST_TS + 710);
	CHECK_EQ(guest_hears(peers + 30, PRIMARY_TS + 90), GUEST_TS + 710);
	guest_sends(at + 30, GUEST_TS + 800, 10);
	CHECK_EQ(guest_hears(peers + 40, PRIMARY_TS + 790), GUEST_TS + 790);
	guest_sends(at + 40, GUEST_TS + 900, 10);	/* new bytes again */
	CHECK_EQ(guest_hears(peers + 50, PRIMARY_TS + 90), GUEST_TS + 90);
	CHECK_EQ(stat("clock", "lifted"), 3);
}

/* A repetition of long ago bounds no echo: it would compare as later than now. */
static void echo_long_after_a_repetition(void)
{
	const uint32_t far = GUEST_TS + 300 + 0x80000010u;
	uint32_t at = GUEST_ISN + 1, peers = PRIMARY_ISN + 1;

	start();
	open_passive_ts();
	n_seen = 0;
	guest_sends(at, GUEST_TS + 100, 10);
	CHECK_EQ(guest_hears(peers, PRIMARY_TS + 90), GUEST_TS + 90);
	guest_sends(at, GUEST_TS + 300, 10);
	guest_sends(at + 10, GUEST_TS + 300 + (1u << 30) + 1, 10);
	guest_sends(at + 20, far, 10);
	CHECK_EQ(guest_hears(peers + 30, far - GUEST_TS + PRIMARY_TS), far);
	CHECK_EQ(stat("clock", "lifted"), 0);
}

static void sack_edges(void)
{
	const uint32_t edges[] = {
		PRIMARY_ISN + 11, PRIMARY_ISN + 21,	/* a D-SACK */
		PRIMARY_ISN + 201, PRIMARY_ISN + 301,
		PRIMARY_ISN + 401, PRIMARY_ISN + 501,
	};
	struct packet p;

	start();
	open_passive();
	rx(GUEST_ISN + 1, PEER_ISN + 1, TCP_ACK, 500);
	n_seen = 0;
	send_full(REWRITE_TX, PEER_ISN + 1, PRIMARY_ISN + 101, TCP_ACK,
		  opt_sack(edges, 6), 0);
	p = take(REWRITE_TX);
	for (unsigned i = 0; i < 6; i++)
		CHECK_EQ(option32(&p, 4 + 4 * i),
			 edges[i] + GUEST_ISN - PRIMARY_ISN);
	send_full(REWRITE_RX, GUEST_ISN + 1, PEER_ISN + 1, TCP_ACK,
		  opt_sack(edges, 2), 0);	/* of the peer's bytes */
	p = take(REWRITE_RX);
	CHECK_EQ(option32(&p, 4), edges[0]);
	CHECK_EQ(option32(&p, 8), edges[1]);
}

/* Timestamps at an odd offset, without padding in front. */
static void options_at_odd_offsets(void)
{
	struct opts o = { { 1, 8, 10 }, 12 };
	struct packet p;

	start();
	open_passive_ts();
	n_seen = 0;
	bytes_put32(o.bytes + 3, 0x01020304);
	bytes_put32(o.bytes + 7, PRIMARY_TS);
	send_full(REWRITE_TX, PEER_ISN + 1, PRIMARY_ISN + 1, TCP_ACK, o, 7);
	p = take(REWRITE_TX);
	CHECK_EQ(option32(&p, 3), 0x01020304);
	CHECK_EQ(option32(&p, 7), GUEST_TS);
}

static void broken_options(void)
{
	const struct opts broken[] = {
		{ { 8, 0, 1, 1 }, 4 }, { { 8, 1, 1, 1 }, 4 },
		{ { 8, 10, 1, 1 }, 4 }, { { 1, 1, 1, 8 }, 4 },
		{ { 5, 255, 1, 1 }, 4 }, { { 5, 2, 1, 5 }, 4 },
		{ { 8, 3, 1, 1 }, 4 }, { { 0, 8, 10, 1 }, 4 },
	};

	start();
	open_passive();
	for (unsigned i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct packet p;

		send_full(REWRITE_TX, PEER_ISN + 1, PRIMARY_ISN + 1, TCP_ACK,
			  broken[i], 0);
		p = take(REWRITE_TX);
		CHECK_EQ(p.ack, GUEST_ISN + 1);
		CHECK(!memcmp(packet_l4(&p) + 20, broken[i].bytes, 4));
	}
}

static void signed_segments_pass(void)
{
	struct opts md5 = { { 19, 18, 0xaa }, 20 };

	start();
	send_full(REWRITE_TX, PEER_ISN, 0, TCP_SYN, md5, 0);
	send_full(REWRITE_RX, GUEST_ISN, PEER_ISN + 1, TCP_SYN | TCP_ACK, md5,
		  0);
	n_seen = 0;
	send_full(REWRITE_TX, PEER_ISN + 1, PRIMARY_ISN + 1, TCP_ACK, md5, 0);
	expect(REWRITE_TX, PEER_ISN + 1, PRIMARY_ISN + 1);
	CHECK_EQ(n_events[REWRITE_SIGNED], 1);
	CHECK_EQ(stat("passed", "signed"), 3);
}

/* The peer's first segment came late; an ack that is not near was never its. */
static void only_a_near_ack_corrects(void)
{
	start();
	open_passive();
	tx(PEER_ISN + 1, PRIMARY_ISN + 1 - (2 << 20), TCP_ACK, 0);
	CHECK_EQ(stat("flows", "corrected"), 0);
	tx(PEER_ISN + 1, PRIMARY_ISN - 99, TCP_ACK, 0);
	CHECK_EQ(stat("flows", "corrected"), 1);
	n_seen = 0;
}

static void checkpoint_makes_offsets_zero(void)
{
	start();
	open_passive();
	rewrite_checkpoint(rw, now);
	CHECK_EQ(rewrite_translated(rw), 0);
	tx(PEER_ISN + 1, PRIMARY_ISN + 1, TCP_ACK, 10);
	expect(REWRITE_TX, PEER_ISN + 1, PRIMARY_ISN + 1);
	rx(PRIMARY_ISN + 1, PEER_ISN + 11, TCP_ACK, 10);
	expect(REWRITE_RX, PRIMARY_ISN + 1, PEER_ISN + 11);
}

static void checkpoint_on_half_open(void)
{
	start();
	tx(PEER_ISN, 0, TCP_SYN, 0);
	rx(GUEST_ISN, PEER_ISN + 1, TCP_SYN | TCP_ACK, 0);
	rewrite_checkpoint(rw, now);
	n_seen = 0;
	tx(PEER_ISN + 1, PRIMARY_ISN + 1, TCP_ACK, 0);
	expect(REWRITE_TX, PEER_ISN + 1, PRIMARY_ISN + 1);
	CHECK_EQ(stat("flows", "established"), 1);

	start();	/* the copy gets the SYN later and chooses its ISN */
	tx(PEER_ISN, 0, TCP_SYN, 0);
	rewrite_checkpoint(rw, now);
	rx(GUEST_ISN, PEER_ISN + 1, TCP_SYN | TCP_ACK, 0);
	n_seen = 0;
	tx(PEER_ISN + 1, PRIMARY_ISN + 1, TCP_ACK, 0);
	expect(REWRITE_TX, PEER_ISN + 1, GUEST_ISN + 1);
	data_both_ways();

	start();	/* one that no later ack corrects */
	tx(PEER_ISN, 0, TCP_SYN, 0);
	rewrite_checkpoint(rw, now);
	rx(0x80000000, PEER_ISN + 1, TCP_SYN | TCP_ACK, 0);
	n_seen = 0;
	tx(PEER_ISN + 1, PRIMARY_ISN + 1, TCP_ACK, 0);
	expect(REWRITE_TX, PEER_ISN + 1, 0x80000001);
}

static void checkpoint_delivers_held(void)
{
	start();
	tx(PEER_ISN, 0, TCP_SYN, 0);
	tx(PEER_ISN + 1, PRIMARY_ISN + 1, TCP_ACK, 0);
	tx(PEER_ISN + 1, PRIMARY_ISN + 1, TCP_ACK, 9);
	n_seen = 0;
	rewrite_checkpoint(rw, now);
	expect(REWRITE_TX, PEER_ISN + 1, PRIMARY_ISN + 1);
	expect(REWRITE_TX, PEER_ISN + 1, PRIMARY_ISN + 1);
	CHECK_EQ(n_seen, 0);
}

/* A segment on its way while the guest becomes a copy is for the copy. */
static void checkpoint_overtakes_handshake(void)
{
	start();	/* the answer to a SYN of the primary, so of its copy */
	rewrite_checkpoint(rw, now);
	tx(PEER_ISN, PRIMARY_ISN + 1, TCP_SYN | TCP_ACK, 0);
	expect(REWRITE_TX, PEER_ISN, PRIMARY_ISN + 1);
	rx(PRIMARY_ISN + 1, PEER_ISN + 1, TCP_ACK, 0);
	expect(REWRITE_RX, PRIMARY_ISN + 1, PEER_ISN + 1);

	start();	/* but not one that comes long after: it waits for the SYN */
	rewrite_checkpoint(rw, now);
	now += NS_PER_S;
	tx(PEER_ISN, PRIMARY_ISN + 1, TCP_SYN | TCP_ACK, 0);
	CHECK_EQ(n_seen, 0);
	rx(GUEST_ISN, 0, TCP_SYN, 0);
	n_seen = 0;
	tx(PEER_ISN, PRIMARY_ISN + 1, TCP_SYN | TCP_ACK, 0);
	CHECK_EQ(rewrite_translated(rw), 1);
	n_seen = 0;

	start();	/* a client's handshake, which the copy has behind it */
	rewrite_checkpoint(rw, now);
	tx(PEER_ISN, 0, TCP_SYN, 0);
	tx(PEER_ISN + 1, PRIMARY_ISN + 1, TCP_ACK, 0);
	CHECK_EQ(n_seen, 1);
	n_seen = 0;
	rx(PRIMARY_ISN + 1, PEER_ISN + 1, TCP_ACK, 0);
	expect(REWRITE_RX, PRIMARY_ISN + 1, PEER_ISN + 1);
	expect(REWRITE_TX, PEER_ISN + 1, PRIMARY_ISN + 1);
}

/* The copy repeats the SYN of the primary, which the peer has answered. */
static void copy_repeats_its_handshake(void)
{
	start();	/* both open; the peer's ack comes before that */
	rx(GUEST_ISN, 0, TCP_SYN, 0);
	tx(PEER_ISN, 0, TCP_SYN, 0);
	rewrite_checkpoint(rw, now);
	n_seen = 0;
	tx(PEER_ISN + 1, PRIMARY_ISN + 1, TCP_ACK, 0);
	expect(REWRITE_TX, PEER_ISN + 1, PRIMARY_ISN + 1);
	rx(PRIMARY_ISN, 0, TCP_SYN, 0);
	expect(REWRITE_RX, PRIMARY_ISN, 0);
	rx(PRIMARY_ISN + 1, PEER_ISN + 1, TCP_ACK, 10);
	expect(REWRITE_RX, PRIMARY_ISN + 1, PEER_ISN + 1);

	start();	/* of the peer only later data is seen */
	rewrite_checkpoint(rw, now);
	now += 5 * NS_PER_S;
	send_full(REWRITE_RX, PRIMARY_ISN, PEER_ISN + 1, TCP_SYN | TCP_ACK,
		  opt_ts(PRIMARY_TS + 500, 7), 0);
	send_full(REWRITE_TX, PEER_ISN + 1, PRIMARY_ISN + 1934, TCP_ACK,
		  opt_ts(9, PRIMARY_TS + 20), 10);
	CHECK_EQ(n_seen, 2);
	n_seen = 0;
	CHECK_EQ(rewrite_translated(rw), 0);
	send_full(REWRITE_RX, PRIMARY_ISN + 1934, PEER_ISN + 11, TCP_ACK,
		  opt_ts(PRIMARY_TS + 501, 9), 0);
	expect(REWRITE_RX, PRIMARY_ISN + 1934, PEER_ISN + 11);
}

static void failover_keeps_offsets(void)
{
	start();
	open_passive();
	wrap.port = 2000;	/* half-open at the failover */
	tx(PEER_ISN, 0, TCP_SYN, 0);
	rx(GUEST_ISN, PEER_ISN + 1, TCP_SYN | TCP_ACK, 0);
	n_seen = 0;
	rewrite_failover(rw);
	CHECK_EQ(rewrite_translated(rw), 1);
	tx(PEER_ISN + 1, PRIMARY_ISN + 1, TCP_ACK, 0);
	expect(REWRITE_TX, PEER_ISN + 1, GUEST_ISN + 1);
	CHECK_EQ(rewrite_translated(rw), 2);
	wrap.port = 3000;	/* new: not tracked */
	tx(PEER_ISN, 0, TCP_SYN, 0);
	expect(REWRITE_TX, PEER_ISN, 0);
	rx(GUEST_ISN, PEER_ISN + 1, TCP_SYN | TCP_ACK, 0);
	expect(REWRITE_RX, GUEST_ISN, PEER_ISN + 1);
	tx(PEER_ISN + 1, GUEST_ISN + 1, TCP_ACK, 0);
	expect(REWRITE_TX, PEER_ISN + 1, GUEST_ISN + 1);
	wrap.port = 0;
	data_both_ways();
}

static void failover_ends_with_an_event(void)
{
	start();
	open_passive();
	rewrite_failover(rw);
	CHECK_EQ(n_events[REWRITE_NONE_LEFT], 0);
	rx(GUEST_ISN + 1, PEER_ISN + 1, TCP_RST | TCP_ACK, 0);
	now += 121 * NS_PER_S;
	rewrite_expire(rw, now);
	CHECK_EQ(n_events[REWRITE_NONE_LEFT], 1);
	rewrite_failover(rw);
	CHECK_EQ(n_events[REWRITE_NONE_LEFT], 1);
	start();
	rewrite_failover(rw);
	CHECK_EQ(n_events[REWRITE_NONE_LEFT], 1);
}

static void reused_tuple_after_failover(void)
{
	start();
	open_passive();
	rewrite_failover(rw);
	rx(GUEST_ISN + 1, PEER_ISN + 1, TCP_RST | TCP_ACK, 0);
	tx(3000, 0, TCP_SYN, 0);
	CHECK_EQ(rewrite_translated(rw), 0);
	n_seen = 0;
	tx(3001, 201, TCP_ACK, 0);
	expect(REWRITE_TX, 3001, 201);
}

static void unknown_flows(void)
{
	start();
	tx(1, 2, TCP_ACK, 0);
	expect(REWRITE_TX, 1, 2);
	rx(1, 2, TCP_ACK, 0);
	expect(REWRITE_RX, 1, 2);
	CHECK_EQ(stat("passed", "unknown"), 2);

	start_with((struct rewrite_config){ .drop_unknown = true });
	tx(1, 2, TCP_ACK, 0);
	CHECK_EQ(n_seen, 0);
	CHECK_EQ(stat("dropped", "unknown"), 1);
	rewrite_failover(rw);
	tx(1, 2, TCP_ACK, 0);
	expect(REWRITE_TX, 1, 2);
}

static void other_protocols_pass(void)
{
	uint8_t arp[60] = { [12] = 8, [13] = 6 };
	uint8_t runt[3] = { 1, 2, 3 };

	start_with((struct rewrite_config){ .drop_unknown = true });
	input(REWRITE_TX, arp, sizeof(arp));
	input(REWRITE_RX, runt, sizeof(runt));
	CHECK_EQ(n_seen, 2);
	CHECK(!memcmp(seen[0].bytes, arp, sizeof(arp)));
	CHECK_EQ(seen[1].len, 3);
	n_seen = 0;
}

static void translation_off(void)
{
	start_with((struct rewrite_config){ .translate = REWRITE_NOTHING });
	tx(PEER_ISN, 0, TCP_SYN, 0);
	rx(GUEST_ISN, PEER_ISN + 1, TCP_SYN | TCP_ACK, 0);
	n_seen = 0;
	tx(PEER_ISN + 1, PRIMARY_ISN + 1, TCP_ACK, 0);
	expect(REWRITE_TX, PEER_ISN + 1, PRIMARY_ISN + 1);
}

static void hold_is_bounded(void)
{
	start();
	tx(PEER_ISN, 0, TCP_SYN, 0);
	n_seen = 0;
	for (int i = 0; i < 40; i++)
		tx(PEER_ISN + 1, PRIMARY_ISN + 1, TCP_ACK, 10);
	CHECK_EQ(stat("hold", "held"), 32);
	CHECK_EQ(stat("dropped", "hold-full"), 8);
	now += 29 * NS_PER_S;
	rewrite_expire(rw, now);
	CHECK_EQ(stat("dropped", "hold-expired"), 0);
	now += NS_PER_S;
	rewrite_expire(rw, now);
	CHECK_EQ(stat("dropped", "hold-expired"), 32);

	/* a client may hold a quarter of it */
	start_with((struct rewrite_config){ .max_held = 800 });
	tx(PEER_ISN, 0, TCP_SYN, 0);
	for (int i = 0; i < 4; i++)	/* of 64 bytes each */
		tx(PEER_ISN + 1, PRIMARY_ISN + 1, TCP_ACK, 10);
	CHECK_EQ(stat("hold", "held"), 3);
	tx(PEER_ISN + 1, 0, TCP_RST, 0);
	CHECK_EQ(stat("dropped", "hold-reset"), 3);
}

static void open_half(uint16_t port)
{
	wrap.port = port;
	tx(PEER_ISN, 0, TCP_SYN, 0);
	n_seen = 0;
}

/* Half-open flows give way to each other; an established one stays. */
static void eviction(void)
{
	start_with((struct rewrite_config){ .max_flows = 4 });
	wrap.port = 1;
	open_passive();
	wrap.port = 2;
	open_passive();
	for (uint16_t port = 100; port < 1100; port++) {
		now += NS_PER_S / 100;
		open_half(port);
	}
	CHECK_EQ(stat("flows", "evicted"), 998);
	wrap.port = 1;
	data_both_ways();
	wrap.port = 2;
	data_both_ways();

	start_with((struct rewrite_config){ .max_flows = 2 });
	for (wrap.port = 1; wrap.port <= 2; wrap.port++)
		open_passive();
	open_half(3);
	CHECK_EQ(stat("flows", "table-full"), 1);
	wrap.port = 2;
	data_both_ways();
	now += 7441 * NS_PER_S;	/* both idle now; the older goes */
	open_half(3);
	CHECK_EQ(stat("flows", "evicted"), 1);
	wrap.port = 2;
	data_both_ways();

	start_with((struct rewrite_config){ .max_flows = 1 });
	open_passive();		/* a half-close may last as long */
	tx(PEER_ISN + 1, PRIMARY_ISN + 1, TCP_FIN | TCP_ACK, 0);
	now += 7000 * NS_PER_S;
	open_half(3);
	CHECK_EQ(stat("flows", "table-full"), 1);
	now += 441 * NS_PER_S;
	open_half(3);
	CHECK_EQ(stat("flows", "evicted"), 1);
}

static size_t resident_mib(void)
{
	unsigned long total, resident;
	FILE *f = fopen("/proc/self/statm", "r");

	CHECK(f);
	CHECK_EQ(fscanf(f, "%lu %lu", &total, &resident), 2);
	fclose(f);
	return resident * (size_t)sysconf(_SC_PAGESIZE) >> 20;
}

/* QEMU fault 8: a flood of SYNs, more than the table has room for, made it
 * forget live connections. */
static void syn_flood(void)
{
	size_t before;
	uint8_t buf[64];
	uint32_t len;

	start_with((struct rewrite_config){ .max_flows = 1 << 20 });
	before = resident_mib();
	for (wrap.port = 1; wrap.port <= 10; wrap.port++)
		open_passive();
	wrap.port = 0;
	len = put_segment(buf, REWRITE_TX, PEER_ISN, 0, TCP_SYN, &no_opts, 0);
	for (uint32_t i = 0; i < 1200000; i++) {
		buf[14 + 13] = (uint8_t)(1 + i / 65536);
		bytes_put16(buf + 34, (uint16_t)i);
		input(REWRITE_TX, buf, len);
		n_seen = 0;
	}
	CHECK_EQ(stat("flows", "half-open"), (1 << 20) - 10);
	for (wrap.port = 1; wrap.port <= 10; wrap.port++)
		data_both_ways();
	printf("# %zu MiB more for a full table\n", resident_mib() - before);
	CHECK(IS_ASAN || resident_mib() - before < 184);
}

static void half_open_expires(void)
{
	start();
	open_half(5);
	now += 119 * NS_PER_S;
	rewrite_expire(rw, now);
	CHECK_EQ(stat("flows", "half-open"), 1);
	now += NS_PER_S;
	rewrite_expire(rw, now);
	CHECK_EQ(stat("flows", "half-open"), 0);
	CHECK_EQ(stat("flows", "expired"), 1);
}

/* A blind reset in the window does not end a connection on which the guest goes
 * on. */
static void survives_a_disbelieved_reset(void)
{
	start();
	open_passive();
	tx(PEER_ISN + 5000, 0, TCP_RST, 0);
	CHECK_EQ(stat("flows", "closed"), 1);
	rx(GUEST_ISN + 1, PEER_ISN + 1, TCP_ACK, 10);	/* on its way before */
	CHECK_EQ(stat("flows", "closed"), 1);
	now += 3 * NS_PER_S;
	n_seen = 0;
	rx(GUEST_ISN + 1, PEER_ISN + 1, TCP_ACK, 10);
	expect(REWRITE_RX, PRIMARY_ISN + 1, PEER_ISN + 1);
	CHECK_EQ(stat("flows", "established"), 1);
	tx(PEER_ISN - 5000, 0, TCP_RST, 0);	/* outside the window */
	CHECK_EQ(stat("flows", "established"), 1);
	n_seen = 0;
}

/* Frames around one that is held stay in order, whatever the batch. */
static void batches_stay_in_order(void)
{
	uint8_t buf[4][128];
	struct frame v[4];

	start();
	tx(PEER_ISN, 0, TCP_SYN, 0);
	n_seen = 0;
	for (unsigned i = 0; i < 4; i++) {
		uint32_t len;

		wrap.port = i == 1 ? 1024 : 9;
		len = put_segment(buf[i], REWRITE_TX, PEER_ISN + 1 + i,
				  PRIMARY_ISN + 1, TCP_ACK, &no_opts, 0);
		v[i] = (struct frame){ .data = buf[i], .len = len };
	}
	rewrite_input(rw, REWRITE_TX, v, 4, now);
	CHECK_EQ(n_seen, 3);
	expect(REWRITE_TX, PEER_ISN + 1, PRIMARY_ISN + 1);
	expect(REWRITE_TX, PEER_ISN + 3, PRIMARY_ISN + 1);
	expect(REWRITE_TX, PEER_ISN + 4, PRIMARY_ISN + 1);
	CHECK_EQ(stat("hold", "held"), 1);
}

static uint8_t quoted_flags = TCP_ACK;

/* Write an error that quotes quote_len bytes of a segment. Return: its bytes. */
static uint32_t put_icmp(uint8_t *buf, enum rewrite_side side,
			 enum rewrite_side of, uint32_t seq, uint32_t ack,
			 struct opts o, uint32_t quote_len)
{
	uint8_t inner[256];
	uint32_t ip_len = wrap.v6 ? 40 : 20;
	uint32_t len = put_segment(inner, of, seq, ack, quoted_flags, &o, 0) - 14;
	uint32_t sum, l4_len;
	uint8_t *ip = buf + 14, *icmp = ip + ip_len;

	if (quote_len < len)
		len = quote_len;
	l4_len = 8 + len;
	put_ether(buf);
	if (wrap.v6)
		put_ipv6(ip, side == REWRITE_RX, l4_len);
	else
		put_ipv4(ip, side == REWRITE_RX, l4_len);
	ip[wrap.v6 ? 6 : 9] = wrap.v6 ? PACKET_ICMP6 : PACKET_ICMP;
	memset(icmp, 0, 8);
	icmp[0] = wrap.v6 ? 1 : 3;
	icmp[1] = wrap.v6 ? 4 : 3;
	memcpy(icmp + 8, inner + 14, len);
	sum = wrap.v6 ? checksum_pseudo(6, ip + 8, ip + 24, PACKET_ICMP6,
					l4_len) : 0;
	bytes_put16(icmp + 2, checksum_fold(checksum_add(sum, icmp, l4_len)));
	return 14 + ip_len + l4_len;
}

/* Take the error that came out; its checksums must be right. Return: the TCP
 * header that it quotes. */
static uint8_t *take_quote(uint32_t quote_len)
{
	static uint8_t copy[512];
	uint32_t ip_len = wrap.v6 ? 40 : 20, sum = 0;
	uint8_t *ip = copy + 14, *icmp = ip + ip_len;
	struct packet p;

	CHECK_EQ(n_seen, 1);
	memcpy(copy, seen[0].bytes, seen[0].len);
	packet_parse(&p, copy, seen[0].len);
	n_seen = 0;
	CHECK_EQ(p.level, PACKET_L4);
	if (wrap.v6)
		sum = checksum_pseudo(6, p.src, p.dst, PACKET_ICMP6, p.l4_len);
	CHECK_EQ(checksum_fold(checksum_add(sum, icmp, p.l4_len)), 0);
	if (quote_len >= p.l4_len - 8) {	/* quoted whole */
		uint32_t tcp_len = p.l4_len - 8 - ip_len;
		const uint8_t *in = icmp + 8;

		sum = wrap.v6 ? checksum_pseudo(6, in + 8, in + 24, 6, tcp_len) :
				checksum_pseudo(4, in + 12, in + 16, 6, tcp_len);
		if (quote_len > ip_len + 20)
			CHECK_EQ(checksum_fold(checksum_add(sum, in + ip_len,
							    tcp_len)), 0);
	}
	return icmp + 8 + ip_len;
}

static void icmp_towards_guest(void)
{
	for (unsigned v6 = 0; v6 < 2; v6++) {
		uint8_t buf[512], *tcp;
		uint32_t len;

		start();
		wrap.v6 = v6;
		open_passive_ts();
		n_seen = 0;
		len = put_icmp(buf, REWRITE_TX, REWRITE_RX, PRIMARY_ISN + 7,
			       PEER_ISN + 1, opt_ts(PRIMARY_TS + 5, 2), 500);
		input(REWRITE_TX, buf, len);
		tcp = take_quote(500);
		CHECK_EQ(bytes_get32(tcp + 4), GUEST_ISN + 7);
		CHECK_EQ(bytes_get32(tcp + 8), PEER_ISN + 1);
		CHECK_EQ(bytes_get32(tcp + 24), GUEST_TS + 5);
		CHECK_EQ(bytes_get32(tcp + 28), 2);
		CHECK_EQ(stat("translated", "icmp"), 1);
	}
}

static void icmp_from_guest(void)
{
	const uint32_t edges[] = { GUEST_ISN + 20, GUEST_ISN + 30 };

	for (unsigned v6 = 0; v6 < 2; v6++) {
		uint8_t buf[512], *tcp;
		uint32_t len;

		start();
		wrap.v6 = v6;
		open_passive();
		len = put_icmp(buf, REWRITE_RX, REWRITE_TX, PEER_ISN + 7,
			       GUEST_ISN + 1, opt_sack(edges, 2), 500);
		input(REWRITE_RX, buf, len);
		tcp = take_quote(500);
		CHECK_EQ(bytes_get32(tcp + 4), PEER_ISN + 7);
		CHECK_EQ(bytes_get32(tcp + 8), PRIMARY_ISN + 1);
		CHECK_EQ(bytes_get32(tcp + 24), PRIMARY_ISN + 20);
		CHECK_EQ(bytes_get32(tcp + 28), PRIMARY_ISN + 30);
	}
}

/* Without the flag ACK the number there is none of the primary's. */
static void icmp_about_a_syn(void)
{
	uint8_t buf[512], *tcp;
	uint32_t len;

	start();
	open_passive();
	quoted_flags = TCP_SYN;
	len = put_icmp(buf, REWRITE_RX, REWRITE_TX, PEER_ISN, 77, no_opts, 500);
	quoted_flags = TCP_ACK;
	input(REWRITE_RX, buf, len);
	tcp = take_quote(500);
	CHECK_EQ(bytes_get32(tcp + 4), PEER_ISN);
	CHECK_EQ(bytes_get32(tcp + 8), 77);
}

/* Quotes of each length, beginning with an IP header alone. */
static void icmp_quotes_cut_anywhere(void)
{
	for (uint32_t cut = 0; cut <= 52; cut++) {
		uint8_t buf[512], *tcp;
		uint32_t len;

		start();
		open_passive_ts();
		n_seen = 0;
		len = put_icmp(buf, REWRITE_TX, REWRITE_RX, PRIMARY_ISN + 7,
			       PEER_ISN + 1, opt_ts(PRIMARY_TS + 5, 2), cut);
		input(REWRITE_TX, buf, len);
		tcp = take_quote(0);
		if (cut >= 28)
			CHECK_EQ(bytes_get32(tcp + 4), GUEST_ISN + 7);
		if (cut >= 52)
			CHECK_EQ(bytes_get32(tcp + 24), GUEST_TS + 5);
	}
}

static void icmp_of_strangers(void)
{
	uint8_t buf[512], *tcp;
	uint32_t len;

	start();
	open_passive();
	wrap.port = 4;
	len = put_icmp(buf, REWRITE_TX, REWRITE_RX, 1, 2, no_opts, 500);
	input(REWRITE_TX, buf, len);
	tcp = take_quote(500);
	CHECK_EQ(bytes_get32(tcp + 4), 1);
	buf[14 + 20] = 8;	/* an echo request quotes nothing */
	input(REWRITE_TX, buf, len);
	CHECK_EQ(n_seen, 1);
	n_seen = 0;
}

static void restart_keeps_offsets(void)
{
	start_fresh(16);
	CHECK_EQ(record_table_found(table), RECORD_FILE_NEW);
	for (wrap.port = 1; wrap.port <= 6; wrap.port++)
		open_passive();
	wrap.port = 3;		/* its flow begins anew */
	rx(GUEST_ISN + 1, PEER_ISN + 1, TCP_RST | TCP_ACK, 0);
	tx(3000, 0, TCP_SYN, 0);
	restart(16);
	CHECK_EQ(record_table_found(table), RECORD_FILE_GOOD);
	CHECK_EQ(stat("file", "loaded"), 6);
	CHECK_EQ(stat("file", "lost"), 0);
	CHECK_EQ(rewrite_translated(rw), 5);
	CHECK_EQ(n_events[REWRITE_STATE_LOST], 0);
	for (wrap.port = 1; wrap.port <= 6; wrap.port++)
		if (wrap.port != 3)
			data_both_ways();
	wrap.port = 3;		/* the half-open one goes on learning */
	rx(100, 3001, TCP_SYN | TCP_ACK, 0);
	tx(3001, 201, TCP_ACK, 0);
	n_seen = 0;
	tx(3001, 201, TCP_ACK, 0);
	expect(REWRITE_TX, 3001, 101);
	finish_table();
}

static void restart_after_removals(void)
{
	start_fresh(16);
	for (wrap.port = 1; wrap.port <= 8; wrap.port++) {
		open_passive();
		if (wrap.port % 2)
			rx(GUEST_ISN + 1, PEER_ISN + 1, TCP_RST | TCP_ACK, 0);
		n_seen = 0;
	}
	now += 121 * NS_PER_S;
	rewrite_expire(rw, now);
	for (int i = 0; i < 3; i++) {
		restart(16);
		CHECK_EQ(stat("file", "loaded"), 4);
		for (wrap.port = 2; wrap.port <= 8; wrap.port += 2) {
			tx(PEER_ISN + 1, PRIMARY_ISN + 1, TCP_ACK, 100);
			expect(REWRITE_TX, PEER_ISN + 1, GUEST_ISN + 1);
			rx(GUEST_ISN + 1, PEER_ISN + 101, TCP_ACK, 0);
			expect(REWRITE_RX, PRIMARY_ISN + 1, PEER_ISN + 101);
		}
	}
	restart(3);		/* room for three: one is lost, which is told */
	CHECK_EQ(stat("file", "loaded"), 3);
	CHECK_EQ(stat("file", "lost"), 1);
	CHECK_EQ(n_events[REWRITE_STATE_LOST], 1);
	restart(64);
	CHECK_EQ(stat("file", "loaded"), 3);
	CHECK_EQ(stat("file", "lost"), 0);
	finish_table();
}

static void restart_after_checkpoint(void)
{
	start_fresh(16);
	open_passive();
	rewrite_checkpoint(rw, now);
	restart(16);
	CHECK_EQ(rewrite_translated(rw), 0);
	tx(PEER_ISN + 1, PRIMARY_ISN + 1, TCP_ACK, 10);
	expect(REWRITE_TX, PEER_ISN + 1, PRIMARY_ISN + 1);
	finish_table();
}

static void restart_keeps_clocks(void)
{
	struct packet p;

	start_fresh(16);
	open_passive_ts();
	send_full(REWRITE_TX, PEER_ISN + 1, PRIMARY_ISN + 1, TCP_ACK,
		  opt_ts(3, PRIMARY_TS + 3000), 0);
	restart(16);
	rewrite_failover(rw);
	send_full(REWRITE_RX, GUEST_ISN + 1, PEER_ISN + 1, TCP_ACK,
		  opt_ts(GUEST_TS + 10, 2), 10);
	p = take(REWRITE_RX);
	CHECK_EQ(option32(&p, 4), PRIMARY_TS + 3000);
	finish_table();
}

#define RECORD_LEN 144		/* checksum, key, flow */
#define PROGRESS_LEN 30		/* bytes of it that the checksum leaves out */

static void flip(long at)
{
	char path[64];
	FILE *f;
	int c;

	flows_path(path, sizeof(path));
	f = fopen(path, "r+");
	CHECK(f);
	CHECK_EQ(fseek(f, at, SEEK_SET), 0);
	c = fgetc(f);
	CHECK_EQ(fseek(f, at, SEEK_SET), 0);
	fputc(c ^ 1, f);
	CHECK_EQ(fclose(f), 0);
}

/* Each byte of a record except its progress, and each byte of the header. */
static void damaged_table(void)
{
	const long first = 4096, second = 4096 + RECORD_LEN;
	unsigned n_unnoticed = 0;

	for (long at = 0; at < RECORD_LEN; at++) {
		start_fresh(16);
		for (wrap.port = 1; wrap.port <= 2; wrap.port++)
			open_passive();
		flip(at % 2 ? first + at : second + at);
		restart(16);
		if (stat("file", "lost") == 0) {
			CHECK_EQ(stat("file", "loaded"), 2);
			n_unnoticed++;
			continue;
		}
		CHECK_EQ(stat("file", "loaded"), 1);
		CHECK_EQ(n_events[REWRITE_STATE_LOST], 1);
		wrap.port = at % 2 ? 2 : 1;
		data_both_ways();
	}
	CHECK_EQ(n_unnoticed, PROGRESS_LEN);
	for (long at = 0; at < 64; at++) {
		start_fresh(16);
		open_passive();
		flip(at);
		restart(16);
		CHECK_EQ(record_table_found(table), RECORD_FILE_BAD);
		CHECK_EQ(n_events[REWRITE_STATE_LOST], 1);
		CHECK_EQ(rewrite_translated(rw), 0);
	}
	finish_table();
}

static void table_cut_short(void)
{
	char path[64];

	flows_path(path, sizeof(path));
	for (off_t len = 0; len < 4096 + RECORD_LEN; len += 61) {
		start_fresh(16);
		open_passive();
		CHECK_EQ(truncate(path, len), 0);
		restart(16);
		CHECK_EQ(record_table_found(table),
			 len ? RECORD_FILE_BAD : RECORD_FILE_NEW);
		n_seen = 0;
		open_passive();
		data_both_ways();
	}
	finish_table();
}

static void missing_table_is_told_when_it_matters(void)
{
	start_fresh(16);
	open_passive();
	CHECK_EQ(n_events[REWRITE_STATE_LOST], 0);
	wrap.port = 9;
	tx(1, 2, TCP_ACK, 0);
	tx(1, 2, TCP_ACK, 0);
	CHECK_EQ(n_events[REWRITE_STATE_LOST], 1);
	finish_table();
}

static void table_has_one_owner(void)
{
	struct record_table *second;

	start_fresh(16);
	CHECK_EQ(rewrite_record_open(&second, state_dir, 16), -EWOULDBLOCK);
	CHECK_EQ(rewrite_record_open(&second, "/nonexistent", 16), -ENOENT);
	finish_table();
}

/* The account has what came in and went out. */
static void account(void)
{
	struct stats s = { 0 };
	unsigned out;

	start_with((struct rewrite_config){ .drop_unknown = true });
	open_passive();
	out = 3;
	wrap.port = 7;
	tx(1, 2, TCP_ACK, 0);			/* dropped */
	tx(PEER_ISN, 0, TCP_SYN, 0);		/* goes on */
	out++;
	tx(PEER_ISN + 1, 1, TCP_ACK, 0);	/* held */
	rewrite_stats(rw, &s);
	CHECK_EQ(s.held, 1);
	CHECK_EQ(stats_dropped(&s), 1);
	CHECK_EQ(out + s.held + stats_dropped(&s), 6);
	n_seen = 0;
}

int main(void)
{
	char path[64];

	CHECK(mkdtemp(state_dir));
	TEST(passive_open);
	TEST(active_open);
	TEST(every_encapsulation);
	TEST(wrong_checksum_stays_wrong);
	TEST(first_fragment_is_translated);
	TEST(hand_checked_checksum);
	TEST(numbers_wrap);
	TEST(slow_secondary_passive);
	TEST(slow_secondary_active);
	TEST(refused_connection);
	TEST(reordered_handshake);
	TEST(lower_ack_corrects);
	TEST(simultaneous_open);
	TEST(fast_open);
	TEST(retransmitted_handshake);
	TEST(reset_and_fin);
	TEST(closes_in_order);
	TEST(reused_tuple);
	TEST(syn_on_live_connection);
	TEST(timestamps);
	TEST(timestamps_raised_at_failover);
	TEST(timestamps_raised_at_offset_zero);
	TEST(echo_of_what_was_repeated);
	TEST(echo_long_after_a_repetition);
	TEST(sack_edges);
	TEST(options_at_odd_offsets);
	TEST(broken_options);
	TEST(signed_segments_pass);
	TEST(only_a_near_ack_corrects);
	TEST(checkpoint_makes_offsets_zero);
	TEST(checkpoint_on_half_open);
	TEST(checkpoint_delivers_held);
	TEST(checkpoint_overtakes_handshake);
	TEST(copy_repeats_its_handshake);
	TEST(failover_keeps_offsets);
	TEST(failover_ends_with_an_event);
	TEST(reused_tuple_after_failover);
	TEST(unknown_flows);
	TEST(other_protocols_pass);
	TEST(translation_off);
	TEST(hold_is_bounded);
	TEST(eviction);
	TEST(syn_flood);
	TEST(half_open_expires);
	TEST(survives_a_disbelieved_reset);
	TEST(batches_stay_in_order);
	TEST(icmp_towards_guest);
	TEST(icmp_from_guest);
	TEST(icmp_about_a_syn);
	TEST(icmp_quotes_cut_anywhere);
	TEST(icmp_of_strangers);
	TEST(restart_keeps_offsets);
	TEST(restart_after_removals);
	TEST(restart_after_checkpoint);
	TEST(restart_keeps_clocks);
	TEST(damaged_table);
	TEST(table_cut_short);
	TEST(missing_table_is_told_when_it_matters);
	TEST(table_has_one_owner);
	TEST(account);
	rewrite_free(rw);
	flows_path(path, sizeof(path));
	remove(path);
	rmdir(state_dir);
	return TEST_END();
}
