/* SPDX-License-Identifier: ISC */
/* What one flow, and one client, may hold. */
#include "compare_kit.h"

#define SHARE (64u << 10)
#define CLIENT (256u << 10)
#define BLOCK 1400u
#define N_OVER 200u		/* blocks: more than a share */

#define UDP(t, d) \
	.tag = (t), .proto = PACKET_UDP, .data = (d), .len = sizeof(d) - 1
#define TCP(t, s, f, d) \
	.tag = (t), .proto = PACKET_TCP, .seq = (s), .ack = 1, \
	.flags = (f), .data = (d), .len = sizeof(d) - 1
#define DATA(i) \
	.tag = (i), .proto = PACKET_TCP, .seq = 101 + (i) * BLOCK, .ack = 1, \
	.flags = A, .data = block, .len = BLOCK

static char block[BLOCK];

static struct share_log {
	unsigned n, n_over, n_client;
	uint64_t n_dropped;
	char flow[FLOW_TEXT_MAX];
} told;

static void on_over_share(void *arg, const struct compare_over_share *s)
{
	(void)arg;
	told.n += !s->is_over;
	told.n_over += s->is_over;
	told.n_client += s->is_client;
	told.n_dropped = s->n;
	flow_key_text(s->flow, told.flow, sizeof(told.flow));
}

static void init(struct kit *k, bool full_waits)
{
	struct compare_config config = kit_config();

	config.max_bytes = 2 << 20;
	config.max_flow_bytes = SHARE;
	config.max_client_bytes = CLIENT;
	config.full_waits = full_waits;
	kit_init_handled(k, &config, (struct compare_handler){
		.release = kit_on_release,
		.differ = kit_on_differ,
		.over_share = on_over_share,
	});
	told = (struct share_log){ 0 };
}

static void connect_both(struct kit *k)
{
	PRIMARY(k, TCP(1, 100, S | A, ""));
	SECONDARY(k, TCP(1, 900, S | A, ""));
	CHECK_EQ(k->n_out, 1);
	k->n_out = 0;
}

static uint64_t held_bytes(const struct kit *k)
{
	struct stats s = kit_stats(k);

	return kit_row(&s, "held", "bytes");
}

static void a_flow_keeps_to_its_share(void)
{
	struct kit k;

	init(&k, false);
	for (unsigned i = 0; i < 10000; i++) {
		PRIMARY(&k, .tag = i, .proto = PACKET_UDP, .data = block,
			.len = BLOCK);
		CHECK(held_bytes(&k) <= SHARE);
		CHECK(!compare_is_full(k.c));
	}
	CHECK(held_bytes(&k) > SHARE / 2);
	CHECK_EQ(k.n_asked, 1);
	CHECK_EQ(k.reason, COMPARE_QUEUE);
	CHECK_EQ(k.n_out, 0);
	CHECK_EQ(told.n, 1);
	CHECK_EQ(told.n_client, 0);
	CHECK(!strcmp(told.flow, "udp 10.0.0.1:80 > 10.0.0.2:1000"));
	/* another one is not touched */
	PRIMARY(&k, UDP(20000, "other"), .dport = 7);
	SECONDARY(&k, UDP(20000, "other"), .dport = 7);
	CHECK_OUT(&k, 20000);
	/* the oldest are those that stay */
	compare_flush(k.c, k.now_ns);
	CHECK_EQ(k.n_out - 1 + kit_dropped(&k, "over-share"), 10000);
	for (unsigned i = 1; i < k.n_out; i++)
		CHECK_EQ(k.out[i], i - 1);
	kit_wait(&k, 6 * SEC);
	CHECK_EQ(told.n_over, 1);
	CHECK_EQ(told.n_dropped, kit_dropped(&k, "over-share"));
	kit_fini(&k);
}

