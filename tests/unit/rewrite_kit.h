/* SPDX-License-Identifier: ISC */
#ifndef COLO_REWRITE_KIT_H
#define COLO_REWRITE_KIT_H

#include "../../common/time.h"
#include "../../rewriter/rewrite.h"
#include "../../rewriter/rewrite_record.h"
#include "rewrite_wire.h"
#include "test.h"

/*
 * What the tests of the rewriter's core share: segments built by hand, and a
 * handler that writes down what came out. The peer is 10.0.0.1:1024 (fd00::1),
 * the guest 10.0.0.2:80 (fd00::2), and, unless a test says otherwise:
 *
 *	peer's ISN 1000, primary's ISN 5000, secondary's ISN 9000: offset 4000
 *	primary's clock 70000, secondary's clock 20000: ts_offset -50000
 */
#define PEER_ISN 1000u
#define PRIMARY_ISN 5000u
#define GUEST_ISN 9000u
#define PRIMARY_TS 70000u
#define GUEST_TS 20000u
#define SEEN_MAX 64

struct seen {
	enum rewrite_side side;
	uint32_t len;
	uint8_t bytes[2048];
};

static struct rewrite *rw;
static struct record_table *table;
static char state_dir[] = "/tmp/rewrite_test.XXXXXX";
static struct seen seen[SEEN_MAX];
static unsigned n_seen;
static unsigned n_events[8];
static uint64_t now = NS_PER_S;

/* How the next segments are wrapped. */
static struct {
	bool v6;
	unsigned n_vlan;
	bool ip_options;	/* IPv4 options, IPv6 destination options */
	bool first_fragment;
	uint8_t vnet_len;
	bool partial;		/* NEEDS_CSUM */
	bool bad_sum;
	uint16_t port;		/* the peer's, 1024 when 0 */
	uint32_t host;		/* added to the peer's address */
	uint8_t net;		/* of an IPv6 peer: the last byte of its /64 */
} wrap;

struct opts {
	uint8_t bytes[40];
	size_t len;
};

static const struct opts no_opts;

static inline void on_emit(void *arg, enum rewrite_side side,
			   const struct frame *v, unsigned n)
{
	(void)arg;
	for (unsigned i = 0; i < n; i++) {
		struct seen *s = &seen[n_seen++];

		CHECK(n_seen <= SEEN_MAX);
		CHECK(v[i].len <= sizeof(s->bytes));
		s->side = side;
		s->len = v[i].len - v[i].vnet_len;
		memcpy(s->bytes, v[i].data + v[i].vnet_len, s->len);
	}
}

static inline void on_event(void *arg, enum rewrite_event event,
			    const char *flow)
{
	(void)arg;
	(void)flow;
	n_events[event]++;
}

static inline void start_with(struct rewrite_config config)
{
	const struct rewrite_handler handler = { on_emit, on_event, NULL };

	if (!config.max_flows)
		config.max_flows = 16;
	if (!config.max_held)
		config.max_held = 1 << 20;
	rewrite_free(rw);
	now = NS_PER_S;
	n_seen = 0;
	memset(&wrap, 0, sizeof(wrap));
	memset(n_events, 0, sizeof(n_events));
	rw = rewrite_new(&config, &handler, now);
	CHECK(rw);
}

static inline void start(void)
{
	start_with((struct rewrite_config){ 0 });
}

static inline uint64_t stat(const char *group, const char *name)
{
	struct stats s = { 0 };

	rewrite_stats(rw, &s);
	for (unsigned i = 0; i < s.n_rows; i++)
		if (!strcmp(stats_group(&s.rows[i]), group) &&
		    !strcmp(stats_name(&s.rows[i]), name))
			return s.rows[i].value;
	fprintf(stderr, "no counter %s.%s\n", group, name);
	exit(1);
}

static inline struct opts opt_ts(uint32_t val, uint32_t ecr)
{
	struct opts o = { { 1, 1, 8, 10 }, 12 };

	bytes_put32(o.bytes + 4, val);
	bytes_put32(o.bytes + 8, ecr);
	return o;
}

static inline struct opts opt_sack(const uint32_t *edge, unsigned n_edges)
{
	struct opts o = { { 1, 1, 5, 0 }, 4 + 4 * n_edges };

	o.bytes[3] = (uint8_t)(2 + 4 * n_edges);
	for (unsigned i = 0; i < n_edges; i++)
		bytes_put32(o.bytes + 4 + 4 * i, edge[i]);
	return o;
}

