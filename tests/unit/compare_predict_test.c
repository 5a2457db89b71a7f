/* SPDX-License-Identifier: ISC */
/*
 * Header prediction must never say anything else than the parser and the
 * flow's key do; and it must say something when it should.
 */
#include "../../compare/core/core.h"
#include "../../compare/core/flows.h"
#include "../../compare/core/predict.h"
#include "compare_kit.h"
#include "random.h"

static struct random rnd;

static const struct seg model = {
	.tag = 1, .proto = PACKET_TCP, .seq = 100, .ack = 9, .flags = A,
	.data = "hello", .len = 5, .options = "\1\1\x8\xa\0\0\0\0\0\0\0\0",
	.options_len = 12, .pad_to = 90,
};

/* One that waits, and what comes for it. */
struct pair {
	struct kit k;
	struct frame f;
};

static void begin(struct pair *p, bool v6, unsigned proto)
{
	struct seg g = model;

	g.v6 = v6;
	g.proto = proto;
	kit_init(&p->k);
	kit_input(&p->k, COMPARE_PRIMARY, g);
	g.tag = 2;
	g.options = "\1\1\x8\xa\1\2\3\4\5\6\7\x8";
	g.seq = 105;
	g.ack = 30;
	g.window = 77;
	p->f = kit_frame(&g);
}

static void end(struct pair *p)
{
	chunk_unref(p->f.chunk);
	kit_fini(&p->k);
}

static uint32_t predict(const struct pair *p)
{
	const struct compare *c = p->k.c;
	uint32_t at = predict_first(c, COMPARE_SECONDARY);

	return predict_twin(c, &at, &p->f);
}

/* What it would be parsed to is what waits, and its key is that flow's. */
static void check_truth(const struct pair *p, uint32_t twin)
{
	const struct compare *c = p->k.c;
	const struct hold *h = hold_at(&c->pool, twin);
	struct flow_key key;
	struct packet truth;

	packet_parse(&truth, frame_eth(&p->f), frame_eth_len(&p->f));
	CHECK_EQ(truth.level, PACKET_L4);
	CHECK_EQ(truth.proto, h->header_len ? PACKET_TCP : PACKET_UDP);
	CHECK(!truth.fragment && !truth.truncated);
	CHECK_EQ(truth.l4_off + (h->header_len ? h->header_len : 8u),
		 h->payload_off);
	CHECK_EQ(truth.payload_off, h->payload_off);
	CHECK_EQ(truth.payload_len, h->payload_len);
	CHECK(!flow_key_of(&key, &truth, false));
	CHECK(!memcmp(&key, flow_get_key(c->flows,
			flow_at(c->flows, h->flow)), sizeof(key)));
}

static void what_the_stacks_choose_may_differ(void)
{
	for (unsigned i = 0; i < 4; i++) {
		struct pair p;

		begin(&p, i & 1, i & 2 ? PACKET_UDP : PACKET_TCP);
		CHECK(predict(&p) != HOLD_NONE);
		check_truth(&p, predict(&p));
		end(&p);
	}
}

