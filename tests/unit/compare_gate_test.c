/* SPDX-License-Identifier: ISC */
#include "compare_kit.h"

/*
 * QEMU fault 5: the acknowledgement gate was skipped when segments agree, and
 * broke at the wrap of the sequence numbers.
 */
#define SEG(t, s, ack_, d) \
	.tag = (t), .proto = PACKET_TCP, .seq = (s), .ack = (ack_), \
	.flags = A, .data = (d), .len = sizeof(d) - 1
#define ACK(t, s, ack_) SEG(t, s, ack_, "")
#define SYN_ACK(t, s, ack_) \
	.tag = (t), .proto = PACKET_TCP, .seq = (s), .ack = (ack_), \
	.flags = S | A, .window = 65000, \
	.options = "\2\4\5\xb4\1\3\3\7", .options_len = 8

/* The primary's next byte is 101, the client's is `client`. */
static void open_with(struct kit *k, enum compare_ack_policy policy,
		      uint32_t client)
{
	struct compare_config config = kit_config();

	config.ack_policy = policy;
	kit_init_with(k, &config);
	PRIMARY(k, SYN_ACK(1, 100, client));
	SECONDARY(k, SYN_ACK(1, 7777, client));
	CHECK_OUT(k, 1);
}

static void open_flow(struct kit *k)
{
	open_with(k, COMPARE_ACK_CLAMP, 500);
}

static uint64_t merged(const struct kit *k)
{
	return kit_stats(k).merged;
}

static uint64_t originated(const struct kit *k)
{
	return kit_stats(k).originated;
}

static void ack_waits_for_the_secondary(void)
{
	struct kit k;

	open_flow(&k);
	PRIMARY(&k, ACK(2, 101, 600));
	CHECK_OUT(&k, 1);
	CHECK(compare_is_holding(k.c));
	SECONDARY(&k, ACK(2, 101, 600));
	CHECK_OUT(&k, 1, 2);
	CHECK_EQ(k.ack, 600);
	CHECK(!compare_is_holding(k.c));
	SECONDARY(&k, ACK(3, 101, 700));
	PRIMARY(&k, ACK(3, 101, 700));
	PRIMARY(&k, ACK(4, 101, 700));		/* a duplicate */
	CHECK_OUT(&k, 1, 2, 3, 4);
	CHECK_EQ(k.n_asked, 0);
	kit_fini(&k);
}

static void only_the_newest_ack_waits(void)
{
	struct kit k;

	open_flow(&k);
	PRIMARY(&k, ACK(2, 101, 600));
	PRIMARY(&k, ACK(3, 101, 700));
	PRIMARY(&k, ACK(4, 101, 800));
	CHECK_EQ(merged(&k), 2);
	SECONDARY(&k, ACK(2, 101, 650));	/* half-way: one is made */
	CHECK_EQ(originated(&k), 1);
	CHECK_EQ(k.n_out, 2);
	CHECK_EQ(k.ack, 650);
	CHECK_EQ(k.flags, A);
	CHECK(k.sum_is_good);
	SECONDARY(&k, ACK(3, 101, 900));
	CHECK_EQ(k.n_out, 3);
	CHECK_EQ(k.out[2], 4);
	CHECK_EQ(k.ack, 800);
	CHECK(!compare_is_holding(k.c));
	kit_fini(&k);
}

static void data_never_waits_for_an_ack(void)
{
	struct kit k;

	open_flow(&k);
	SECONDARY(&k, SEG(2, 101, 500, "abc"));
	PRIMARY(&k, SEG(2, 101, 600, "abc"));
	CHECK_OUT(&k, 1, 2);
	CHECK_EQ(k.ack, 500);
	CHECK_EQ(k.payload_len, 3);
	CHECK(k.sum_is_good);
	CHECK_EQ(kit_stats(&k).held, 0);	/* the template is no packet */
	SECONDARY(&k, ACK(3, 104, 600));
	CHECK_EQ(originated(&k), 1);
	CHECK_EQ(k.n_out, 3);
	CHECK_EQ(k.ack, 600);
	CHECK_EQ(k.seq, 104);
	CHECK_EQ(k.payload_len, 0);
	CHECK(k.sum_is_good);
	CHECK(!compare_is_holding(k.c));
	kit_fini(&k);
}

