/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include "../../common/bytes.h"
#include "../../common/flow.h"
#include "../../common/packet.h"
#include "random.h"
#include "test.h"

static struct random rnd;

static struct flow_key key_number(uint32_t n)
{
	struct flow_key key = { .dst = { 10, 0, 0, 1 }, .sport = 5000,
				.dport = 80, .proto = PACKET_TCP,
				.ip_version = 4 };

	bytes_put32(key.src, n);
	return key;
}

static void full_says_so(void)
{
	struct flow_table *t = flow_table_new(100, 4, 1);
	struct flow_key key;
	uint32_t *v;

	for (uint32_t n = 0; n < 100; n++) {
		key = key_number(n);
		CHECK(!flow_find(t, &key));
		v = flow_add(t, &key, 0, n);
		CHECK(v && !*v);
		*v = n + 1;
		CHECK_EQ(flow_index(t, v), n);
		CHECK_EQ(flow_count(t), n + 1);
	}
	key = key_number(100);
	CHECK(!flow_add(t, &key, 0, 100));
	CHECK_EQ(flow_count(t), 100);
	for (uint32_t n = 0; n < 100; n++) {
		key = key_number(n);
		v = flow_find(t, &key);
		CHECK(v && *v == n + 1);
		CHECK(flow_at(t, n) == v);
		CHECK(!memcmp(flow_get_key(t, v), &key, sizeof(key)));
		CHECK_EQ(flow_used_ns(t, v), n);
	}
	flow_remove(t, flow_at(t, 40));
	CHECK(!flow_at(t, 40) && !flow_at(t, 100));
	key = key_number(100);
	v = flow_add(t, &key, 0, 100);
	CHECK(v && !*v);
	CHECK_EQ(flow_index(t, v), 40);
	flow_table_free(t);
	flow_table_free(NULL);
}

static void every_field_of_the_key_counts(void)
{
	struct flow_table *t = flow_table_new(64, 0, 1);
	struct flow_key base = key_number(1);

	CHECK(flow_add(t, &base, 0, 0));
	for (size_t i = 0; i < sizeof(base); i++) {
		struct flow_key key = base;

		((uint8_t *)&key)[i] ^= 1;
		CHECK(!flow_find(t, &key));
		CHECK(flow_add(t, &key, 0, 0));
	}
	CHECK_EQ(flow_count(t), 1 + sizeof(base));
	flow_table_free(t);
}

static void values_are_aligned_and_whole(void)
{
	for (size_t len = 0; len < 40; len++) {
		struct flow_table *t = flow_table_new(5, len, 7);

		for (uint32_t n = 0; n < 5; n++) {
			struct flow_key key = key_number(n);
			void *v = flow_add(t, &key, 0, 0);

			CHECK_EQ((uintptr_t)v % 8, 0);
			memset(v, 0xff, len);
		}
		for (uint32_t n = 0; n < 5; n++) {
			struct flow_key key = key_number(n);

			CHECK_EQ(flow_index(t, flow_find(t, &key)), n);
		}
		flow_table_free(t);
	}
}

static void hashed_ahead_all_are_found(void)
{
	struct flow_table *t = flow_table_new(64, 8, 7);
	struct flow_key keys[FLOW_HASH_MAX];
	uint32_t hashes[FLOW_HASH_MAX];

	for (uint32_t n = 0; n < FLOW_HASH_MAX; n++)
		keys[n] = key_number(n);
	flow_hash(t, keys, hashes, FLOW_HASH_MAX);
	for (uint32_t n = 0; n < FLOW_HASH_MAX; n++)
		CHECK(!flow_find_hashed(t, &keys[n], hashes[n]));
	/* the table grows under the hashes */
	for (uint32_t n = 0; n < 64; n++) {
		struct flow_key key = key_number(n);

		CHECK(flow_add(t, &key, 0, 0));
	}
	for (uint32_t n = 0; n < FLOW_HASH_MAX; n++)
		CHECK_EQ(flow_index(t, flow_find_hashed(t, &keys[n],
							hashes[n])), n);
	flow_table_free(t);
}

