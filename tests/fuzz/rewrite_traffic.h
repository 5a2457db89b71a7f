/* SPDX-License-Identifier: ISC */
#ifndef COLO_FUZZ_REWRITE_TRAFFIC_H
#define COLO_FUZZ_REWRITE_TRAFFIC_H

#include <assert.h>
#include <stdio.h>
#include <unistd.h>

#include "../../common/stats.h"
#include "../../rewriter/rewrite.h"
#include "../../rewriter/rewrite_record.h"
#include "../unit/rewrite_wire.h"
#include "fuzz.h"

/*
 * What the harnesses of the rewriter share: connections whose segments are near
 * to what two TCP stacks send, and checks of each frame that comes out. A frame
 * has a number in its source address and is remembered as it went in, so that
 * these can be checked:
 *
 *	Its length and all bytes that are no number of TCP stay as they were.
 *	A right checksum stays right, and a partial one is untouched.
 *	Each frame that goes in is emitted, held, or dropped with a reason.
 *
 * Frames that the rewriter makes itself have no number, and right checksums.
 */
#define CONNS 8u		/* every second one is IPv6 */
#define FRAME_MAX 512u
#define SENT_MAX 4096u
#define NO_NUMBER 0x02020202u	/* of the address that frames go to */

struct conn {
	uint32_t peer_isn, primary_isn, guest_isn;
	uint32_t peer, primary, guest;	/* what each sends next, behind its ISN */
	uint32_t clock;		/* of all; primary's and guest's are offset */
};

struct sent {			/* a frame as it went in */
	uint32_t len;
	uint8_t vnet_len;
	uint8_t bytes[FRAME_MAX];
};

struct traffic {
	struct rewrite *r;
	uint64_t now;
	uint64_t n_in, n_out;
	struct conn conns[CONNS];
	struct sent *sent;
	uint32_t n_sent;
};

enum {				/* how a segment is made */
	WITH_TIMESTAMP = 1,
	WITH_SACK = 2,
	WITH_ODD = 4,		/* options at odd offsets */
	WITH_SIGNATURE = 8,
	WITH_PARTIAL_SUM = 16,
	WITH_WRONG_SUM = 32,
	WITH_PAYLOAD = 64,
	WITH_ODDITIES = 128,	/* a byte more says which, see odd_frame() */
};

struct segment {
	enum rewrite_side side;
	unsigned conn;
	uint8_t flags, how;
	uint32_t seq, ack;
};

static inline uint8_t *put_ether(uint8_t *at, unsigned conn)
{
	memset(at, 2, 12);
	at += 12;
	for (unsigned i = 0; i < conn / 2 % 3; i++, at += 4) {
		bytes_put16(at, i ? 0x8100 : 0x88a8);
		bytes_put16(at + 2, (uint16_t)(i + 1));
	}
	bytes_put16(at, conn & 1 ? 0x86dd : 0x0800);
	return at + 2;
}

static inline size_t put_options(struct fuzz *z, const struct conn *c,
				 const struct segment *s, uint8_t *at)
{
	bool is_tx = s->side == REWRITE_TX;
	uint32_t echo_of = is_tx ? 70000 : 0, mine = is_tx ? 0 : 20000;
	size_t n = 0;

	if (s->how & WITH_ODD)
		at[n++] = 1;
	if (s->how & WITH_TIMESTAMP) {
		at[n] = 8;
		at[n + 1] = 10;
		bytes_put32(at + n + 2, mine + c->clock + fuzz_byte(z));
		bytes_put32(at + n + 6, echo_of + c->clock - fuzz_byte(z));
		n += 10;
	}
	if (s->how & WITH_SACK) {
		uint8_t len = fuzz_byte(z);

		at[n] = 5;
		at[n + 1] = len & 0x80 ? len : 18;
		for (unsigned i = 0; i < 4; i++)
			bytes_put32(at + n + 2 + 4 * i,
				    s->ack + 100u * fuzz_byte(z));
		n += 18;
	}
	if (s->how & WITH_SIGNATURE) {
		at[n] = fuzz_byte(z) & 1 ? 19 : 29;
		at[n + 1] = 4;
		bytes_put16(at + n + 2, 0x1234);
		n += 4;
	}
	while (n % 4)
		at[n++] = 1;
	return n;
}

