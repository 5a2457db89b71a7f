/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_KIT_H
#define COLO_COMPARE_KIT_H

#include "../../common/bytes.h"
#include "../../common/checksum.h"
#include "../../common/flow.h"
#include "../../common/packet.h"
#include "../../compare/core/compare.h"
#include "test.h"

/*
 * What the tests of the comparison share: packets from a few words, and a
 * handler that writes down what came out.
 */
#define KIT_OUT_MAX (1u << 22)
#define MS UINT64_C(1000000)
#define SEC (1000 * MS)
#define A TCP_ACK
#define F TCP_FIN
#define S TCP_SYN
#define R TCP_RST

struct kit {
	struct compare *c;
	uint64_t now_ns;
	uint32_t *out;		/* the tags of the released frames, in order */
	/* of the last released one, if it was TCP */
	uint32_t seq, ack, time, echo;
	unsigned window, flags, payload_len, sacks;
	bool sum_is_good;
	unsigned n_out;
	unsigned n_asked, n_differ, n_refused;
	const char *refused;	/* the flow that may not ask, with may_ask */
	uint32_t offset, places[8], lens[8][2];
	uint64_t sums[2];	/* of all lens */
	unsigned n_reasons[COMPARE_REASONS];
	unsigned n_midstream;
	struct compare_midstream midstream;
	enum compare_reason reason;
	char flow[160];
};

struct seg {			/* a frame, in the test's words */
	uint32_t tag;		/* to know it again: IPv4 id, IPv6 flow label */
	unsigned proto;
	bool v6;
	uint16_t sport, dport;	/* 80, 1000 unless set */
	bool no_ports;		/* both are 0 */
	bool no_header;		/* TCP's says that it has 0 bytes */
	uint32_t seq, ack;
	unsigned flags;
	const void *data;
	unsigned len;
	const void *options;	/* of TCP */
	unsigned options_len;
	unsigned vlan;
	unsigned pad_to;	/* Ethernet padding */
	unsigned behind;	/* bytes at the end that UDP's length leaves out */
	unsigned cut;		/* bytes at the end that were not captured */
	unsigned ttl;
	unsigned window;	/* 507 unless set */
	bool bad_sum;		/* TCP's checksum is left 0 */
	unsigned mac;		/* last byte of the destination */
	/* bytes from..to of what follows the IP header; unless both are 0 */
	unsigned from, to;
	unsigned ethertype;
	/* bytes in each of the segments that are to be cut from it, behind a
	 * virtio-net header; 0: there is no such header */
	unsigned gso;
};

static inline uint32_t kit_tag(const struct frame *f)
{
	struct packet p;

	packet_parse(&p, frame_eth(f), frame_eth_len(f));
	if (p.ip_version == 4)
		return bytes_get16(p.eth + p.l3_off + 4);
	if (p.ip_version == 6)
		return bytes_get32(p.eth + p.l3_off) & 0xfffff;
	return p.eth[p.len - 1];
}

static inline uint16_t kit_tcp_sum(const struct packet *p)
{
	return checksum_fold(checksum_add(
		checksum_pseudo(p->ip_version, p->src, p->dst, PACKET_TCP,
				p->l4_len), packet_l4(p), p->l4_len));
}

/* Bytes of SACK blocks. */
static inline unsigned kit_sacks(const struct packet *p)
{
	const uint8_t *o = packet_l4(p) + 20;
	unsigned i = 0;

	while (i < p->tcp_opt_len && o[i]) {
		if (o[i] == 5)
			return o[i + 1] - 2u;
		i += o[i] == 1 ? 1 : o[i + 1];
	}
	return 0;
}

/* Of a segment whose only option that is the timestamp, or the one that it
 * echoes; or 0. */
static inline uint32_t kit_time(const struct packet *p, bool is_echo)
{
	const uint8_t *o = packet_l4(p) + 20;

	if (p->tcp_opt_len != 12 || o[2] != 8)
		return 0;
	return bytes_get32(o + (is_echo ? 8 : 4));
}

