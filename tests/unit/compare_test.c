/* SPDX-License-Identifier: ISC */
#include "compare_kit.h"

#define UDP(t, d) \
	.tag = (t), .proto = PACKET_UDP, .data = (d), .len = sizeof(d) - 1

static char block[1400];

static void failover_releases_and_passes(void)
{
	struct kit k;

	kit_init(&k);
	PRIMARY(&k, UDP(1, "one"));
	PRIMARY(&k, UDP(2, "two"));
	SECONDARY(&k, UDP(3, "six"));
	compare_failover(k.c, k.now_ns);
	CHECK_OUT(&k, 1, 2);
	PRIMARY(&k, UDP(3, "three"));
	SECONDARY(&k, UDP(4, "four"));
	CHECK_OUT(&k, 1, 2, 3);
	CHECK_EQ(kit_dropped(&k, "failover"), 2);
	kit_wait(&k, 10 * SEC);
	CHECK_EQ(k.n_asked, 0);
	kit_fini(&k);
}

/* QEMU fault 6: a full queue dropped packets of the primary. */
static void long_queue_asks_and_keeps(void)
{
	struct compare_config config = kit_config();
	struct kit k;

	config.max_queue = 10;
	kit_init_with(&k, &config);
	for (unsigned i = 0; i < 1000; i++) {
		PRIMARY(&k, UDP(i, "x"));
		CHECK_EQ(k.n_asked, i >= 10);
	}
	CHECK_EQ(k.reason, COMPARE_QUEUE);
	CHECK(!compare_is_full(k.c));
	compare_flush(k.c, k.now_ns);
	CHECK_EQ(k.n_out, 1000);
	for (unsigned i = 0; i < 1000; i++)
		CHECK_EQ(k.out[i], i);
	kit_fini(&k);
}

static void byte_bound_stops_the_primary(void)
{
	struct compare_config config = kit_config();
	struct kit k;
	unsigned n = 0;

	config.max_bytes = 1 << 20;
	kit_init_with(&k, &config);
	while (!compare_is_full(k.c))
		PRIMARY(&k, .tag = n++, .proto = PACKET_UDP, .data = block,
			.len = sizeof(block));
	CHECK(n > 300 && n <= (1 << 19) / 1400 + 1);
	for (unsigned i = 0; i < n; i++)
		SECONDARY(&k, .tag = i, .proto = PACKET_UDP, .data = block,
			  .len = sizeof(block));
	CHECK_EQ(k.n_out, n);
	CHECK(!compare_is_full(k.c));
	CHECK_EQ(k.n_asked, 0);
	kit_fini(&k);
}

static void secondary_bound_gives_up_the_fullest_flow(void)
{
	struct compare_config config = kit_config();
	struct kit k;

	config.max_bytes = 1 << 20;
	config.max_queue = 1 << 20;
	kit_init_with(&k, &config);
	SECONDARY(&k, UDP(1, "small"), .dport = 7);
	for (unsigned i = 0; i < 5000; i++) {
		SECONDARY(&k, .tag = i, .proto = PACKET_UDP, .data = block,
			  .len = sizeof(block));
		CHECK(!compare_is_full(k.c));
	}
	CHECK_EQ(k.n_asked, 1);
	CHECK_EQ(k.reason, COMPARE_QUEUE);
	CHECK(!strcmp(k.flow, "udp 10.0.0.1:80 > 10.0.0.2:1000"));
	CHECK_EQ(kit_dropped(&k, "over-bound") + kit_dropped(&k, "different"),
		 5000);
	PRIMARY(&k, UDP(1, "small"), .dport = 7);
	CHECK_OUT(&k, 1);
	kit_fini(&k);
}

static void secondary_bound_with_many_flows(void)
{
	struct compare_config config = kit_config();
	struct kit k;

	config.max_bytes = 1 << 20;
	kit_init_with(&k, &config);
	for (unsigned i = 0; i < 20000; i++)
		SECONDARY(&k, UDP(i, "x"), .sport = (uint16_t)(i + 1));
	CHECK_EQ(k.n_asked, 1);
	CHECK(kit_dropped(&k, "over-bound") > 10000);
	compare_flush(k.c, k.now_ns);
	CHECK(!compare_is_holding(k.c));
	kit_fini(&k);
}