static void data_replaces_the_ack_that_waits(void)
{
	struct kit k;

	open_flow(&k);
	PRIMARY(&k, ACK(2, 101, 600));
	PRIMARY(&k, SEG(3, 101, 700, "abc"));
	SECONDARY(&k, SEG(2, 101, 500, "abc"));
	CHECK_OUT(&k, 1, 3);
	CHECK_EQ(k.ack, 500);
	CHECK_EQ(merged(&k), 1);
	PRIMARY(&k, SEG(4, 104, 700, "def"));
	SECONDARY(&k, SEG(3, 104, 700, "def"));
	CHECK_EQ(k.ack, 700);
	CHECK(!compare_is_holding(k.c));
	kit_fini(&k);
}

static void across_the_wrap(void)
{
	struct kit k;

	open_with(&k, COMPARE_ACK_CLAMP, 0xffffff00);
	PRIMARY(&k, ACK(2, 101, 0x10));
	CHECK_OUT(&k, 1);
	SECONDARY(&k, ACK(2, 101, 0xfffffff0));
	CHECK_EQ(k.ack, 0xfffffff0);
	PRIMARY(&k, SEG(3, 101, 0x20, "abc"));
	SECONDARY(&k, SEG(3, 101, 0x8, "abc"));
	CHECK_EQ(k.ack, 0x8);
	SECONDARY(&k, ACK(4, 101, 0x20));
	CHECK_EQ(k.ack, 0x20);
	kit_fini(&k);
}

/* A flow in midstream, of which the client was told nothing here yet: whatever
 * the numbers are, what waits is not forgotten. */
static void nothing_told_yet(void)
{
	static const uint32_t acks[] = { 500, 0x7fffffff, 0x80000000,
					 0xffffff00 };

	for (unsigned i = 0; i < 4; i++) {
		struct kit k;

		kit_init(&k);
		PRIMARY(&k, ACK(1, 101, acks[i] + 16));
		CHECK_EQ(k.n_out, 0);
		SECONDARY(&k, ACK(1, 101, acks[i]));
		CHECK_EQ(originated(&k), 1);
		CHECK_EQ(k.ack, acks[i]);
		CHECK(compare_is_holding(k.c));
		SECONDARY(&k, ACK(1, 101, acks[i] + 16));
		CHECK_EQ(k.n_out, 2);
		CHECK_EQ(k.ack, acks[i] + 16);
		CHECK(!compare_is_holding(k.c));
		kit_fini(&k);
	}
}

static void secondary_ahead(void)
{
	struct kit k;

	open_flow(&k);
	SECONDARY(&k, ACK(2, 101, 900));
	PRIMARY(&k, ACK(2, 101, 600));
	CHECK_OUT(&k, 1, 2);
	CHECK_EQ(k.ack, 600);
	kit_fini(&k);
}

static void ipv6(void)
{
	struct kit k;

	kit_init(&k);
	PRIMARY(&k, SYN_ACK(1, 100, 500), .v6 = true);
	SECONDARY(&k, SYN_ACK(1, 7777, 500), .v6 = true);
	SECONDARY(&k, SEG(2, 101, 500, "abc"), .v6 = true);
	PRIMARY(&k, SEG(2, 101, 600, "abc"), .v6 = true);
	CHECK_EQ(k.ack, 500);
	CHECK(k.sum_is_good);
	SECONDARY(&k, ACK(3, 104, 600), .v6 = true);
	CHECK_EQ(k.ack, 600);
	CHECK(k.sum_is_good);
	kit_fini(&k);
}

