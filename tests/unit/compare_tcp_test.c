/* SPDX-License-Identifier: ISC */
#include "compare_kit.h"

#define TCP(t, s, ack_, fl, d) \
	.tag = (t), .proto = PACKET_TCP, .seq = (s), .ack = (ack_), \
	.flags = (fl), .data = (d), .len = sizeof(d) - 1
/* a segment with data, an empty one */
#define DATA(t, s, d) TCP(t, s, 500, A, d)
#define EMPTY(t, s, fl) TCP(t, s, 500, fl, "")

/* A connection whose SYN+ACKs have matched; the primary's next byte is 101. */
static void open_flow(struct kit *k)
{
	kit_init(k);
	PRIMARY(k, EMPTY(1, 100, S | A));
	SECONDARY(k, EMPTY(1, 7777, S | A));
	CHECK_OUT(k, 1);
	CHECK_EQ(k->n_asked, 0);
}

static void same_segments(void)
{
	struct kit k;

	open_flow(&k);
	PRIMARY(&k, DATA(2, 101, "hello"));
	CHECK_OUT(&k, 1);
	SECONDARY(&k, DATA(2, 101, "hello"));
	SECONDARY(&k, DATA(3, 106, "world"));
	CHECK_OUT(&k, 1, 2);
	PRIMARY(&k, DATA(3, 106, "world"));
	CHECK_OUT(&k, 1, 2, 3);
	CHECK_EQ(k.n_asked, 0);
	CHECK(!compare_is_holding(k.c));
	CHECK_EQ(kit_dropped(&k, "matched"), 3);
	kit_fini(&k);
}

static void other_segments(void)
{
	struct kit k;

	open_flow(&k);
	PRIMARY(&k, DATA(2, 101, "abc"));
	PRIMARY(&k, DATA(3, 104, "def"));
	PRIMARY(&k, DATA(4, 107, "ghi"));
	SECONDARY(&k, DATA(2, 101, "ab"));
	CHECK_OUT(&k, 1);
	SECONDARY(&k, DATA(3, 103, "cdefg"));
	CHECK_OUT(&k, 1, 2, 3);
	SECONDARY(&k, DATA(4, 108, "hi"));
	CHECK_OUT(&k, 1, 2, 3, 4);
	CHECK_EQ(k.n_asked, 0);
	CHECK(!compare_is_holding(k.c));
	kit_fini(&k);
}

static void one_large_secondary_segment(void)
{
	struct kit k;

	open_flow(&k);
	SECONDARY(&k, DATA(2, 101, "abcdefghi"));
	PRIMARY(&k, DATA(2, 101, "abc"));
	CHECK_OUT(&k, 1, 2);
	PRIMARY(&k, DATA(3, 104, "def"));
	PRIMARY(&k, DATA(4, 107, "ghi"));
	CHECK_OUT(&k, 1, 2, 3, 4);
	CHECK(!compare_is_holding(k.c));
	kit_fini(&k);
}

/*
 * What the secondary sent behind an odd end was lost, and it waits for the
 * acknowledgement of what was not; the client can give none before it has that.
 */
static void repeated_part_leaves(void)
{
	struct kit k;

	open_flow(&k);
	PRIMARY(&k, DATA(2, 101, "abcdefgh"));
	SECONDARY(&k, DATA(2, 101, "abc"));
	CHECK_OUT(&k, 1);
	SECONDARY(&k, DATA(3, 101, "abc"));
	CHECK_OUT(&k, 1, 2);
	CHECK_EQ(k.seq, 101);
	CHECK_EQ(k.payload_len, 3);
	CHECK(k.sum_is_good);
	CHECK_EQ(kit_stats(&k).originated, 1);
	CHECK_EQ(kit_stats(&k).held, 1);
	SECONDARY(&k, DATA(4, 104, "de"));
	SECONDARY(&k, DATA(5, 104, "de"));	/* from where it repeats */
	CHECK_OUT(&k, 1, 2, 2);
	CHECK_EQ(k.seq, 101);
	CHECK_EQ(k.payload_len, 5);
	SECONDARY(&k, DATA(6, 106, "fgh"));
	CHECK_OUT(&k, 1, 2, 2, 2);		/* the whole */
	CHECK_EQ(k.seq, 101);
	CHECK_EQ(k.payload_len, 8);
	SECONDARY(&k, DATA(6, 106, "fgh"));	/* has left: nothing to do */
	CHECK_EQ(k.n_out, 4);
	CHECK_EQ(k.n_asked, 0);
	CHECK(!compare_is_holding(k.c));
	kit_fini(&k);
}

