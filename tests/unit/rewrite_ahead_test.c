/* SPDX-License-Identifier: ISC */
/*
 * A client that has bytes of the primary which the secondary guest has not sent
 * yet: the guest never hears an acknowledgement of them, and goes on.
 */
#include <unistd.h>

#include "rewrite_kit.h"

#define SENT 100u	/* bytes that the guest has sent */
#define LEAD 700u	/* bytes that the client is ahead of it */

/* After run_ahead(): the guest's SND.NXT, and the client's acknowledgement. */
static uint32_t guest_nxt, client_ack;

/* The guest has sent SENT bytes of what the client has SENT + LEAD of. */
static void run_ahead(void)
{
	rx(GUEST_ISN + 1, PEER_ISN + 1, TCP_ACK, SENT);
	expect(REWRITE_RX, PRIMARY_ISN + 1, PEER_ISN + 1);
	guest_nxt = GUEST_ISN + 1 + SENT;
	client_ack = PRIMARY_ISN + 1 + SENT + LEAD;
}

static void ack_is_lowered(void)
{
	struct packet p;

	for (unsigned bits = 0; bits < 16; bits++) {
		start();
		wrap.v6 = bits & 1;
		wrap.vnet_len = bits & 2 ? 12 : 0;
		wrap.partial = bits & 4 && wrap.vnet_len;
		wrap.n_vlan = bits & 8 ? 2 : 0;
		open_passive();
		run_ahead();
		tx(PEER_ISN + 1, client_ack, TCP_ACK, 0);
		expect(REWRITE_TX, PEER_ISN + 1, guest_nxt);
		tx(PEER_ISN + 1, client_ack, TCP_ACK | TCP_PSH, 30);
		p = take(REWRITE_TX);
		CHECK_EQ(p.ack, guest_nxt);
		CHECK_EQ(p.payload_len, 30);
		tx(PEER_ISN + 31, client_ack, TCP_FIN | TCP_ACK, 0);
		expect(REWRITE_TX, PEER_ISN + 31, guest_nxt);
		CHECK_EQ(stat("ack", "lowered"), 3);
		/* an ack of exactly what was sent stays */
		tx(PEER_ISN + 1, client_ack - LEAD, TCP_ACK, 0);
		expect(REWRITE_TX, PEER_ISN + 1, guest_nxt);
		CHECK_EQ(stat("ack", "lowered"), 3);
	}
}

static void wrong_sum_stays_wrong(void)
{
	start();
	wrap.bad_sum = true;
	open_passive();
	run_ahead();
	tx(PEER_ISN + 1, client_ack, TCP_ACK, 0);
	expect(REWRITE_TX, PEER_ISN + 1, guest_nxt);
}

static void connection_that_the_guest_opened(void)
{
	start();
	open_active();
	run_ahead();
	tx(PEER_ISN + 1, client_ack, TCP_ACK, 0);
	expect(REWRITE_TX, PEER_ISN + 1, guest_nxt);
}

/* The guest has sent nothing but its SYN: no more may be acknowledged. */
static void from_the_syn_on(void)
{
	start();
	open_passive();
	tx(PEER_ISN + 1, PRIMARY_ISN + 1 + LEAD, TCP_ACK, 5);
	expect(REWRITE_TX, PEER_ISN + 1, GUEST_ISN + 1);
}

/* The guest's numbers pass 2^32 between what it sent and the client's ack. */
static void across_the_wrap(void)
{
	const uint32_t guest_isn = 0u - SENT - 300;

	start();
	tx(PEER_ISN, 0, TCP_SYN, 0);
	rx(guest_isn, PEER_ISN + 1, TCP_SYN | TCP_ACK, 0);
	tx(PEER_ISN + 1, PRIMARY_ISN + 1, TCP_ACK, 0);
	rx(guest_isn + 1, PEER_ISN + 1, TCP_ACK, SENT);
	n_seen = 0;
	tx(PEER_ISN + 1, PRIMARY_ISN + 1 + SENT + LEAD, TCP_ACK, 0);
	expect(REWRITE_TX, PEER_ISN + 1, guest_isn + 1 + SENT);
	rx(guest_isn + 1 + SENT, PEER_ISN + 1, TCP_ACK, 400);
	expect(REWRITE_TX, PEER_ISN + 1, guest_isn + 1 + SENT + 400);
	expect(REWRITE_RX, PRIMARY_ISN + 1 + SENT, PEER_ISN + 1);
}