static inline void kit_look(struct kit *k, const struct frame *f)
{
	struct packet p;

	packet_parse(&p, frame_eth(f), frame_eth_len(f));
	if (p.level != PACKET_L4 || p.proto != PACKET_TCP)
		return;
	k->seq = p.seq;
	k->ack = p.ack;
	k->window = p.window;
	k->flags = p.flags;
	k->payload_len = p.payload_len;
	k->sacks = kit_sacks(&p);
	k->time = kit_time(&p, false);
	k->echo = kit_time(&p, true);
	k->sum_is_good = !kit_tcp_sum(&p);
}

static inline void kit_on_release(void *arg, const struct frame *f)
{
	struct kit *k = arg;

	kit_look(k, f);
	CHECK(k->n_out < KIT_OUT_MAX);
	k->out[k->n_out++] = kit_tag(f);
}

static inline void kit_on_differ(void *arg, const struct compare_difference *d)
{
	struct kit *k = arg;

	if (k->n_differ < sizeof(k->places) / sizeof(*k->places)) {
		k->places[k->n_differ] = d->offset;
		memcpy(k->lens[k->n_differ], d->len, sizeof(d->len));
	}
	k->n_differ++;
	k->n_reasons[d->reason]++;
	k->sums[0] += d->len[0];
	k->sums[1] += d->len[1];
	if (!d->asks)
		return;
	k->n_asked++;
	k->reason = d->reason;
	k->offset = d->offset;
	*k->flow = '\0';
	if (d->flow)
		flow_key_text(d->flow, k->flow, sizeof(k->flow));
}

static inline bool kit_may_ask(void *arg, const struct compare_difference *d)
{
	char flow[FLOW_TEXT_MAX] = "";
	struct kit *k = arg;

	if (d->flow)
		flow_key_text(d->flow, flow, sizeof(flow));
	if (!k->refused || strcmp(k->refused, flow))
		return true;
	k->n_refused++;
	return false;
}

static inline void kit_on_midstream(void *arg,
				    const struct compare_midstream *m)
{
	struct kit *k = arg;

	k->n_midstream++;
	k->midstream = *m;
}

/* handler's functions are given the kit; what kit_on_*() note is in it. */
static inline void kit_init_handled(struct kit *k,
				    const struct compare_config *config,
				    struct compare_handler handler)
{
	handler.arg = k;
	*k = (struct kit){ .now_ns = SEC };
	k->out = malloc(KIT_OUT_MAX * sizeof(*k->out));
	k->c = compare_new(config, &handler);
	CHECK(k->out && k->c);
}

static inline void kit_init_with(struct kit *k,
				 const struct compare_config *config)
{
	kit_init_handled(k, config, (struct compare_handler){
		.release = kit_on_release,
		.differ = kit_on_differ,
		.midstream = kit_on_midstream,
		.may_ask = kit_may_ask,
	});
}

static inline struct compare_config kit_config(void)
{
	return (struct compare_config){
		.timeout_ns = 3 * SEC,
		.reorder_ns = 10 * MS,
		.max_queue = 1024,
		.max_bytes = 64 << 20,
		.max_flows = 1 << 16,
		.seed = 1,
	};
}

static inline void kit_init(struct kit *k)
{
	struct compare_config config = kit_config();

	kit_init_with(k, &config);
}

static inline uint64_t kit_row(const struct stats *s, const char *group,
			       const char *name)
{
	for (unsigned i = 0; i < s->n_rows; i++)
		if (!strcmp(stats_group(&s->rows[i]), group) &&
		    !strcmp(stats_name(&s->rows[i]), name))
			return s->rows[i].value;
	fprintf(stderr, "no such row\n");
	exit(1);
}