static void across_the_wrap(void)
{
	struct kit k;

	kit_init(&k);
	PRIMARY(&k, EMPTY(1, 0xfffffffc, S | A));
	SECONDARY(&k, EMPTY(1, 5, S | A));
	PRIMARY(&k, DATA(2, 0xfffffffd, "abcdefgh"));
	SECONDARY(&k, DATA(2, 0xfffffffd, "ab"));
	SECONDARY(&k, DATA(3, 0xffffffff, "cdef"));
	CHECK_OUT(&k, 1);
	SECONDARY(&k, DATA(4, 3, "gh"));
	CHECK_OUT(&k, 1, 2);
	CHECK_EQ(k.n_asked, 0);
	kit_fini(&k);
}

static void different_byte(void)
{
	struct kit k;

	open_flow(&k);
	PRIMARY(&k, DATA(2, 101, "abcdef"));
	PRIMARY(&k, DATA(3, 107, "ghi"));
	SECONDARY(&k, DATA(2, 101, "abc"));
	SECONDARY(&k, DATA(3, 104, "dXf"));
	CHECK_EQ(k.n_asked, 1);
	CHECK_EQ(k.reason, COMPARE_PAYLOAD);
	CHECK(!strcmp(k.flow, "tcp 10.0.0.1:80 > 10.0.0.2:1000"));
	CHECK_OUT(&k, 1);
	compare_flush(k.c, k.now_ns);
	CHECK_OUT(&k, 1, 2, 3);
	CHECK(!compare_is_holding(k.c));
	/* the edge is the primary's highest byte now */
	SECONDARY(&k, DATA(4, 107, "ghi"));
	CHECK_EQ(kit_dropped(&k, "late"), 1);
	PRIMARY(&k, DATA(4, 110, "jkl"));
	SECONDARY(&k, DATA(5, 107, "ghijkl"));
	CHECK_OUT(&k, 1, 2, 3, 4);
	CHECK_EQ(k.n_asked, 1);
	kit_fini(&k);
}

/* QEMU fault 20: a request per packet and scan while a difference stands. */
static void one_request_per_episode(void)
{
	struct kit k;

	open_flow(&k);
	PRIMARY(&k, DATA(2, 101, "abc"));
	SECONDARY(&k, DATA(2, 101, "xyz"));
	for (unsigned i = 0; i < 100; i++) {
		PRIMARY(&k, DATA(3 + i, 104 + 3 * i, "def"));
		SECONDARY(&k, DATA(3 + i, 104 + 3 * i, "uvw"));
		kit_wait(&k, SEC);
	}
	CHECK_EQ(k.n_asked, 1);
	CHECK_OUT(&k, 1);
	compare_flush(k.c, k.now_ns);
	CHECK_EQ(k.n_out, 102);
	kit_wait(&k, 10 * SEC);
	CHECK_EQ(k.n_asked, 1);
	kit_fini(&k);
}

/* QEMU fault 3: these waited for a secondary packet that never came. */
static void acks_and_retransmissions_leave_at_once(void)
{
	struct kit k;

	open_flow(&k);
	PRIMARY(&k, EMPTY(2, 101, A));
	CHECK_OUT(&k, 1, 2);
	PRIMARY(&k, DATA(3, 101, "abc"));
	SECONDARY(&k, DATA(3, 101, "abc"));
	PRIMARY(&k, DATA(4, 101, "abc"));	/* again */
	PRIMARY(&k, DATA(5, 103, ""));		/* keep-alive */
	CHECK_OUT(&k, 1, 2, 3, 4, 5);
	PRIMARY(&k, DATA(6, 104, "def"));
	PRIMARY(&k, DATA(7, 101, "abc"));	/* while newer data is held */
	CHECK_OUT(&k, 1, 2, 3, 4, 5, 7);
	PRIMARY(&k, EMPTY(8, 100, S | A));	/* the SYN+ACK again */
	CHECK_OUT(&k, 1, 2, 3, 4, 5, 7, 8);
	SECONDARY(&k, DATA(6, 104, "def"));
	CHECK_OUT(&k, 1, 2, 3, 4, 5, 7, 8, 6);
	kit_wait(&k, 10 * SEC);
	CHECK_EQ(k.n_asked, 0);
	kit_fini(&k);
}

