/* SPDX-License-Identifier: ISC */
#include <stdint.h>

#include "../../common/checksum.h"
#include "../../redirector/announce.h"
#include "craft.h"
#include "random.h"
#include "test.h"

#define ETH_ARP 0x0806
#define ETH_IPV6 0x86dd

/* craft_ether() sends from this one to 52:54:00:00:00:02. */
#define GUEST "\x52\x54\0\0\0\1"
#define OTHER "\x52\x54\0\0\0\7"
#define IP4 "\x0a\0\0\5"
#define IP6 "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\5"
#define IP6_B "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\6"
#define NO_IP6 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"

static struct random rnd;

/* The frame in a block of its own: what is behind its end is out of bounds. */
static void learn_bytes(struct announce *a, const uint8_t *p, size_t len,
			uint8_t vnet_len)
{
	uint8_t *copy = malloc(len ? len : 1);
	struct frame f = { .data = copy, .len = (uint32_t)len,
			   .vnet_len = vnet_len };

	CHECK(copy);
	memcpy(copy, p, len);
	announce_learn(a, &f);
	CHECK(!memcmp(copy, p, len));
	free(copy);
}

static void learn(struct announce *a, const struct craft *c)
{
	learn_bytes(a, c->b, c->len, 0);
}

static void craft_arp(struct craft *c, uint16_t op, const char *mac,
		      const char *ip)
{
	uint8_t *p = craft_bytes(c, 28);

	bytes_put16(p, 1);
	bytes_put16(p + 2, 0x0800);
	p[4] = 6;
	p[5] = 4;
	bytes_put16(p + 6, op);
	memcpy(p + 8, mac, 6);
	memcpy(p + 14, ip, 4);
	memcpy(p + 24, "\x0a\0\0\1", 4);
}

static void craft_nd(struct craft *c, uint8_t type, const char *src,
		     const char *target)
{
	uint8_t *ip = craft_ipv6(c, 58, 24), *nd = craft_bytes(c, 24);

	memcpy(ip + 8, src, 16);
	nd[0] = type;
	memcpy(nd + 8, target, 16);
}

/* --- what is emitted --- */

struct emitted {
	unsigned n;
	struct { uint32_t len; uint8_t b[128]; } v[ANNOUNCE_MAX];
};

static void on_emit(void *arg, const struct frame *f)
{
	struct emitted *e = arg;

	CHECK(e->n < ANNOUNCE_MAX);
	CHECK(f->len <= sizeof(e->v[0].b));
	CHECK_EQ(f->vnet_len, 0);
	CHECK_EQ(f->prefix_len, 0);
	CHECK_EQ(f->chunk->refs, 1);
	CHECK(f->data >= f->chunk->bytes);
	CHECK(f->data + f->len <= f->chunk->bytes + f->chunk->cap);
	e->v[e->n].len = f->len;
	memcpy(e->v[e->n].b, f->data, f->len);
	e->n++;
}

static void emit(const struct announce *a, struct emitted *e)
{
	e->n = 0;
	CHECK_EQ(announce_emit(a, on_emit, e), a->n_claims);
	CHECK_EQ(e->n, a->n_claims);
}

/* The frame number i is these bytes, and zeros up to 60. */
static void emitted_is(const struct emitted *e, unsigned i, const char *bytes,
		       size_t len)
{
	uint8_t want[128] = { 0 };

	CHECK(i < e->n);
	memcpy(want, bytes, len);
	CHECK_EQ(e->v[i].len, len < 60 ? 60 : len);
	for (size_t at = 0; at < e->v[i].len; at++)
		if (e->v[i].b[at] != want[at])
			CHECK_EQ(e->v[i].b[at], want[at]);
}

#define EMITTED_IS(e, i, bytes) emitted_is(e, i, bytes, sizeof(bytes) - 1)

#define ALL "\xff\xff\xff\xff\xff\xff"
#define ARP_BODY "\0\1\x08\0\6\4"
#define NONE4 "\0\0\0\0"
#define NONE6 "\0\0\0\0\0\0"
#define RARP(mac, tags) ALL mac tags "\x80\x35" ARP_BODY "\0\3" mac NONE4 \
			mac NONE4
#define ARP(mac, tags, ip) ALL mac tags "\x08\x06" ARP_BODY "\0\1" mac ip \
			   NONE6 ip

static void nothing_is_known(void)
{
	struct announce a = { 0 };
	struct emitted e;

	emit(&a, &e);
	CHECK_EQ(e.n, 0);
}

static void any_frame_tells_the_mac(void)
{
	struct announce a = { 0 };
	struct emitted e;
	static struct craft c;

	craft_ether(&c, 0x0800);
	craft_ipv4(&c, 17, 0, 8);
	craft_udp(&c, 0);
	learn(&a, &c);
	learn(&a, &c);
	emit(&a, &e);
	CHECK_EQ(e.n, 1);
	EMITTED_IS(&e, 0, RARP(GUEST, ""));
}

