/* SPDX-License-Identifier: ISC */
#include <stdint.h>

#include "../../common/packet.h"
#include "craft.h"
#include "random.h"
#include "test.h"

static struct random rnd;
static struct craft c;

enum { V4 = 0x0800, V6 = 0x86dd, FIRST = 0x2000 };

/* Parse bytes in a buffer of exactly their size: ASan sees one byte too far. */
static struct packet parse_len(size_t len)
{
	static uint8_t *exact;
	struct packet p;

	free(exact);
	exact = malloc(len ? len : 1);
	memcpy(exact, c.b, len);
	memset(&p, 0xa5, sizeof(p));
	packet_parse(&p, exact, len);
	CHECK(p.eth == exact);
	CHECK_EQ(p.len, len);
	return p;
}

static struct packet parse(void)
{
	return parse_len(c.len);
}

/* What holds for every view. */
static void check_bounds(const struct packet *p)
{
	CHECK(p->level <= PACKET_L4);
	CHECK(p->n_vlan <= 32);
	CHECK(p->vlan <= 0xffffff || (p->vlan & PACKET_TAGS));
	CHECK(packet_body_off(p) <= p->len);
	CHECK((p->level != PACKET_ETHER) == (p->ip_version != 0));
	if (p->level == PACKET_ETHER)
		return;
	CHECK(p->l3_off < p->l4_off && p->l4_off + p->l4_len <= p->len);
	CHECK(p->src >= p->eth && p->dst + (p->ip_version == 4 ? 4 : 16) <=
				  p->eth + p->len);
	CHECK_EQ(p->fragment, p->frag_off || p->more_frags);
	if (p->level == PACKET_IP) {
		CHECK_EQ(p->payload_off + p->payload_len, 0);
		return;
	}
	CHECK(p->payload_off > p->l4_off);
	CHECK(p->payload_off + p->payload_len <= p->l4_off + p->l4_len);
	CHECK_EQ(p->frag_off, 0);
}

static void check_tcp(const struct packet *p, uint32_t opt_len, uint32_t len)
{
	check_bounds(p);
	CHECK_EQ(p->level, PACKET_L4);
	CHECK_EQ(p->proto, PACKET_TCP);
	CHECK_EQ(p->sport, 80);
	CHECK_EQ(p->dport, 5000);
	CHECK_EQ(p->seq, 0xfffffff0);
	CHECK_EQ(p->ack, 0x01020304);
	CHECK_EQ(p->window, 512);
	CHECK_EQ(p->tcp_opt_len, opt_len);
	CHECK_EQ(p->payload_off, p->l4_off + 20 + opt_len);
	CHECK_EQ(p->payload_len, len);
	CHECK(packet_payload(p) == p->eth + p->payload_off);
}

static void tcp_over_ipv4(void)
{
	for (size_t ip_opt = 0; ip_opt <= 40; ip_opt += 4) {
		for (size_t opt = 0; opt <= 40; opt += 4) {
			struct packet p;

			craft_ether(&c, V4);
			craft_ipv4(&c, PACKET_TCP, ip_opt, 20 + opt + 100);
			craft_tcp(&c, TCP_SYN | TCP_ACK, opt);
			craft_payload(&c, 100);
			p = parse();
			check_tcp(&p, (uint32_t)opt, 100);
			CHECK_EQ(p.ip_version, 4);
			CHECK_EQ(p.ethertype, V4);
			CHECK_EQ(p.l3_off, 14);
			CHECK_EQ(p.l4_off, 34 + ip_opt);
			CHECK_EQ(p.flags, TCP_SYN | TCP_ACK);
			CHECK(!p.fragment && !p.truncated);
			CHECK_EQ(p.src[3], 1);
			CHECK_EQ(p.dst[3], 2);
		}
	}
}

static void tcp_over_ipv6(void)
{
	struct packet p;

	craft_ether(&c, V6);
	craft_ipv6(&c, PACKET_TCP, 20 + 12 + 7);
	craft_tcp(&c, TCP_ACK, 12);
	craft_payload(&c, 7);
	p = parse();
	check_tcp(&p, 12, 7);
	CHECK_EQ(p.ip_version, 6);
	CHECK_EQ(p.l4_off, 54);
	CHECK_EQ(p.src[15], 1);
	CHECK_EQ(p.dst[15], 2);
}