/* A TCP header with its options and its payload, without a checksum. */
static inline size_t put_tcp(struct fuzz *z, const struct conn *c,
			     const struct segment *s, uint8_t *at)
{
	size_t opt_len = put_options(z, c, s, at + 20);
	size_t n = 20 + opt_len, payload = 0;

	wire_tcp(at, s->side == REWRITE_RX, (uint16_t)(1024 + s->conn), s->seq,
		 s->ack, s->flags, opt_len);
	if (s->how & WITH_PAYLOAD)
		payload = fuzz_byte(z);
	memset(at + n, 'x', payload);
	return n + payload;
}

/* Write a checksum: right, partial or wrong, as how says. */
static inline void put_sum(struct packet *p, unsigned at, uint32_t start,
			   uint8_t how)
{
	uint8_t *sum = packet_l4(p) + at;

	if (how & WITH_PARTIAL_SUM)
		bytes_put16(sum, (uint16_t)~checksum_fold(start));
	else
		bytes_put16(sum, checksum_fold(checksum_add(
					 start, packet_l4(p), p->l4_len)));
	if (how & WITH_WRONG_SUM)
		sum[1] ^= 0x55;
}

/* What neither stack sends: any byte, any length, a fragment, padding. */
static inline size_t odd_frame(struct fuzz *z, const struct packet *p,
			       size_t len)
{
	uint8_t which = fuzz_byte(z), value = fuzz_byte(z);

	switch (which % 4) {
	case 0:
		p->eth[(which * 16u + value) % len] ^= (uint8_t)(1 + value);
		return len;
	case 1:
		return value < len ? len - value : len;
	case 2:
		memset(p->eth + len, 0, 18);
		return len + 18;
	default:
		if (p->ip_version == 4)
			bytes_put16(p->eth + p->l3_off + 6,
				    value & 1 ? 0x2000 : value);
		return len;
	}
}

/* The number of a frame is in its source address. */
static inline void sent_note(struct traffic *t, const struct frame *f)
{
	struct sent *s = &t->sent[t->n_sent];

	if (frame_eth_len(f) >= 12) {
		bytes_put32(frame_eth(f), NO_NUMBER);
		bytes_put32(frame_eth(f) + 4, NO_NUMBER);
		bytes_put32(frame_eth(f) + 8, t->n_sent);
	}
	s->len = f->len;
	s->vnet_len = f->vnet_len;
	memcpy(s->bytes, f->data, f->len);
	t->n_sent++;
}

static inline void traffic_account(const struct traffic *t)
{
	struct stats s = { 0 };

	rewrite_stats(t->r, &s);
	assert(t->n_in + s.originated ==
	       t->n_out + s.held + stats_dropped(&s));
}

/* The memory of a frame ends where the frame ends, so that a sanitizer sees what
 * is read behind it. */
static inline void traffic_input(struct traffic *t, enum rewrite_side side,
				 const uint8_t *eth, size_t len,
				 const uint8_t *vnet, uint8_t vnet_len)
{
	struct frame f = { .chunk = chunk_new(vnet_len + len),
			   .len = (uint32_t)(vnet_len + len),
			   .vnet_len = vnet_len };

	f.data = f.chunk->bytes;
	if (vnet_len)
		memcpy(f.data, vnet, vnet_len);
	memcpy(f.data + vnet_len, eth, len);
	sent_note(t, &f);
	t->n_in++;
	rewrite_input(t->r, side, &f, 1, t->now);
	chunk_unref(f.chunk);
	traffic_account(t);
}

/* A frame around an IP payload of len bytes that stands at l4 already. */
static inline void traffic_finish(struct traffic *t, struct fuzz *z,
				  const struct segment *s, uint8_t *eth,
				  size_t len, unsigned sum_at)
{
	uint8_t vnet[12] = { 0 };
	bool has_vnet = s->how & WITH_PARTIAL_SUM;
	struct packet p;

	packet_parse(&p, eth, len);
	if (p.level == PACKET_L4) {
		bool has_pseudo = p.proto != PACKET_ICMP;

		put_sum(&p, sum_at, has_pseudo ? wire_pseudo(&p) : 0, s->how);
		vnet[0] = 1;
		vnet[6] = (uint8_t)p.l4_off;
		vnet[8] = (uint8_t)sum_at;
	}
	if (s->how & WITH_ODDITIES)
		len = odd_frame(z, &p, len);
	if (len)
		traffic_input(t, s->side, eth, len, vnet, has_vnet ? 12 : 0);
}

static inline void traffic_segment(struct traffic *t, struct fuzz *z,
				   const struct segment *s)
{
	uint8_t eth[FRAME_MAX], tcp[FRAME_MAX], *l3, *l4;
	size_t n = put_tcp(z, &t->conns[s->conn], s, tcp);

	l3 = put_ether(eth, s->conn);
	l4 = wire_ip(l3, s->conn & 1, s->side == REWRITE_RX, PACKET_TCP, n);
	memcpy(l4, tcp, n);
	traffic_finish(t, z, s, eth, (size_t)(l4 - eth) + n, 16);
}