static void a_changed_bit_is_seen_or_means_nothing(void)
{
	for (unsigned i = 0; i < 4; i++) {
		bool v6 = i & 1, udp = i & 2;
		unsigned n_predicted = 0;
		unsigned n = 8 * (14 + (v6 ? 40u : 20u) + (udp ? 8u : 32u));
		struct pair p;

		begin(&p, v6, udp ? PACKET_UDP : PACKET_TCP);
		for (unsigned bit = 0; bit < n; bit++) {
			uint32_t twin;

			p.f.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
			twin = predict(&p);
			if (twin != HOLD_NONE) {
				check_truth(&p, twin);
				n_predicted++;
			}
			p.f.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		/* MACs, TCP but for ports, length and SYN, or UDP's sum;
		 * id, sum | label */
		CHECK_EQ(n_predicted, 96 + (udp ? 16 : 8 * 27 - 1) +
				      (v6 ? 24 : 32));
		end(&p);
	}
}

static void many_changed_bytes(void)
{
	for (unsigned i = 0; i < 200000; i++) {
		static struct pair p;
		uint32_t twin;

		if (i % 1000 == 0)
			begin(&p, i / 1000 % 2,
			      i / 1000 & 2 ? PACKET_UDP : PACKET_TCP);
		for (unsigned n = 0; n < 3; n++)
			p.f.data[random_below(&rnd, 70)] =
				(uint8_t)random_next(&rnd);
		twin = predict(&p);
		if (twin != HOLD_NONE)
			check_truth(&p, twin);
		if (i % 1000 == 999)
			end(&p);
	}
}

static void another_length_is_another_packet(void)
{
	struct pair p;

	begin(&p, false, PACKET_TCP);
	p.f.len--;
	CHECK_EQ(predict(&p), HOLD_NONE);
	p.f.len += 2;
	CHECK_EQ(predict(&p), HOLD_NONE);
	end(&p);
}

static void a_syn_is_not_predicted(void)
{
	struct pair p;

	begin(&p, false, PACKET_TCP);
	p.f.data[34 + 13] |= TCP_SYN;
	CHECK_EQ(predict(&p), HOLD_NONE);
	end(&p);
}

/* Behind longer IP headers what is compared may begin where a datagram's
 * payload does: UDP without a sound header, or what is no UDP at all. */
static void longer_headers_are_not_predicted(void)
{
	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct seg g = { .tag = 1, .proto = PACKET_UDP, .v6 = v6,
				 .sport = 59 << 8, .data = "0123456789abcdef",
				 .len = 16 };
		struct packet packet;
		struct pair p;

		kit_init(&p.k);
		p.f = kit_frame(&g);
		if (v6)
			p.f.data[14 + 6] = 60;	/* options, then nothing */
		else
			p.f.data[14] = 0x47;
		packet_parse(&packet, frame_eth(&p.f), frame_eth_len(&p.f));
		CHECK_EQ(packet.level, PACKET_IP);
		CHECK_EQ(packet.l4_off, v6 ? 62 : 42);
		compare_input(p.k.c, COMPARE_PRIMARY, &p.f, 1, p.k.now_ns);
		CHECK_EQ(predict(&p), HOLD_NONE);
		end(&p);
	}
}

/* Behind one that has no twin yet, those of other flows are found again. */
static void one_without_a_twin_stops_no_prediction(void)
{
	struct seg g = model;
	struct pair p;

	begin(&p, false, PACKET_TCP);
	for (g.dport = 2000; g.dport < 2003; g.dport++)
		kit_input(&p.k, COMPARE_PRIMARY, g);
	chunk_unref(p.f.chunk);
	g.dport = 2000;
	p.f = kit_frame(&g);
	CHECK_EQ(predict(&p), HOLD_NONE);
	compare_input(p.k.c, COMPARE_SECONDARY, &p.f, 1, p.k.now_ns);
	chunk_unref(p.f.chunk);
	CHECK_EQ(p.k.n_out, 1);
	g.dport = 2001;
	p.f = kit_frame(&g);
	CHECK(predict(&p) != HOLD_NONE);
	end(&p);
}

/* Between the prediction and its use the flow goes, and another one gets its
 * place: all in one call. */
static void a_flow_that_went_meanwhile(void)
{
	struct compare_config config = kit_config();
	struct seg g = { .proto = PACKET_TCP, .flags = A, .seq = 100,
			 .data = "ab", .len = 2 };
	struct frame v[3];
	struct stats s;
	struct kit k;

	config.max_flows = 1;
	kit_init_with(&k, &config);
	kit_input(&k, COMPARE_PRIMARY, g);
	v[2] = kit_frame(&g);
	g.data = "abcd";
	g.len = 4;
	v[0] = kit_frame(&g);
	g.dport = 2000;
	v[1] = kit_frame(&g);
	g.dport = 0;
	g.data = "cd";
	g.seq = 102;
	g.len = 2;
	kit_input(&k, COMPARE_PRIMARY, g);
	compare_input(k.c, COMPARE_SECONDARY, v, 3, k.now_ns);
	s = kit_stats(&k);
	CHECK_EQ(k.n_out, 2);
	CHECK_EQ(kit_row(&s, "compare", "flows-evicted"), 1);
	CHECK_EQ(kit_row(&s, "flows", "known"), 2);
	CHECK_EQ(kit_row(&s, "flows", "holding"), 2);
	CHECK_EQ(kit_row(&s, "dropped", "matched"), 1);
	for (unsigned i = 0; i < 3; i++)
		chunk_unref(v[i].chunk);
	kit_fini(&k);
}

