/* SPDX-License-Identifier: ISC */
/*
 * Packets of one address pair that are compared by different rules: TCP
 * segments, TCP without a sound header, TCP in fragments. Ports of 0 are what
 * those that have none would have too. Whatever they are mixed with, each
 * leaves once.
 */
#include "compare_kit.h"

#define DATA "sixteen of bytes"
#define TIMES "\1\1\10\12\0\0\0\11\0\0\0\0"

/* What one kind sends: a frame or two. */
struct kind {
	unsigned n;
	struct seg v[2];
};

#define SEGMENT(f) \
	.proto = PACKET_TCP, .seq = 0xfffffff0, .ack = 1, .flags = (f), \
	.data = DATA, .len = 16, .options = TIMES, .options_len = 12

static const struct kind kinds[] = {
	{ 1, { { .tag = 1, .no_ports = true, SEGMENT(A) } } },
	{ 1, { { .tag = 2, .no_header = true, SEGMENT(A) } } },
	{ 1, { { .tag = 3, .no_ports = true, .to = 24, SEGMENT(A) } } },
	{ 2, { { .tag = 4, .no_ports = true, .to = 24, SEGMENT(A) },
	       { .tag = 4, .no_ports = true, .from = 24, .to = 48, SEGMENT(A) } } },
	{ 2, { { .tag = 5, .no_header = true, .to = 24, SEGMENT(A) },
	       { .tag = 5, .no_header = true, .from = 24, .to = 48, SEGMENT(A) } } },
	{ 1, { { .tag = 6, .no_ports = true, SEGMENT(S) } } },
	{ 1, { { .tag = 7, .no_ports = true, SEGMENT(R) } } },
	{ 1, { { .tag = 8, .no_ports = true, .proto = PACKET_UDP, .data = DATA,
		 .len = 16 } } },
};
#define N_KINDS (sizeof(kinds) / sizeof(*kinds))

static unsigned say(struct kit *k, enum compare_side side, unsigned kind,
		    bool v6)
{
	for (unsigned i = 0; i < kinds[kind].n; i++) {
		struct seg g = kinds[kind].v[i];

		g.v6 = v6;
		g.tag = v6 ? g.tag << 4 : g.tag;
		kit_input(k, side, g);
		kit_stats(k);
	}
	return kinds[kind].n;
}

/* The primary says two things, the secondary nothing. */
static void alone(unsigned a, unsigned b, bool v6, bool dies)
{
	struct kit k;
	unsigned n;

	kit_init(&k);
	n = say(&k, COMPARE_PRIMARY, a, v6);
	n += say(&k, COMPARE_PRIMARY, b, v6);
	if (dies)
		compare_failover(k.c, k.now_ns);
	else
		compare_flush(k.c, k.now_ns);
	CHECK_EQ(k.n_out, n);
	CHECK_EQ(kit_stats(&k).originated, 0);
	CHECK(!compare_is_holding(k.c));
	kit_fini(&k);
}

/* Both say the same two things, in either order; in a report too. */
static void both(struct compare_config config, unsigned a, unsigned b, bool v6)
{
	struct kit k;
	unsigned n;

	kit_init_with(&k, &config);
	n = say(&k, COMPARE_PRIMARY, a, v6);
	n += say(&k, COMPARE_PRIMARY, b, v6);
	say(&k, COMPARE_SECONDARY, b, v6);
	say(&k, COMPARE_SECONDARY, a, v6);
	kit_wait(&k, 4 * SEC);
	compare_flush(k.c, k.now_ns);
	CHECK_EQ(k.n_out, n);
	CHECK(!compare_is_holding(k.c));
	kit_fini(&k);
}

/* Calls what() for each two kinds, IPv4 and IPv6. */
#define EACH(what, ...)                                                      \
	for (unsigned i_ = 0; i_ < 2 * N_KINDS * N_KINDS; i_++)              \
		what(__VA_ARGS__ i_ / 2 % N_KINDS, i_ / 2 / N_KINDS, i_ & 1)

static void flushed(unsigned a, unsigned b, bool v6)
{
	alone(a, b, v6, false);
}

static void failed_over(unsigned a, unsigned b, bool v6)
{
	alone(a, b, v6, true);
}

static void any_two_at_a_checkpoint(void)
{
	EACH(flushed);
}

static void any_two_at_a_failover(void)
{
	EACH(failed_over);
}

static void any_two_of_both_sides(void)
{
	struct compare_config config = kit_config();

	EACH(both, config,);
	config.ack_policy = COMPARE_ACK_HOLD;
	EACH(both, config,);
}

static void any_two_in_a_report(void)
{
	struct compare_config config = kit_config();

	config.report_only = true;
	EACH(both, config,);
	config.ignore_addr = true;
	EACH(both, config,);
	config.pair_order = true;
	EACH(both, config,);
	config.own_isn = true;
	EACH(both, config,);
}

/* What is alike on both sides and complete has found its equal. */
static void fragments_of_tcp_leave_once(void)
{
	struct kit k;

	kit_init(&k);
	say(&k, COMPARE_PRIMARY, 0, false);
	say(&k, COMPARE_PRIMARY, 3, false);
	CHECK_EQ(k.n_out, 0);
	say(&k, COMPARE_SECONDARY, 3, false);
	CHECK_OUT(&k, 4, 4);
	say(&k, COMPARE_SECONDARY, 0, false);
	CHECK_OUT(&k, 4, 4, 1);
	CHECK_EQ(k.n_asked, 0);
	CHECK(!compare_is_holding(k.c));
	kit_fini(&k);
}

/* IPv6: what the fragments make says that it is a fragment itself. */
static void say_nested(struct kit *k, enum compare_side side, unsigned from,
		       unsigned to)
{
	const struct seg g = {
		.tag = 0x10, .proto = 59, .v6 = true, .from = from, .to = to,
		.data = "\x3b\0\0\1\0\0\0\x09" DATA DATA, .len = 40,
	};
	struct frame f = kit_frame(&g);

	f.data[54] = 44;	/* what the fragment header says comes next */
	compare_input(k->c, side, &f, 1, k->now_ns);
	chunk_unref(f.chunk);
	kit_stats(k);
}

static void fragments_in_fragments(void)
{
	struct kit k;

	kit_init(&k);
	say_nested(&k, COMPARE_PRIMARY, 0, 24);
	say_nested(&k, COMPARE_PRIMARY, 24, 40);
	say_nested(&k, COMPARE_SECONDARY, 0, 24);
	say_nested(&k, COMPARE_SECONDARY, 24, 40);
	CHECK_OUT(&k, 0x10, 0x10);
	CHECK(!compare_is_holding(k.c));
	kit_fini(&k);
}

int main(void)
{
	TEST(any_two_at_a_checkpoint);
	TEST(any_two_at_a_failover);
	TEST(any_two_of_both_sides);
	TEST(any_two_in_a_report);
	TEST(fragments_of_tcp_leave_once);
	TEST(fragments_in_fragments);
	return TEST_END();
}