/* With flows of its own for every packet. */
static void a_client_keeps_to_its_share(void)
{
	struct kit k;

	init(&k, true);
	for (unsigned i = 0; i < 5000; i++)
		PRIMARY(&k, .tag = i, .proto = PACKET_UDP, .data = block,
			.len = BLOCK, .dport = (uint16_t)(i + 1));
	CHECK(held_bytes(&k) <= CLIENT);
	CHECK(held_bytes(&k) > CLIENT / 2);
	CHECK(!compare_is_full(k.c));
	CHECK(told.n > 0 && told.n < 20);
	CHECK_EQ(told.n_client, told.n);
	CHECK_EQ(k.n_asked, 0);
	CHECK_EQ(k.n_out, 0);
	/* another client: IPv6, here */
	PRIMARY(&k, UDP(7, "other"), .v6 = true);
	SECONDARY(&k, UDP(7, "other"), .v6 = true);
	CHECK_OUT(&k, 7);
	kit_fini(&k);
}

/* All that was counted is uncounted: the share is as large as it was. */
static void shares_are_given_back(void)
{
	uint64_t dropped[2];
	struct kit k;

	init(&k, true);
	for (unsigned turn = 0; turn < 100; turn++) {
		for (unsigned i = 0; i < N_OVER; i++)
			PRIMARY(&k, .tag = i, .proto = PACKET_UDP,
				.data = block, .len = BLOCK);
		compare_flush(k.c, k.now_ns);
		dropped[turn > 0] = kit_dropped(&k, "over-share");
		CHECK_EQ(dropped[turn > 0], dropped[0] * (turn + 1));
		/* little: what is counted is forgotten */
		PRIMARY(&k, UDP(1, "x"));
		SECONDARY(&k, UDP(1, "x"));
	}
	kit_fini(&k);
}

/* What fills a hole is taken in, at the cost of the last: else neither would
 * ever leave. */
static void a_hole_is_filled_at_the_share(void)
{
	unsigned next;
	struct kit k;

	init(&k, true);
	connect_both(&k);
	for (unsigned i = 1; i < N_OVER; i++)
		PRIMARY(&k, DATA(i));
	for (unsigned i = 0; i < N_OVER; i++)
		SECONDARY(&k, DATA(i));
	CHECK_EQ(k.n_out, 0);
	PRIMARY(&k, DATA(0));
	next = k.n_out;
	CHECK(next > 40);
	for (unsigned i = 0; i < next; i++)
		CHECK_EQ(k.out[i], i);
	/* TCP repeats the rest */
	for (unsigned i = next; i < N_OVER; i++)
		PRIMARY(&k, DATA(i));
	CHECK_EQ(k.n_out, N_OVER);
	for (unsigned i = next; i < N_OVER; i++)
		CHECK_EQ(k.out[i], i);
	CHECK_EQ(k.n_differ, 0);
	CHECK(!compare_is_holding(k.c));
	kit_fini(&k);
}

/* The same with the secondary behind: what was dropped is a hole in the
 * primary's stream, until it is repeated. */
static void holes_in_the_primarys_stream(void)
{
	unsigned next;
	struct kit k;

	init(&k, true);
	connect_both(&k);
	for (unsigned i = 0; i < N_OVER; i++)
		PRIMARY(&k, DATA(i));
	for (unsigned i = 0; i < 10; i++)
		SECONDARY(&k, DATA(i));
	CHECK_EQ(k.n_out, 10);
	for (unsigned i = N_OVER; i < N_OVER + 10; i++)
		PRIMARY(&k, DATA(i));	/* there is room again, behind a hole */
	for (unsigned i = 10; i < N_OVER + 10; i++)
		SECONDARY(&k, DATA(i));
	next = k.n_out;
	CHECK(next > 40 && next < N_OVER);
	for (unsigned i = next; i < N_OVER; i++)
		PRIMARY(&k, DATA(i));
	CHECK_EQ(k.n_out, N_OVER + 10);
	for (unsigned i = 0; i < N_OVER + 10; i++)
		CHECK_EQ(k.out[i], i);
	CHECK_EQ(k.n_differ, 0);
	CHECK(!compare_is_holding(k.c));
	kit_fini(&k);
}

