/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdint.h>

#include "../../common/packet.h"
#include "../../common/vnet.h"
#include "craft.h"
#include "random.h"
#include "test.h"

static struct random rnd;
static struct craft c;

enum { V4 = 0x0800, V6 = 0x86dd, CWR = 0x80 };
enum { NEEDS_CSUM = 1 };
enum { GSO_TCPV4 = 1, GSO_UFO = 3, GSO_TCPV6 = 4, GSO_UDP = 5, GSO_ECN = 0x80 };

static void put_le16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

/* The crafted bytes behind a virtio-net header, in a chunk of their size. */
static struct frame frame_new(uint8_t vnet_len, uint8_t flags, uint8_t gso_type,
			      unsigned gso_size, unsigned start, unsigned offset)
{
	struct chunk *chunk = chunk_new(vnet_len + c.len);
	uint8_t *h = chunk->bytes;

	memset(h, 0, vnet_len);
	h[0] = flags;
	h[1] = gso_type;
	put_le16(h + 4, gso_size);
	put_le16(h + 6, start);
	put_le16(h + 8, offset);
	memcpy(h + vnet_len, c.b, c.len);
	return (struct frame){ .chunk = chunk, .data = chunk->bytes,
			       .len = vnet_len + (uint32_t)c.len,
			       .vnet_len = vnet_len, .time_ns = 42 };
}

