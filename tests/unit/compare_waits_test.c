/* SPDX-License-Identifier: ISC */
/* Where no checkpoints are to be had: what leaves, and what is told. */
#include "compare_kit.h"

#define UDP(t, d) \
	.tag = (t), .proto = PACKET_UDP, .data = (d), .len = sizeof(d) - 1
#define TCP(t, s, a, f, d) \
	.tag = (t), .proto = PACKET_TCP, .seq = (s), .ack = (a), \
	.flags = (f), .data = (d), .len = sizeof(d) - 1

static char block[1400];

static struct wait_log {
	unsigned n, n_over;
	enum compare_wait_for what;
	uint64_t since_ns;
	char flow[FLOW_TEXT_MAX];
} told;

static void on_waits(void *arg, const struct compare_wait *w)
{
	(void)arg;
	told.n += !w->is_over;
	told.n_over += w->is_over;
	told.what = w->what;
	told.since_ns = w->since_ns;
	flow_key_text(w->flow, told.flow, sizeof(told.flow));
}

static void init(struct kit *k, struct compare_config config)
{
	config.holds = true;
	kit_init_handled(k, &config, (struct compare_handler){
		.release = kit_on_release,
		.differ = kit_on_differ,
		.waits = on_waits,
	});
	told = (struct wait_log){ 0 };
}

static void end(struct kit *k)
{
	CHECK_EQ(k->n_asked, 0);
	kit_fini(k);
}

static void nothing_leaves_by_time(void)
{
	struct kit k;

	init(&k, kit_config());
	PRIMARY(&k, UDP(1, "one"));
	kit_wait(&k, 3 * SEC - 1);
	CHECK_EQ(told.n, 0);
	CHECK_EQ(compare_due_ns(k.c), COMPARE_NEVER);
	for (unsigned i = 0; i < 100; i++)
		kit_wait(&k, SEC);
	CHECK_OUT(&k, );
	CHECK_EQ(told.n, 1);
	CHECK_EQ(told.n_over, 0);
	CHECK_EQ(told.what, COMPARE_WAIT_SECONDARY);
	CHECK_EQ(told.since_ns, SEC);
	CHECK(!strcmp(told.flow, "udp 10.0.0.1:80 > 10.0.0.2:1000"));
	SECONDARY(&k, UDP(7, "one"));
	CHECK_OUT(&k, 1);
	kit_wait(&k, SEC);
	CHECK_EQ(told.n_over, 1);
	end(&k);
}

static void until_failover_or_flush(void)
{
	struct kit k;

	init(&k, kit_config());
	PRIMARY(&k, UDP(1, "one"));
	SECONDARY(&k, UDP(1, "two"));
	kit_wait(&k, 10 * SEC);
	CHECK_OUT(&k, );
	compare_flush(k.c, k.now_ns);
	CHECK_OUT(&k, 1);
	PRIMARY(&k, UDP(2, "two"));
	kit_wait(&k, 10 * SEC);
	CHECK_OUT(&k, 1);
	compare_failover(k.c, k.now_ns);
	CHECK_OUT(&k, 1, 2);
	end(&k);
}

/* A lost request: the primary answers later, and is not taken for different. */
static void a_secondary_datagram_too_many(void)
{
	struct kit k;

	init(&k, kit_config());
	SECONDARY(&k, UDP(1, "extra"));
	PRIMARY(&k, UDP(2, "two"));
	kit_wait(&k, SEC);
	SECONDARY(&k, UDP(2, "two"));
	CHECK_OUT(&k, 2);
	kit_wait(&k, 3 * SEC);
	CHECK_EQ(kit_dropped(&k, "overdue"), 1);
	CHECK(!compare_is_holding(k.c));
	CHECK_EQ(told.n, 0);
	end(&k);
}

static void a_stream_that_differs_stays(void)
{
	struct kit k;

	init(&k, kit_config());
	PRIMARY(&k, TCP(1, 100, 0, S, ""));
	SECONDARY(&k, TCP(1, 900, 0, S, ""));
	PRIMARY(&k, TCP(2, 101, 50, A, "one"));
	SECONDARY(&k, TCP(2, 101, 50, A, "two"));
	PRIMARY(&k, TCP(3, 104, 50, A, "more"));
	kit_wait(&k, 4 * SEC);
	CHECK_OUT(&k, 1);
	CHECK_EQ(told.n, 1);
	CHECK_EQ(told.what, COMPARE_WAIT_EQUAL);
	CHECK_EQ(k.n_reasons[COMPARE_PAYLOAD], 1);
	end(&k);
}