static void padding_is_not_payload(void)
{
	struct packet p;

	craft_ether(&c, V4);
	craft_ipv4(&c, PACKET_TCP, 0, 20);
	craft_tcp(&c, TCP_ACK, 0);
	craft_bytes(&c, 60 - c.len);
	p = parse();
	check_tcp(&p, 0, 0);
	CHECK_EQ(p.l4_len, 20);
	craft_ether(&c, V6);
	craft_ipv6(&c, PACKET_UDP, 8);
	craft_udp(&c, 0);
	craft_bytes(&c, 10);
	p = parse();
	CHECK_EQ(p.level, PACKET_L4);
	CHECK_EQ(p.payload_len, 0);
	CHECK_EQ(p.l4_len, 8);
}

static void vlan_tags(void)
{
	static const uint16_t tpids[] = { 0x8100, 0x88a8, 0x9100 };
	struct packet p;

	for (size_t i = 0; i < 3; i++) {
		craft_ether(&c, tpids[i]);
		craft_vlan(&c, 0xe064, V4);		/* priority 7, id 100 */
		craft_ipv4(&c, PACKET_TCP, 0, 20);
		craft_tcp(&c, 0, 0);
		p = parse();
		check_tcp(&p, 0, 0);
		CHECK_EQ(p.n_vlan, 1);
		CHECK_EQ(p.vlan, 100);
		CHECK_EQ(p.l3_off, 18);
	}
	craft_ether(&c, 0x88a8);
	craft_vlan(&c, 5, 0x8100);
	craft_vlan(&c, 6, V6);
	craft_ipv6(&c, PACKET_TCP, 20);
	craft_tcp(&c, 0, 0);
	p = parse();
	check_tcp(&p, 0, 0);
	CHECK_EQ(p.n_vlan, 2);
	CHECK_EQ(p.vlan, 5 << 12 | 6);
	CHECK_EQ(p.ethertype, V6);
	craft_ether(&c, 0x8100);
	craft_vlan(&c, 1, 0x8100);
	craft_vlan(&c, 2, 0x8100);
	craft_vlan(&c, 3, V4);
	p = parse();
	CHECK_EQ(p.level, PACKET_ETHER);
	CHECK_EQ(p.ethertype, V4);
	CHECK_EQ(p.n_vlan, 3);
}

/* Any number of tags and labels; every one of them makes another flow. */
static void tags_and_labels(void)
{
	for (unsigned n = 0; n < 40; n++) {
		struct packet p, other;

		craft_ether(&c, n ? 0x8100 : V4);
		for (unsigned i = 0; i < n; i++)
			craft_vlan(&c, (uint16_t)(i + 1),
				   i + 1 < n ? 0x8100 : V4);
		craft_ipv4(&c, PACKET_TCP, 0, 20);
		craft_tcp(&c, 0, 0);
		p = parse();
		check_bounds(&p);
		CHECK_EQ(p.level, n <= 32 ? PACKET_L4 : PACKET_ETHER);
		CHECK_EQ(!!(p.vlan & PACKET_TAGS), n > 2);
		for (unsigned i = 0; i < n && n <= 32; i++) {
			c.b[15 + 4 * i] ^= 64;
			other = parse();
			CHECK(other.vlan != p.vlan);
			c.b[15 + 4 * i] ^= 64;
		}
	}
	for (unsigned n = 1; n < 40; n++) {
		struct packet p, other;

		craft_ether(&c, 0x8847);
		for (unsigned i = 0; i < n; i++)
			bytes_put32(craft_bytes(&c, 4), i << 12 | 64 |
				    (i + 1 == n ? 256u : 0u));
		craft_ipv6(&c, PACKET_TCP, 20);
		craft_tcp(&c, 0, 0);
		p = parse();
		check_bounds(&p);
		CHECK_EQ(p.level, n <= 32 ? PACKET_L4 : PACKET_ETHER);
		c.b[14 + 3]--;			/* its time to live */
		other = parse();
		CHECK_EQ(other.vlan, p.vlan);
		c.b[14]++;			/* its label */
		other = parse();
		CHECK(other.vlan != p.vlan);
		for (size_t len = 14; len < 14 + 4 * n && n < 5; len++)
			CHECK_EQ(parse_len(len).level, PACKET_ETHER);
		c.b[14 + 4 * n] = 0;		/* not IP */
		p = parse();
		check_bounds(&p);
		CHECK_EQ(p.level, PACKET_ETHER);
		CHECK_EQ(p.ethertype, 0x8847);
	}
}

