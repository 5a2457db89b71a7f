/* SPDX-License-Identifier: ISC */
/*
 * The place of a segment among many that wait: the same as without an index,
 * and found without looking at many, whatever the order they come in.
 */
#include "../../compare/core/act.h"
#include "../../compare/core/core.h"
#include "../../compare/core/flows.h"
#include "../../compare/core/stream.h"
#include "compare_kit.h"
#include "random.h"

#define N 20000u
#define LOOKS_MAX 300u		/* for a segment, on average */

static struct random rnd;

static void say(struct kit *k, enum compare_side side, uint32_t seq,
		unsigned flags)
{
	kit_input(k, side, (struct seg){
		.proto = PACKET_TCP, .seq = seq, .ack = 1, .flags = flags,
		.data = "x", .len = flags & (S | R) ? 0 : 1 });
}

static struct cmp_flow *flow_of(const struct kit *k, enum compare_side side)
{
	return flows_of(k->c, hold_at(&k->c->pool, k->c->pool.oldest[side]));
}

static void init(struct kit *k)
{
	struct compare_config config = kit_config();

	config.max_queue = 10 * N;
	kit_init_with(k, &config);
}

/* --- the same place --- */

struct model {			/* a queue as an array */
	struct { uint32_t seq; unsigned flags; } v[2 * N];
	unsigned n;
};

static unsigned place_of_syn(const struct model *m, uint32_t seq)
{
	for (unsigned i = m->n; i--;)
		if ((m->v[i].flags & S) && m->v[i].seq == seq)
			return i + 1;
	return m->n;
}

static unsigned place_of_data(const struct model *m, uint32_t seq)
{
	unsigned i = m->n;

	while (i && !(m->v[i - 1].flags & S) &&
	       ((m->v[i - 1].flags & R) || seq_gt(m->v[i - 1].seq, seq)))
		i--;
	return i;
}

static void model_add(struct model *m, uint32_t seq, unsigned flags)
{
	unsigned at = flags & S ? place_of_syn(m, seq) :
		      flags & R ? m->n : place_of_data(m, seq);

	memmove(&m->v[at + 1], &m->v[at], (m->n - at) * sizeof(*m->v));
	m->v[at].seq = seq;
	m->v[at].flags = flags;
	m->n++;
}

static void check_queue(const struct kit *k, const struct model *m)
{
	const struct cmp_flow *fl = flow_of(k, COMPARE_PRIMARY);
	const struct hold *h = stream_head(k->c, fl, COMPARE_PRIMARY);

	CHECK_EQ(fl->q[COMPARE_PRIMARY].n, m->n);
	for (unsigned i = 0; i < m->n; i++) {
		CHECK_EQ(h->seq, m->v[i].seq);
		CHECK_EQ(h->flags & (S | R), m->v[i].flags & (S | R));
		h = hold_at(&k->c->pool, h->next);
	}
	CHECK(!h);
}

/* One in the middle, or the first few: both happen. */
static void remove_some(struct kit *k, struct model *m)
{
	struct cmp_flow *fl = flow_of(k, COMPARE_PRIMARY);
	unsigned at = random_below(&rnd, 2) ? 0 :
		      (unsigned)random_below(&rnd, m->n);
	unsigned n = (unsigned)random_below(&rnd, random_below(&rnd, 50) ? 4 :
					    m->n);

	while (n-- && at + 1 < m->n) {
		struct hold *h = stream_head(k->c, fl, COMPARE_PRIMARY);

		for (unsigned i = 0; i < at; i++)
			h = hold_at(&k->c->pool, h->next);
		/* a SYN that leaves has nothing before it */
		if (at && h->flags & (S | R))
			break;
		k->c->account.out++;
		act_unhold(k->c, fl, h);
		m->n--;
		memmove(&m->v[at], &m->v[at + 1], (m->n - at) * sizeof(*m->v));
	}
}

/* Near the end, anywhere, lower than all, the same again. */
static uint32_t some_seq(uint32_t from, unsigned i, unsigned how)
{
	switch (how) {
	case 0:
		return from + i * 2;
	case 1:
		return from - i * 2;
	case 2:
		return from + (uint32_t)random_below(&rnd, 4 * N);
	default:
		return from + (uint32_t)random_below(&rnd, 8);
	}
}