/* Without an edge the primary's bytes left after a timeout. */
static void midstream_does_not_begin_late(void)
{
	struct kit k;

	init(&k, kit_config());
	PRIMARY(&k, TCP(1, 100, 50, A, "abc"));
	SECONDARY(&k, TCP(2, 103, 50, A, "def"));
	kit_wait(&k, 10 * SEC);
	CHECK_OUT(&k, );
	SECONDARY(&k, TCP(2, 100, 50, A, "abc"));
	CHECK_OUT(&k, 1);
	end(&k);
}

static void the_gate_stays_shut(void)
{
	struct kit k;

	init(&k, kit_config());
	PRIMARY(&k, TCP(1, 100, 0, S | A, ""));
	SECONDARY(&k, TCP(1, 900, 0, S | A, ""));
	PRIMARY(&k, TCP(2, 101, 50, A, ""));
	kit_wait(&k, 100 * SEC);
	CHECK_OUT(&k, 1);
	CHECK_EQ(told.n, 1);
	CHECK_EQ(told.what, COMPARE_WAIT_ACK);
	SECONDARY(&k, TCP(2, 101, 50, A, ""));
	CHECK_OUT(&k, 1, 2);
	end(&k);
}

/* As long as the primary repeats: every 120 s, whatever the list says. */
static void what_is_repeated_stays(void)
{
	struct kit k;

	init(&k, kit_config());
	PRIMARY(&k, TCP(1, 100, 0, S | A, ""));
	PRIMARY(&k, TCP(2, 500, 50, A, "abc"), .sport = 81);
	for (unsigned i = 0; i < 100; i++) {
		for (unsigned s = 0; s < 120; s++)
			kit_wait(&k, SEC);
		PRIMARY(&k, TCP(3, 100, 0, S | A, ""));
		PRIMARY(&k, TCP(4, 500, 50, A, "abc"), .sport = 81);
	}
	CHECK_EQ(kit_dropped(&k, "overdue"), 0);
	SECONDARY(&k, TCP(1, 900, 0, S | A, ""));
	SECONDARY(&k, TCP(2, 500, 50, A, "abc"), .sport = 81);
	CHECK(k.n_out >= 2);
	compare_flush(k.c, k.now_ns);
	end(&k);
}

/* Of whatever kind, also where the other side's packets or an ACK in the gate wait. */
static void dead_flows_are_given_up(void)
{
	struct kit k;

	init(&k, kit_config());
	PRIMARY(&k, TCP(1, 100, 50, A, "abc"));
	PRIMARY(&k, TCP(1, 103, 50, A, "def"));
	PRIMARY(&k, UDP(2, "one"));
	SECONDARY(&k, TCP(3, 100, 50, A, "abc"), .sport = 82);
	PRIMARY(&k, TCP(4, 100, 0, S, ""), .sport = 83);
	PRIMARY(&k, UDP(5, "one"), .sport = 84);
	SECONDARY(&k, UDP(5, "two"), .sport = 84);
	PRIMARY(&k, TCP(6, 100, 0, S | A, ""), .sport = 85);
	SECONDARY(&k, TCP(6, 900, 0, S | A, ""), .sport = 85);
	PRIMARY(&k, TCP(7, 101, 50, A, ""), .sport = 85);
	for (unsigned i = 0; i < 299; i++)
		kit_wait(&k, SEC);
	/* the secondary's datagram that the primary does not send */
	CHECK_EQ(kit_dropped(&k, "overdue"), 1);
	for (unsigned i = 0; i < 3; i++)
		kit_wait(&k, SEC);
	CHECK_EQ(kit_dropped(&k, "overdue"), 8);
	CHECK(!compare_is_holding(k.c));
	CHECK_EQ(told.n, told.n_over);
	CHECK_OUT(&k, 6);
	/* it was not dead: nothing is lost, for it repeats */
	PRIMARY(&k, TCP(7, 101, 50, A, ""), .sport = 85);
	SECONDARY(&k, TCP(7, 101, 50, A, ""), .sport = 85);
	CHECK_OUT(&k, 6, 7);
	end(&k);
}