static void retransmission_of_held_data(void)
{
	struct kit k;

	open_flow(&k);
	PRIMARY(&k, DATA(2, 101, "abc"));
	PRIMARY(&k, DATA(3, 101, "abc"));
	PRIMARY(&k, DATA(4, 101, "abcdef"));	/* straddles the edge */
	SECONDARY(&k, DATA(2, 101, "abc"));
	CHECK_OUT(&k, 1, 2, 3);
	SECONDARY(&k, DATA(3, 102, "bcdef"));
	CHECK_OUT(&k, 1, 2, 3, 4);
	CHECK_EQ(k.n_asked, 0);
	kit_fini(&k);
}

/* The secondary takes for sent what was lost of the primary's. */
static void gap_asks_soon(void)
{
	struct compare_config config = kit_config();

	config.gap_ns = SEC / 10;
	for (unsigned filled = 0; filled < 2; filled++) {
		struct kit k;

		kit_init_with(&k, &config);
		PRIMARY(&k, TCP(1, 100, 500, S | A, ""));
		SECONDARY(&k, TCP(1, 7777, 500, S | A, ""));
		PRIMARY(&k, DATA(2, 101, "abc"));
		SECONDARY(&k, DATA(3, 104, "def"));
		kit_wait(&k, SEC / 10 - 1);
		if (filled)
			SECONDARY(&k, DATA(2, 101, "abc"));
		CHECK_EQ(k.n_asked, 0);
		kit_wait(&k, 1);
		CHECK_EQ(k.n_asked, !filled);
		kit_fini(&k);
	}
}

/* That the secondary is late, or ahead, is none. */
static void no_gap_no_question(void)
{
	struct compare_config config = kit_config();
	struct kit k;

	config.gap_ns = SEC / 10;
	kit_init_with(&k, &config);
	PRIMARY(&k, TCP(1, 100, 500, S | A, ""));
	SECONDARY(&k, TCP(1, 7777, 500, S | A, ""));
	SECONDARY(&k, DATA(2, 101, "abc"));
	kit_wait(&k, SEC / 2);
	PRIMARY(&k, DATA(2, 101, "abc"));
	PRIMARY(&k, DATA(3, 104, "def"));
	kit_wait(&k, SEC / 2);
	CHECK_EQ(k.n_asked, 0);
	CHECK_OUT(&k, 1, 2);
	kit_fini(&k);

	/* nor that both wait, for an acknowledgement */
	config.ack_policy = COMPARE_ACK_HOLD;
	kit_init_with(&k, &config);
	PRIMARY(&k, TCP(1, 100, 500, S | A, ""));
	SECONDARY(&k, TCP(1, 7777, 500, S | A, ""));
	PRIMARY(&k, TCP(2, 101, 600, A, "abc"));
	SECONDARY(&k, TCP(2, 101, 550, A, "abc"));
	kit_wait(&k, SEC / 2);
	CHECK_EQ(k.n_asked, 0);
	CHECK_OUT(&k, 1);
	kit_fini(&k);
}

static void ack_keeps_its_place(void)
{
	struct kit k;

	open_flow(&k);
	PRIMARY(&k, DATA(2, 101, "abc"));
	PRIMARY(&k, EMPTY(3, 104, A));
	PRIMARY(&k, DATA(4, 104, "def"));
	CHECK_OUT(&k, 1);
	SECONDARY(&k, DATA(2, 101, "abc"));
	CHECK_OUT(&k, 1, 2, 3);
	kit_fini(&k);
}

static void secondary_acks_are_dropped_at_once(void)
{
	struct kit k;

	open_flow(&k);
	SECONDARY(&k, EMPTY(2, 101, A));
	SECONDARY(&k, EMPTY(3, 100, A));
	CHECK_EQ(kit_dropped(&k, "ack"), 2);
	PRIMARY(&k, DATA(2, 101, "abc"));
	SECONDARY(&k, DATA(2, 101, "abc"));
	SECONDARY(&k, DATA(3, 101, "abc"));
	CHECK_EQ(kit_dropped(&k, "late"), 1);
	SECONDARY(&k, DATA(4, 104, "def"));
	SECONDARY(&k, DATA(5, 105, "ef"));
	CHECK_EQ(kit_dropped(&k, "duplicate"), 1);
	PRIMARY(&k, DATA(3, 104, "def"));
	kit_wait(&k, 10 * SEC);
	CHECK_EQ(k.n_asked, 0);
	kit_fini(&k);
}

