/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "../../common/packet.h"
#include "../../compare/live/blame.h"
#include "test.h"

#define SEC UINT64_C(1000000000)

static struct flow_key flow(uint16_t sport, uint16_t dport)
{
	return (struct flow_key){
		.src = { 10, 0, 0, 1 }, .dst = { 10, 0, 0, 2 },
		.sport = sport, .dport = dport,
		.proto = PACKET_TCP, .ip_version = 4,
	};
}

static void three_in_a_minute(void)
{
	struct flow_key a = flow(80, 1000), other = flow(80, 1001);
	static struct blame b;
	bool is_new;

	for (unsigned i = 0; i < 3; i++) {
		CHECK(!blame_refuses(&b, &a, (10 + i) * SEC, &is_new));
		blame_asked(&b, &a, (10 + i) * SEC);
	}
	CHECK(blame_refuses(&b, &a, 13 * SEC, &is_new));
	CHECK(is_new);
	CHECK(blame_refuses(&b, &a, 14 * SEC, &is_new));
	CHECK(!is_new);
	CHECK_EQ(b.n_refused, 2);
	CHECK(!blame_refuses(&b, &other, 14 * SEC, &is_new));
	CHECK(blame_refuses(&b, &a, 70 * SEC - 1, &is_new));
	CHECK(!blame_refuses(&b, &a, 70 * SEC, &is_new));
	/* one more, and it is back, and told of again */
	blame_asked(&b, &a, 70 * SEC);
	CHECK(blame_refuses(&b, &a, 70 * SEC, &is_new));
	CHECK(is_new);
	CHECK(!blame_refuses(&b, &a, 200 * SEC, &is_new));
}

/* Even where all its requests are late. */
static void asking_in_quarantine_prolongs_it(void)
{
	struct flow_key a = flow(80, 1000);
	static struct blame b;
	bool is_new;

	for (unsigned i = 1; i < 100; i++) {
		bool refused = blame_refuses(&b, &a, i * 10 * SEC, &is_new);

		CHECK_EQ(refused, i > 3);
		CHECK_EQ(is_new, i == 4);
		blame_asked(&b, &a, i * 10 * SEC);
	}
}

static void services_are_counted(void)
{
	static struct blame b;

	CHECK(!blame_most(&b));
	for (uint16_t i = 0; i < 10; i++) {
		struct flow_key http = flow(80, i), other = flow(443, i);

		blame_asked(&b, &http, SEC);
		if (i < 4)
			blame_asked(&b, &other, SEC);
	}
	blame_asked(&b, NULL, SEC);
	CHECK_EQ(b.n_services, 2);
	CHECK_EQ(b.services[1].n, 4);
	CHECK_EQ(b.n_others, 1);
	CHECK_EQ(blame_most(&b)->n, 10);
	CHECK(!strcmp(blame_most(&b)->text, "tcp/10.0.0.1:80"));
}

static void tables_are_bounded(void)
{
	static struct blame b;
	uint64_t n = 0;

	for (unsigned i = 0; i < 60000; i++) {
		struct flow_key key = flow((uint16_t)i, (uint16_t)i);

		blame_asked(&b, &key, SEC);
	}
	CHECK_EQ(b.n_services, BLAME_SERVICES);
	for (unsigned i = 0; i < b.n_services; i++)
		n += b.services[i].n;
	CHECK_EQ(n + b.n_others, 60000);
}

static void names_fit(void)
{
	struct flow_key key = flow(65535, 65535);
	static struct blame b;

	memset(key.src, 0xff, sizeof(key.src));
	key.ip_version = 6;
	key.vlan = 0xffffff;
	key.proto = PACKET_UDPLITE;
	blame_asked(&b, &key, SEC);
	CHECK(!strcmp(b.services[0].text, "udplite/"
		      "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"));
}

int main(void)
{
	TEST(three_in_a_minute);
	TEST(asking_in_quarantine_prolongs_it);
	TEST(services_are_counted);
	TEST(tables_are_bounded);
	TEST(names_fit);
	return TEST_END();
}