/* The account must be exact, at any moment. */
static inline struct stats kit_stats(const struct kit *k)
{
	struct stats s = { 0 };

	compare_stats(k->c, &s);
	CHECK_EQ(s.in + s.originated + s.copied,
		 s.out + s.merged + s.held + stats_dropped(&s));
	return s;
}

static inline uint64_t kit_dropped(const struct kit *k, const char *reason)
{
	struct stats s = kit_stats(k);

	return kit_row(&s, "dropped", reason);
}

static inline void kit_fini(struct kit *k)
{
	kit_stats(k);
	compare_free(k->c);
	free(k->out);
}

static inline uint8_t *kit_ethernet(uint8_t *at, const struct seg *g)
{
	memcpy(at, "\x52\x54\0\0\0\0\x52\x54\0\0\0\x02", 12);
	at[5] = (uint8_t)g->mac;
	at += 12;
	if (g->vlan) {
		bytes_put16(at, 0x8100);
		bytes_put16(at + 2, (uint16_t)g->vlan);
		at += 4;
	}
	bytes_put16(at, (uint16_t)(g->ethertype ? g->ethertype :
				   g->v6 ? 0x86dd : 0x0800));
	return at + 2;
}

static inline uint8_t *kit_ip(uint8_t *at, const struct seg *g, unsigned len)
{
	unsigned ttl = g->ttl ? g->ttl : 64;

	if (g->v6) {
		memset(at, 0, 40);
		bytes_put32(at, 0x60000000 | g->tag);
		bytes_put16(at + 4, (uint16_t)len);
		at[6] = (uint8_t)g->proto;
		at[7] = (uint8_t)ttl;
		at[8] = at[24] = 0xfd;
		at[23] = 1;
		at[39] = 2;
		return at + 40;
	}
	memset(at, 0, 20);
	at[0] = 0x45;
	bytes_put16(at + 2, (uint16_t)(20 + len));
	bytes_put16(at + 4, (uint16_t)g->tag);
	at[8] = (uint8_t)ttl;
	at[9] = (uint8_t)g->proto;
	memcpy(at + 12, "\x0a\0\0\x01\x0a\0\0\x02", 8);
	return at + 20;
}

static inline uint8_t *kit_l4(uint8_t *at, const struct seg *g)
{
	unsigned header_len = 20 + g->options_len;

	if (g->proto == PACKET_TCP || g->proto == PACKET_UDP) {
		bytes_put16(at, g->sport ? g->sport : 80);
		bytes_put16(at + 2, g->dport ? g->dport : 1000);
	}
	if (g->no_ports)
		bytes_put32(at, 0);
	if (g->proto == PACKET_UDP) {
		bytes_put16(at + 4, (uint16_t)(8 + g->len - g->behind));
		bytes_put16(at + 6, 0);
		return at + 8;
	}
	if (g->proto != PACKET_TCP)
		return at;
	bytes_put32(at + 4, g->seq);
	bytes_put32(at + 8, g->ack);
	at[12] = (uint8_t)(g->no_header ? 0 : header_len / 4 << 4);
	at[13] = (uint8_t)g->flags;
	bytes_put16(at + 14, (uint16_t)(g->window ? g->window : 507));
	bytes_put32(at + 16, 0);
	if (g->options_len)
		memcpy(at + 20, g->options, g->options_len);
	return at + header_len;
}

static inline unsigned kit_l4_len(const struct seg *g)
{
	unsigned header_len = g->proto == PACKET_TCP ? 20 + g->options_len :
			      g->proto == PACKET_UDP ? 8 : 0;

	return header_len + g->len;
}

static inline void kit_tcp_finish(const struct seg *g, uint8_t *eth,
				  uint32_t len)
{
	struct packet p;

	if (g->proto != PACKET_TCP || g->bad_sum || g->no_header)
		return;
	packet_parse(&p, eth, len);
	bytes_put16(packet_l4(&p) + 16, kit_tcp_sum(&p));
}