/* 550..560 is news to the client, and with 800..900 alone 500..600 would be a
 * hole, which it would fill. */
static void a_lowered_ack_sacks_nothing(void)
{
	static const char sacks[] = "\1\1\5\x12\0\0\2\x26\0\0\2\x30"
				    "\0\0\3\x20\0\0\3\x84";
	struct kit k;

	open_flow(&k);
	SECONDARY(&k, SEG(2, 101, 500, "abc"));
	PRIMARY(&k, SEG(2, 101, 600, "abc"), .options = sacks,
		.options_len = 20);
	CHECK_EQ(k.ack, 500);
	CHECK_EQ(k.sacks, 0);
	CHECK(k.sum_is_good);
	PRIMARY(&k, ACK(3, 104, 600), .options = sacks, .options_len = 20);
	SECONDARY(&k, ACK(3, 104, 550));
	CHECK_EQ(k.ack, 550);
	CHECK_EQ(k.sacks, 0);
	CHECK(k.sum_is_good);
	SECONDARY(&k, ACK(4, 104, 600));
	CHECK_EQ(k.ack, 600);
	CHECK_EQ(k.sacks, 16);
	CHECK(k.sum_is_good);
	kit_fini(&k);
}

/* Scale 7: the field counts in 128 bytes. */
static void window_of_both(void)
{
	struct kit k;

	open_flow(&k);
	SECONDARY(&k, ACK(2, 101, 500), .window = 600);
	PRIMARY(&k, ACK(2, 101, 500), .window = 2000);
	CHECK_OUT(&k, 1, 2);
	CHECK_EQ(k.window, 600);
	CHECK(k.sum_is_good);
	/* the secondary opens: the client is told */
	SECONDARY(&k, ACK(3, 101, 500), .window = 1000);
	CHECK_EQ(originated(&k), 1);
	CHECK_EQ(k.window, 1000);
	CHECK(k.sum_is_good);
	SECONDARY(&k, ACK(4, 101, 500), .window = 3000);
	CHECK_EQ(k.window, 2000);
	CHECK(!compare_is_holding(k.c));
	/* what was opened stays open */
	SECONDARY(&k, ACK(5, 101, 500), .window = 100);
	PRIMARY(&k, ACK(5, 101, 500), .window = 2000);
	CHECK_EQ(k.window, 2000);
	kit_fini(&k);
}

/* The client has 1280 bytes of window, which may be less than it sends at
 * once; by 1280 more the secondary opens, of which the primary knows nothing. */
static void little_window_is_told(void)
{
	struct kit k;

	open_flow(&k);
	SECONDARY(&k, ACK(2, 101, 65500), .window = 10);
	PRIMARY(&k, ACK(2, 101, 65500), .window = 20);
	CHECK_EQ(k.window, 10);
	SECONDARY(&k, ACK(3, 101, 65500), .window = 20);
	CHECK_EQ(originated(&k), 1);
	CHECK_EQ(k.ack, 65500);
	CHECK_EQ(k.window, 20);
	/* no more than a unit's part: nothing that the field could say */
	SECONDARY(&k, ACK(4, 101, 65540), .window = 20);
	PRIMARY(&k, ACK(4, 101, 65500), .window = 21);
	CHECK_EQ(k.window, 20);
	kit_fini(&k);
}

/* A receiver drops a segment that ends beyond its window. */
static void window_is_not_rounded_up(void)
{
	struct kit k;

	open_flow(&k);
	SECONDARY(&k, ACK(2, 101, 65550), .window = 600);
	PRIMARY(&k, ACK(2, 101, 65550), .window = 2000);
	CHECK_EQ(k.window, 600);	/* 65550 + 76800 */
	SECONDARY(&k, ACK(3, 101, 65600), .window = 599);
	PRIMARY(&k, ACK(3, 101, 65600), .window = 2000);
	CHECK_EQ(k.ack, 65600);
	CHECK_EQ(k.window, 599);	/* one more would be 78 bytes beyond */
	kit_fini(&k);
}