/* A checkpoint lets go of what is held; what was dropped is repeated by both,
 * for the secondary is a copy of a primary that has not been acknowledged. */
static void a_checkpoint_with_holes(void)
{
	unsigned next;
	struct kit k;

	init(&k, false);
	connect_both(&k);
	for (unsigned i = 0; i < N_OVER; i++)
		PRIMARY(&k, DATA(i));
	compare_copied(k.c);
	compare_flush(k.c, k.now_ns);
	next = k.n_out;
	CHECK(next > 40 && next < N_OVER);
	for (unsigned i = next; i < N_OVER; i++) {
		SECONDARY(&k, DATA(i));
		PRIMARY(&k, DATA(i));
	}
	CHECK_EQ(k.n_out, N_OVER);
	CHECK_EQ(k.n_asked, 1);
	CHECK(!compare_is_holding(k.c));
	kit_fini(&k);
}

static void syn_fin_and_rst_at_the_share(void)
{
	unsigned n;
	struct kit k;

	init(&k, true);
	connect_both(&k);
	for (unsigned i = 0; i < N_OVER; i++)
		PRIMARY(&k, DATA(i));
	/* a FIN without room is dropped, and repeated */
	PRIMARY(&k, .tag = 500, .proto = PACKET_TCP, .ack = 1, .flags = A | F,
		.seq = 101 + N_OVER * BLOCK, .data = block, .len = BLOCK);
	for (unsigned i = 0; i < N_OVER; i++)
		SECONDARY(&k, DATA(i));
	SECONDARY(&k, .tag = 500, .proto = PACKET_TCP, .ack = 1, .flags = A | F,
		  .seq = 101 + N_OVER * BLOCK, .data = block, .len = BLOCK);
	for (unsigned i = k.n_out; i < N_OVER; i++)
		PRIMARY(&k, DATA(i));
	CHECK_EQ(k.n_out, N_OVER);
	PRIMARY(&k, .tag = 500, .proto = PACKET_TCP, .ack = 1, .flags = A | F,
		.seq = 101 + N_OVER * BLOCK, .data = block, .len = BLOCK);
	CHECK_EQ(k.n_out, N_OVER + 1);
	CHECK_EQ(k.out[N_OVER], 500);
	/* a SYN of the next connection, behind what does not leave */
	k.n_out = 0;
	PRIMARY(&k, TCP(600, 900000, S | A, ""));
	SECONDARY(&k, TCP(600, 800000, S | A, ""));
	CHECK_OUT(&k, 600);
	for (unsigned i = 0; i < N_OVER; i++)
		PRIMARY(&k, .tag = i, .proto = PACKET_TCP, .ack = 1, .flags = A,
			.seq = 900001 + i * BLOCK, .data = block,
			.len = BLOCK);
	PRIMARY(&k, TCP(700, 5000000, S | A, ""), .pad_to = BLOCK);
	for (unsigned i = 0; i < N_OVER; i++) {
		struct seg g = { .tag = i, .proto = PACKET_TCP, .ack = 1,
				 .flags = A, .seq = 900001 + i * BLOCK,
				 .data = block, .len = BLOCK };

		kit_input(&k, COMPARE_SECONDARY, g);
		if (k.n_out == i + 1)
			kit_input(&k, COMPARE_PRIMARY, g);
	}
	CHECK_EQ(k.n_out, 1 + N_OVER);
	PRIMARY(&k, TCP(700, 5000000, S | A, ""));
	SECONDARY(&k, TCP(700, 6000000, S | A, ""));
	CHECK_EQ(k.n_out, 2 + N_OVER);
	/* a RST stays: nobody repeats it */
	n = k.n_out;
	for (unsigned i = 0; i < N_OVER; i++)
		PRIMARY(&k, .tag = i, .proto = PACKET_TCP, .ack = 1, .flags = A,
			.seq = 5000001 + i * BLOCK, .data = block,
			.len = BLOCK);
	PRIMARY(&k, TCP(800, 5000001, R, ""));
	compare_flush(k.c, k.now_ns);
	CHECK(k.n_out > n + 40);
	CHECK_EQ(k.out[k.n_out - 1], 800);
	CHECK_EQ(k.n_differ, 0);
	kit_fini(&k);
}