static uint32_t sum_be(uint32_t sum, const uint8_t *p, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++) {
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

static uint32_t pseudo_sum(const struct packet *p)
{
	uint32_t addr_len = p->ip_version == 4 ? 4 : 16;
	uint32_t sum = sum_be(p->proto + p->l4_len, p->src, addr_len);

	return sum_be(sum, p->dst, addr_len);
}

static void check_checksums(const struct packet *p)
{
	uint8_t *ip = p->eth + p->l3_off;

	if (p->ip_version == 4)
		CHECK_EQ(sum_be(0, ip, (uint32_t)p->l4_off - p->l3_off),
			 0xffff);
	CHECK_EQ(sum_be(pseudo_sum(p), packet_l4(p), p->l4_len), 0xffff);
	if (p->proto == PACKET_UDP)
		CHECK(bytes_get16(packet_l4(p) + 6));
}

/* What came out of vnet_to_plain(): counted, and checked frame by frame. */
struct seen {
	struct packet large;	/* what went in */
	uint32_t gso_size;
	uint32_t n;
	uint32_t payload_len;	/* so far */
	uint32_t chunk_cap;	/* the largest */
	struct frame last;
};

static void on_plain(void *arg, const struct frame *plain)
{
	struct seen *s = arg;

	CHECK_EQ(plain->vnet_len, 0);
	CHECK_EQ(plain->time_ns, 42);
	CHECK(plain->data - plain->prefix_len >= plain->chunk->bytes);
	CHECK(plain->data + plain->len <=
	      plain->chunk->bytes + plain->chunk->cap);
	if (plain->prefix_len == 4)
		CHECK_EQ(bytes_get32(plain->data - 4), plain->len);
	if (plain->chunk->cap > s->chunk_cap)
		s->chunk_cap = plain->chunk->cap;
	s->n++;
	s->last = *plain;
}

static void check_tcp_piece(const struct seen *s, const struct packet *p,
			    bool is_last)
{
	const uint8_t only_last = TCP_FIN | TCP_PSH;
	uint8_t flags = s->large.flags;

	if (s->n)
		flags &= (uint8_t)~CWR;
	if (!is_last)
		flags &= (uint8_t)~only_last;
	CHECK_EQ(p->flags, flags);
	CHECK_EQ(p->seq, s->large.seq + s->payload_len);
	CHECK_EQ(p->ack, s->large.ack);
	CHECK_EQ(p->tcp_opt_len, s->large.tcp_opt_len);
	CHECK(!memcmp(packet_l4(p) + 20, packet_l4(&s->large) + 20,
		      p->tcp_opt_len));
}

static void on_piece(void *arg, const struct frame *plain)
{
	struct seen *s = arg;
	const struct packet *l = &s->large;
	uint32_t left = l->payload_len - s->payload_len;
	bool is_last = left <= s->gso_size;
	struct packet p;

	CHECK_EQ(plain->prefix_len, 4);
	packet_parse(&p, plain->data, plain->len);
	CHECK_EQ(p.level, PACKET_L4);
	CHECK_EQ(p.l4_off + p.l4_len, plain->len);
	CHECK_EQ(p.payload_off, l->payload_off);
	CHECK_EQ(p.payload_len, is_last ? left : s->gso_size);
	CHECK(!memcmp(packet_payload(&p), packet_payload(l) + s->payload_len,
		      p.payload_len));
	CHECK(!memcmp(plain->data, l->eth, l->l3_off));
	if (p.proto == PACKET_TCP)
		check_tcp_piece(s, &p, is_last);
	else
		CHECK_EQ(bytes_get16(packet_l4(&p) + 4), 8 + p.payload_len);
	if (p.ip_version == 4)
		CHECK_EQ(bytes_get16(p.eth + p.l3_off + 4),
			 (bytes_get16(l->eth + l->l3_off + 4) + s->n) & 0xffff);
	check_checksums(&p);
	s->payload_len += p.payload_len;
	on_plain(arg, plain);
}

/* Headers for a payload; returns where the transport header stands. */
static uint32_t craft_large(bool v6, bool udp, bool vlan, uint8_t flags,
			    size_t len)
{
	uint8_t proto = udp ? PACKET_UDP : PACKET_TCP;
	size_t l4_len = (udp ? 8 : 32) + len;
	uint32_t l4_off;

	craft_ether(&c, vlan ? 0x8100 : v6 ? V6 : V4);
	if (vlan)
		craft_vlan(&c, 7, v6 ? V6 : V4);
	if (v6)
		craft_ipv6(&c, proto, l4_len);
	else
		bytes_put16(craft_ipv4(&c, proto, 4, l4_len) + 4, 0xfffe);
	l4_off = (uint32_t)c.len;
	if (udp)
		craft_udp(&c, len);
	else
		memset(craft_tcp(&c, flags, 12) + 20, 1, 12);
	craft_payload(&c, len);
	return l4_off;
}

static void cut(uint8_t vnet_len, bool v6, bool udp, bool vlan, uint8_t flags,
		size_t len, uint32_t gso_size)
{
	uint32_t l4_off = craft_large(v6, udp, vlan, flags, len);
	uint8_t type = udp ? GSO_UDP : v6 ? GSO_TCPV6 : GSO_TCPV4;
	struct frame f = frame_new(vnet_len, NEEDS_CSUM,
				   flags & CWR ? type | GSO_ECN : type,
				   gso_size, l4_off, udp ? 6 : 16);
	struct seen s = { .gso_size = gso_size };

	packet_parse(&s.large, frame_eth(&f), frame_eth_len(&f));
	CHECK(!vnet_is_trivial(&f));
	CHECK_EQ(vnet_to_plain(&f, on_piece, &s), 0);
	CHECK_EQ(s.n, len ? (len + gso_size - 1) / gso_size : 1);
	CHECK_EQ(s.payload_len, len);
	CHECK(!memcmp(frame_eth(&f), c.b, c.len));
	CHECK(s.chunk_cap <= CHUNK_BYTES);
	chunk_unref(f.chunk);
}

static void large_segments_are_cut(void)
{
	static const size_t lens[] = { 0, 1, 999, 1000, 1001, 2000, 2001, 65000 };

	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		for (unsigned how = 0; how < 8; how++) {
			bool udp = how & 2;
			uint8_t flags = udp ? 0 : TCP_ACK | TCP_PSH | TCP_FIN |
						  CWR;

			cut(how & 1 ? 10 : 12, how & 1, udp, how & 4, flags,
			    lens[i], 1000);
		}
	}
}

static void flags_that_are_not_there_do_not_come(void)
{
	cut(12, false, false, false, TCP_ACK, 5000, 1448);
	cut(12, true, false, false, TCP_ACK | TCP_PSH, 5000, 1428);
}

/* The chunks stay small however many frames there are. */
static void smallest_segments(void)
{
	cut(12, false, false, false, TCP_ACK | TCP_PSH, 1365, 1);
	cut(12, true, true, true, 0, 1365, 1);
	cut(12, false, false, false, TCP_ACK | TCP_PSH, 65000, 48);
}