static void window_with_a_lower_ack(void)
{
	struct kit k;

	open_flow(&k);
	SECONDARY(&k, SEG(2, 101, 500, "abc"), .window = 1000);
	PRIMARY(&k, SEG(2, 101, 500 + 12800, "abc"), .window = 900);
	CHECK_EQ(k.ack, 500);
	CHECK_EQ(k.window, 1000);	/* both end at 500 + 128000 */
	kit_fini(&k);
}

static void unknown_scale_leaves_windows_alone(void)
{
	struct kit k;

	kit_init(&k);
	SECONDARY(&k, SEG(1, 101, 500, "abc"), .window = 10);
	PRIMARY(&k, SEG(1, 101, 600, "abc"), .window = 2000);
	CHECK_EQ(k.n_out, 1);
	CHECK_EQ(k.ack, 500);
	CHECK_EQ(k.window, 2000);
	kit_fini(&k);
}

static void silent_secondary_asks(void)
{
	struct kit k;

	open_flow(&k);
	for (unsigned i = 0; i < 10; i++) {
		PRIMARY(&k, ACK(2 + i, 101, 600 + i));
		CHECK_EQ(k.n_asked, i > 5);
		kit_wait(&k, SEC / 2);
	}
	CHECK_EQ(k.reason, COMPARE_TIMEOUT);
	CHECK_OUT(&k, 1);
	compare_flush(k.c, k.now_ns);
	CHECK_OUT(&k, 1, 11);
	CHECK_EQ(k.ack, 609);
	CHECK_EQ(merged(&k), 9);
	kit_fini(&k);
}

/* It is always behind, but never for long. */
static void late_secondary_does_not_ask(void)
{
	struct kit k;

	open_flow(&k);
	for (unsigned i = 0; i < 20; i++) {
		PRIMARY(&k, ACK(2 + i, 101, 700 + i));
		SECONDARY(&k, ACK(2 + i, 101, 600 + i));
		kit_wait(&k, SEC);
	}
	CHECK_EQ(k.n_asked, 0);
	CHECK_EQ(k.ack, 619);
	kit_wait(&k, 2 * SEC);
	CHECK_EQ(k.n_asked, 1);
	kit_fini(&k);
}

/* What it alone had received is no longer there. */
static void copy_acknowledges_no_more_than_the_primary(void)
{
	struct kit k;

	open_flow(&k);
	SECONDARY(&k, ACK(2, 101, 900));
	PRIMARY(&k, ACK(2, 101, 600));
	compare_copied(k.c);
	compare_flush(k.c, k.now_ns);
	PRIMARY(&k, ACK(3, 101, 900));
	CHECK_OUT(&k, 1, 2);
	SECONDARY(&k, ACK(3, 101, 900));
	CHECK_OUT(&k, 1, 2, 3);
	/* of a mere flush all that it has said stays true */
	SECONDARY(&k, ACK(4, 101, 1000));
	compare_flush(k.c, k.now_ns);
	PRIMARY(&k, ACK(4, 101, 1000));
	CHECK_OUT(&k, 1, 2, 3, 4);
	kit_fini(&k);
}

static void reset_replaces_the_ack_that_waits(void)
{
	struct kit k;

	open_flow(&k);
	PRIMARY(&k, ACK(2, 101, 600));
	PRIMARY(&k, .tag = 3, .proto = PACKET_TCP, .seq = 101, .ack = 600,
		.flags = R | A);
	SECONDARY(&k, .proto = PACKET_TCP, .seq = 101, .ack = 500,
		  .flags = R | A);
	CHECK_OUT(&k, 1, 3);
	CHECK_EQ(merged(&k), 1);
	CHECK(!compare_is_holding(k.c));
	kit_wait(&k, 10 * SEC);
	CHECK_EQ(k.n_asked, 0);
	kit_fini(&k);
}