/* The guest catches up in steps. Each is acknowledged, and no byte beyond. */
static void guest_catches_up(void)
{
	struct stats s = { 0 };

	start();
	open_passive();
	run_ahead();
	tx(PEER_ISN + 1, client_ack, TCP_ACK, 0);
	expect(REWRITE_TX, PEER_ISN + 1, guest_nxt);
	for (uint32_t at = 0; at < LEAD; at += 350) {
		rx(guest_nxt + at, PEER_ISN + 1, TCP_ACK, 350);
		expect(REWRITE_TX, PEER_ISN + 1, guest_nxt + at + 350);
		expect(REWRITE_RX, client_ack - LEAD + at, PEER_ISN + 1);
	}
	rx(guest_nxt + LEAD, PEER_ISN + 1, TCP_ACK, 10);	/* past it */
	expect(REWRITE_RX, client_ack, PEER_ISN + 1);
	tx(PEER_ISN + 1, client_ack + 10, TCP_ACK, 0);
	expect(REWRITE_TX, PEER_ISN + 1, guest_nxt + LEAD + 10);
	CHECK_EQ(n_seen, 0);
	CHECK_EQ(stat("ack", "lowered"), 1);
	CHECK_EQ(stat("ack", "originated"), 2);
	rewrite_stats(rw, &s);
	CHECK_EQ(s.originated, 2);
}

/* The client has only a part of the guest's segment already. */
static void guest_overtakes(void)
{
	start();
	open_passive();
	run_ahead();
	tx(PEER_ISN + 1, client_ack, TCP_ACK, 0);
	n_seen = 0;
	rx(guest_nxt, PEER_ISN + 1, TCP_ACK, LEAD + 200);
	expect(REWRITE_TX, PEER_ISN + 1, guest_nxt + LEAD);
	expect(REWRITE_RX, client_ack - LEAD, PEER_ISN + 1);
}

/* An acknowledgement in the client's name looks like the client's own. */
static void answer_is_the_clients(void)
{
	for (unsigned bits = 0; bits < 4; bits++) {
		const uint8_t *guest_mac = (const uint8_t *)"\1\2\3\4\5\6";
		uint8_t buf[1024];
		struct opts o;
		uint32_t len;
		struct packet p;

		start();
		wrap.v6 = bits & 1;
		wrap.n_vlan = bits & 2 ? 2 : 0;
		open_passive_ts();
		send_full(REWRITE_RX, GUEST_ISN + 1, PEER_ISN + 1, TCP_ACK,
			  opt_ts(GUEST_TS + 5, 2), SENT);
		send_full(REWRITE_TX, PEER_ISN + 1,
			  PRIMARY_ISN + 1 + SENT + LEAD, TCP_ACK,
			  opt_ts(77, PRIMARY_TS + 9), 0);
		n_seen = 0;
		o = opt_ts(GUEST_TS + 50, 2);
		len = put_segment(buf, REWRITE_RX, GUEST_ISN + 1 + SENT,
				  PEER_ISN + 1, TCP_ACK, &o, LEAD);
		memcpy(buf + 6, guest_mac, 6);
		input(REWRITE_RX, buf, len);
		p = take(REWRITE_TX);		/* its checksum is looked at */
		CHECK(!memcmp(p.eth, guest_mac, 6));
		CHECK_EQ(p.vlan, wrap.n_vlan ? 100u << 12 | 101 : 0);
		CHECK_EQ(p.ip_version, wrap.v6 ? 6 : 4);
		CHECK_EQ(p.sport, 1024);
		CHECK_EQ(p.dport, 80);
		CHECK_EQ(p.flags, TCP_ACK);
		CHECK_EQ(p.window, 502);
		CHECK_EQ(p.payload_len, 0);
		CHECK_EQ(p.seq, PEER_ISN + 1);
		CHECK_EQ(p.ack, GUEST_ISN + 1 + SENT + LEAD);
		CHECK_EQ(option32(&p, 4), 77);
		CHECK_EQ(option32(&p, 8), GUEST_TS + 50);
		take(REWRITE_RX);
	}
}