/* It waits for one that came whole: they are of two flows, as TCP is not put
 * together for the client. */
static void a_segment_in_fragments_is_no_twin(void)
{
	struct seg g = { .proto = PACKET_TCP, .flags = A, .seq = 100,
			 .data = "0123456789abcdef", .len = 16, .tag = 1 };
	struct kit k;

	kit_init(&k);
	kit_input(&k, COMPARE_PRIMARY, g);
	g.to = 24;
	kit_input(&k, COMPARE_SECONDARY, g);
	g.from = 24;
	g.to = 36;
	kit_input(&k, COMPARE_SECONDARY, g);
	CHECK_EQ(k.n_out, 0);
	CHECK_EQ(kit_stats(&k).held, 3);
	compare_flush(k.c, k.now_ns);
	CHECK_OUT(&k, 1);
	CHECK_EQ(kit_stats(&k).held, 0);
	kit_fini(&k);
}

/* What the secondary says after a checkpoint counts, though it says nothing
 * but what it said before. */
static void a_twin_after_a_checkpoint_acknowledges(void)
{
	struct seg g = { .proto = PACKET_TCP, .flags = A | S, .seq = 99,
			 .ack = 1000 };
	struct kit k;

	kit_init(&k);
	kit_input(&k, COMPARE_PRIMARY, g);
	kit_input(&k, COMPARE_SECONDARY, g);
	g = (struct seg){ .proto = PACKET_TCP, .flags = A, .seq = 100,
			  .ack = 1000, .data = "ab", .len = 2 };
	kit_input(&k, COMPARE_PRIMARY, g);
	g.ack = 2000;
	kit_input(&k, COMPARE_SECONDARY, g);
	CHECK_EQ(k.n_out, 2);
	compare_copied(k.c);
	compare_flush(k.c, k.now_ns);
	g.seq = 102;
	g.ack = 1000;
	kit_input(&k, COMPARE_PRIMARY, g);
	g.ack = 2000;
	kit_input(&k, COMPARE_SECONDARY, g);
	CHECK_EQ(k.n_out, 3);
	g.seq = 104;
	g.len = 0;
	kit_input(&k, COMPARE_PRIMARY, g);
	CHECK_EQ(k.n_out, 4);
	CHECK_EQ(k.ack, 2000);
	kit_fini(&k);
}

/* When the primary's SYN left at a checkpoint and data followed, the
 * secondary's next SYN is of another connection. */
static void after_a_twin_no_syn_is_late(void)
{
	struct seg g = { .proto = PACKET_TCP, .flags = A | S, .seq = 99,
			 .ack = 1000 };
	struct kit k;

	kit_init(&k);
	kit_input(&k, COMPARE_PRIMARY, g);
	compare_flush(k.c, k.now_ns);
	g = (struct seg){ .proto = PACKET_TCP, .flags = A, .seq = 100,
			  .ack = 1000, .data = "ab", .len = 2 };
	kit_input(&k, COMPARE_PRIMARY, g);
	kit_input(&k, COMPARE_SECONDARY, g);
	CHECK_EQ(k.n_out, 2);
	g = (struct seg){ .proto = PACKET_TCP, .flags = A | S, .seq = 5555 };
	kit_input(&k, COMPARE_SECONDARY, g);
	CHECK_EQ(kit_stats(&k).held, 1);
	kit_fini(&k);
}

/* Another flow has its place by then. */
static void a_flow_is_not_found_where_it_was(void)
{
	struct compare_config config = kit_config();
	struct seg g = { .proto = PACKET_TCP, .flags = A, .dport = 2000 };
	const struct hold *h;
	struct kit k;

	config.max_flows = 1;
	config.ack_policy = COMPARE_ACK_RELEASE;
	kit_init_with(&k, &config);
	kit_input(&k, COMPARE_PRIMARY, g);
	g.dport = 3000;
	kit_input(&k, COMPARE_PRIMARY, g);
	CHECK_EQ(flow_count(k.c->flows), 1);
	g.dport = 2000;
	g.data = "ab";
	g.len = 2;
	kit_input(&k, COMPARE_PRIMARY, g);
	h = hold_at(&k.c->pool, k.c->pool.oldest[COMPARE_PRIMARY]);
	CHECK_EQ(flow_get_key(k.c->flows, flows_of(k.c, h))->dport, 2000);
	kit_fini(&k);
}