/* QEMU fault 12 */
static void secondary_out_of_order(void)
{
	struct kit k;

	open_flow(&k);
	PRIMARY(&k, DATA(2, 101, "abc"));
	PRIMARY(&k, DATA(3, 104, "def"));
	PRIMARY(&k, DATA(4, 107, "ghi"));
	SECONDARY(&k, DATA(4, 107, "ghi"));
	SECONDARY(&k, DATA(3, 104, "def"));
	CHECK_OUT(&k, 1);
	SECONDARY(&k, DATA(2, 101, "abc"));
	CHECK_OUT(&k, 1, 2, 3, 4);
	CHECK_EQ(k.n_asked, 0);
	kit_fini(&k);
}

static void primary_out_of_order(void)
{
	struct kit k;

	open_flow(&k);
	PRIMARY(&k, DATA(3, 104, "def"));
	SECONDARY(&k, DATA(2, 101, "abcdef"));
	CHECK_OUT(&k, 1);
	PRIMARY(&k, DATA(2, 101, "abc"));
	CHECK_OUT(&k, 1, 2, 3);
	CHECK_EQ(k.n_asked, 0);
	CHECK(!compare_is_holding(k.c));
	kit_fini(&k);
}

static void fin_is_part_of_the_stream(void)
{
	struct kit k;

	open_flow(&k);
	PRIMARY(&k, TCP(2, 101, 500, A | F, "abc"));
	SECONDARY(&k, DATA(2, 101, "abc"));
	CHECK_OUT(&k, 1);
	SECONDARY(&k, EMPTY(3, 104, A | F));
	CHECK_OUT(&k, 1, 2);
	PRIMARY(&k, EMPTY(3, 104, A | F));	/* again */
	PRIMARY(&k, EMPTY(4, 105, A));
	CHECK_OUT(&k, 1, 2, 3, 4);
	CHECK_EQ(k.n_asked, 0);
	kit_fini(&k);
}

/* QEMU fault 4: SYN, FIN and RST were never compared. */
static void fin_against_data(void)
{
	struct kit k;

	open_flow(&k);
	PRIMARY(&k, TCP(2, 101, 500, A | F, "abc"));
	SECONDARY(&k, DATA(2, 101, "abcd"));
	CHECK_EQ(k.n_asked, 1);
	CHECK_EQ(k.reason, COMPARE_FLAGS);
	CHECK_OUT(&k, 1);
	kit_fini(&k);
}

static void syn_ack_against_rst(void)
{
	struct kit k;

	kit_init(&k);
	PRIMARY(&k, EMPTY(1, 100, S | A));
	SECONDARY(&k, EMPTY(1, 0, R | A));
	CHECK_EQ(k.n_asked, 1);
	CHECK_EQ(k.reason, COMPARE_FLAGS);
	CHECK_EQ(k.n_out, 0);
	compare_flush(k.c, k.now_ns);
	CHECK_OUT(&k, 1);
	/* the copy sends the primary's SYN+ACK again */
	SECONDARY(&k, EMPTY(2, 100, S | A));
	kit_wait(&k, 10 * SEC);
	CHECK_EQ(k.n_asked, 1);
	kit_fini(&k);
}

static void rst_against_syn_ack(void)
{
	struct kit k;

	kit_init(&k);
	SECONDARY(&k, EMPTY(1, 100, S | A));
	PRIMARY(&k, EMPTY(1, 0, R | A));
	CHECK_EQ(k.n_asked, 1);
	CHECK_EQ(k.reason, COMPARE_FLAGS);
	kit_fini(&k);
}

static void rst_against_rst(void)
{
	struct kit k;

	kit_init(&k);
	PRIMARY(&k, EMPTY(1, 0, R | A));
	CHECK_EQ(k.n_out, 0);
	SECONDARY(&k, EMPTY(1, 0, R | A));
	CHECK_OUT(&k, 1);
	PRIMARY(&k, EMPTY(2, 0, R | A));
	CHECK_OUT(&k, 1, 2);
	CHECK_EQ(k.n_asked, 0);
	kit_fini(&k);
}