/* An error towards s->side that quotes the segment s, cut somewhere. */
static inline void traffic_icmp(struct traffic *t, struct fuzz *z,
				const struct segment *s)
{
	static const uint8_t types[2][6] = { { 3, 4, 5, 11, 12, 8 },
					     { 1, 2, 3, 4, 100, 128 } };
	bool v6 = s->conn & 1, to_guest = s->side == REWRITE_TX;
	uint8_t eth[FRAME_MAX], tcp[FRAME_MAX], quote[FRAME_MAX], *l4;
	struct segment quoted = *s;
	struct packet q = { .ip_version = v6 ? 6 : 4, .proto = PACKET_TCP };
	size_t n, ip_len = v6 ? 40 : 20;
	uint32_t sum;

	quoted.side = to_guest ? REWRITE_RX : REWRITE_TX;
	n = put_tcp(z, &t->conns[s->conn], &quoted, tcp);
	wire_ip(quote, v6, to_guest, PACKET_TCP, n);
	q.src = quote + (v6 ? 8 : 12);
	q.dst = quote + (v6 ? 24 : 16);
	q.l4_len = (uint32_t)n;
	sum = checksum_add(wire_pseudo(&q), tcp, n);
	bytes_put16(tcp + 16, checksum_fold(sum));
	memcpy(quote + ip_len, tcp, n);
	n = (ip_len + n) * (fuzz_byte(z) % 9) / 8;
	if (n > 200)
		n = 200;
	l4 = wire_ip(put_ether(eth, s->conn), v6, !to_guest,
		     v6 ? PACKET_ICMP6 : PACKET_ICMP, 8 + n);
	memset(l4, 0, 8);
	l4[0] = types[v6][fuzz_byte(z) % 6];
	memcpy(l4 + 8, quote, n);
	traffic_finish(t, z, s, eth, (size_t)(l4 - eth) + 8 + n, 2);
}

/* --- what came out --- */

static inline bool sum_is_right(const uint8_t *l4, uint32_t len, uint32_t start)
{
	return checksum_fold(checksum_add(start, l4, len)) == 0;
}

static inline void check_same(const uint8_t *a, const uint8_t *b, size_t from,
			      size_t to)
{
	if (from < to)
		assert(!memcmp(a + from, b + from, to - from));
}

/* Only seq, ack, the checksum and options may change. */
static inline void check_tcp(const struct packet *was, const uint8_t *in,
			     const uint8_t *out, bool partial)
{
	size_t l4 = was->l4_off;
	uint32_t start = wire_pseudo(was);

	check_same(in, out, 0, l4 + 4);
	check_same(in, out, l4 + 12, l4 + 16);
	check_same(in, out, l4 + 18, l4 + 20);
	check_same(in, out, l4 + 20 + was->tcp_opt_len, was->len);
	if (partial)
		check_same(in, out, l4 + 16, l4 + 18);
	else if (!was->fragment && !was->truncated &&
		 sum_is_right(in + l4, was->l4_len, start))
		assert(sum_is_right(out + l4, was->l4_len, start));
}

/* Only the checksum and the quoted segment may change. */
static inline void check_icmp(const struct packet *was, const uint8_t *in,
			      const uint8_t *out, bool partial)
{
	size_t l4 = was->l4_off;
	uint32_t start = was->proto == PACKET_ICMP6 ? wire_pseudo(was) : 0;

	check_same(in, out, 0, l4 + 2);
	check_same(in, out, l4 + 4, l4 + (was->l4_len < 28 ? was->l4_len : 28));
	check_same(in, out, l4 + was->l4_len, was->len);
	if (partial)
		check_same(in, out, l4 + 2, l4 + 4);
	else if (!was->fragment && !was->truncated &&
		 sum_is_right(in + l4, was->l4_len, start))
		assert(sum_is_right(out + l4, was->l4_len, start));
}

/* The rewriter speaks for the peer only, and about a guest's segment. */
static inline void check_made(enum rewrite_side side, const struct frame *f)
{
	struct packet p;
	const uint8_t *l3;

	packet_parse(&p, frame_eth(f), frame_eth_len(f));
	l3 = p.eth + p.l3_off;
	assert(side == REWRITE_TX && p.level == PACKET_L4 && !p.truncated &&
	       p.proto == PACKET_TCP && p.flags == TCP_ACK && !p.payload_len);
	assert(p.ip_version == 6 ||
	       sum_is_right(l3, (uint32_t)p.l4_off - p.l3_off, 0));
	assert(sum_is_right(packet_l4(&p), p.l4_len, wire_pseudo(&p)));
}