static inline uint8_t *put_ipv4(uint8_t *ip, bool rx, size_t tcp_len)
{
	size_t opt_len = wrap.ip_options ? 4 : 0;
	uint8_t *end = wire_ip(ip, false, rx, PACKET_TCP, opt_len + tcp_len);
	uint8_t *peer = ip + (rx ? 16 : 12);

	ip[0] = (uint8_t)(0x45 + opt_len / 4);
	if (wrap.first_fragment)
		bytes_put16(ip + 6, 0x2000);
	bytes_put32(peer, bytes_get32(peer) + wrap.host);
	memset(end, 1, opt_len);
	bytes_put16(ip + 10, checksum_fold(checksum_add(0, ip, 20 + opt_len)));
	return end + opt_len;
}

static inline uint8_t *put_ipv6(uint8_t *ip, bool rx, size_t tcp_len)
{
	static const uint8_t padded[8] = { PACKET_TCP, 0, 1, 4 };
	size_t ext_len = wrap.ip_options ? sizeof(padded) : 0;
	uint8_t *end = wire_ip(ip, true, rx, ext_len ? 60 : PACKET_TCP,
			       ext_len + tcp_len);
	uint8_t *peer = ip + (rx ? 24 : 8);

	peer[7] = wrap.net;
	bytes_put32(peer + 12, 1 + wrap.host);
	memcpy(end, padded, ext_len);
	return end + ext_len;
}

static inline uint16_t tcp_sum(const struct packet *p, bool partial)
{
	if (partial)
		return (uint16_t)~checksum_fold(wire_pseudo(p));
	return wire_sum(p);
}

/* Return: the checksum, wrong by 0x1234. */
static inline uint16_t add_error(uint16_t sum)
{
	uint32_t wrong = sum + 0x1234u;

	return (uint16_t)(wrong + (wrong >> 16));
}

static inline size_t put_ether(uint8_t *at)
{
	size_t off = 12;

	memset(at, 2, 12);
	for (unsigned i = 0; i < wrap.n_vlan; i++, off += 4) {
		bytes_put16(at + off, i + 1 < wrap.n_vlan ? 0x88a8 : 0x8100);
		bytes_put16(at + off + 2, (uint16_t)(100 + i));
	}
	bytes_put16(at + off, wrap.v6 ? 0x86dd : 0x0800);
	return off + 2;
}

/* Write a frame at buf. Return: its length, without a vnet header. */
static inline uint32_t put_segment(uint8_t *buf, enum rewrite_side side,
				   uint32_t seq, uint32_t ack, uint8_t flags,
				   const struct opts *o, size_t payload_len)
{
	bool rx = side == REWRITE_RX;
	size_t tcp_len = 20 + o->len + payload_len;
	uint8_t *ip = buf + put_ether(buf), *tcp, *options;
	struct packet p;
	size_t off;

	tcp = wrap.v6 ? put_ipv6(ip, rx, tcp_len) : put_ipv4(ip, rx, tcp_len);
	off = (size_t)(tcp - buf);
	options = wire_tcp(tcp, rx, wrap.port ? wrap.port : 1024, seq, ack,
			   flags, o->len);
	bytes_put16(tcp + 14, 502);
	memcpy(options, o->bytes, o->len);
	memset(options + o->len, 'x', payload_len);
	packet_parse(&p, buf, off + tcp_len);
	CHECK_EQ(p.level, PACKET_L4);
	CHECK_EQ(p.l4_off, off);
	bytes_put16(tcp + 16, tcp_sum(&p, wrap.partial));
	if (wrap.bad_sum)
		bytes_put16(tcp + 16, add_error(bytes_get16(tcp + 16)));
	return (uint32_t)(off + tcp_len);
}

static inline void input(enum rewrite_side side, uint8_t *buf, uint32_t len)
{
	struct frame f = { .data = buf, .len = len };

	rewrite_input(rw, side, &f, 1, now);
}

static inline void send_full(enum rewrite_side side, uint32_t seq, uint32_t ack,
			     uint8_t flags, struct opts o, size_t payload_len)
{
	uint8_t buf[12 + 2048] = { 0 };
	uint32_t len = put_segment(buf + wrap.vnet_len, side, seq, ack, flags,
				   &o, payload_len);
	struct frame f = { .data = buf, .len = len + wrap.vnet_len,
			   .vnet_len = wrap.vnet_len };

	if (wrap.partial) {
		struct packet p;

		packet_parse(&p, buf + wrap.vnet_len, len);
		buf[0] = 1;
		buf[6] = (uint8_t)p.l4_off;
		buf[8] = 16;
	}
	rewrite_input(rw, side, &f, 1, now);
}

static inline void tx(uint32_t seq, uint32_t ack, uint8_t flags, size_t payload_len)
{
	send_full(REWRITE_TX, seq, ack, flags, no_opts, payload_len);
}

static inline void rx(uint32_t seq, uint32_t ack, uint8_t flags, size_t payload_len)
{
	send_full(REWRITE_RX, seq, ack, flags, no_opts, payload_len);
}