/* QEMU fault 7: at the 16385th flow every held packet was lost. */
static void flow_table_is_full(void)
{
	struct compare_config config = kit_config();
	struct kit k;

	config.max_flows = 100;
	kit_init_with(&k, &config);
	for (unsigned i = 0; i < 100; i++) {
		CHECK(!compare_is_full(k.c));
		PRIMARY(&k, UDP(i, "x"), .sport = (uint16_t)(i + 1));
	}
	CHECK(compare_is_full(k.c));
	for (unsigned i = 0; i < 100; i++)
		SECONDARY(&k, UDP(i, "x"), .sport = (uint16_t)(i + 1));
	CHECK_EQ(k.n_out, 100);
	CHECK(!compare_is_full(k.c));
	/* idle ones make room, held ones do not */
	PRIMARY(&k, UDP(200, "y"), .sport = 1);
	for (unsigned i = 0; i < 1000; i++) {
		PRIMARY(&k, UDP(300, "x"), .sport = (uint16_t)(i + 1000));
		SECONDARY(&k, UDP(300, "x"), .sport = (uint16_t)(i + 1000));
	}
	CHECK_EQ(k.n_out, 1100);
	SECONDARY(&k, UDP(200, "y"), .sport = 1);
	CHECK_EQ(k.n_out, 1101);
	CHECK_EQ(k.n_asked, 0);
	kit_fini(&k);
}

#define TCP(port, s, fl, d) \
	.tag = (port), .proto = PACKET_TCP, .dport = (port), .seq = (s), \
	.ack = 1, .flags = (fl), .data = (d), .len = sizeof(d) - 1

static void both(struct kit *k, struct seg g)
{
	kit_input(k, COMPARE_PRIMARY, g);
	kit_input(k, COMPARE_SECONDARY, g);
}

/* Closed flows make room first, then half-open ones, then idle ones: so a
 * flood of SYNs costs no established connection its place. */
static void eviction_order(void)
{
	struct compare_config config = kit_config();
	struct kit k;

	config.max_flows = 100;
	kit_init_with(&k, &config);
	both(&k, (struct seg){ TCP(1, 100, S | A, "") });
	both(&k, (struct seg){ TCP(1, 101, A, "established") });
	both(&k, (struct seg){ TCP(2, 100, S | A, "") });
	both(&k, (struct seg){ TCP(2, 101, A | F, "closed") });
	for (uint16_t i = 0; i < 1000; i++)
		both(&k, (struct seg){ TCP((uint16_t)(10 + i), 100, S | A,
					   "") });
	CHECK_EQ(k.n_asked, 0);
	/* the established one still has its edge, the closed one has not */
	PRIMARY(&k, TCP(1, 101, A, "established"));
	CHECK_EQ(k.n_out, 1005);
	PRIMARY(&k, TCP(2, 101, A | F, "closed"));
	CHECK_EQ(k.n_out, 1005);
	kit_fini(&k);
}

/* Who goes on sending for new flows loses those: nothing leaves uncompared for
 * want of room. */
static void flood_without_stopping(void)
{
	struct compare_config config = kit_config();
	struct kit k;

	config.max_flows = 10;
	kit_init_with(&k, &config);
	for (unsigned i = 0; i < 6000; i++)
		PRIMARY(&k, UDP(i, "x"), .sport = (uint16_t)(i + 1));
	CHECK_EQ(k.n_asked, 1);
	CHECK_EQ(k.n_out, 0);
	compare_flush(k.c, k.now_ns);
	CHECK(k.n_out > 10 && k.n_out < 6000);
	CHECK_EQ(k.n_out + kit_dropped(&k, "no-flow"), 6000);
	kit_fini(&k);
}

static void idle_flows_are_forgotten(void)
{
	struct stats s;
	struct kit k;

	kit_init(&k);
	PRIMARY(&k, UDP(1, "x"));
	SECONDARY(&k, UDP(1, "x"));
	PRIMARY(&k, UDP(2, "x"), .sport = 7);
	kit_wait(&k, 1000 * SEC);
	s = kit_stats(&k);
	CHECK_EQ(kit_row(&s, "flows", "known"), 1);
	CHECK_EQ(k.n_out, 1);
	compare_flush(k.c, k.now_ns);
	kit_wait(&k, 1000 * SEC);
	s = kit_stats(&k);
	CHECK_EQ(kit_row(&s, "flows", "known"), 0);
	kit_fini(&k);
}

/* Row hold.time of the account */
static struct histogram hold_times(const struct kit *k)
{
	struct stats s = kit_stats(k);