static void rst_in_the_stream(void)
{
	struct kit k;

	open_flow(&k);
	PRIMARY(&k, DATA(2, 101, "abc"));
	PRIMARY(&k, EMPTY(3, 104, R));
	SECONDARY(&k, EMPTY(3, 104, R));
	CHECK_EQ(k.n_asked, 1);			/* it sent no abc */
	compare_flush(k.c, k.now_ns);
	CHECK_OUT(&k, 1, 2, 3);
	kit_fini(&k);

	open_flow(&k);
	PRIMARY(&k, EMPTY(2, 101, R));
	SECONDARY(&k, EMPTY(2, 103, R));
	CHECK_EQ(k.n_asked, 1);
	CHECK_EQ(k.reason, COMPARE_FLAGS);
	kit_fini(&k);
}

static void syn_options(void)
{
	static const char mss[] = "\2\4\5\xb4\1\3\3\7";
	static const char other[] = "\2\4\5\xb4\1\3\3\6";
	struct kit k;

	kit_init(&k);
	PRIMARY(&k, EMPTY(1, 100, S | A), .options = mss, .options_len = 8);
	SECONDARY(&k, EMPTY(1, 9, S | A), .options = mss, .options_len = 8);
	CHECK_OUT(&k, 1);
	PRIMARY(&k, EMPTY(2, 100, S | A), .dport = 7, .options = mss,
		.options_len = 8);
	SECONDARY(&k, EMPTY(2, 9, S | A), .dport = 7, .options = other,
		  .options_len = 8);
	CHECK_EQ(k.n_asked, 1);
	CHECK_EQ(k.reason, COMPARE_FLAGS);
	kit_fini(&k);
}

static void syn_ack_of_other_data(void)
{
	struct kit k;

	kit_init(&k);
	PRIMARY(&k, TCP(1, 100, 500, S | A, ""));
	SECONDARY(&k, TCP(1, 100, 501, S | A, ""));
	CHECK_EQ(k.n_asked, 1);
	kit_fini(&k);
}

static void port_is_used_again(void)
{
	struct kit k;

	open_flow(&k);
	PRIMARY(&k, DATA(2, 101, "abc"));
	SECONDARY(&k, DATA(2, 101, "abc"));
	/* the secondary is ahead by a whole connection */
	SECONDARY(&k, EMPTY(3, 123456, S | A));
	SECONDARY(&k, DATA(4, 0xc0000001, "new"));
	PRIMARY(&k, DATA(3, 101, "abc"));
	PRIMARY(&k, EMPTY(4, 0xc0000000, S | A));
	PRIMARY(&k, DATA(5, 0xc0000001, "new"));
	CHECK_OUT(&k, 1, 2, 3, 4, 5);
	CHECK_EQ(k.n_asked, 0);
	CHECK(!compare_is_holding(k.c));
	kit_fini(&k);
}

static void primary_begins_again_first(void)
{
	struct kit k;

	open_flow(&k);
	PRIMARY(&k, DATA(2, 101, "abc"));
	PRIMARY(&k, EMPTY(3, 0xc0000000, S | A));
	PRIMARY(&k, DATA(4, 0xc0000001, "new"));
	PRIMARY(&k, EMPTY(5, 0xc0000000, S | A));	/* again */
	CHECK_OUT(&k, 1);
	SECONDARY(&k, DATA(2, 101, "abc"));
	CHECK_OUT(&k, 1, 2);
	SECONDARY(&k, EMPTY(3, 77, S | A));
	SECONDARY(&k, DATA(4, 0xc0000001, "new"));
	SECONDARY(&k, EMPTY(5, 77, S | A));
	CHECK_OUT(&k, 1, 2, 3, 5, 4);
	CHECK_EQ(k.n_asked, 0);
	CHECK(!compare_is_holding(k.c));
	kit_fini(&k);
}