static void random_cuts(void)
{
	for (size_t n = soak_n(2000); n; n--) {
		bool udp = random_below(&rnd, 2);
		uint8_t flags = (uint8_t)random_next(&rnd) &
				(uint8_t)~(TCP_SYN | TCP_RST);

		cut(random_below(&rnd, 2) ? 10 : 12, random_below(&rnd, 2), udp,
		    random_below(&rnd, 2), udp ? 0 : flags,
		    random_below(&rnd, 20000),
		    100 + (uint32_t)random_below(&rnd, 9000));
	}
}

static void nothing_asked_is_the_view_itself(void)
{
	for (uint8_t vnet_len = 0; vnet_len <= 12;
	     vnet_len = vnet_len ? vnet_len + 2 : 10) {
		struct seen s = { 0 };
		struct frame f;

		craft_large(false, false, false, TCP_ACK, 100);
		f = frame_new(12, 0, 0, 999, 999, 999);
		if (!vnet_len) {
			f.data += 12;
			f.len -= 12;
		}
		f.vnet_len = vnet_len;
		CHECK(vnet_is_trivial(&f));
		CHECK_EQ(vnet_complete(&f), 0);
		CHECK_EQ(vnet_to_plain(&f, on_plain, &s), 0);
		CHECK_EQ(s.n, 1);
		CHECK(s.last.data == frame_eth(&f));
		CHECK_EQ(s.last.len, frame_eth_len(&f));
		CHECK(s.last.chunk == f.chunk);
		chunk_unref(f.chunk);
	}
}

/* A plain frame whose checksum is only that of the pseudo header. */
static struct frame partial_new(bool v6, bool udp, size_t len)
{
	uint32_t l4_off = craft_large(v6, udp, false, TCP_ACK, len);
	struct packet p;

	packet_parse(&p, c.b, c.len);
	bytes_put16(c.b + l4_off + (udp ? 6 : 16), (uint16_t)pseudo_sum(&p));
	if (!v6)
		bytes_put16(c.b + 14 + 10,
			    (uint16_t)~sum_be(0, c.b + 14, l4_off - 14));
	return frame_new(12, NEEDS_CSUM, 0, 0, l4_off, udp ? 6 : 16);
}

static void where_the_sum_begins_says_which_is_partial(void)
{
	struct frame f = partial_new(false, false, 10);
	struct packet p;

	packet_parse(&p, frame_eth(&f), frame_eth_len(&f));
	CHECK(vnet_is_partial(&f, p.l4_off));
	CHECK(!vnet_is_partial(&f, p.l4_off + 20));	/* a tunnel's inner */
	f.data[0] = 0;
	CHECK(!vnet_is_partial(&f, p.l4_off));
	f.data[0] = NEEDS_CSUM;
	f.vnet_len = 0;
	CHECK(!vnet_is_partial(&f, p.l4_off));
	chunk_unref(f.chunk);
}

static void gso_size_of_what_is_cut_only(void)
{
	struct frame f = frame_new(12, 0, 0, 1000, 0, 0);

	CHECK_EQ(vnet_gso_size(&f), 0);
	f.data[1] = 1;
	CHECK_EQ(vnet_gso_size(&f), 1000);
	f.vnet_len = 0;
	CHECK_EQ(vnet_gso_size(&f), 0);
	chunk_unref(f.chunk);
}

static void on_checked(void *arg, const struct frame *plain)
{
	struct packet p;

	packet_parse(&p, plain->data, plain->len);
	check_checksums(&p);
	on_plain(arg, plain);
}

static void partial_checksums_are_finished(void)
{
	for (unsigned how = 0; how < 4; how++) {
		for (size_t len = 0; len < 200; len++) {
			struct frame f = partial_new(how & 1, how & 2, len);
			struct seen s = { 0 };
			struct packet p;

			CHECK(!vnet_is_trivial(&f));
			CHECK_EQ(vnet_to_plain(&f, on_checked, &s), 0);
			CHECK_EQ(s.n, 1);
			CHECK(!memcmp(frame_eth(&f), c.b, c.len));
			CHECK_EQ(vnet_complete(&f), 0);
			CHECK(vnet_is_trivial(&f));
			packet_parse(&p, frame_eth(&f), frame_eth_len(&f));
			check_checksums(&p);
			chunk_unref(f.chunk);
		}
	}
}