/* Take the oldest frame that came out. Its checksum must be right, or wrong by
 * as much as it was. */
static inline struct packet take(enum rewrite_side side)
{
	static struct seen one;
	uint16_t sum, right;
	struct packet p;

	CHECK(n_seen);
	one = seen[0];
	memmove(seen, seen + 1, --n_seen * sizeof(seen[0]));
	CHECK_EQ(one.side, side);
	packet_parse(&p, one.bytes, one.len);
	if (p.level != PACKET_L4 || p.proto != PACKET_TCP)
		return p;
	sum = bytes_get16(packet_l4(&p) + 16);
	bytes_put16(packet_l4(&p) + 16, 0);
	right = tcp_sum(&p, wrap.partial);
	CHECK_EQ(sum, wrap.bad_sum ? add_error(right) : right);
	bytes_put16(packet_l4(&p) + 16, sum);
	return p;
}

static inline void expect(enum rewrite_side side, uint32_t seq, uint32_t ack)
{
	struct packet p = take(side);

	CHECK_EQ(p.seq, seq);
	CHECK_EQ(p.ack, ack);
}

static inline uint32_t option32(const struct packet *p, unsigned at)
{
	return bytes_get32(packet_l4(p) + 20 + at);
}

/* A client opens, with these options. What comes out of its last segment is not
 * looked at. */
static inline void open_with(struct opts syn, struct opts syn_ack,
			     struct opts ack)
{
	send_full(REWRITE_TX, PEER_ISN, 0, TCP_SYN, syn, 0);
	expect(REWRITE_TX, PEER_ISN, 0);
	send_full(REWRITE_RX, GUEST_ISN, PEER_ISN + 1, TCP_SYN | TCP_ACK,
		  syn_ack, 0);
	expect(REWRITE_RX, GUEST_ISN, PEER_ISN + 1);
	send_full(REWRITE_TX, PEER_ISN + 1, PRIMARY_ISN + 1, TCP_ACK, ack, 0);
}

static inline void open_passive(void)
{
	open_with(no_opts, no_opts, no_opts);
	expect(REWRITE_TX, PEER_ISN + 1, GUEST_ISN + 1);
}

/* With timestamps; what comes out of its last segment is not looked at. */
static inline void open_passive_ts(void)
{
	open_with(opt_ts(1, 0), opt_ts(GUEST_TS, 1), opt_ts(2, PRIMARY_TS));
}

/* The guest opens. */
static inline void open_active(void)
{
	rx(GUEST_ISN, 0, TCP_SYN, 0);
	expect(REWRITE_RX, GUEST_ISN, 0);
	tx(PEER_ISN, PRIMARY_ISN + 1, TCP_SYN | TCP_ACK, 0);
	expect(REWRITE_TX, PEER_ISN, GUEST_ISN + 1);
	rx(GUEST_ISN + 1, PEER_ISN + 1, TCP_ACK, 0);
	expect(REWRITE_RX, PRIMARY_ISN + 1, PEER_ISN + 1);
}

static inline void data_both_ways(void)
{
	tx(PEER_ISN + 1, PRIMARY_ISN + 1, TCP_ACK | TCP_PSH, 100);
	expect(REWRITE_TX, PEER_ISN + 1, GUEST_ISN + 1);
	rx(GUEST_ISN + 1, PEER_ISN + 101, TCP_ACK, 300);
	expect(REWRITE_RX, PRIMARY_ISN + 1, PEER_ISN + 101);
	tx(PEER_ISN + 101, PRIMARY_ISN + 301, TCP_ACK, 0);
	expect(REWRITE_TX, PEER_ISN + 101, GUEST_ISN + 301);
	CHECK_EQ(n_seen, 0);
}

static inline void flows_path(char *path, size_t len)
{
	snprintf(path, len, "%s/flows", state_dir);
}

/* A process with a state directory ends, as by kill -9, and another one
 * starts. */
static inline void restart(uint32_t max_flows)
{
	const struct rewrite_handler handler = { on_emit, on_event, NULL };
	struct rewrite_config config = { .max_flows = max_flows,
					 .max_held = 1 << 20 };

	rewrite_free(rw);
	record_table_close(table);
	table = NULL;
	CHECK_EQ(rewrite_record_open(&table, state_dir, max_flows), 0);
	config.table = table;
	rw = rewrite_new(&config, &handler, now);
	CHECK(rw);
	n_seen = 0;
}

static inline void start_fresh(uint32_t max_flows)
{
	char path[64];

	start();
	flows_path(path, sizeof(path));
	remove(path);
	restart(max_flows);
}

static inline void finish_table(void)
{
	start();
	record_table_close(table);
	table = NULL;
}

#endif