/*
 * Two comparisons of the same packets: in one of them they have VLAN tags, so
 * it predicts nothing. Both must do and say the same.
 */
#define N_FLOWS 3u
#define N_SEGS 120u

struct outcome {		/* of one comparison */
	struct compare *c;
	uint64_t sum;		/* of all that it said */
	unsigned n_out;
};

struct stream {
	struct seg segs[N_SEGS];
	unsigned rate;		/* percent of them that are disturbed */
	unsigned at[2];		/* the next, by side */
};

static void account_add(struct outcome *a, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		a->sum = (a->sum ^ p[i]) * 0x100000001b3;
}

static void account_release(void *arg, const struct frame *f)
{
	struct outcome *a = arg;
	struct packet p;

	packet_parse(&p, frame_eth(f), frame_eth_len(f));
	account_add(a, p.eth + p.l3_off, p.len - p.l3_off);
	a->n_out++;
}

static void account_differ(void *arg, const struct compare_difference *d)
{
	account_add(arg, (const uint8_t *)&d->reason, sizeof(d->reason));
	account_add(arg, (const uint8_t *)&d->offset, sizeof(d->offset));
}

static void account_init(struct outcome *a, enum compare_ack_policy policy)
{
	const struct compare_handler handler = {
		.release = account_release, .differ = account_differ, .arg = a,
	};
	struct compare_config config = kit_config();

	config.ack_policy = policy;
	*a = (struct outcome){ .c = compare_new(&config, &handler) };
}

static unsigned chance(unsigned percent)
{
	return random_below(&rnd, 100) < percent;
}

static void datagrams_init(struct stream *s, uint16_t dport)
{
	*s = (struct stream){ .rate = (unsigned)random_below(&rnd, 30) };
	for (unsigned i = 0; i < N_SEGS; i++)
		s->segs[i] = (struct seg){
			.proto = PACKET_UDP, .dport = dport, .tag = i,
			.data = &"each datagram is another one"[i % 8],
			.len = (unsigned)random_below(&rnd, 20),
		};
}

static void stream_init(struct stream *s, uint16_t dport)
{
	static const uint8_t data[64] = "what both replicas say";
	bool is_signed = chance(10);
	uint32_t seq = (uint32_t)random_next(&rnd), ack = 77;
	unsigned window = 507;

	*s = (struct stream){ .rate = (unsigned)random_below(&rnd, 30) };
	for (unsigned i = 0; i < N_SEGS; i++) {
		struct seg *g = &s->segs[i];

		ack += chance(10) ? 1000 : 0;
		window += chance(10) ? 1000 : 0;
		*g = (struct seg){ .proto = PACKET_TCP, .dport = dport,
				   .seq = seq, .ack = ack, .flags = A,
				   .window = window, .data = data, .len = 1, .tag = i };
		if (i == 0) {
			g->flags |= S;
			g->len = 0;
			g->options = "\2\4\5\xb4\1\3\3\1";
			g->options_len = 8;
		} else if (chance(60)) {
			g->len = 1 + (unsigned)random_below(&rnd, 40);
		}
		if (is_signed && i) {
			g->options = "\1\1\x13\x12" "0123456789abcdef";
			g->options_len = 20;
		}
		if (i == N_SEGS - 1)
			g->flags |= F;
		seq += g->len + !!(g->flags & (S | F));
	}
}

/* What a side may do to its next segment. */
static struct seg disturbed(struct seg g)
{
	switch (random_below(&rnd, 9)) {
	case 0:
		g.data = "something else, that the other one never says";
		break;
	case 1:
		g.ack += 500;
		break;
	case 2:
		g.window = 1 + (unsigned)random_below(&rnd, 1000);
		break;
	case 3:
		g.flags |= chance(80) ? F : R;
		break;
	case 4:
		g.flags ^= A;
		break;
	case 5:
		g.len /= 2;
		break;
	case 6:
		g.mac = 1;
		break;
	case 7:
		g.seq++;
		break;
	case 8:
		if (chance(30))
			g.flags |= S;
		break;
	}
	return g;
}