/* UDP whose sum comes out as 0 carries 0xffff: 0 would mean none. */
static void a_udp_checksum_is_never_zero(void)
{
	struct frame f = partial_new(false, true, 2);
	struct packet p;
	uint8_t *payload;

	CHECK_EQ(vnet_complete(&f), 0);
	packet_parse(&p, frame_eth(&f), frame_eth_len(&f));
	payload = packet_payload(&p);
	bytes_put16(payload, (uint16_t)((bytes_get16(payload) +
					 bytes_get16(packet_l4(&p) + 6)) %
					0xffff));
	bytes_put16(packet_l4(&p) + 6, (uint16_t)pseudo_sum(&p));
	f.data[0] = NEEDS_CSUM;
	CHECK_EQ(vnet_complete(&f), 0);
	CHECK_EQ(bytes_get16(packet_l4(&p) + 6), 0xffff);
	chunk_unref(f.chunk);
}

static void refuse(uint8_t flags, uint8_t gso_type, unsigned gso_size,
		   unsigned start, unsigned offset)
{
	struct frame f = frame_new(12, flags, gso_type, gso_size, start,
				   offset);
	struct seen s = { 0 };

	CHECK_EQ(vnet_to_plain(&f, on_plain, &s), -EINVAL);
	CHECK_EQ(s.n, 0);
	CHECK(!memcmp(frame_eth(&f), c.b, c.len));
	chunk_unref(f.chunk);
}

/* Who gets the frames may keep them: 64 KiB must not become 8 MiB. */
/* Its checksum is what tshark calls correct. */
static void an_sctp_checksum_is_a_crc(void)
{
	static const uint8_t sctp[] = {
		0x1f, 0x90, 0x13, 0x88, 0, 0, 0, 1, 0x38, 0xf7, 0x13, 0x57,
		'1', '2', '3', '4', '5', '6', '7', '8', '9',
	};
	struct seen s = { 0 };
	struct frame f;

	craft_ether(&c, V4);
	craft_ipv4(&c, PACKET_SCTP, 0, sizeof(sctp));
	memcpy(craft_bytes(&c, sizeof(sctp)), sctp, sizeof(sctp));
	memset(c.b + 34 + 8, 0, 4);
	craft_bytes(&c, 5);			/* padding */
	f = frame_new(12, NEEDS_CSUM, 0, 0, 34, 8);
	CHECK_EQ(vnet_to_plain(&f, on_plain, &s), 0);
	CHECK_EQ(s.n, 1);
	CHECK_EQ(vnet_complete(&f), 0);
	CHECK(!memcmp(frame_eth(&f) + 34, sctp, sizeof(sctp)));
	CHECK(!(f.data[0] & NEEDS_CSUM));
	chunk_unref(f.chunk);
}

static void more_segments_than_any_stack_makes(void)
{
	uint32_t at = craft_large(false, false, false, TCP_ACK, 65000);

	refuse(NEEDS_CSUM, GSO_TCPV4, 1, at, 16);
	refuse(NEEDS_CSUM, GSO_TCPV4, 47, at, 16);
	at = craft_large(false, true, false, 0, 1366);
	refuse(NEEDS_CSUM, GSO_UDP, 1, at, 6);
}

static void checksum_fields_beyond_the_frame(void)
{
	struct frame f;

	craft_large(false, false, false, TCP_ACK, 1);
	refuse(NEEDS_CSUM, 0, 0, (unsigned)c.len, 0);
	refuse(NEEDS_CSUM, 0, 0, 0, (unsigned)c.len - 1);
	refuse(NEEDS_CSUM, 0, 0, 0xffff, 0xffff);
	refuse(NEEDS_CSUM, 0, 0, 0xffff, 2);
	f = frame_new(12, NEEDS_CSUM, 0, 0, 40, (unsigned)c.len - 41);
	CHECK_EQ(vnet_complete(&f), -EINVAL);
	CHECK(!vnet_is_trivial(&f));
	CHECK(!memcmp(frame_eth(&f), c.b, c.len));
	chunk_unref(f.chunk);
}