/* A template is no packet: a flow that has one is idle. */
static void template_keeps_no_flow(void)
{
	struct stats s;
	struct kit k;

	open_flow(&k);
	SECONDARY(&k, ACK(2, 101, 65550), .window = 600);
	PRIMARY(&k, ACK(2, 101, 65550), .window = 2000);
	CHECK_OUT(&k, 1, 2);
	CHECK(!compare_is_holding(k.c));
	kit_wait(&k, 7201 * SEC);
	s = kit_stats(&k);
	CHECK_EQ(kit_row(&s, "flows", "known"), 0);
	CHECK_EQ(k.n_asked, 0);
	kit_fini(&k);
}

static void flush_tells_the_true_ack(void)
{
	struct kit k;

	open_flow(&k);
	SECONDARY(&k, SEG(2, 101, 500, "abc"));
	PRIMARY(&k, SEG(2, 101, 600, "abc"));
	PRIMARY(&k, SEG(3, 104, 700, "def"));
	CHECK_OUT(&k, 1, 2);
	compare_flush(k.c, k.now_ns);
	CHECK_EQ(k.ack, 700);
	CHECK_EQ(kit_stats(&k).held, 0);
	CHECK(!compare_is_holding(k.c));
	PRIMARY(&k, ACK(4, 107, 700));
	CHECK_EQ(k.out[k.n_out - 1], 4);
	kit_fini(&k);
}

static void failover_tells_the_true_ack(void)
{
	struct kit k;

	open_flow(&k);
	SECONDARY(&k, SEG(2, 101, 500, "abc"));
	PRIMARY(&k, SEG(2, 101, 600, "abc"));
	compare_failover(k.c, k.now_ns);
	CHECK_EQ(k.ack, 600);
	PRIMARY(&k, ACK(4, 104, 900));
	CHECK_EQ(k.ack, 900);
	kit_fini(&k);
}

/* What passes after a failover is not known: a flow that goes on is compared from
 * where it is. */
static void protected_again_it_begins_anew(void)
{
	struct kit k;

	open_flow(&k);
	compare_failover(k.c, k.now_ns);
	PRIMARY(&k, SEG(2, 5101, 500, "abc"));
	CHECK_OUT(&k, 1, 2);
	compare_protect(k.c, k.now_ns);
	CHECK(!compare_is_holding(k.c));
	PRIMARY(&k, SEG(3, 5104, 500, "def"));
	CHECK_OUT(&k, 1, 2);
	SECONDARY(&k, SEG(3, 5104, 500, "def"));
	CHECK_OUT(&k, 1, 2, 3);
	PRIMARY(&k, SEG(4, 5107, 500, "ghi"));
	SECONDARY(&k, SEG(4, 5107, 500, "xyz"));
	CHECK_OUT(&k, 1, 2, 3);
	CHECK_EQ(k.n_asked, 1);
	kit_fini(&k);
}

static void smaller_window_is_no_difference(void)
{
	struct kit k;

	open_flow(&k);
	SECONDARY(&k, ACK(2, 101, 500), .window = 600);
	PRIMARY(&k, ACK(2, 101, 500), .window = 2000);
	for (unsigned i = 0; i < 10; i++)
		kit_wait(&k, SEC);
	CHECK_EQ(k.n_asked, 0);
	kit_fini(&k);
}

static void closed_window_is_one(void)
{
	static const struct seg closed = {
		ACK(2, 101, 500),
	};
	struct frame f = kit_frame(&closed);
	struct kit k;

	open_flow(&k);
	/* the SYN+ACK let the client send up to 65500 */
	SECONDARY(&k, ACK(2, 101, 65500), .window = 600);
	PRIMARY(&k, ACK(2, 101, 65500), .window = 2000);
	bytes_put32(f.data + 14 + 20 + 8, 65500 + 76800);
	bytes_put16(f.data + 14 + 20 + 14, 0);
	compare_input(k.c, COMPARE_SECONDARY, &f, 1, k.now_ns);
	chunk_unref(f.chunk);
	PRIMARY(&k, ACK(3, 101, 65500 + 76800), .window = 2000);
	CHECK_EQ(k.window, 0);
	kit_wait(&k, 4 * SEC);
	CHECK_EQ(k.n_asked, 1);
	CHECK_EQ(k.reason, COMPARE_TIMEOUT);
	kit_fini(&k);
}