static inline void check_frame(const struct traffic *t, enum rewrite_side side,
			       const struct frame *f)
{
	static struct sent now;	/* a copy: the parser wants no const bytes */
	bool has_number = frame_eth_len(f) >= 12;
	const uint8_t *in, *out = frame_eth(f);
	struct packet was;
	bool partial;
	uint32_t n;

	n = has_number ? bytes_get32(out + 8) : t->n_sent - 1;
	if (n == NO_NUMBER) {
		check_made(side, f);
		return;
	}
	assert(n < t->n_sent);
	now = t->sent[n];
	in = now.bytes + now.vnet_len;
	assert(f->len == now.len && f->vnet_len == now.vnet_len);
	check_same(now.bytes, f->data, 0, f->vnet_len);
	packet_parse(&was, now.bytes + now.vnet_len, now.len - now.vnet_len);
	partial = f->vnet_len && f->data[0] & 1 && f->data[6] == was.l4_off &&
		  !f->data[7];
	if (was.level == PACKET_L4 && was.proto == PACKET_TCP)
		check_tcp(&was, in, out, partial);
	else if (was.level == PACKET_L4 &&
		 (was.proto == PACKET_ICMP || was.proto == PACKET_ICMP6))
		check_icmp(&was, in, out, partial);
	else
		check_same(in, out, 0, was.len);
}

static inline void traffic_emit(void *arg, enum rewrite_side side,
				const struct frame *v, unsigned n)
{
	struct traffic *t = arg;

	for (unsigned i = 0; i < n; i++)
		check_frame(t, side, &v[i]);
	t->n_out += n;
}

/* --- the file --- */

static char traffic_dir[64];

static inline const char *traffic_flows_path(void)
{
	static char path[sizeof(traffic_dir) + sizeof("/flows")];

	snprintf(path, sizeof(path), "%s/flows", traffic_dir);
	return path;
}

static inline void traffic_dir_remove(void)
{
	unlink(traffic_flows_path());
	rmdir(traffic_dir);
}

/* A directory of this process, in memory where there is one; without a file. */
static inline void traffic_dir_make(void)
{
	if (*traffic_dir) {
		unlink(traffic_flows_path());
		return;
	}
	snprintf(traffic_dir, sizeof(traffic_dir), "%s/rewrite_fuzz.XXXXXX",
		 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	if (!mkdtemp(traffic_dir))
		abort();
	atexit(traffic_dir_remove);
}

/* --- a rewriter --- */

static struct sent traffic_sent[SENT_MAX];

/* The numbers of some connections wrap soon. One has an offset of 0. */
static inline void traffic_init(struct traffic *t)
{
	*t = (struct traffic){ .now = 1, .sent = traffic_sent };
	for (unsigned i = 0; i < CONNS; i++) {
		struct conn *c = &t->conns[i];

		*c = (struct conn){
			.peer_isn = i & 2 ? 0xfffffff0 : 1000,
			.primary_isn = i & 4 ? 0xffffff00 : 5000,
			.guest_isn = i == 3 ? 5000 : 9000,
			.clock = i & 1 ? 0xfffffff0 - 70000 : 0,
		};
		c->peer = c->peer_isn + 1;
		c->primary = c->primary_isn + 1;
		c->guest = c->guest_isn + 1;
	}
}

static inline void traffic_open(struct traffic *t,
				const struct rewrite_config *config)
{
	const struct rewrite_handler handler = { .emit = traffic_emit,
						 .arg = t };

	t->n_in = t->n_out = 0;
	t->r = rewrite_new(config, &handler, t->now);
	if (!t->r)
		abort();
}

/* A whole handshake, opened by the peer. */
static inline void traffic_handshake(struct traffic *t, unsigned conn,
				     uint8_t how)
{
	const struct conn *c = &t->conns[conn];
	const struct segment segments[] = {
		{ REWRITE_TX, conn, TCP_SYN, how, c->peer_isn, 0 },
		{ REWRITE_RX, conn, TCP_SYN | TCP_ACK, how, c->guest_isn,
		  c->peer },
		{ REWRITE_TX, conn, TCP_ACK, how, c->peer, c->primary },
	};
	struct fuzz nothing = { NULL, 0 };

	for (unsigned i = 0; i < 3; i++)
		traffic_segment(t, &nothing, &segments[i]);
}

#endif