/* The client has the primary's FIN; the guest's closes the connection. */
static void fin_that_the_client_has(void)
{
	start();
	open_passive();
	run_ahead();
	tx(PEER_ISN + 1, client_ack + 1, TCP_FIN | TCP_ACK, 0);
	expect(REWRITE_TX, PEER_ISN + 1, guest_nxt);
	rx(guest_nxt, PEER_ISN + 2, TCP_ACK | TCP_FIN, LEAD);
	expect(REWRITE_TX, PEER_ISN + 2, guest_nxt + LEAD + 1);
	expect(REWRITE_RX, client_ack - LEAD, PEER_ISN + 2);
	CHECK_EQ(stat("flows", "closed"), 1);
}

static void sack_beyond_is_removed(void)
{
	const uint32_t beyond[] = { client_ack + 100, client_ack + 200,
				    client_ack + 300, client_ack + 400 };
	const uint32_t within[] = { PRIMARY_ISN + 11, PRIMARY_ISN + 21 };
	struct packet p;

	for (unsigned n = 2; n <= 4; n += 2) {
		start();
		open_passive();
		run_ahead();
		send_full(REWRITE_TX, PEER_ISN + 1, client_ack - LEAD, TCP_ACK,
			  opt_sack(beyond, n), 0);
		p = take(REWRITE_TX);
		CHECK_EQ(p.ack, guest_nxt);
		for (unsigned i = 0; i < 4 + 4 * n; i++)
			CHECK_EQ(packet_l4(&p)[20 + i], 1);
		CHECK_EQ(stat("ack", "sacks-removed"), 1);
	}
	send_full(REWRITE_TX, PEER_ISN + 1, client_ack, TCP_ACK,
		  opt_sack(within, 2), 0);
	p = take(REWRITE_TX);
	CHECK_EQ(option32(&p, 4), GUEST_ISN + 11);
	CHECK_EQ(stat("ack", "sacks-removed"), 1);
}

static void echo_is_of_what_the_guest_sent(void)
{
	struct packet p;

	start();
	open_passive_ts();
	send_full(REWRITE_RX, GUEST_ISN + 1, PEER_ISN + 1, TCP_ACK,
		  opt_ts(GUEST_TS + 5, 2), SENT);
	n_seen = 0;
	send_full(REWRITE_TX, PEER_ISN + 1, PRIMARY_ISN + 1 + SENT + LEAD,
		  TCP_ACK, opt_ts(77, PRIMARY_TS + 900), 0);
	p = take(REWRITE_TX);
	CHECK_EQ(p.ack, GUEST_ISN + 1 + SENT);
	CHECK_EQ(option32(&p, 4), 77);
	CHECK_EQ(option32(&p, 8), GUEST_TS + 5);
}