static void udp_lengths(void)
{
	static const struct {
		uint16_t udp_len;
		enum packet_level level;
		uint32_t payload_len;
	} rows[] = {
		{ 108, PACKET_L4, 100 }, { 8, PACKET_L4, 0 },
		{ 50, PACKET_L4, 42 },   { 7, PACKET_IP, 0 },
		{ 0, PACKET_IP, 0 },     { 109, PACKET_IP, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct packet p;

		craft_ether(&c, V4);
		craft_ipv4(&c, PACKET_UDP, 0, 108);
		bytes_put16(craft_udp(&c, 100) + 4, rows[i].udp_len);
		craft_payload(&c, 100);
		p = parse();
		check_bounds(&p);
		CHECK_EQ(p.level, rows[i].level);
		CHECK_EQ(p.payload_len, rows[i].payload_len);
		CHECK_EQ(p.l4_len, 108);
		if (p.level == PACKET_L4)
			CHECK(p.sport == 53 && p.dport == 6000);
	}
}

/* What was cut off counts, as far as IP says that it exists. */
static void udp_lengths_of_what_is_cut(void)
{
	static const struct {
		uint16_t udp_len;
		enum packet_level level;
		uint32_t payload_len;
	} rows[] = {
		{ 108, PACKET_L4, 52 }, { 61, PACKET_L4, 52 },
		{ 50, PACKET_L4, 42 },  { 109, PACKET_IP, 0 },
		{ 7, PACKET_IP, 0 },    { 0xffff, PACKET_IP, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct packet p;

		craft_ether(&c, V4);
		craft_ipv4(&c, PACKET_UDP, 0, 108);
		bytes_put16(craft_udp(&c, 100) + 4, rows[i].udp_len);
		craft_payload(&c, 52);
		p = parse();
		check_bounds(&p);
		CHECK(p.truncated);
		CHECK_EQ(p.level, rows[i].level);
		CHECK_EQ(p.payload_len, rows[i].payload_len);
	}
}

static void icmp_belongs_to_its_version(void)
{
	for (int v6 = 0; v6 < 2; v6++) {
		for (int other = 0; other < 2; other++) {
			uint8_t proto = v6 != other ? PACKET_ICMP6 :
						      PACKET_ICMP;
			struct packet p;

			craft_ether(&c, v6 ? V6 : V4);
			if (v6)
				craft_ipv6(&c, proto, 20);
			else
				craft_ipv4(&c, proto, 0, 20);
			craft_payload(&c, 20);
			p = parse();
			check_bounds(&p);
			CHECK_EQ(p.level, other ? PACKET_IP : PACKET_L4);
			CHECK_EQ(p.payload_len, other ? 0 : 12);
			CHECK_EQ(p.sport, 0);
		}
	}
}

static void ipv4_fragments(void)
{
	struct packet p;

	craft_ether(&c, V4);
	bytes_put16(craft_ipv4(&c, PACKET_TCP, 0, 40) + 6, FIRST);
	craft_tcp(&c, TCP_ACK, 0);
	craft_payload(&c, 20);
	p = parse();
	check_tcp(&p, 0, 20);
	CHECK(p.fragment && p.more_frags);
	craft_ether(&c, V4);
	bytes_put16(craft_ipv4(&c, PACKET_TCP, 0, 40) + 6, 0x1fff);
	craft_tcp(&c, TCP_ACK, 0);
	craft_payload(&c, 20);
	p = parse();
	check_bounds(&p);
	CHECK_EQ(p.level, PACKET_IP);
	CHECK_EQ(p.frag_off, 65528);
	CHECK(p.fragment && !p.more_frags);
	CHECK_EQ(p.l4_len, 40);
	CHECK_EQ(p.sport, 0);
	craft_ether(&c, V4);			/* UDP: longer than its first */
	bytes_put16(craft_ipv4(&c, PACKET_UDP, 0, 48) + 6, FIRST);
	craft_udp(&c, 4000);
	craft_payload(&c, 40);
	p = parse();
	CHECK_EQ(p.level, PACKET_L4);
	CHECK_EQ(p.payload_len, 40);
}

static void ext_put(uint8_t next, uint8_t len_field, size_t len)
{
	uint8_t *h = craft_bytes(&c, len);

	h[0] = next;
	h[1] = len_field;
}

static void ipv6_extension_headers(void)
{
	struct packet p;

	craft_ether(&c, V6);
	craft_ipv6(&c, 0, 8 + 24 + 16 + 8 + 16 + 20 + 5);
	ext_put(43, 0, 8);			/* hop-by-hop */
	ext_put(60, 2, 24);			/* routing */
	ext_put(44, 1, 16);			/* destination options */
	ext_put(51, 0, 8);			/* fragment: the only one */
	ext_put(PACKET_TCP, 2, 16);		/* AH counts in fours */
	craft_tcp(&c, TCP_ACK, 0);
	craft_payload(&c, 5);
	p = parse();
	check_tcp(&p, 0, 5);
	CHECK(!p.fragment);
	for (size_t len = 0; len < c.len; len++) {
		p = parse_len(len);
		check_bounds(&p);
		CHECK_EQ(p.level, len < 54 ? PACKET_ETHER :
			 len < c.len - 5 ? PACKET_IP : PACKET_L4);
	}
}

static void ipv6_fragments(void)
{
	struct packet p;

	craft_ether(&c, V6);
	craft_ipv6(&c, 44, 8 + 28);
	ext_put(PACKET_TCP, 0, 8);
	c.b[14 + 40 + 3] = 1;
	craft_tcp(&c, TCP_ACK, 0);
	craft_payload(&c, 8);
	p = parse();
	check_tcp(&p, 0, 8);
	CHECK(p.fragment && p.more_frags);
	bytes_put16(c.b + 14 + 40 + 2, 0xfff8);
	p = parse();
	check_bounds(&p);
	CHECK_EQ(p.level, PACKET_IP);
	CHECK_EQ(p.proto, PACKET_TCP);
	CHECK_EQ(p.frag_off, 0xfff8);
	CHECK_EQ(p.l4_off, 62);
	CHECK_EQ(p.l4_len, 28);
}

static void too_many_extension_headers(void)
{
	for (unsigned n = 0; n < 20; n++) {
		struct packet p;

		craft_ether(&c, V6);
		craft_ipv6(&c, n ? 60 : PACKET_TCP, n * 8 + 20);
		for (unsigned i = 0; i < n; i++)
			ext_put(i + 1 < n ? 60 : PACKET_TCP, 0, 8);
		craft_tcp(&c, TCP_ACK, 0);
		p = parse();
		check_bounds(&p);
		CHECK_EQ(p.level, n <= 8 ? PACKET_L4 : PACKET_IP);
	}
}

static void ipv6_without_a_length(void)
{
	struct packet p;
	uint8_t *opt;

	craft_ether(&c, V6);
	craft_ipv6(&c, PACKET_TCP, 0);
	craft_tcp(&c, TCP_ACK, 0);
	p = parse();
	check_bounds(&p);
	CHECK_EQ(p.level, PACKET_IP);
	CHECK_EQ(p.l4_len, 0);
	craft_ether(&c, V6);			/* a jumbogram */
	craft_ipv6(&c, 0, 0);
	ext_put(PACKET_TCP, 0, 8);
	opt = c.b + c.len - 6;
	memcpy(opt, "\xc2\4", 2);
	bytes_put32(opt + 2, 8 + 20 + 66000);
	craft_tcp(&c, TCP_ACK, 0);
	craft_payload(&c, 66000);
	p = parse();
	check_tcp(&p, 0, 66000);
	bytes_put32(opt + 2, 0xffffffff);
	p = parse();
	check_tcp(&p, 0, 66000);
	CHECK(p.truncated);
	bytes_put32(opt + 2, 65535);		/* too short for one */
	p = parse();
	CHECK_EQ(p.level, PACKET_IP);
}

/* Options that run over their header, headers that run over the frame. */
static void broken_jumbo_options(void)
{
	static const uint8_t bytes[] = { 0, 1, 4, 7, 0xc2, 0xc2, 255 };

	for (size_t n = soak_n(50000); n; n--) {
		struct packet p;
		uint8_t *h;

		craft_ether(&c, V6);
		craft_ipv6(&c, 0, 0);
		h = craft_bytes(&c, 8);
		for (size_t i = 2; i < 8; i++)
			h[i] = bytes[random_below(&rnd, sizeof(bytes))];
		h[1] = random_below(&rnd, 8) ? 0 : 1;
		p = parse();
		check_bounds(&p);
		CHECK_EQ(p.level, PACKET_IP);
	}
}

static void headers_that_do_not_hold(void)
{
	struct packet p;
	uint8_t *ip;

	craft_ether(&c, V4);
	ip = craft_ipv4(&c, PACKET_TCP, 0, 20);
	craft_tcp(&c, TCP_ACK, 0);
	p = parse();
	check_tcp(&p, 0, 0);
	bytes_put16(ip + 2, 0);			/* of a segment to be cut */
	p = parse();
	check_tcp(&p, 0, 0);
	CHECK(!p.truncated);
	for (uint16_t total = 1; total < 20; total++) {
		bytes_put16(ip + 2, total);
		CHECK_EQ(parse().level, PACKET_ETHER);
	}
	for (uint16_t total = 20; total < 40; total++) {
		bytes_put16(ip + 2, total);
		CHECK_EQ(parse().level, PACKET_IP);
	}
	bytes_put16(ip + 2, 41);
	p = parse();
	check_tcp(&p, 0, 0);
	CHECK(p.truncated);
	bytes_put16(ip + 2, 40);
	for (uint8_t first = 0; first < 255; first++) {
		ip[0] = first;
		p = parse();
		check_bounds(&p);
		CHECK_EQ(p.level, first >> 4 != 4 || (first & 15) < 5 ||
			 (first & 15) > 10 ? PACKET_ETHER :
			 first == 0x45 ? PACKET_L4 : PACKET_IP);
	}
	ip[0] = 0x45;
	for (unsigned off = 0; off < 16; off++) {
		ip[20 + 12] = (uint8_t)(off << 4);
		CHECK_EQ(parse().level, off == 5 ? PACKET_L4 : PACKET_IP);
	}
}

static void not_ip(void)
{
	struct packet p;

	craft_ether(&c, 0x0806);
	craft_bytes(&c, 46);
	p = parse();
	CHECK_EQ(p.level, PACKET_ETHER);
	CHECK_EQ(p.ethertype, 0x0806);
	CHECK_EQ(p.ip_version, 0);
	for (size_t len = 0; len < 14; len++)
		CHECK_EQ(parse_len(len).level, PACKET_ETHER);
	craft_ether(&c, 0x8100);
	for (size_t len = 14; len < 18; len++)
		CHECK_EQ(parse_len(len).level, PACKET_ETHER);
}

static void craft_random(void)
{
	bool v6 = random_below(&rnd, 2);
	size_t n_ext = v6 ? random_below(&rnd, 4) : 0;
	static const uint8_t protos[] = { PACKET_TCP, PACKET_UDP, PACKET_ICMP,
					  PACKET_ICMP6, 44, 0, 59 };
	static const uint8_t exts[] = { 0, 43, 44, 51, 60 };
	uint8_t proto = protos[random_below(&rnd, 7)];
	size_t len = random_below(&rnd, 80);

	craft_ether(&c, v6 ? V6 : V4);
	if (v6)
		craft_ipv6(&c, n_ext ? exts[random_below(&rnd, 5)] : proto,
			   n_ext * 8 + len);
	else
		craft_ipv4(&c, proto, 4 * random_below(&rnd, 11), len);
	for (; n_ext; n_ext--)
		ext_put(n_ext > 1 ? exts[random_below(&rnd, 5)] : proto, 0, 8);
	random_fill(&rnd, craft_bytes(&c, len), len);
}

/* Broken in a few places, cut anywhere: every view stays inside its bytes. */
static void broken_packets(void)
{
	unsigned levels[3] = { 0 };

	for (size_t n = soak_n(200000); n; n--) {
		struct packet p;

		craft_random();
		for (size_t k = random_below(&rnd, 4); k; k--)
			c.b[random_below(&rnd, c.len)] =
				(uint8_t)random_next(&rnd);
		p = parse_len(random_below(&rnd, 3) ? c.len :
			      random_below(&rnd, c.len + 1));
		check_bounds(&p);
		levels[p.level]++;
	}
	CHECK(levels[PACKET_ETHER] && levels[PACKET_IP] && levels[PACKET_L4]);
}

static void check_shifted(const struct packet *a, const struct packet *b,
			  unsigned by)
{
	unsigned l3_by = a->l3_off ? by : 0;
	bool is_l4 = a->level == PACKET_L4;

	CHECK_EQ(a->level, b->level);
	CHECK_EQ(a->ethertype, b->ethertype);
	CHECK_EQ(a->ip_version, b->ip_version);
	CHECK_EQ(a->proto, b->proto);
	CHECK_EQ(a->fragment, b->fragment);
	CHECK_EQ(a->frag_off, b->frag_off);
	CHECK_EQ(a->more_frags, b->more_frags);
	CHECK_EQ(a->truncated, b->truncated);
	CHECK_EQ(a->l3_off + l3_by, b->l3_off);
	CHECK_EQ(a->l4_off + (a->ip_version ? by : 0), b->l4_off);
	CHECK_EQ(a->l4_len, b->l4_len);
	CHECK_EQ(a->payload_off + (is_l4 ? by : 0), b->payload_off);
	CHECK_EQ(a->payload_len, b->payload_len);
	CHECK_EQ(a->sport, b->sport);
	CHECK_EQ(a->dport, b->dport);
	CHECK_EQ(a->seq, b->seq);
	CHECK_EQ(a->ack, b->ack);
	CHECK_EQ(a->window, b->window);
	CHECK_EQ(a->flags, b->flags);
	CHECK_EQ(a->tcp_opt_len, b->tcp_opt_len);
	if (!a->ip_version)
		return;
	CHECK_EQ(a->src - a->eth + by, b->src - b->eth);
	CHECK_EQ(a->dst - a->eth + by, b->dst - b->eth);
}

/* Most frames without one are read in another way. */
static void a_vlan_tag_changes_nothing_else(void)
{
	for (unsigned i = 0; i < 200000; i++) {
		static const uint8_t tag[4] = { 0x81 };
		struct packet plain, tagged;

		craft_ether(&c, V4);
		craft_ipv4(&c, PACKET_TCP, 0, 60);
		random_fill(&rnd, craft_bytes(&c, 60), 60);
		c.b[14 + 20 + 12] = (uint8_t)((3 + random_below(&rnd, 9)) << 4);
		if (random_below(&rnd, 2))
			c.b[14 + random_below(&rnd, 40)] =
				(uint8_t)random_next(&rnd);
		if (random_below(&rnd, 3) == 0)
			c.len -= random_below(&rnd, c.len - 13);
		plain = parse();
		if (plain.n_vlan)
			continue;
		memmove(c.b + 16, c.b + 12, c.len - 12);
		memcpy(c.b + 12, tag, sizeof(tag));
		c.len += 4;
		tagged = parse();
		check_shifted(&plain, &tagged, 4);
	}
}

static void random_bytes(void)
{
	for (size_t n = soak_n(100000); n; n--) {
		struct packet p;

		craft_ether(&c, random_below(&rnd, 2) ? V4 : V6);
		random_fill(&rnd, craft_bytes(&c, 100), 100);
		c.b[14] = (uint8_t)((c.b[13] ? 0x60 : 0x40) | (c.b[14] & 7));
		p = parse_len(random_below(&rnd, c.len + 1));
		check_bounds(&p);
	}
}

static void the_body_begins_behind_what_may_differ(void)
{
	static const struct packet tcp = { .level = PACKET_L4, .len = 60,
					   .proto = PACKET_TCP, .l4_off = 34,
					   .payload_off = 54 };
	struct packet p = tcp;

	CHECK_EQ(packet_body_off(&p), 54);
	p.fragment = true;
	CHECK_EQ(packet_body_off(&p), 34);
	p.fragment = false;
	p.proto = PACKET_ICMP;
	CHECK_EQ(packet_body_off(&p), 34);
	p.level = PACKET_IP;
	CHECK_EQ(packet_body_off(&p), 34);
	p.level = PACKET_ETHER;
	CHECK_EQ(packet_body_off(&p), 12);
	p.len = 11;
	CHECK_EQ(packet_body_off(&p), 0);
}

int main(int argc, char **argv)
{
	random_init(&rnd, argc, argv);
	TEST(tcp_over_ipv4);
	TEST(tcp_over_ipv6);
	TEST(padding_is_not_payload);
	TEST(vlan_tags);
	TEST(tags_and_labels);
	TEST(udp_lengths);
	TEST(udp_lengths_of_what_is_cut);
	TEST(icmp_belongs_to_its_version);
	TEST(ipv4_fragments);
	TEST(ipv6_extension_headers);
	TEST(ipv6_fragments);
	TEST(too_many_extension_headers);
	TEST(ipv6_without_a_length);
	TEST(broken_jumbo_options);
	TEST(headers_that_do_not_hold);
	TEST(not_ip);
	TEST(broken_packets);
	TEST(a_vlan_tag_changes_nothing_else);
	TEST(random_bytes);
	TEST(the_body_begins_behind_what_may_differ);
	return TEST_END();
}