static void arp_claims_an_address(void)
{
	static const uint16_t ops[] = { 1, 2 };
	struct emitted e;
	static struct craft c;

	for (int i = 0; i < 2; i++) {
		struct announce a = { 0 };

		craft_ether(&c, ETH_ARP);
		craft_arp(&c, ops[i], GUEST, IP4);
		learn(&a, &c);
		learn(&a, &c);
		emit(&a, &e);
		CHECK_EQ(e.n, 2);
		EMITTED_IS(&e, 0, RARP(GUEST, ""));
		EMITTED_IS(&e, 1, ARP(GUEST, "", IP4));
	}
}

/* RFC 5227: who probes has not claimed anything yet. */
static void an_arp_probe_does_not(void)
{
	struct announce a = { 0 };
	static struct craft c;

	craft_ether(&c, ETH_ARP);
	craft_arp(&c, 1, GUEST, NONE4);
	learn(&a, &c);
	CHECK_EQ(a.n_claims, 1);
	CHECK_EQ(a.claims[0].ip_len, 0);
}

/* Other hardware, protocol or lengths than Ethernet's and IPv4's. */
static void strange_arp_is_ignored(void)
{
	static const uint8_t at[] = { 0, 1, 2, 3, 4, 5 };
	static struct craft c;

	for (size_t i = 0; i < sizeof(at); i++) {
		struct announce a = { 0 };

		craft_ether(&c, ETH_ARP);
		craft_arp(&c, 1, GUEST, IP4);
		c.b[14 + at[i]] ^= 0x40;
		learn(&a, &c);
		CHECK_EQ(a.n_claims, 1);
		CHECK_EQ(a.claims[0].ip_len, 0);
	}
}

/* The claimed hardware address is announced, whoever sent the frame. */
static void arp_for_another_mac(void)
{
	struct announce a = { 0 };
	struct emitted e;
	static struct craft c;

	craft_ether(&c, ETH_ARP);
	craft_arp(&c, 2, OTHER, IP4);
	learn(&a, &c);
	emit(&a, &e);
	CHECK_EQ(e.n, 2);
	EMITTED_IS(&e, 0, RARP(GUEST, ""));
	EMITTED_IS(&e, 1, ARP(OTHER, "", IP4));
}

/* An unsolicited advertisement, with a checksum that adds up. */
static void advert_check(const struct emitted *e, unsigned i, const char *tags,
			 size_t n_tags, const char *ip)
{
	static const char head[] = "\x33\x33\0\0\0\1" GUEST;
	static const char ip_head[] = "\x86\xdd\x60\0\0\0\0\x20\x3a\xff";
	static const char all_nodes[] = "\xff\2\0\0\0\0\0\0\0\0\0\0\0\0\0\1";
	static const char option[] = "\2\1" GUEST;
	const uint8_t *p = e->v[i].b;
	uint32_t sum;

	CHECK(i < e->n);
	CHECK_EQ(e->v[i].len, 14 + n_tags + 40 + 32);
	CHECK(!memcmp(p, head, 12));
	CHECK(!memcmp(p + 12, tags, n_tags));
	p += 12 + n_tags;
	CHECK(!memcmp(p, ip_head, 10));
	p += 2;
	CHECK(!memcmp(p + 8, ip, 16));
	CHECK(!memcmp(p + 24, all_nodes, 16));
	sum = checksum_pseudo(6, p + 8, p + 24, 58, 32);
	CHECK_EQ(checksum_fold(checksum_add(sum, p + 40, 32)), 0);
	p += 40;
	CHECK_EQ(p[0], 136);
	CHECK_EQ(p[1], 0);
	CHECK_EQ(bytes_get32(p + 4), 0x20000000);	/* override */
	CHECK(!memcmp(p + 8, ip, 16));
	CHECK(!memcmp(p + 24, option, 8));
}

static void advert_claims_its_target(void)
{
	struct announce a = { 0 };
	struct emitted e;
	static struct craft c;

	craft_ether(&c, ETH_IPV6);
	craft_nd(&c, 136, IP6_B, IP6);
	learn(&a, &c);
	emit(&a, &e);
	CHECK_EQ(e.n, 2);
	EMITTED_IS(&e, 0, RARP(GUEST, ""));
	advert_check(&e, 1, "", 0, IP6);
}

static void solicitation_claims_its_source(void)
{
	struct announce a = { 0 };
	struct emitted e;
	static struct craft c;

	craft_ether(&c, ETH_IPV6);
	craft_nd(&c, 135, IP6, IP6_B);
	learn(&a, &c);
	emit(&a, &e);
	CHECK_EQ(e.n, 2);
	advert_check(&e, 1, "", 0, IP6);
}