/* The client sees what the guest sends and answers it itself. */
static void after_failover_only_lowered(void)
{
	uint32_t n_flows;

	start();
	open_passive();
	run_ahead();
	CHECK_EQ(rewrite_uncompared(rw, &n_flows), 0);
	CHECK_EQ(n_flows, 0);
	tx(PEER_ISN + 1, client_ack, TCP_ACK, 0);
	CHECK_EQ(rewrite_uncompared(rw, &n_flows), LEAD);
	CHECK_EQ(n_flows, 1);
	rewrite_failover(rw);
	n_seen = 0;
	tx(PEER_ISN + 1, client_ack, TCP_ACK, 0);
	expect(REWRITE_TX, PEER_ISN + 1, guest_nxt);
	rx(guest_nxt, PEER_ISN + 1, TCP_ACK, 300);
	expect(REWRITE_RX, client_ack - LEAD, PEER_ISN + 1);
	CHECK_EQ(n_seen, 0);
	tx(PEER_ISN + 1, client_ack, TCP_ACK, 0);
	expect(REWRITE_TX, PEER_ISN + 1, guest_nxt + 300);
	rx(guest_nxt + 300, PEER_ISN + 1, TCP_ACK, 500);
	n_seen = 0;
	tx(PEER_ISN + 1, client_ack, TCP_ACK, 0);
	expect(REWRITE_TX, PEER_ISN + 1, guest_nxt + LEAD);
}

static void restart_remembers(void)
{
	start_fresh(16);
	open_passive();
	run_ahead();
	restart(16);
	tx(PEER_ISN + 1, client_ack, TCP_ACK, 0);
	expect(REWRITE_TX, PEER_ISN + 1, guest_nxt);
	restart(16);		/* knows what the client has acknowledged */
	rx(guest_nxt, PEER_ISN + 1, TCP_ACK, LEAD);
	expect(REWRITE_TX, PEER_ISN + 1, guest_nxt + LEAD);
	finish_table();
}

/* An empty segment shows what the guest sent while no rewriter ran. */
static void restart_and_an_empty_segment(void)
{
	start_fresh(16);
	open_passive();
	run_ahead();
	restart(16);
	rx(guest_nxt + 400, PEER_ISN + 1, TCP_ACK, 0);
	n_seen = 0;
	tx(PEER_ISN + 1, client_ack, TCP_ACK, 0);
	expect(REWRITE_TX, PEER_ISN + 1, guest_nxt + 400);
	finish_table();
}

/* --- after a checkpoint: the copy has sent what was not seen here --- */

static void become_copy(void)
{
	start();
	open_passive();
	rewrite_checkpoint(rw, now);
}

static void copy_is_not_guessed_at(void)
{
	become_copy();
	rx(PRIMARY_ISN + 1, PEER_ISN + 1, TCP_ACK, 50);	/* repeated? */
	n_seen = 0;
	tx(PEER_ISN + 1, PRIMARY_ISN + 501, TCP_ACK, 0);
	expect(REWRITE_TX, PEER_ISN + 1, PRIMARY_ISN + 501);
	CHECK_EQ(stat("ack", "lowered"), 0);
}

/* An empty segment no lower than the client's ack shows SND.NXT. */
static void empty_segment_of_a_copy(void)
{
	become_copy();
	tx(PEER_ISN + 1, PRIMARY_ISN + 101, TCP_ACK, 20);
	rx(PRIMARY_ISN + 301, PEER_ISN + 21, TCP_ACK, 0);
	n_seen = 0;
	tx(PEER_ISN + 21, PRIMARY_ISN + 901, TCP_ACK, 0);
	expect(REWRITE_TX, PEER_ISN + 21, PRIMARY_ISN + 301);
}

/* A keepalive is one below what was acknowledged. */
static void keepalive_of_a_copy(void)
{
	become_copy();
	tx(PEER_ISN + 1, PRIMARY_ISN + 101, TCP_ACK, 0);
	rx(PRIMARY_ISN + 100, PEER_ISN + 1, TCP_ACK, 0);
	n_seen = 0;
	tx(PEER_ISN + 1, PRIMARY_ISN + 101, TCP_ACK, 0);
	expect(REWRITE_TX, PEER_ISN + 1, PRIMARY_ISN + 101);
	CHECK_EQ(stat("ack", "lowered"), 0);
}