static void hold_policy(void)
{
	struct kit k;

	open_with(&k, COMPARE_ACK_HOLD, 500);
	SECONDARY(&k, SEG(2, 101, 500, "abc"));
	PRIMARY(&k, SEG(2, 101, 600, "abc"));
	PRIMARY(&k, ACK(3, 104, 700));
	CHECK_OUT(&k, 1);
	SECONDARY(&k, ACK(3, 104, 600));
	CHECK_OUT(&k, 1, 2);
	CHECK_EQ(k.ack, 600);
	SECONDARY(&k, ACK(4, 104, 700));
	CHECK_OUT(&k, 1, 2, 3);
	PRIMARY(&k, SEG(4, 101, 800, "abc"));
	CHECK_OUT(&k, 1, 2, 3);
	SECONDARY(&k, ACK(4, 104, 800));
	CHECK_OUT(&k, 1, 2, 3, 4);
	kit_fini(&k);
}

/* What unblocks the first may come in a segment that waits behind others. */
static void hold_policy_is_told_by_data(void)
{
	struct kit k;

	open_with(&k, COMPARE_ACK_HOLD, 500);
	PRIMARY(&k, SEG(2, 101, 700, "abc"));
	SECONDARY(&k, SEG(2, 101, 500, "abc"));
	CHECK_OUT(&k, 1);
	SECONDARY(&k, SEG(3, 104, 700, "def"));
	CHECK_OUT(&k, 1, 2);
	kit_fini(&k);
}

#define MD5 "\1\1\x13\x12" "0123456789abcdef"
#define SIGNED .options = MD5, .options_len = 20

/* What is signed is not changed: it waits. */
static void signed_segments_wait_whole(void)
{
	struct kit k;

	kit_init(&k);
	PRIMARY(&k, .tag = 1, .proto = PACKET_TCP, .seq = 100, .ack = 500,
		.flags = S | A, SIGNED);
	SECONDARY(&k, .proto = PACKET_TCP, .seq = 7777, .ack = 500,
		  .flags = S | A, SIGNED);
	SECONDARY(&k, SEG(2, 101, 500, "abc"), SIGNED);
	PRIMARY(&k, SEG(2, 101, 600, "abc"), SIGNED);
	PRIMARY(&k, ACK(3, 104, 700), SIGNED);
	CHECK_OUT(&k, 1);
	SECONDARY(&k, ACK(3, 104, 650), SIGNED);
	CHECK_OUT(&k, 1, 2);
	CHECK_EQ(k.ack, 600);
	SECONDARY(&k, ACK(4, 104, 700), SIGNED);
	CHECK_OUT(&k, 1, 2, 3);
	CHECK_EQ(originated(&k), 0);
	kit_fini(&k);
}

/* It is known too late for the first that would be changed. */
static void signed_segments_in_midstream(void)
{
	struct kit k;

	kit_init(&k);
	SECONDARY(&k, SEG(1, 101, 500, "abc"), SIGNED);
	PRIMARY(&k, SEG(1, 101, 600, "abc"), SIGNED);
	CHECK_OUT(&k, 1);
	CHECK_EQ(k.ack, 600);
	CHECK(k.sum_is_good);
	SECONDARY(&k, SEG(2, 104, 600, "def"), SIGNED);
	PRIMARY(&k, SEG(2, 104, 700, "def"), SIGNED);
	CHECK_OUT(&k, 1);
	SECONDARY(&k, ACK(3, 107, 700), SIGNED);
	CHECK_OUT(&k, 1, 2);
	CHECK_EQ(originated(&k), 0);
	CHECK_EQ(kit_stats(&k).held, 0);
	kit_fini(&k);
}