/* RFC 4862: from nobody, for the address that will be its own. */
static void address_detection_claims_its_target(void)
{
	struct announce a = { 0 };
	struct emitted e;
	static struct craft c;

	craft_ether(&c, ETH_IPV6);
	craft_nd(&c, 135, NO_IP6, IP6_B);
	learn(&a, &c);
	emit(&a, &e);
	CHECK_EQ(e.n, 2);
	advert_check(&e, 1, "", 0, IP6_B);
}

/* A router that announced itself as a host would lose its hosts. */
static void a_router_stays_one(void)
{
	struct announce a = { 0 };
	struct emitted e;
	static struct craft c;

	craft_ether(&c, ETH_IPV6);
	craft_nd(&c, 135, IP6, IP6_B);
	learn(&a, &c);
	craft_ether(&c, ETH_IPV6);
	craft_nd(&c, 136, IP6, IP6);
	c.b[14 + 40 + 4] = 0xff;		/* router, and all the others */
	learn(&a, &c);
	craft_ether(&c, ETH_IPV6);
	craft_nd(&c, 135, IP6, IP6_B);		/* says nothing about it */
	learn(&a, &c);
	emit(&a, &e);
	CHECK_EQ(e.n, 2);
	CHECK_EQ(e.v[1].b[14 + 40 + 4], 0xa0);
	craft_ether(&c, ETH_IPV6);
	craft_nd(&c, 136, IP6, IP6);		/* not any more */
	learn(&a, &c);
	emit(&a, &e);
	CHECK_EQ(e.n, 2);
	advert_check(&e, 1, "", 0, IP6);
}

static void other_icmp_claims_nothing(void)
{
	struct announce a = { 0 };
	static struct craft c;

	for (unsigned type = 0; type < 256; type++) {
		if (type == 135 || type == 136)
			continue;
		craft_ether(&c, ETH_IPV6);
		craft_nd(&c, (uint8_t)type, IP6, IP6_B);
		learn(&a, &c);
	}
	craft_ether(&c, ETH_IPV6);
	craft_nd(&c, 136, IP6, IP6_B);
	c.b[14 + 6] = 17;			/* UDP that looks like it */
	learn(&a, &c);
	CHECK_EQ(a.n_claims, 1);
}

/* The tags come back in the announcement, without priority and DEI. */
static void tags_are_kept(void)
{
	struct announce a = { 0 };
	struct emitted e;
	static struct craft c;

	craft_ether(&c, 0x8100);
	craft_vlan(&c, 0xe000 | 0x123, ETH_ARP);
	craft_arp(&c, 1, GUEST, IP4);
	learn(&a, &c);
	craft_ether(&c, 0x88a8);
	craft_vlan(&c, 0x1000 | 0x456, 0x8100);
	craft_vlan(&c, 0x0789, ETH_IPV6);
	craft_nd(&c, 136, IP6, IP6);
	learn(&a, &c);
	emit(&a, &e);
	CHECK_EQ(e.n, 4);
	EMITTED_IS(&e, 0, RARP(GUEST, "\x81\0\x01\x23"));
	EMITTED_IS(&e, 1, ARP(GUEST, "\x81\0\x01\x23", IP4));
	EMITTED_IS(&e, 2, RARP(GUEST, "\x88\xa8\x04\x56\x81\0\x07\x89"));
	advert_check(&e, 3, "\x88\xa8\x04\x56\x81\0\x07\x89", 8, IP6);
}

/* The same address on two VLANs is two claims; a priority makes none. */
static void each_vlan_is_told(void)
{
	static const uint16_t tcis[] = { 1, 2, 0xe001, 0xf002 };
	struct announce a = { 0 };
	static struct craft c;

	craft_ether(&c, ETH_ARP);
	craft_arp(&c, 1, GUEST, IP4);
	learn(&a, &c);
	for (int i = 0; i < 4; i++) {
		craft_ether(&c, 0x8100);
		craft_vlan(&c, tcis[i], ETH_ARP);
		craft_arp(&c, 1, GUEST, IP4);
		learn(&a, &c);
	}
	CHECK_EQ(a.n_claims, 6);
}

/* No frame comes from a group address: that is rubbish. */
static void group_source_is_ignored(void)
{
	struct announce a = { 0 };
	static struct craft c;

	craft_ether(&c, ETH_ARP);
	craft_arp(&c, 1, GUEST, IP4);
	c.b[6] |= 1;
	learn(&a, &c);
	CHECK_EQ(a.n_claims, 0);
}