static void lists_are_in_the_order_of_use(void)
{
	struct flow_table *t = flow_table_new(8, 0, 3);
	void *v[4], *at;

	for (uint32_t n = 0; n < 4; n++) {
		struct flow_key key = key_number(n);

		v[n] = flow_add(t, &key, 2, n);
	}
	CHECK(!flow_oldest(t, 0) && !flow_oldest(t, FLOW_LISTS - 1));
	flow_touch(t, v[1], 2, 10);		/* 0 2 3 1 */
	flow_touch(t, v[1], 2, 11);
	flow_touch(t, v[0], 2, 12);		/* 2 3 1 0 */
	at = flow_oldest(t, 2);
	CHECK(at == v[2]);
	CHECK((at = flow_next(t, at)) == v[3]);
	CHECK((at = flow_next(t, at)) == v[1]);
	CHECK_EQ(flow_used_ns(t, at), 11);
	CHECK((at = flow_next(t, at)) == v[0]);
	CHECK(!flow_next(t, at));
	flow_touch(t, v[3], 5, 13);		/* 2 1 0 and 3 */
	CHECK(flow_is_recent(t, v[3], 5, 13, 1));
	CHECK(flow_is_recent(t, v[3], 5, 20, 8));
	CHECK(!flow_is_recent(t, v[3], 5, 20, 7));
	CHECK(flow_is_recent(t, v[3], 5, 1, 1));	/* the clock went back */
	CHECK(!flow_is_recent(t, v[3], 2, 13, 1));
	CHECK(flow_oldest(t, 5) == v[3] && !flow_next(t, v[3]));
	flow_remove(t, v[2]);
	CHECK(flow_oldest(t, 2) == v[1] && flow_next(t, v[1]) == v[0]);
	flow_remove(t, v[0]);
	CHECK(!flow_next(t, v[1]));
	flow_remove(t, v[1]);
	CHECK(!flow_oldest(t, 2));
	flow_table_free(t);
}

/* The model: which keys exist, and when each was used last, on which list. */
#define KEYS 300
#define MODEL_MAX 200

struct model {
	uint64_t used[KEYS];	/* 0: not there */
	uint8_t list[KEYS];
	uint32_t count;
};

static void model_compare(const struct flow_table *t, const struct model *m)
{
	uint32_t seen = 0;

	CHECK_EQ(flow_count(t), m->count);
	for (uint32_t n = 0; n < KEYS; n++) {
		struct flow_key key = key_number(n);
		uint32_t *v = flow_find(t, &key);

		CHECK_EQ(v != NULL, m->used[n] != 0);
		if (!v)
			continue;
		CHECK_EQ(*v, n);
		CHECK_EQ(flow_used_ns(t, v), m->used[n]);
		CHECK(flow_is_recent(t, v, m->list[n], m->used[n], 1));
		CHECK(flow_at(t, flow_index(t, v)) == v);
	}
	for (unsigned list = 0; list < FLOW_LISTS; list++) {
		uint64_t last = 0;

		for (uint32_t *v = flow_oldest(t, list); v;
		     v = flow_next(t, v), seen++) {
			CHECK(flow_used_ns(t, v) > last);
			last = flow_used_ns(t, v);
			CHECK(flow_is_recent(t, v, list, last, 1));
		}
	}
	CHECK_EQ(seen, m->count);
}

static void model_step(struct flow_table *t, struct model *m, uint64_t now)
{
	uint32_t n = (uint32_t)random_below(&rnd, KEYS);
	unsigned list = (unsigned)random_below(&rnd, FLOW_LISTS);
	struct flow_key key = key_number(n);
	uint32_t *v = flow_find(t, &key);

	if (!v) {
		v = flow_add(t, &key, list, now);
		CHECK_EQ(v != NULL, m->count < MODEL_MAX);
		if (!v)
			return;
		*v = n;
		m->count++;
	} else if (random_below(&rnd, 3)) {
		flow_touch(t, v, list, now);
	} else {
		flow_remove(t, v);
		m->used[n] = 0;
		m->count--;
		return;
	}
	m->used[n] = now;
	m->list[n] = (uint8_t)list;
}

static void churn_against_a_model(void)
{
	struct flow_table *t = flow_table_new(MODEL_MAX, sizeof(uint32_t),
					      random_next(&rnd));
	struct model m = { 0 };
	size_t n = soak_n(200000);

	for (uint64_t now = 1; now <= n; now++) {
		model_step(t, &m, now);
		if (now % 1000 == 0)
			model_compare(t, &m);
	}
	model_compare(t, &m);
	flow_table_free(t);
}

static size_t rss_bytes(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long size, rss;

	CHECK(f && fscanf(f, "%lu %lu", &size, &rss) == 2);
	fclose(f);
	return rss * (size_t)sysconf(_SC_PAGESIZE);
}