static void release_policy(void)
{
	struct kit k;

	open_with(&k, COMPARE_ACK_RELEASE, 500);
	PRIMARY(&k, ACK(2, 101, 600));
	CHECK_OUT(&k, 1, 2);
	CHECK_EQ(k.ack, 600);
	kit_fini(&k);
}

/* QEMU fault 16: checksums that the hardware is to finish were not known. */
static void partial_checksum_is_left_alone(void)
{
	static const struct seg data = { SEG(2, 101, 600, "abc"),
					 .bad_sum = true };
	struct frame f = kit_frame(&data);
	struct chunk *chunk = chunk_new(512);
	struct frame g = { .chunk = chunk, .data = chunk->bytes,
			   .len = f.len + 12, .vnet_len = 12 };
	struct kit k;

	open_flow(&k);
	SECONDARY(&k, SEG(2, 101, 500, "abc"));
	memset(g.data, 0, 12);
	g.data[0] = 1;		/* of the sum that begins at TCP's header */
	g.data[6] = 14 + 20;
	g.data[8] = 16;
	memcpy(g.data + 12, f.data, f.len);
	bytes_put16(g.data + 12 + 14 + 20 + 16, 0xbeef);
	compare_input(k.c, COMPARE_PRIMARY, &g, 1, k.now_ns);
	CHECK_OUT(&k, 1, 2);
	CHECK_EQ(k.ack, 500);
	CHECK_EQ(bytes_get16(g.data + 12 + 14 + 20 + 16), 0xbeef);
	SECONDARY(&k, ACK(3, 104, 600));
	CHECK_EQ(k.ack, 600);
	CHECK(k.sum_is_good);
	chunk_unref(f.chunk);
	chunk_unref(chunk);
	kit_fini(&k);
}

/*
 * RFC 3522: an echo older than the repetition says that the timeout was
 * spurious, and the client repeats nothing more of what the secondary lacks.
 */
static void echo_is_of_who_was_waited_for(void)
{
	const char old[] = "\1\1\10\12\0\0\0\1\0\0\0\10";
	const char new[] = "\1\1\10\12\0\0\0\2\0\0\0\20";
	struct kit k;

	open_flow(&k);		/* an ACK that is made */
	PRIMARY(&k, ACK(2, 101, 600), .options = old, .options_len = 12);
	SECONDARY(&k, ACK(2, 101, 550), .options = new, .options_len = 12);
	CHECK_EQ(originated(&k), 1);
	CHECK_EQ(k.ack, 550);
	CHECK_EQ(k.echo, 16);
	CHECK(k.sum_is_good);
	SECONDARY(&k, ACK(3, 101, 600), .options = new, .options_len = 12);
	CHECK_OUT(&k, 1, 2, 2);	/* the one that waited */
	CHECK_EQ(k.ack, 600);
	CHECK_EQ(k.echo, 16);
	CHECK(k.sum_is_good);

	/* data that waited for the secondary's, and tells something new */
	PRIMARY(&k, SEG(4, 101, 700, "abc"), .options = old, .options_len = 12);
	SECONDARY(&k, SEG(4, 101, 700, "abc"), .options = new,
		  .options_len = 12);
	CHECK_EQ(k.ack, 700);
	CHECK_EQ(k.payload_len, 3);
	CHECK_EQ(k.echo, 16);
	CHECK(k.sum_is_good);

	/* nothing new; and the secondary was not waited for */
	PRIMARY(&k, SEG(5, 104, 700, "def"), .options = old, .options_len = 12);
	SECONDARY(&k, SEG(5, 104, 700, "def"), .options = new,
		  .options_len = 12);
	CHECK_EQ(k.echo, 8);
	SECONDARY(&k, SEG(6, 107, 800, "ghi"), .options = new,
		  .options_len = 12);
	PRIMARY(&k, SEG(6, 107, 800, "ghi"), .options = old, .options_len = 12);
	CHECK_EQ(k.ack, 800);
	CHECK_EQ(k.echo, 8);
	kit_fini(&k);
}