/* A copy that repeats acknowledged bytes twice did not take the ack. */
static void deaf_copy(void)
{
	become_copy();
	tx(PEER_ISN + 1, PRIMARY_ISN + 901, TCP_ACK, 0);
	expect(REWRITE_TX, PEER_ISN + 1, PRIMARY_ISN + 901);
	rx(PRIMARY_ISN + 101, PEER_ISN + 1, TCP_ACK, 300);
	expect(REWRITE_RX, PRIMARY_ISN + 101, PEER_ISN + 1);
	CHECK_EQ(n_seen, 0);
	rx(PRIMARY_ISN + 101, PEER_ISN + 1, TCP_ACK, 300);
	expect(REWRITE_TX, PEER_ISN + 1, PRIMARY_ISN + 401);
	expect(REWRITE_RX, PRIMARY_ISN + 101, PEER_ISN + 1);
	rx(PRIMARY_ISN + 401, PEER_ISN + 1, TCP_ACK, 300);
	expect(REWRITE_TX, PEER_ISN + 1, PRIMARY_ISN + 701);
	n_seen = 0;
	tx(PEER_ISN + 1, PRIMARY_ISN + 901, TCP_ACK, 0);
	expect(REWRITE_TX, PEER_ISN + 1, PRIMARY_ISN + 701);
}

/* --- who must not be believed --- */

/* A segment that the guest is not waiting for moves nothing. */
static void forged_ack(void)
{
	start();
	open_passive();
	run_ahead();
	tx(PEER_ISN + 1 + (1 << 27), client_ack, TCP_ACK, 0);
	tx(PEER_ISN - 5000, client_ack, TCP_ACK, 0);
	tx(PEER_ISN + 1, client_ack, TCP_RST | TCP_ACK, 0);
	n_seen = 0;
	rx(guest_nxt, PEER_ISN + 1, TCP_ACK, 300);
	expect(REWRITE_RX, client_ack - LEAD, PEER_ISN + 1);
	CHECK_EQ(stat("ack", "originated"), 0);
}

/* Nobody is so far ahead: such a number is an old one, or forged. */
static void absurd_ack(void)
{
	start();
	open_passive();
	run_ahead();
	tx(PEER_ISN + 1, client_ack + (1u << 30), TCP_ACK, 0);
	expect(REWRITE_TX, PEER_ISN + 1, guest_nxt + LEAD + (1u << 30));
	rx(guest_nxt, PEER_ISN + 1, TCP_ACK, 300);
	expect(REWRITE_RX, client_ack - LEAD, PEER_ISN + 1);
	CHECK_EQ(stat("ack", "originated"), 0);
}

static void switched_off(void)
{
	start_with((struct rewrite_config){ .translate = REWRITE_NO_LOWER });
	open_passive();
	run_ahead();
	tx(PEER_ISN + 1, client_ack, TCP_ACK, 0);
	expect(REWRITE_TX, PEER_ISN + 1, guest_nxt + LEAD);
	rx(guest_nxt, PEER_ISN + 1, TCP_ACK, LEAD);
	expect(REWRITE_RX, client_ack - LEAD, PEER_ISN + 1);
	CHECK_EQ(n_seen, 0);
}

int main(void)
{
	char path[64];

	CHECK(mkdtemp(state_dir));
	TEST(ack_is_lowered);
	TEST(wrong_sum_stays_wrong);
	TEST(connection_that_the_guest_opened);
	TEST(from_the_syn_on);
	TEST(across_the_wrap);
	TEST(guest_catches_up);
	TEST(guest_overtakes);
	TEST(answer_is_the_clients);
	TEST(fin_that_the_client_has);
	TEST(sack_beyond_is_removed);
	TEST(echo_is_of_what_the_guest_sent);
	TEST(after_failover_only_lowered);
	TEST(restart_remembers);
	TEST(restart_and_an_empty_segment);
	TEST(copy_is_not_guessed_at);
	TEST(empty_segment_of_a_copy);
	TEST(keepalive_of_a_copy);
	TEST(deaf_copy);
	TEST(forged_ack);
	TEST(absurd_ack);
	TEST(switched_off);
	rewrite_free(rw);
	flows_path(path, sizeof(path));
	remove(path);
	rmdir(state_dir);
	return TEST_END();
}