	for (unsigned i = 0; i < s.n_rows; i++)
		if (s.rows[i].histogram)
			return *s.rows[i].histogram;
	CHECK(!"a histogram");
	return (struct histogram){ 0 };
}

static void it_is_counted_how_long_packets_were_held(void)
{
	struct histogram h;
	struct kit k;

	kit_init(&k);
	PRIMARY(&k, UDP(1, "x"));
	k.now_ns += 3000000;
	SECONDARY(&k, UDP(1, "x"));
	CHECK_EQ(k.n_out, 1);
	h = hold_times(&k);
	CHECK_EQ(h.n[12], 1);			/* below 2^22 ns */
	CHECK_EQ(h.sum_ns, 3000000);

	/* the secondary was first: nothing of the primary waits */
	SECONDARY(&k, UDP(2, "y"));
	k.now_ns += 3000000;
	PRIMARY(&k, UDP(2, "y"));
	CHECK_EQ(k.n_out, 2);
	h = hold_times(&k);
	CHECK_EQ(histogram_count(&h), 1);

	/* and until a checkpoint */
	PRIMARY(&k, UDP(1, "z"));
	kit_wait(&k, 9 * SEC);
	compare_flush(k.c, k.now_ns);
	h = hold_times(&k);
	CHECK_EQ(histogram_count(&h), 2);
	CHECK_EQ(h.sum_ns, 9 * SEC + 3000000);
	kit_fini(&k);
}

/* One frame in a large chunk of many keeps the chunk: but not for ever. */
static void pinned_memory_is_bounded(void)
{
	struct seg held = { UDP(1, "held") }, gone = { UDP(2, "gone") };
	struct kit k;

	kit_init(&k);
	for (unsigned i = 0; i < 1000; i++) {
		struct chunk *chunk = chunk_new(CHUNK_BYTES);
		struct frame f = kit_frame(&held);
		struct stats s;

		held.tag = i;
		memcpy(chunk->bytes + 4, f.data, f.len);
		bytes_put16(chunk->bytes + 4 + 14 + 4, (uint16_t)i);
		chunk_unref(f.chunk);
		f.chunk = chunk;
		f.data = chunk->bytes + 4;
		f.prefix_len = 4;
		bytes_put32(chunk->bytes, f.len);
		compare_input(k.c, COMPARE_PRIMARY, &f, 1, k.now_ns);
		chunk_unref(chunk);
		s = kit_stats(&k);
		CHECK(kit_row(&s, "held", "pinned-bytes") <
		      20 * (uint64_t)CHUNK_BYTES);
		kit_input(&k, COMPARE_SECONDARY, gone);
	}
	compare_flush(k.c, k.now_ns);
	CHECK_EQ(k.n_out, 1000);
	for (unsigned i = 0; i < 1000; i++)
		CHECK_EQ(k.out[i], i);
	kit_fini(&k);
}

/* Behind a checkpoint the secondary's frames of before may still come. */
static void grace_for_the_secondary_alone(void)
{
	struct compare_config config = kit_config();
	struct kit k;

	config.max_queue = 4;
	kit_init_with(&k, &config);
	compare_grace(k.c, k.now_ns + 3 * SEC);
	for (unsigned i = 0; i < 9; i++)
		SECONDARY(&k, UDP(i, "old"));
	SECONDARY(&k, UDP(20, "new"), .dport = 7);
	SECONDARY(&k, TCP(1, 100, S, ""));
	SECONDARY(&k, TCP(2, 100, A, "old"));
	SECONDARY(&k, TCP(2, 200, A, "old"));
	SECONDARY(&k, .tag = 30, .proto = PACKET_UDP, .data = block,
		  .len = 1000, .from = 0, .to = 800);
	kit_wait(&k, 3 * SEC - 1);
	PRIMARY(&k, UDP(21, "new"), .dport = 7);	/* it has its equal */
	CHECK_OUT(&k, 21);
	kit_wait(&k, 1);
	CHECK_EQ(k.n_asked, 0);
	CHECK_EQ(kit_dropped(&k, "flushed"), 13);
	CHECK(!compare_is_holding(k.c));
	/* the flows are as if nothing had come */
	PRIMARY(&k, TCP(1, 500, S, ""));
	SECONDARY(&k, TCP(1, 900, S, ""));
	CHECK_OUT(&k, 21, 1);
	/* and it is over */
	SECONDARY(&k, UDP(40, "alone"));
	kit_wait(&k, 3 * SEC);
	CHECK_EQ(k.n_asked, 1);
	CHECK_EQ(k.reason, COMPARE_TIMEOUT);
	kit_fini(&k);
}