/* With a timestamp, and a window that says nothing new after the first. */
#define AT(t) .options = "\1\1\10\12\0\0\0" t "\0\0\0\1", .options_len = 12, \
	      .window = 508

/*
 * RFC 7323 section 5: behind a segment that was sent again what was sent before
 * that would be too old for the client.
 */
static void time_does_not_go_back_in_a_flush(void)
{
	struct kit k;

	open_flow(&k);
	PRIMARY(&k, SEG(2, 101, 500, "abc"), AT("\11"));
	PRIMARY(&k, SEG(3, 104, 500, "def"), AT("\12"));
	PRIMARY(&k, SEG(4, 101, 500, "abc"), AT("\40"));
	compare_flush(k.c, k.now_ns);
	CHECK_OUT(&k, 1, 2, 4, 3);
	CHECK_EQ(k.time, 32);
	CHECK(k.sum_is_good);
	/* the primary's own from then on */
	PRIMARY(&k, SEG(5, 107, 600, "ghi"), AT("\20"));
	SECONDARY(&k, SEG(5, 107, 600, "ghi"), AT("\20"));
	CHECK_EQ(k.time, 16);
	kit_fini(&k);
}

/* A part is a repetition. With the timestamp of what was held first the client
 * would drop it, when it has seen a later one. */
static void repeated_part_has_the_latest_time(void)
{
	struct kit k;

	open_flow(&k);
	PRIMARY(&k, SEG(2, 101, 500, "abcdef"), AT("\11"));
	PRIMARY(&k, SEG(3, 101, 500, "abcdef"), AT("\40"));
	PRIMARY(&k, SEG(4, 107, 500, "ghi"), AT("\12"));
	SECONDARY(&k, SEG(2, 101, 500, "abc"), AT("\11"));
	SECONDARY(&k, SEG(3, 101, 500, "abc"), AT("\12"));
	CHECK_OUT(&k, 1, 2);
	CHECK_EQ(k.payload_len, 3);
	CHECK_EQ(k.time, 32);
	CHECK(k.sum_is_good);
	kit_fini(&k);
}

int main(void)
{
	TEST(ack_waits_for_the_secondary);
	TEST(only_the_newest_ack_waits);
	TEST(data_never_waits_for_an_ack);
	TEST(data_replaces_the_ack_that_waits);
	TEST(across_the_wrap);
	TEST(nothing_told_yet);
	TEST(secondary_ahead);
	TEST(ipv6);
	TEST(a_lowered_ack_sacks_nothing);
	TEST(window_of_both);
	TEST(little_window_is_told);
	TEST(window_is_not_rounded_up);
	TEST(window_with_a_lower_ack);
	TEST(unknown_scale_leaves_windows_alone);
	TEST(silent_secondary_asks);
	TEST(late_secondary_does_not_ask);
	TEST(copy_acknowledges_no_more_than_the_primary);
	TEST(reset_replaces_the_ack_that_waits);
	TEST(template_keeps_no_flow);
	TEST(flush_tells_the_true_ack);
	TEST(failover_tells_the_true_ack);
	TEST(protected_again_it_begins_anew);
	TEST(smaller_window_is_no_difference);
	TEST(closed_window_is_one);
	TEST(hold_policy);
	TEST(hold_policy_is_told_by_data);
	TEST(signed_segments_wait_whole);
	TEST(signed_segments_in_midstream);
	TEST(release_policy);
	TEST(partial_checksum_is_left_alone);
	TEST(echo_is_of_who_was_waited_for);
	TEST(time_does_not_go_back_in_a_flush);
	TEST(repeated_part_has_the_latest_time);
	return TEST_END();
}