static void headers_that_lie(void)
{
	uint32_t at = craft_large(false, false, false, TCP_ACK, 5000);

	refuse(NEEDS_CSUM, GSO_TCPV4, 0, at, 16);
	refuse(NEEDS_CSUM, GSO_TCPV6, 1000, at, 16);
	refuse(NEEDS_CSUM, GSO_UDP, 1000, at, 16);
	refuse(NEEDS_CSUM, GSO_UFO, 1000, at, 16);
	refuse(NEEDS_CSUM, 2, 1000, at, 16);
	refuse(NEEDS_CSUM, GSO_ECN, 1000, at, 16);
	refuse(NEEDS_CSUM, GSO_TCPV4, 1000, at - 1, 16);
	refuse(NEEDS_CSUM, GSO_TCPV4, 1000, at, 6);
	c.b[at + 13] |= TCP_SYN;
	refuse(NEEDS_CSUM, GSO_TCPV4, 1000, at, 16);
	c.b[at + 13] = TCP_ACK;
	c.b[14 + 6] = 0x20;			/* a fragment */
	refuse(NEEDS_CSUM, GSO_TCPV4, 1000, at, 16);
	c.b[14 + 6] = 0;
	c.len--;				/* truncated */
	refuse(NEEDS_CSUM, GSO_TCPV4, 1000, at, 16);
	at = craft_large(false, true, false, 0, 5000);
	refuse(NEEDS_CSUM, GSO_UDP | GSO_ECN, 1000, at, 6);
	craft_ether(&c, 0x0806);
	craft_bytes(&c, 2000);
	refuse(NEEDS_CSUM, GSO_TCPV4, 1000, 34, 16);
	c.len = 3;
	refuse(0, GSO_TCPV4, 1000, 0, 0);
}

/* Any header on any frame: 0 with frames inside their chunk, or -EINVAL. */
static void hostile_headers(void)
{
	unsigned n_ok = 0, n_bad = 0;

	for (size_t n = soak_n(20000); n; n--) {
		static const uint8_t types[] = { 0, 1, 3, 4, 5, 0x81, 0x84 };
		struct seen s = { 0 };
		struct frame f;
		uint32_t at = craft_large(random_below(&rnd, 2),
					  random_below(&rnd, 2),
					  random_below(&rnd, 2), TCP_ACK,
					  random_below(&rnd, 300));
		int rc;

		for (size_t k = random_below(&rnd, 3); k; k--)
			c.b[random_below(&rnd, c.len)] =
				(uint8_t)random_next(&rnd);
		f = frame_new(12, (uint8_t)random_below(&rnd, 4),
			      types[random_below(&rnd, 7)],
			      (unsigned)random_below(&rnd, 80),
			      random_below(&rnd, 2) ? at :
			      (unsigned)random_below(&rnd, c.len + 2),
			      random_below(&rnd, 2) ? 16 : 6);
		rc = vnet_to_plain(&f, on_plain, &s);
		CHECK(rc == 0 ? s.n > 0 : rc == -EINVAL && s.n == 0);
		CHECK(!memcmp(frame_eth(&f), c.b, c.len));
		n_ok += !rc;
		n_bad += rc != 0;
		vnet_complete(&f);
		chunk_unref(f.chunk);
	}
	CHECK(n_ok && n_bad);
}

int main(int argc, char **argv)
{
	random_init(&rnd, argc, argv);
	TEST(large_segments_are_cut);
	TEST(flags_that_are_not_there_do_not_come);
	TEST(smallest_segments);
	TEST(random_cuts);
	TEST(nothing_asked_is_the_view_itself);
	TEST(where_the_sum_begins_says_which_is_partial);
	TEST(gso_size_of_what_is_cut_only);
	TEST(partial_checksums_are_finished);
	TEST(a_udp_checksum_is_never_zero);
	TEST(an_sctp_checksum_is_a_crc);
	TEST(more_segments_than_any_stack_makes);
	TEST(checksum_fields_beyond_the_frame);
	TEST(headers_that_lie);
	TEST(hostile_headers);
	return TEST_END();
}