static void midstream(void)
{
	struct kit k;

	kit_init(&k);
	PRIMARY(&k, EMPTY(1, 1000, A));
	PRIMARY(&k, DATA(2, 1000, "abc"));
	CHECK_EQ(k.n_out, 0);		/* has the secondary that too? */
	SECONDARY(&k, DATA(2, 998, "xxab"));
	CHECK_OUT(&k, 1);
	SECONDARY(&k, DATA(3, 1002, "c"));
	CHECK_OUT(&k, 1, 2);
	CHECK_EQ(k.n_asked, 0);
	kit_fini(&k);
}

static void midstream_secondary_begins_later(void)
{
	struct kit k;

	kit_init(&k);
	PRIMARY(&k, DATA(1, 1000, "ab"));
	PRIMARY(&k, DATA(2, 1002, "cdef"));
	PRIMARY(&k, DATA(3, 1006, "gh"));
	SECONDARY(&k, DATA(1, 1003, "defg"));
	kit_wait(&k, 2 * SEC);
	CHECK_EQ(k.n_asked, 0);
	CHECK_EQ(k.n_out, 0);
	kit_wait(&k, 2 * SEC);
	CHECK_EQ(k.n_asked, 1);
	CHECK_EQ(k.reason, COMPARE_TIMEOUT);
	CHECK_OUT(&k, 1, 2);
	SECONDARY(&k, DATA(2, 1007, "x"));
	CHECK_EQ(k.n_differ, 2);		/* it is compared from there */
	CHECK_EQ(k.n_asked, 1);
	CHECK_OUT(&k, 1, 2);
	compare_flush(k.c, k.now_ns);
	CHECK_OUT(&k, 1, 2, 3);
	kit_fini(&k);
}

/* No byte that both have shown: nothing leaves. */
static void midstream_silent_secondary(void)
{
	struct kit k;

	kit_init(&k);
	PRIMARY(&k, DATA(1, 1000, "ab"));
	kit_wait(&k, 10 * SEC);
	CHECK_EQ(k.n_asked, 1);
	CHECK_EQ(k.n_out, 0);
	SECONDARY(&k, DATA(1, 1000, "ab"));
	CHECK_OUT(&k, 1);
	kit_fini(&k);
}

/* Both refuse one connection; of the next one only the primary does. */
static void rst_of_another_connection(void)
{
	struct kit k;

	kit_init(&k);
	PRIMARY(&k, TCP(1, 0, 501, R | A, ""));
	SECONDARY(&k, TCP(1, 0, 501, R | A, ""));
	PRIMARY(&k, TCP(2, 0, 501, R | A, ""));		/* the SYN again */
	SECONDARY(&k, TCP(2, 0, 501, R | A, ""));
	PRIMARY(&k, TCP(3, 77, 0, R, ""));		/* to an ACK */
	CHECK_OUT(&k, 1, 2, 3);
	PRIMARY(&k, TCP(4, 0, 9001, R | A, ""));
	CHECK_OUT(&k, 1, 2, 3);
	SECONDARY(&k, TCP(4, 7777, 9001, S | A, ""));
	CHECK_EQ(k.n_asked, 1);
	CHECK_EQ(k.reason, COMPARE_FLAGS);
	compare_flush(k.c, k.now_ns);
	CHECK_OUT(&k, 1, 2, 3, 4);
	kit_fini(&k);
}

/* Since a checkpoint the secondary says the primary's SYN+ACK again. */
static void syn_ack_again_after_a_checkpoint(void)
{
	struct kit k;

	open_flow(&k);
	compare_copied(k.c);
	compare_flush(k.c, k.now_ns);
	PRIMARY(&k, EMPTY(2, 100, S | A));
	SECONDARY(&k, EMPTY(2, 100, S | A));
	CHECK_OUT(&k, 1, 2);
	CHECK(!compare_is_holding(k.c));
	PRIMARY(&k, DATA(3, 101, "abc"));
	SECONDARY(&k, DATA(3, 101, "abc"));
	CHECK_OUT(&k, 1, 2, 3);
	kit_fini(&k);
}

/* The late SYN+ACK that a flush waits for may never come. */
static void syn_ack_that_never_came(void)
{
	struct kit k;

	kit_init(&k);
	PRIMARY(&k, EMPTY(1, 100, S | A));
	compare_copied(k.c);
	compare_flush(k.c, k.now_ns);
	PRIMARY(&k, DATA(2, 101, "abc"));
	SECONDARY(&k, DATA(2, 101, "abc"));
	PRIMARY(&k, EMPTY(3, 0xc0000000, S | A));	/* the port again */
	SECONDARY(&k, EMPTY(3, 7777, S | A));
	CHECK_OUT(&k, 1, 2, 3);
	kit_fini(&k);
}