static void behind_a_vnet_header(void)
{
	static const uint8_t lens[] = { 10, 12 };
	static struct craft c;
	uint8_t bytes[128] = { 0 };
	struct emitted e;

	craft_ether(&c, ETH_ARP);
	craft_arp(&c, 1, GUEST, IP4);
	for (int i = 0; i < 2; i++) {
		struct announce a = { 0 };

		memcpy(bytes + lens[i], c.b, c.len);
		learn_bytes(&a, bytes, lens[i] + c.len, lens[i]);
		emit(&a, &e);
		CHECK_EQ(e.n, 2);
		EMITTED_IS(&e, 1, ARP(GUEST, "", IP4));
	}
}

/* Cut anywhere, a frame tells at most what its bytes say. */
static void cut_frames(void)
{
	static struct craft v[3];

	craft_ether(&v[0], ETH_ARP);
	craft_arp(&v[0], 1, GUEST, IP4);
	craft_ether(&v[1], 0x8100);
	craft_vlan(&v[1], 5, ETH_ARP);
	craft_arp(&v[1], 1, GUEST, IP4);
	craft_ether(&v[2], 0x88a8);
	craft_vlan(&v[2], 5, 0x8100);
	craft_vlan(&v[2], 6, ETH_IPV6);
	craft_nd(&v[2], 136, IP6, IP6);
	for (int i = 0; i < 3; i++) {
		for (size_t len = 0; len <= v[i].len; len++) {
			struct announce a = { 0 };

			learn_bytes(&a, v[i].b, len, 0);
			CHECK_EQ(a.n_claims, len < 14 ? 0 :
				 len < v[i].len ? 1 : 2);
			if (a.n_claims)
				CHECK_EQ(a.claims[0].ip_len, 0);
		}
	}
}

/* A frame that is shorter than the header it says it has. */
static void shorter_than_its_vnet_header(void)
{
	struct announce a = { 0 };
	uint8_t bytes[32] = { 0 };

	for (size_t len = 0; len < 26; len++)
		learn_bytes(&a, bytes, len, 12);
	CHECK_EQ(a.n_claims, 0);
}

/* A guest that claims the world pushes out its own oldest claims only. */
static void the_oldest_claims_go(void)
{
	struct announce a = { 0 };
	struct emitted e;
	static struct craft c;

	for (unsigned i = 0; i < 1000; i++) {
		craft_ether(&c, ETH_ARP);
		craft_arp(&c, 1, GUEST, IP4);
		bytes_put16(c.b + 14 + 16, (uint16_t)i);
		learn(&a, &c);
	}
	CHECK_EQ(a.n_claims, ANNOUNCE_MAX);
	emit(&a, &e);
	for (unsigned i = 1000 - ANNOUNCE_MAX / 2; i < 1000; i++) {
		unsigned n = 0;

		for (unsigned k = 0; k < e.n; k++)
			n += bytes_get16(e.v[k].b + 14 + 16) == i;
		CHECK_EQ(n, 1);
	}
}

/* Under the address sanitizer: no byte that is not there is looked at. */
static void hostile_bytes(void)
{
	static const uint16_t types[] = { 0x8100, 0x88a8, 0x9100, ETH_ARP,
					  ETH_IPV6, 0x0800 };
	size_t n = soak_n(200000);
	struct announce a = { 0 };
	struct emitted e;
	uint8_t b[160];

	for (size_t i = 0; i < n; i++) {
		size_t len = random_below(&rnd, sizeof(b) + 1);
		static const uint8_t vnet_lens[] = { 0, 0, 10, 12 };
		uint8_t vnet_len = vnet_lens[random_below(&rnd, 4)];

		random_fill(&rnd, b, sizeof(b));
		for (size_t at = vnet_len + 12u; at < 40; at += 4)
			bytes_put16(b + at, types[random_below(&rnd, 6)]);
		learn_bytes(&a, b, len, vnet_len);
	}
	CHECK(a.n_claims <= ANNOUNCE_MAX);
	emit(&a, &e);
	for (unsigned i = 0; i < e.n; i++)
		CHECK(e.v[i].len >= 60 && e.v[i].len <= 14 + 8 + 40 + 32);
}

int main(int argc, char **argv)
{
	random_init(&rnd, argc, argv);
	TEST(nothing_is_known);
	TEST(any_frame_tells_the_mac);
	TEST(arp_claims_an_address);
	TEST(an_arp_probe_does_not);
	TEST(strange_arp_is_ignored);
	TEST(arp_for_another_mac);
	TEST(advert_claims_its_target);
	TEST(solicitation_claims_its_source);
	TEST(address_detection_claims_its_target);
	TEST(a_router_stays_one);
	TEST(other_icmp_claims_nothing);
	TEST(tags_are_kept);
	TEST(each_vlan_is_told);
	TEST(group_source_is_ignored);
	TEST(behind_a_vnet_header);
	TEST(cut_frames);
	TEST(shorter_than_its_vnet_header);
	TEST(the_oldest_claims_go);
	TEST(hostile_bytes);
	return TEST_END();
}