/* Cuts from..to out of the datagram at eth: an IPv4 or IPv6 fragment. */
static inline uint32_t kit_cut(const struct seg *g, uint8_t *eth, uint32_t len)
{
	uint8_t head[8] = { (uint8_t)g->proto };
	struct packet p;
	unsigned more;
	uint8_t *at;

	packet_parse(&p, eth, len);
	more = g->to < p.l4_len;
	at = packet_l4(&p);
	if (!g->v6) {
		bytes_put16(eth + p.l3_off + 2,
			    (uint16_t)(20 + g->to - g->from));
		bytes_put16(eth + p.l3_off + 6,
			    (uint16_t)(more << 13 | g->from / 8));
		memmove(at, at + g->from, g->to - g->from);
		return p.l4_off + g->to - g->from;
	}
	bytes_put16(eth + p.l3_off + 4, (uint16_t)(8 + g->to - g->from));
	eth[p.l3_off + 6] = 44;
	bytes_put16(head + 2, (uint16_t)(g->from | more));
	bytes_put32(head + 4, g->tag >> 4);
	memmove(at + 8, at + g->from, g->to - g->from);
	memcpy(at, head, 8);
	return p.l4_off + 8 + g->to - g->from;
}

/* Put the virtio-net header of a GSO frame of TCP before the frame. */
static inline void kit_gso(const struct seg *g, struct frame *f)
{
	if (!g->gso)
		return;
	f->vnet_len = FRAME_VNET_LEN_MAX;
	f->data -= f->vnet_len;
	f->len += f->vnet_len;
	memset(f->data, 0, f->vnet_len);
	f->data[1] = g->v6 ? 4 : 1;
	f->data[4] = (uint8_t)g->gso;
}

/* One frame in a chunk of its own; the caller gives the reference back. */
static inline struct frame kit_frame(const struct seg *g)
{
	struct chunk *chunk = chunk_new(256 + g->len + g->pad_to);
	uint8_t *eth = chunk->bytes + FRAME_PREFIX_MAX + FRAME_VNET_LEN_MAX;
	uint8_t *at = kit_ethernet(eth, g);
	struct frame f = { .chunk = chunk, .data = eth };

	at = kit_ip(at, g, kit_l4_len(g));
	at = kit_l4(at, g);
	if (g->len)
		memcpy(at, g->data, g->len);
	f.len = (uint32_t)(at + g->len - f.data);
	kit_tcp_finish(g, f.data, f.len);
	if (g->to)
		f.len = kit_cut(g, f.data, f.len);
	while (f.len < g->pad_to)
		f.data[f.len++] = (uint8_t)g->tag;
	f.len -= g->cut;
	kit_gso(g, &f);
	return f;
}

static inline void kit_input(struct kit *k, enum compare_side side,
			     struct seg g)
{
	struct frame f = kit_frame(&g);

	compare_input(k->c, side, &f, 1, k->now_ns);
	chunk_unref(f.chunk);
}

#define PRIMARY(k, ...) \
	kit_input((k), COMPARE_PRIMARY, (struct seg){ __VA_ARGS__ })
#define SECONDARY(k, ...) \
	kit_input((k), COMPARE_SECONDARY, (struct seg){ __VA_ARGS__ })

/* Exactly these tags have left so far. */
#define CHECK_OUT(k, ...)                                                    \
	do {                                                                 \
		const uint32_t tags_[] = { __VA_ARGS__ };                    \
		unsigned n_ = sizeof(tags_) / sizeof(*tags_);                \
		CHECK_EQ((k)->n_out, n_);                                    \
		for (unsigned i_ = 0; i_ < n_; i_++)                         \
			CHECK_EQ((k)->out[i_], tags_[i_]);                   \
		kit_stats(k);                                                \
	} while (0)

static inline void kit_wait(struct kit *k, uint64_t ns)
{
	k->now_ns += ns;
	compare_expire(k->c, k->now_ns);
}

#endif