static void same_place(uint32_t from)
{
	static struct model m;
	unsigned how = 0, since_rst = 0;
	uint32_t syn = from - 5 * N;
	struct kit k;

	init(&k);
	m.n = 0;
	for (unsigned i = 0; i < N; i++) {
		unsigned flags = A;
		uint32_t seq;

		if (!random_below(&rnd, 500))
			how = (unsigned)random_below(&rnd, 4);
		if (!random_below(&rnd, 3000))
			flags = S;
		else if (!random_below(&rnd, 1000) || since_rst)
			flags = R;
		/* behind a RST there is a SYN before there is data, or what
		 * stands before it is another connection's */
		since_rst = flags == R ? (since_rst + 1) % 4 : 0;
		seq = some_seq(from, i, how);
		if (flags == S && random_below(&rnd, 3))
			syn = from - 5 * N + i;
		if (flags == S)		/* another, or that again */
			seq = syn;
		say(&k, COMPARE_PRIMARY, seq, flags);
		model_add(&m, seq, flags);
		if (!random_below(&rnd, 40))
			remove_some(&k, &m);
		if (i % 512 == 0)
			check_queue(&k, &m);
	}
	check_queue(&k, &m);
	compare_flush(k.c, k.now_ns);
	CHECK(!compare_is_holding(k.c));
	kit_fini(&k);
}

static void index_and_walk_find_the_same_place(void)
{
	for (unsigned i = 0; i < 8; i++)
		same_place(i < 4 ? 1000000 : 0x80000000 * (i & 1) - N);
}

/* --- what it costs --- */

enum pattern { RISING, FALLING, RANDOM, EQUAL, FAR, PATTERNS };

static uint32_t pattern_seq(enum pattern pattern, uint32_t i)
{
	switch (pattern) {
	case RISING:
		return i * 2;
	case FALLING:
		return (N - i) * 2;
	case RANDOM:
		return (uint32_t)random_below(&rnd, 4 * N);
	case EQUAL:
		return i / (N / 2);
	default:		/* in no order that serial numbers have */
		return i * UINT32_C(0x55555555);
	}
}

static void flood(enum compare_side side, enum pattern pattern, unsigned flags,
		  unsigned every, unsigned other)
{
	struct kit k;

	init(&k);
	for (uint32_t i = 0; i < N; i++)
		say(&k, side, pattern_seq(pattern, i),
		    every && i % every == 0 ? other : flags);
	CHECK(k.c->orders.n_looks <= (uint64_t)N * LOOKS_MAX);
	compare_flush(k.c, k.now_ns);
	CHECK(k.c->orders.n_looks <= (uint64_t)N * LOOKS_MAX);
	CHECK(!compare_is_holding(k.c));
	kit_fini(&k);
}

static void no_order_makes_a_place_expensive(void)
{
	for (unsigned i = 0; i < 2 * PATTERNS; i++) {
		enum compare_side side = i & 1 ? COMPARE_SECONDARY :
						 COMPARE_PRIMARY;
		enum pattern pattern = (enum pattern)(i / 2);

		flood(side, pattern, A, 0, 0);
		flood(side, pattern, S, 0, 0);
		flood(side, pattern, R, 0, 0);
		flood(side, pattern, R, 2, A);
		flood(side, pattern, A, 1000, R);
		flood(side, pattern, A, 1000, S);
		flood(side, pattern, S, 2, A);
	}
}

static void common_order_has_no_index(void)
{
	struct kit k;

	init(&k);
	for (uint32_t i = 0; i < N; i++)
		say(&k, COMPARE_PRIMARY, 2 * (i ^ 63), A);
	CHECK_EQ(k.c->orders.n, 0);
	kit_fini(&k);
}

/* While bytes of the first segment come one by one, those that overlap it are
 * not looked at again and again. */
static void overlapped_segments_wait_cheaply(void)
{
	enum { LEN = 20000 };
	static char data[LEN];
	struct kit k;

	init(&k);
	say(&k, COMPARE_PRIMARY, 99, A);
	say(&k, COMPARE_SECONDARY, 99, A);
	CHECK_EQ(k.n_out, 1);
	kit_input(&k, COMPARE_PRIMARY, (struct seg){
		.proto = PACKET_TCP, .seq = 100, .ack = 1, .flags = A,
		.data = data, .len = LEN });
	for (uint32_t i = 0; i < LEN; i++)
		kit_input(&k, COMPARE_PRIMARY, (struct seg){
			.proto = PACKET_TCP, .seq = 101 + i, .ack = 1,
			.flags = A, .data = data, .len = 1 });
	for (uint32_t i = 0; i < LEN; i++)
		kit_input(&k, COMPARE_SECONDARY, (struct seg){
			.proto = PACKET_TCP, .seq = 100 + i, .ack = 1,
			.flags = A, .data = data, .len = 1 });
	CHECK_EQ(k.n_out, LEN + 1);
	kit_fini(&k);
}

int main(int argc, char **argv)
{
	random_init(&rnd, argc, argv);
	TEST(index_and_walk_find_the_same_place);
	TEST(no_order_makes_a_place_expensive);
	TEST(common_order_has_no_index);
	TEST(overlapped_segments_wait_cheaply);
	return TEST_END();
}