static void no_grace_for_the_primary(void)
{
	struct kit k;

	kit_init(&k);
	compare_grace(k.c, k.now_ns + 3 * SEC);
	PRIMARY(&k, UDP(1, "one"));
	kit_wait(&k, 3 * SEC);
	CHECK_EQ(k.n_asked, 1);
	CHECK_EQ(k.reason, COMPARE_TIMEOUT);
	CHECK_EQ(k.n_out, 0);
	kit_fini(&k);
	kit_init(&k);
	compare_grace(k.c, k.now_ns + 3 * SEC);
	PRIMARY(&k, TCP(1, 100, A, "one"));
	SECONDARY(&k, TCP(1, 100, A, "two"));
	CHECK_EQ(k.n_asked, 1);
	CHECK_EQ(k.reason, COMPARE_PAYLOAD);
	kit_fini(&k);
}

/* What the grace lets go of was one of two that waited for each other. */
static void grace_ends_a_suspicion(void)
{
	struct kit k;

	kit_init(&k);
	compare_grace(k.c, k.now_ns + 3 * SEC);
	SECONDARY(&k, UDP(1, "first"));
	kit_wait(&k, 3 * SEC - 5 * MS);
	PRIMARY(&k, UDP(2, "second"));
	kit_wait(&k, 5 * MS);
	CHECK_EQ(kit_dropped(&k, "flushed"), 1);
	CHECK_EQ(compare_due_ns(k.c), k.now_ns + 3 * SEC - 5 * MS);
	kit_wait(&k, 5 * MS);
	CHECK_EQ(k.n_differ, 0);
	SECONDARY(&k, UDP(2, "second"));
	CHECK_OUT(&k, 2);
	kit_fini(&k);
}

/* A datagram goes with all its fragments; what comes later is as before. */
static void grace_drops_whole_datagrams(void)
{
	struct kit k;

	kit_init(&k);
	compare_grace(k.c, k.now_ns + 3 * SEC);
	SECONDARY(&k, .tag = 7, .proto = PACKET_UDP, .data = block,
		  .len = 1000, .to = 800);
	SECONDARY(&k, UDP(8, "behind it"));
	kit_wait(&k, 1 * SEC);
	SECONDARY(&k, .tag = 7, .proto = PACKET_UDP, .data = block,
		  .len = 1000, .from = 800, .to = 1008);
	SECONDARY(&k, UDP(9, "behind all"));
	kit_wait(&k, 2 * SEC);
	CHECK_EQ(kit_dropped(&k, "flushed"), 3);
	CHECK_EQ(kit_stats(&k).held, 1);
	PRIMARY(&k, UDP(9, "behind all"));
	for (unsigned i = 10; i < 18; i++)
		PRIMARY(&k, UDP(i, "answer"));
	compare_flush(k.c, k.now_ns);
	CHECK_OUT(&k, 9, 10, 11, 12, 13, 14, 15, 16, 17);
	CHECK(!compare_is_holding(k.c));
	kit_fini(&k);
}

/* One SYN of two is dropped: the other is still there to be found. */
static void grace_drops_one_syn_of_two(void)
{
	struct kit k;

	kit_init(&k);
	compare_grace(k.c, k.now_ns + 3 * SEC);
	SECONDARY(&k, TCP(1, 100, S, ""));
	kit_wait(&k, 1 * SEC);
	SECONDARY(&k, TCP(1, 5000, S, ""));
	kit_wait(&k, 2 * SEC);
	CHECK_EQ(kit_dropped(&k, "flushed"), 1);
	PRIMARY(&k, TCP(1, 900, S, ""));
	CHECK_OUT(&k, 1);
	CHECK(!compare_is_holding(k.c));
	kit_fini(&k);
}

/* Captures have such clocks. What waits waits, and is overdue in its time. */
static void clock_goes_back_or_is_at_the_end(void)
{
	static const uint64_t times[] = { UINT64_MAX - 5 * SEC, 9 * SEC, 1 };

	for (unsigned i = 0; i < 3; i++) {
		struct kit k;

		kit_init(&k);
		k.now_ns = times[i];
		PRIMARY(&k, UDP(1, "one"));
		SECONDARY(&k, TCP(2, 100, S, ""));
		k.now_ns = 1;
		compare_expire(k.c, k.now_ns);
		PRIMARY(&k, UDP(3, "behind it"));
		SECONDARY(&k, UDP(3, "behind it"));
		CHECK_EQ(k.n_asked, 0);
		k.now_ns = times[i];
		kit_wait(&k, 3 * SEC - 1);
		CHECK_EQ(k.n_asked, 0);
		kit_wait(&k, 1);
		CHECK_EQ(k.n_asked, 1);
		compare_flush(k.c, k.now_ns);
		CHECK(!compare_is_holding(k.c));
		kit_fini(&k);
	}
}