/* QEMU fault 10: the padding counted as payload. */
static void padding_is_not_payload(void)
{
	struct kit k;

	open_flow(&k);
	PRIMARY(&k, DATA(2, 101, "a"), .pad_to = 60);
	SECONDARY(&k, DATA(9, 101, "a"));
	CHECK_OUT(&k, 1, 2);
	CHECK_EQ(k.n_asked, 0);
	kit_fini(&k);
}

static void ip_id_ttl_and_psh_may_differ(void)
{
	struct kit k;

	open_flow(&k);
	PRIMARY(&k, TCP(2, 101, 500, A | TCP_PSH, "abc"), .ttl = 64);
	SECONDARY(&k, TCP(9, 101, 600, A, "abc"), .ttl = 63);
	CHECK_OUT(&k, 1, 2);
	CHECK_EQ(k.n_asked, 0);
	kit_fini(&k);
}

/* QEMU fault 19 */
static void destination_mac_is_compared(void)
{
	struct kit k;

	open_flow(&k);
	PRIMARY(&k, DATA(2, 101, "abc"), .mac = 1);
	SECONDARY(&k, DATA(2, 101, "abc"), .mac = 2);
	CHECK_EQ(k.n_asked, 1);
	CHECK_OUT(&k, 1);
	kit_fini(&k);
}

/* QEMU fault 9: IPv6 and VLANs left uncompared. */
static void ipv6_and_vlan(void)
{
	struct kit k;

	kit_init(&k);
	PRIMARY(&k, EMPTY(1, 100, S), .v6 = true);
	SECONDARY(&k, EMPTY(1, 9, S), .v6 = true);
	PRIMARY(&k, DATA(2, 101, "abc"), .v6 = true);
	SECONDARY(&k, DATA(2, 101, "abc"), .v6 = true);
	CHECK_OUT(&k, 1, 2);
	PRIMARY(&k, EMPTY(3, 100, S), .vlan = 5);
	SECONDARY(&k, EMPTY(3, 9, S), .vlan = 6);
	CHECK_OUT(&k, 1, 2);
	SECONDARY(&k, EMPTY(3, 9, S), .vlan = 5);
	CHECK_OUT(&k, 1, 2, 3);
	PRIMARY(&k, DATA(4, 101, "abc"), .vlan = 5);
	SECONDARY(&k, DATA(4, 101, "abX"), .vlan = 5);
	CHECK_EQ(k.n_asked, 1);
	CHECK(!strcmp(k.flow, "tcp 10.0.0.1:80 > 10.0.0.2:1000 vlan 5"));
	kit_fini(&k);
}

int main(void)
{
	TEST(same_segments);
	TEST(other_segments);
	TEST(one_large_secondary_segment);
	TEST(repeated_part_leaves);
	TEST(across_the_wrap);
	TEST(different_byte);
	TEST(one_request_per_episode);
	TEST(acks_and_retransmissions_leave_at_once);
	TEST(retransmission_of_held_data);
	TEST(gap_asks_soon);
	TEST(no_gap_no_question);
	TEST(ack_keeps_its_place);
	TEST(secondary_acks_are_dropped_at_once);
	TEST(secondary_out_of_order);
	TEST(primary_out_of_order);
	TEST(fin_is_part_of_the_stream);
	TEST(fin_against_data);
	TEST(syn_ack_against_rst);
	TEST(rst_against_syn_ack);
	TEST(rst_against_rst);
	TEST(rst_in_the_stream);
	TEST(syn_options);
	TEST(syn_ack_of_other_data);
	TEST(port_is_used_again);
	TEST(primary_begins_again_first);
	TEST(midstream);
	TEST(midstream_secondary_begins_later);
	TEST(midstream_silent_secondary);
	TEST(rst_of_another_connection);
	TEST(syn_ack_again_after_a_checkpoint);
	TEST(syn_ack_that_never_came);
	TEST(padding_is_not_payload);
	TEST(ip_id_ttl_and_psh_may_differ);
	TEST(destination_mac_is_compared);
	TEST(ipv6_and_vlan);
	return TEST_END();
}
