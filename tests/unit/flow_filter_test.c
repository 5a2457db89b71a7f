/* SPDX-License-Identifier: ISC */
#include <stdint.h>
#include <arpa/inet.h>

#include "../../common/flow_filter.h"
#include "../../common/packet.h"
#include "test.h"

static const struct flow_key tcp = {
	.src = { 10, 0, 0, 1 }, .dst = { 10, 0, 0, 2 }, .sport = 80,
	.dport = 5000, .proto = PACKET_TCP, .ip_version = 4,
};

static bool selects(const char *text, const struct flow_key *key)
{
	struct flow_filter f;
	char why[256];

	CHECK(flow_filter_parse(&f, text, why, sizeof(why)) == 0);
	return flow_filter_selects(&f, key);
}

static void any_part_selects(void)
{
	static const char *const yes[] = {
		"", "tcp", "proto 6", ":80", ":5000", "10.0.0.1", "10.0.0.2",
		"10.0.0.1:80", "tcp 10.0.0.2:5000", "tcp :80 > :5000",
		":5000 > 10.0.0.1:80", "10.0.0.1 > 10.0.0.2", "vlan 0",
		"  tcp   10.0.0.1 ",
	};
	static const char *const no[] = {
		"udp", "proto 17", ":81", "10.0.0.3", "10.0.0.1:5000",
		":80 > :80", "10.0.0.1 > 10.0.0.1", "tcp vlan 7", "tags #1",
		"[fe80::1]:80", "fe80::1",
	};

	for (unsigned i = 0; i < sizeof(yes) / sizeof(*yes); i++)
		CHECK(selects(yes[i], &tcp));
	for (unsigned i = 0; i < sizeof(no) / sizeof(*no); i++)
		CHECK(!selects(no[i], &tcp));
}

/* What messages say of a flow can be asked for as it stands. */
static void the_text_of_a_flow_selects_it(void)
{
	struct flow_key keys[] = { tcp, tcp, tcp, tcp, tcp, tcp };
	char text[FLOW_TEXT_MAX];

	keys[1].vlan = 7;
	keys[2].vlan = 3u << 12 | 9;
	keys[3].vlan = PACKET_TAGS | 0x1234567;
	keys[4].proto = 47;
	keys[4].sport = keys[4].dport = 0;
	keys[5].ip_version = 6;
	inet_pton(AF_INET6, "fe80::1", keys[5].src);
	inet_pton(AF_INET6, "2001:db8::80", keys[5].dst);
	for (unsigned i = 0; i < 6; i++) {
		flow_key_text(&keys[i], text, sizeof(text));
		CHECK(selects(text, &keys[i]));
		if (i)
			CHECK(!selects(text, &tcp));
	}
}

static void other_text_is_refused(void)
{
	static const char *const bad[] = {
		"nonsense", "tcp udp", "10.0.0.1:0", "10.0.0.1:65536",
		"10.0.0.1:x", "10.0.0.1 >", "> :80", "[fe80::1", "proto",
		"proto 256", "proto x", "vlan", "vlan 4096", "vlan 1.2.3",
		"vlan x", "vlan +7", "vlan 3.+9", "vlan 3.-9", "tags 12",
		"tags #xyz", "tags #-1", "tags #+1", "tags #0x1", "tcp :80 > :90 :100",
		"a b c d e f g h i", "10.0.0.1:80 10.0.0.2:90",
	};
	struct flow_filter f;
	char why[256], large[2 * FLOW_TEXT_MAX];

	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		CHECK(flow_filter_parse(&f, bad[i], why, sizeof(why)) < 0);
		CHECK(strstr(why, "is not [PROTO]"));
	}
	memset(large, ' ', sizeof(large));
	large[sizeof(large) - 1] = '\0';
	CHECK(flow_filter_parse(&f, large, why, sizeof(why)) < 0);
}

int main(void)
{
	TEST(any_part_selects);
	TEST(the_text_of_a_flow_selects_it);
	TEST(other_text_is_refused);
	return TEST_END();
}