/* A million reserved: a thousand cost a thousand's pages, and stay findable. */
static void untouched_pages_cost_nothing(void)
{
	size_t before = rss_bytes();
	struct flow_table *t = flow_table_new(1000 * 1000, 56, 9);
	uint32_t max = 1000 * 1000;

	CHECK(rss_bytes() - before < 1024 * 1024);
	for (uint32_t n = 0; n < 1000; n++) {
		struct flow_key key = key_number(n);

		CHECK(flow_add(t, &key, 0, n));
	}
	CHECK(rss_bytes() - before < 8 * 1024 * 1024);
	for (uint32_t n = 0; n < 100000; n++) {	/* churn takes no new ones */
		struct flow_key key = key_number(1000 + n);

		flow_remove(t, flow_oldest(t, 0));
		CHECK(flow_index(t, flow_add(t, &key, 0, n)) < 1000);
	}
	CHECK(rss_bytes() - before < 8 * 1024 * 1024);
	for (uint32_t n = 1000; n < max; n++) {
		struct flow_key key = key_number(1000 * 1000 + n);

		CHECK(flow_add(t, &key, 0, n));
	}
	CHECK_EQ(flow_count(t), max);
	CHECK(IS_ASAN || rss_bytes() - before < max * 136ul + 8 * 1024 * 1024);
	flow_table_free(t);
}

/* Among a million keys some hundred pairs share all 32 bits of the hash. */
static void equal_hashes_are_told_apart(void)
{
	struct flow_table *t = flow_table_new(1000 * 1000, 0, 11);

	for (uint32_t n = 0; n < 1000 * 1000; n++) {
		struct flow_key key = key_number(n);

		CHECK_EQ(flow_index(t, flow_add(t, &key, 0, 0)), n);
	}
	for (uint32_t n = 0; n < 1000 * 1000; n++) {
		struct flow_key key = key_number(n);

		CHECK_EQ(flow_index(t, flow_find(t, &key)), n);
	}
	flow_table_free(t);
}

/* Keys of packets. The bytes are written by hand: packet.c is tested apart. */
static struct packet packet_of(uint8_t *l4, uint8_t version, uint8_t proto)
{
	static uint8_t src[16] = { 10, 0, 0, 1, 9, 9 };
	static uint8_t dst[16] = { 10, 0, 0, 2, 8, 8 };

	return (struct packet){ .eth = l4, .level = PACKET_L4,
				.ip_version = version, .proto = proto,
				.src = src, .dst = dst };
}

static void keys_of_packets(void)
{
	uint8_t l4[8] = { 0 };
	struct packet p = packet_of(l4, 4, PACKET_TCP);
	struct flow_key a, b;

	p.sport = 80;
	p.dport = 5000;
	p.vlan = 7;
	CHECK_EQ(flow_key_of(&a, &p, false), 0);
	CHECK_EQ(a.sport, 80);
	CHECK_EQ(a.dport, 5000);
	CHECK_EQ(a.vlan, 7);
	CHECK(!a.src[4] && !a.dst[4] && a.src[3] == 1 && a.dst[3] == 2);
	CHECK_EQ(flow_key_of(&b, &p, true), 0);
	CHECK_EQ(b.sport, 5000);
	CHECK_EQ(b.dport, 80);
	CHECK(b.src[3] == 2 && b.dst[3] == 1);
	p.level = PACKET_IP;
	CHECK_EQ(flow_key_of(&a, &p, false), 0);
	CHECK_EQ(a.sport + a.dport, 0);
	p.ip_version = 6;
	CHECK_EQ(flow_key_of(&a, &p, false), 0);
	CHECK(a.src[5] == 9 && a.dst[5] == 8);
	p.level = PACKET_ETHER;
	CHECK_EQ(flow_key_of(&a, &p, false), -EINVAL);
}

/* flow_key_is_of() says what a comparison of whole keys would. */
static void every_field_says_whose_it_is(void)
{
	static const uint8_t versions[] = { 4, 6 };
	uint8_t l4[8] = { 0 };

	for (unsigned i = 0; i < sizeof(versions); i++) {
		struct packet p = packet_of(l4, versions[i], PACKET_UDP);
		struct flow_key key, other;

		p.sport = 53;
		p.dport = 5000;
		CHECK_EQ(flow_key_of(&key, &p, false), 0);
		CHECK(flow_key_is_of(&key, &p));
		for (size_t at = 0; at < sizeof(key); at++) {
			other = key;
			((uint8_t *)&other)[at] ^= 1;
			/* what an IPv4 key has behind its address is zero */
			if (versions[i] == 4 && at % 16 >= 4 && at < 32)
				continue;
			CHECK(!flow_key_is_of(&other, &p));
		}
	}
}