/* Neither by a difference nor by a timeout, and the others go on. */
static void a_flow_that_may_not_ask(void)
{
	struct kit k;

	kit_init(&k);
	k.refused = "udp 10.0.0.1:80 > 10.0.0.2:1000";
	PRIMARY(&k, UDP(1, "one"));
	SECONDARY(&k, UDP(1, "two"));
	kit_wait(&k, 10 * MS);
	CHECK_EQ(k.n_refused, 1);
	CHECK_EQ(k.n_asked, 0);
	/* what came later is looked at, and nobody is called all the time */
	kit_wait(&k, SEC);
	PRIMARY(&k, UDP(2, "late"), .dport = 7);
	kit_wait(&k, 2 * SEC);
	CHECK_EQ(k.n_refused, 2);
	CHECK(compare_due_ns(k.c) > k.now_ns);
	CHECK_EQ(k.n_asked, 0);
	kit_wait(&k, SEC);
	CHECK_EQ(k.n_asked, 1);
	CHECK_EQ(k.reason, COMPARE_TIMEOUT);
	CHECK(!strcmp(k.flow, "udp 10.0.0.1:80 > 10.0.0.2:7"));
	CHECK_OUT(&k, );
	compare_flush(k.c, k.now_ns);
	CHECK_EQ(k.n_out, 2);
	CHECK_EQ(kit_dropped(&k, "different"), 1);
	kit_fini(&k);
}

static void what_leaves_uncompared_is_counted(void)
{
	struct compare_left left;
	struct kit k;

	kit_init(&k);
	PRIMARY(&k, UDP(1, "one"));
	PRIMARY(&k, UDP(2, "three"));
	PRIMARY(&k, UDP(3, "matched"));
	SECONDARY(&k, UDP(3, "matched"));
	PRIMARY(&k, TCP(1, 100, S, ""));
	SECONDARY(&k, TCP(1, 900, S, ""));
	CHECK_EQ(k.n_out, 1);
	PRIMARY(&k, TCP(1, 101, A, "abcdef"));	/* and again, with more */
	PRIMARY(&k, TCP(1, 101, A, "abcdefgh"));
	SECONDARY(&k, TCP(1, 101, A, "abcd"));
	PRIMARY(&k, .tag = 30, .proto = PACKET_UDP, .data = block,
		.len = 1000, .from = 0, .to = 800);
	left = compare_failover(k.c, k.now_ns);
	CHECK_EQ(k.n_out, 7);
	CHECK_EQ(left.frames, 6);
	CHECK_EQ(left.bytes, 3 + 5 + 4 + 800);
	left = compare_failover(k.c, k.now_ns);
	CHECK_EQ(left.frames, 0);
	CHECK_EQ(left.bytes, 0);
	kit_fini(&k);
}

static void reasons_have_names(void)
{
	for (unsigned i = 0; i < COMPARE_REASONS; i++)
		CHECK(*compare_reason_text(i));
}

int main(void)
{
	TEST(failover_releases_and_passes);
	TEST(long_queue_asks_and_keeps);
	TEST(byte_bound_stops_the_primary);
	TEST(secondary_bound_gives_up_the_fullest_flow);
	TEST(secondary_bound_with_many_flows);
	TEST(flow_table_is_full);
	TEST(eviction_order);
	TEST(flood_without_stopping);
	TEST(idle_flows_are_forgotten);
	TEST(it_is_counted_how_long_packets_were_held);
	TEST(pinned_memory_is_bounded);
	TEST(grace_for_the_secondary_alone);
	TEST(no_grace_for_the_primary);
	TEST(grace_ends_a_suspicion);
	TEST(grace_drops_whole_datagrams);
	TEST(grace_drops_one_syn_of_two);
	TEST(clock_goes_back_or_is_at_the_end);
	TEST(a_flow_that_may_not_ask);
	TEST(what_leaves_uncompared_is_counted);
	TEST(reasons_have_names);
	return TEST_END();
}
