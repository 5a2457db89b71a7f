/* SPDX-License-Identifier: ISC */
/*
 * Header prediction must never say anything else than the parser and the
 * flow's key do; and it must say something when it should.
 */
#include "../../compare/compare_core.h"
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

static void begin(struct pair *p, bool v6)
{
	struct seg g = model;

	g.v6 = v6;
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

static bool predict(const struct pair *p, struct packet *got)
{
	const struct compare *c = p->k.c;
	uint32_t at = compare_predict_first(c, COMPARE_SECONDARY), flow;
	bool is_it = compare_predict(c, &at, &p->f, got, &flow);

	if (is_it)
		CHECK_EQ(flow, hold_at(&c->pool,
				       c->pool.oldest[COMPARE_PRIMARY])->flow);
	return is_it;
}

static void check_same(const struct packet *a, const struct packet *b)
{
	CHECK(a->eth == b->eth);
	CHECK(a->len == b->len);
	CHECK(a->level == b->level);
	CHECK(a->ethertype == b->ethertype);
	CHECK(a->n_vlan == b->n_vlan);
	CHECK(a->ip_version == b->ip_version);
	CHECK(a->vlan == b->vlan);
	CHECK(a->proto == b->proto);
	CHECK(a->fragment == b->fragment);
	CHECK(a->frag_off == b->frag_off);
	CHECK(a->more_frags == b->more_frags);
	CHECK(a->l3_off == b->l3_off);
	CHECK(a->l4_off == b->l4_off);
	CHECK(a->l4_len == b->l4_len);
	CHECK(a->truncated == b->truncated);
	CHECK(a->payload_off == b->payload_off);
	CHECK(a->payload_len == b->payload_len);
	CHECK(a->src == b->src);
	CHECK(a->dst == b->dst);
	CHECK(a->sport == b->sport);
	CHECK(a->dport == b->dport);
	CHECK(a->seq == b->seq);
	CHECK(a->ack == b->ack);
	CHECK(a->window == b->window);
	CHECK(a->flags == b->flags);
	CHECK(a->tcp_opt_len == b->tcp_opt_len);
}

/* What a packet says and which flow it is of is what was predicted. */
static void check_truth(const struct pair *p, const struct packet *got)
{
	const struct hold *h = hold_at(&p->k.c->pool,
				       p->k.c->pool.oldest[COMPARE_PRIMARY]);
	struct flow_key key;
	struct packet truth;

	packet_parse(&truth, frame_eth(&p->f), frame_eth_len(&p->f));
	check_same(got, &truth);
	CHECK(!flow_key_of(&key, &truth, false));
	CHECK(!memcmp(&key, flow_key_get(p->k.c->flows,
			flow_at(p->k.c->flows, h->flow)), sizeof(key)));
}

static void what_the_stacks_choose_may_differ(void)
{
	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct packet got;
		struct pair p;

		begin(&p, v6);
		CHECK(predict(&p, &got));
		check_truth(&p, &got);
		end(&p);
	}
}

static void a_changed_bit_is_seen_or_means_nothing(void)
{
	for (unsigned v6 = 0; v6 < 2; v6++) {
		unsigned n_predicted = 0, n = v6 ? 8 * 86 : 8 * 66;
		struct pair p;

		begin(&p, v6);
		for (unsigned bit = 0; bit < n; bit++) {
			struct packet got;

			p.f.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
			if (predict(&p, &got)) {
				check_truth(&p, &got);
				n_predicted++;
			}
			p.f.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		/* MACs, TCP but for ports, length and SYN; id, sum | label */
		CHECK_EQ(n_predicted, 96 + 8 * 27 - 1 + (v6 ? 24 : 32));
		end(&p);
	}
}

static void many_changed_bytes(void)
{
	for (unsigned i = 0; i < 200000; i++) {
		static struct pair p;
		struct packet got;

		if (i % 1000 == 0)
			begin(&p, i / 1000 % 2);
		for (unsigned n = 0; n < 3; n++)
			p.f.data[random_below(&rnd, 70)] =
				(uint8_t)random_next(&rnd);
		if (predict(&p, &got))
			check_truth(&p, &got);
		if (i % 1000 == 999)
			end(&p);
	}
}

static void another_length_is_another_packet(void)
{
	struct packet got;
	struct pair p;

	begin(&p, false);
	p.f.len--;
	CHECK(!predict(&p, &got));
	p.f.len += 2;
	CHECK(!predict(&p, &got));
	end(&p);
}

static void a_syn_and_a_datagram_are_not_predicted(void)
{
	struct seg g = { .tag = 1, .proto = PACKET_UDP, .data = "hello",
			 .len = 5 };
	struct packet got;
	struct pair p;

	kit_init(&p.k);
	kit_input(&p.k, COMPARE_PRIMARY, g);
	p.f = kit_frame(&g);
	CHECK(!predict(&p, &got));
	end(&p);
	begin(&p, false);
	p.f.data[34 + 13] |= TCP_SYN;
	CHECK(!predict(&p, &got));
	end(&p);
}

/* Behind one that has no twin yet, those of other flows are found again. */
static void one_without_a_twin_stops_no_prediction(void)
{
	struct seg g = model;
	struct packet got;
	uint32_t at, flow;
	struct pair p;

	begin(&p, false);
	for (g.dport = 2000; g.dport < 2003; g.dport++)
		kit_input(&p.k, COMPARE_PRIMARY, g);
	chunk_unref(p.f.chunk);
	g.dport = 2000;
	p.f = kit_frame(&g);
	CHECK(!predict(&p, &got));
	compare_input(p.k.c, COMPARE_SECONDARY, &p.f, 1, p.k.now_ns);
	chunk_unref(p.f.chunk);
	CHECK_EQ(p.k.n_out, 1);
	g.dport = 2001;
	p.f = kit_frame(&g);
	at = compare_predict_first(p.k.c, COMPARE_SECONDARY);
	CHECK(compare_predict(p.k.c, &at, &p.f, &got, &flow));
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

int main(int argc, char **argv)
{
	random_init(&rnd, argc, argv);
	TEST(what_the_stacks_choose_may_differ);
	TEST(a_changed_bit_is_seen_or_means_nothing);
	TEST(many_changed_bytes);
	TEST(another_length_is_another_packet);
	TEST(a_syn_and_a_datagram_are_not_predicted);
	TEST(one_without_a_twin_stops_no_prediction);
	TEST(a_flow_that_went_meanwhile);
	TEST(a_segment_in_fragments_is_no_twin);
	return TEST_END();
}