static void ports_of_other_transports(void)
{
	static const uint8_t protos[] = { PACKET_DCCP, PACKET_SCTP,
					  PACKET_UDPLITE };
	uint8_t l4[4] = { 0, 80, 0x13, 0x88 };

	for (unsigned i = 0; i < sizeof(protos); i++) {
		struct packet p = packet_of(l4, 4, protos[i]);
		struct flow_key key;

		p.level = PACKET_IP;
		p.l4_len = 4;
		CHECK_EQ(flow_key_of(&key, &p, false), 0);
		CHECK_EQ(key.sport, 80);
		CHECK_EQ(key.dport, 5000);
		p.l4_len = 3;
		CHECK_EQ(flow_key_of(&key, &p, false), 0);
		CHECK_EQ(key.sport + key.dport, 0);
	}
}

static void a_ping_and_its_reply_mirror(void)
{
	static const uint8_t types[2][2] = { { 8, 0 }, { 128, 129 } };

	for (int v6 = 0; v6 < 2; v6++) {
		uint8_t l4[8] = { types[v6][0], 0, 0, 0, 0x12, 0x34 };
		struct packet p = packet_of(l4, v6 ? 6 : 4,
					    v6 ? PACKET_ICMP6 : PACKET_ICMP);
		struct flow_key ask, reply;
		const uint8_t *src = p.src;

		CHECK_EQ(flow_key_of(&ask, &p, false), 0);
		CHECK_EQ(ask.sport, 0x1234);
		CHECK_EQ(ask.dport, 0x1234);
		l4[0] = types[v6][1];
		p.src = p.dst;
		p.dst = src;
		CHECK_EQ(flow_key_of(&reply, &p, true), 0);
		CHECK(!memcmp(&ask, &reply, sizeof(ask)));
		l4[0] = 3;			/* unreachable: no identifier */
		CHECK_EQ(flow_key_of(&ask, &p, false), 0);
		CHECK_EQ(ask.sport + ask.dport, 0);
	}
}

static void text_is(const struct flow_key *key, const char *want)
{
	char buf[FLOW_TEXT_MAX];

	CHECK_EQ(flow_key_text(key, buf, sizeof(buf)), strlen(want));
	CHECK(!strcmp(buf, want));
	CHECK_EQ(flow_key_text(key, buf, 5), 4);
	CHECK(!strncmp(buf, want, 4) && !buf[4]);
}

static void texts(void)
{
	struct flow_key key = { .src = { 10, 0, 0, 1 }, .dst = { 10, 0, 0, 2 },
				.sport = 80, .dport = 5000, .ip_version = 4,
				.proto = PACKET_TCP };

	text_is(&key, "tcp 10.0.0.1:80 > 10.0.0.2:5000");
	key.vlan = 7;
	text_is(&key, "tcp 10.0.0.1:80 > 10.0.0.2:5000 vlan 7");
	key.vlan = 100 << 12 | 7;
	key.proto = PACKET_UDP;
	text_is(&key, "udp 10.0.0.1:80 > 10.0.0.2:5000 vlan 100.7");
	key.vlan = 0;
	key.proto = PACKET_ICMP;
	text_is(&key, "icmp 10.0.0.1 > 10.0.0.2");
	key.proto = 47;
	text_is(&key, "proto 47 10.0.0.1 > 10.0.0.2");
	key.proto = PACKET_SCTP;
	text_is(&key, "sctp 10.0.0.1:80 > 10.0.0.2:5000");
	key = (struct flow_key){ .src = { 0xfe, 0x80, [15] = 1 },
				 .dst = { [15] = 1 }, .sport = 80, .dport = 1,
				 .ip_version = 6, .proto = PACKET_TCP };
	text_is(&key, "tcp [fe80::1]:80 > [::1]:1");
	key.proto = PACKET_ICMP6;
	text_is(&key, "icmp6 fe80::1 > ::1");
}

static void the_longest_text_fits(void)
{
	struct flow_key key = { .sport = 65535, .dport = 65535,
				.vlan = 0xffffff, .ip_version = 6,
				.proto = PACKET_TCP };
	char buf[FLOW_TEXT_MAX];

	memset(key.src, 0xee, 16);
	memset(key.dst, 0xee, 16);
	flow_key_text(&key, buf, sizeof(buf));
	CHECK(strstr(buf, ":65535 vlan 4095.4095"));
}

int main(int argc, char **argv)
{
	random_init(&rnd, argc, argv);
	TEST(full_says_so);
	TEST(every_field_of_the_key_counts);
	TEST(values_are_aligned_and_whole);
	TEST(hashed_ahead_all_are_found);
	TEST(lists_are_in_the_order_of_use);
	TEST(churn_against_a_model);
	TEST(untouched_pages_cost_nothing);
	TEST(equal_hashes_are_told_apart);
	TEST(keys_of_packets);
	TEST(every_field_says_whose_it_is);
	TEST(ports_of_other_transports);
	TEST(a_ping_and_its_reply_mirror);
	TEST(texts);
	TEST(the_longest_text_fits);
	return TEST_END();
}