/* More than is remembered, and more than is told of at once. */
static void many_flows_wait(void)
{
	struct kit k;
	unsigned before;

	init(&k, kit_config());
	for (unsigned i = 0; i < 1000; i++)
		PRIMARY(&k, UDP(i, "x"), .sport = (uint16_t)(i + 1));
	kit_wait(&k, 3 * SEC);
	CHECK(told.n > 0 && told.n < 20);
	do {
		before = told.n;
		kit_wait(&k, SEC);
		CHECK(told.n - before < 20);
	} while (told.n > before);
	CHECK(told.n >= 250);
	CHECK_EQ(told.n_over, 0);
	compare_flush(k.c, k.now_ns);
	for (unsigned i = 0; i < 100; i++)
		kit_wait(&k, SEC);
	CHECK_EQ(told.n_over, told.n);
	end(&k);
}

/* A fragment without the others: nobody could have made anything of it. */
static void parts_of_a_datagram_go(void)
{
	struct kit k;

	init(&k, kit_config());
	for (unsigned side = 0; side < 2; side++) {
		kit_input(&k, side, (struct seg){
			.tag = 30, .proto = PACKET_UDP, .data = block,
			.len = 1000, .from = 0, .to = 800 });
		kit_input(&k, side, (struct seg){
			.tag = 31, .proto = PACKET_UDP, .data = block,
			.len = 1000, .from = 0, .to = 800 });
	}
	/* a whole one of the secondary in between: all of it goes */
	SECONDARY(&k, .tag = 32, .proto = PACKET_UDP, .data = block,
		  .len = 1000, .from = 0, .to = 800);
	SECONDARY(&k, .tag = 32, .proto = PACKET_UDP, .data = block,
		  .len = 1000, .from = 800, .to = 1008);
	SECONDARY(&k, UDP(33, "after"));
	kit_wait(&k, 3 * SEC);
	CHECK_EQ(kit_dropped(&k, "overdue"), 7);
	CHECK(!compare_is_holding(k.c));
	end(&k);
}

/* TCP repeats what was dropped: nothing is different for ever. */
static void secondary_over_its_bound(void)
{
	struct compare_config config = kit_config();
	struct kit k;

	config.max_bytes = 1 << 20;
	init(&k, config);
	for (unsigned i = 0; i < 1000; i++)
		SECONDARY(&k, .tag = i, .proto = PACKET_TCP, .flags = A,
			  .seq = 100 + i * 1400, .data = block,
			  .len = sizeof(block));
	CHECK(kit_dropped(&k, "over-bound") > 0);
	for (unsigned i = 0; i < 1000; i++) {
		PRIMARY(&k, .tag = i, .proto = PACKET_TCP, .flags = A,
			.seq = 100 + i * 1400, .data = block,
			.len = sizeof(block));
		SECONDARY(&k, .tag = i, .proto = PACKET_TCP, .flags = A,
			  .seq = 100 + i * 1400, .data = block,
			  .len = sizeof(block));
	}
	CHECK_EQ(k.n_out, 1000);
	CHECK(!compare_is_holding(k.c));
	end(&k);
}

/* Which elsewhere asks for a checkpoint soon; here nobody is called for it. */
static void a_gap_is_waited_for(void)
{
	struct compare_config config = kit_config();
	struct kit k;

	config.gap_ns = 300 * MS;
	init(&k, config);
	PRIMARY(&k, TCP(1, 100, 0, S | A, ""));
	SECONDARY(&k, TCP(1, 900, 0, S | A, ""));
	PRIMARY(&k, TCP(2, 101, 50, A, "abc"));
	SECONDARY(&k, TCP(3, 104, 50, A, "def"));
	CHECK_EQ(compare_due_ns(k.c), COMPARE_NEVER);
	kit_wait(&k, 10 * SEC);
	CHECK_EQ(compare_due_ns(k.c), COMPARE_NEVER);
	CHECK_OUT(&k, 1);
	SECONDARY(&k, TCP(2, 101, 50, A, "abc"));
	CHECK_OUT(&k, 1, 2);
	end(&k);
}

static void what_is_waited_for_has_a_text(void)
{
	for (unsigned i = 0; i < COMPARE_WAITS; i++)
		CHECK(*compare_wait_text(i));
}

int main(void)
{
	TEST(nothing_leaves_by_time);
	TEST(until_failover_or_flush);
	TEST(a_secondary_datagram_too_many);
	TEST(a_stream_that_differs_stays);
	TEST(midstream_does_not_begin_late);
	TEST(the_gate_stays_shut);
	TEST(what_is_repeated_stays);
	TEST(dead_flows_are_given_up);
	TEST(many_flows_wait);
	TEST(parts_of_a_datagram_go);
	TEST(secondary_over_its_bound);
	TEST(a_gap_is_waited_for);
	TEST(what_is_waited_for_has_a_text);
	return TEST_END();
}