static struct seg next_of(struct stream *s, enum compare_side side)
{
	unsigned *at = &s->at[side];

	if (chance(s->rate / 4) && *at + 1 < N_SEGS)
		++*at;
	if (chance(s->rate / 2) && *at)
		--*at;
	return chance(s->rate) ? disturbed(s->segs[(*at)++]) :
				 s->segs[(*at)++];
}

static void input_both(struct outcome a[2], struct stream *s, uint64_t now_ns)
{
	enum compare_side side = (enum compare_side)random_below(&rnd, 2);
	struct frame v[2][40];
	unsigned n = 0, most = 1 + (unsigned)random_below(&rnd, 40);

	for (unsigned i = 0; i < most; i++) {
		struct stream *one = &s[random_below(&rnd, N_FLOWS)];
		struct seg g;

		if (one->at[side] >= N_SEGS)
			continue;
		g = next_of(one, side);
		v[0][n] = kit_frame(&g);
		g.vlan = 5;
		v[1][n++] = kit_frame(&g);
	}
	for (unsigned k = 0; k < 2; k++) {
		compare_input(a[k].c, side, v[k], n, now_ns);
		compare_expire(a[k].c, now_ns);
		for (unsigned i = 0; i < n; i++)
			chunk_unref(v[k][i].chunk);
	}
}

static void flush_both(struct outcome a[2], uint64_t now_ns)
{
	bool is_copied = chance(50);

	for (unsigned k = 0; k < 2; k++) {
		if (is_copied)
			compare_copied(a[k].c);
		compare_flush(a[k].c, now_ns);
	}
}

static void check_equal(const struct outcome a[2])
{
	struct stats s[2] = { 0 };

	CHECK_EQ(a[0].n_out, a[1].n_out);
	CHECK_EQ(a[0].sum, a[1].sum);
	for (unsigned k = 0; k < 2; k++)
		compare_stats(a[k].c, &s[k]);
	CHECK_EQ(s[0].in + s[0].originated,
		 s[0].out + s[0].merged + s[0].held + stats_dropped(&s[0]));
	CHECK_EQ(s[0].n_rows, s[1].n_rows);
	for (unsigned i = 0; i < s[0].n_rows; i++) {
		if (!strstr(stats_name(&s[0].rows[i]), "bytes"))
			CHECK_EQ(s[0].rows[i].value, s[1].rows[i].value);
	}
}

static void with_prediction_and_without_it_is_the_same(void)
{
	for (size_t i = 0; i < soak_n(2000); i++) {
		enum compare_ack_policy policy = chance(80) ?
			COMPARE_ACK_CLAMP :
			(enum compare_ack_policy)random_below(&rnd, 3);
		static struct stream s[N_FLOWS];
		struct outcome a[2];

		for (unsigned k = 0; k < N_FLOWS; k++)
			(chance(30) ? datagrams_init : stream_init)(
				&s[k], (uint16_t)(1000 + k));
		account_init(&a[0], policy);
		account_init(&a[1], policy);
		for (unsigned n = 0; n < 25; n++) {
			input_both(a, s, SEC + n * MS);
			check_equal(a);
			if (chance(10))
				flush_both(a, SEC + n * MS);
		}
		compare_free(a[0].c);
		compare_free(a[1].c);
	}
}

int main(int argc, char **argv)
{
	random_init(&rnd, argc, argv);
	TEST(what_the_stacks_choose_may_differ);
	TEST(a_changed_bit_is_seen_or_means_nothing);
	TEST(many_changed_bytes);
	TEST(another_length_is_another_packet);
	TEST(a_syn_is_not_predicted);
	TEST(longer_headers_are_not_predicted);
	TEST(one_without_a_twin_stops_no_prediction);
	TEST(a_flow_that_went_meanwhile);
	TEST(a_segment_in_fragments_is_no_twin);
	TEST(a_twin_after_a_checkpoint_acknowledges);
	TEST(after_a_twin_no_syn_is_late);
	TEST(a_flow_is_not_found_where_it_was);
	TEST(with_prediction_and_without_it_is_the_same);
	return TEST_END();
}