/* The equals of datagrams that were dropped are not taken for a difference. */
static void dropped_datagrams_are_forgiven(void)
{
	unsigned n;
	struct kit k;

	init(&k, true);
	for (unsigned i = 0; i < N_OVER; i++) {
		uint32_t number = i;

		PRIMARY(&k, .tag = i, .proto = PACKET_UDP, .data = &number,
			.len = 4, .pad_to = BLOCK);
	}
	n = (unsigned)kit_dropped(&k, "over-share");
	CHECK(n > 0);
	for (unsigned i = 0; i < N_OVER; i++) {
		uint32_t number = i;

		SECONDARY(&k, .tag = i, .proto = PACKET_UDP, .data = &number,
			  .len = 4);
	}
	CHECK_EQ(k.n_out, N_OVER - n);
	for (unsigned i = 0; i < n; i++) {
		PRIMARY(&k, UDP(1000 + i, "next"));
		kit_wait(&k, 20 * MS);
		SECONDARY(&k, UDP(1000 + i, "next"));
	}
	kit_wait(&k, 10 * SEC);
	CHECK_EQ(k.n_out, N_OVER);
	CHECK_EQ(k.n_differ, 0);
	CHECK_EQ(kit_dropped(&k, "over-share"), 2 * n);
	CHECK(!compare_is_holding(k.c));
	/* a real one still is one */
	PRIMARY(&k, UDP(2000, "one"));
	SECONDARY(&k, UDP(2000, "two"));
	kit_wait(&k, 20 * MS);
	CHECK_EQ(k.n_differ, 1);
	kit_fini(&k);
}

/* Where nobody makes checkpoints a full queue is no reason for anything. */
static void a_full_queue_asks_for_nothing(void)
{
	struct compare_config config = kit_config();
	struct kit k;

	config.max_queue = 10;
	config.max_flows = 10;
	config.full_waits = true;
	kit_init_with(&k, &config);
	for (unsigned i = 0; i < 100; i++)
		PRIMARY(&k, UDP(i, "x"));
	for (unsigned i = 0; i < 6000; i++)
		PRIMARY(&k, UDP(i, "x"), .sport = (uint16_t)(i + 1));
	CHECK_EQ(k.n_asked, 0);
	CHECK_EQ(k.n_out, 0);
	CHECK(compare_is_full(k.c));
	kit_fini(&k);
}

static void datagrams_in_fragments(void)
{
	struct kit k;

	init(&k, true);
	for (unsigned i = 0; i < N_OVER; i++) {
		PRIMARY(&k, .tag = i, .proto = PACKET_UDP, .data = block,
			.len = BLOCK, .from = 0, .to = 800);
		PRIMARY(&k, .tag = i, .proto = PACKET_UDP, .data = block,
			.len = BLOCK, .from = 800, .to = BLOCK + 8);
	}
	CHECK(kit_dropped(&k, "over-share") > 2 * (N_OVER - SHARE / BLOCK));
	CHECK_EQ(kit_dropped(&k, "over-share") % 2, 0);
	compare_flush(k.c, k.now_ns);
	CHECK_EQ(k.n_out + kit_dropped(&k, "over-share"), 2 * N_OVER);
	CHECK(!compare_is_holding(k.c));
	kit_fini(&k);
}

int main(void)
{
	TEST(a_flow_keeps_to_its_share);
	TEST(a_client_keeps_to_its_share);
	TEST(shares_are_given_back);
	TEST(a_hole_is_filled_at_the_share);
	TEST(holes_in_the_primarys_stream);
	TEST(a_checkpoint_with_holes);
	TEST(syn_fin_and_rst_at_the_share);
	TEST(dropped_datagrams_are_forgiven);
	TEST(a_full_queue_asks_for_nothing);
	TEST(datagrams_in_fragments);
	return TEST_END();
}
