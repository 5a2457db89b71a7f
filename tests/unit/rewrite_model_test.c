/* SPDX-License-Identifier: ISC */
/*
 * Random connections through the rewriter, between models of TCP ends: a client
 * C, the primary P that it talks to, and the secondary S, which gets a copy of
 * what C says. What S sends decides which output of P is released, as in the
 * comparison.
 *
 *	C --> net --> P --> held until S said the same --> net --> C
 *	       |                                ^
 *	       +--> mirror --> rewriter --> S --> rewriter
 *
 * Initial sequence numbers and clocks of P and S differ. Nets lose, reorder,
 * double and delay. Checkpoints make S a copy of P. The rewriter is killed and
 * restarted. At a failover P is gone, and C talks to S. From some time on the
 * comparison may release what S has not said, so that C is ahead of S.
 *
 * The test stops when an end hears a sequence number that its peer cannot have
 * sent, an ack or a SACK edge of what it never sent itself, an echo of a time
 * that its clock never showed, or a wrong byte of the stream. Every connection
 * must get all bytes through in both directions and close.
 *
 * Not played, because only a checkpoint heals it: loss of data on the mirror;
 * loss and reordering on the mirror where the server speaks first, and before
 * the mirror where the server answers a fast open (see rewrite_track.c). A fast
 * open that is on the mirror at a checkpoint is not delivered: S as a copy of P
 * has had it.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "../../common/seq.h"
#include "../../rewriter/rewrite.h"
#include "../../rewriter/rewrite_record.h"
#include "random.h"
#include "rewrite_wire.h"
#include "test.h"

#define STREAM_MAX 3000u
#define SEGMENT_MAX 400u
#define WINDOW 2000u
#define SACK_MAX 3u
#define LINK_MAX 4096u
#define FRAME_MAX 640u
#define RTO_MS 300u
#define RTO_MAX_MS 3000u
#define BLOCKED_MS 8000u
#define LIMIT_MS 200000u
#define SEED_WITHOUT 1u

struct seg {
	uint32_t seq, ack, tsval, tsecr;
	uint32_t edge[2 * SACK_MAX];
	unsigned n_edges;
	unsigned len;
	uint8_t flags;
	bool has_ts;
	uint8_t data[SEGMENT_MAX];
};

enum state { LISTEN, SYN_SENT, SYN_RCVD, OPEN };

/*
 * Positions count from an end's SYN: 0 is the SYN, 1 to len the stream, len + 1
 * the FIN. No connection is long enough to wrap them.
 */
struct end {
	char name;
	enum state state;
	bool has_irs, has_recent, did_send, ack_due;
	bool is_copy;			/* of P, by a checkpoint */
	bool is_silent;			/* it has not sent since then */
	uint32_t iss, irs;
	uint32_t len, una, nxt, max;
	uint32_t rcv;			/* next position expected */
	bool got[STREAM_MAX + 4];
	uint32_t ts_base, ts_recent, ts_first, ts_max;
	uint32_t syn_ts[64];
	unsigned n_syn_ts;
	uint32_t dsack[2];
	uint64_t rto_at, ack_at, opens_at;
	uint32_t rto;
};

struct item {
	uint64_t at, order;
	struct seg seg;
};

struct link {
	uint32_t base, jitter;		/* ms */
	bool in_order;
	uint64_t last_at;
	unsigned loss, dup;		/* percent */
	bool only_acks;			/* nothing else is lost */
	unsigned n;
	struct item item[LINK_MAX];
};

static struct random rng;
static uint64_t seed, now;
static struct end c, p, s;
static struct link to_p, to_c, mirror, to_s;
static bool has_ts, has_sack, has_fast_open, v6, vlan, gate_syn;
static bool server_first, guest_opens, client_opens, failed_over;
static uint32_t s_sent, s_acked;	/* positions, as the comparison knows */
static bool s_said_syn;
static bool was_mirrored;		/* the rewriter saw the first SYN */
static uint64_t lets_go_at;		/* from then on P's output is not held */
static struct seg held[LINK_MAX];	/* P's, by the comparison */
static unsigned n_held;
static uint64_t blocked_since;
static uint32_t last_ts_out;
static bool has_ts_out;
static uint64_t order;
static struct rewrite *rw;
static struct record_table *table;
static enum rewrite_translate translate;
static char state_dir[] = "/tmp/rewrite_model.XXXXXX";

static struct {
	size_t failovers, checkpoints, restarts, held, raised, paws, segments;
	size_t corrected, forced, ahead, lowered, originated, refused;
} total;

static void fail(const struct end *e, const char *what, uint32_t is,
		 uint32_t bound)
{
	fprintf(stderr, "seed %#llx, %llu ms, %c: %s: %u, bound %u\n",
		(unsigned long long)seed, (unsigned long long)now,
		e ? e->name : '-', what, is, bound);
	exit(1);
}

static bool chance(unsigned percent)
{
	return random_below(&rng, 100) < percent;
}

static uint32_t below(uint32_t n)
{
	return (uint32_t)random_below(&rng, n);
}

/* The byte at a position of the client's or the server's stream. */
static uint8_t pattern(bool of_client, uint32_t pos)
{
	return (uint8_t)(pos * 7 + (pos >> 8) * 31 + of_client * 101);
}

/* --- frames --- */

static uint32_t put_options(uint8_t *at, const struct seg *g)
{
	uint32_t len = 0;

	if (g->has_ts) {
		memcpy(at, "\1\1\10\12", 4);
		bytes_put32(at + 4, g->tsval);
		bytes_put32(at + 8, g->tsecr);
		len = 12;
	}
	if (g->n_edges) {
		at[len] = at[len + 1] = 1;
		at[len + 2] = 5;
		at[len + 3] = (uint8_t)(2 + 4 * g->n_edges);
		for (unsigned i = 0; i < g->n_edges; i++)
			bytes_put32(at + len + 4 + 4 * i, g->edge[i]);
		len += 4 + 4 * g->n_edges;
	}
	return len;
}

static uint32_t encode(uint8_t *buf, bool rx, const struct seg *g)
{
	uint8_t options[40], *at = buf + 12, *tcp;
	uint32_t opt_len = put_options(options, g);
	uint32_t tcp_len = 20 + opt_len + g->len;
	struct packet v;

	memset(buf, 2, 12);
	if (vlan) {
		memcpy(at, "\x81\0\0\7", 4);
		at += 4;
	}
	bytes_put16(at, v6 ? 0x86dd : 0x0800);
	tcp = wire_ip(at + 2, v6, rx, PACKET_TCP, tcp_len);
	at = wire_tcp(tcp, rx, 1024, g->seq, g->ack, g->flags, opt_len);
	memcpy(at, options, opt_len);
	memcpy(at + opt_len, g->data, g->len);
	packet_parse(&v, buf, (size_t)(tcp - buf) + tcp_len);
	bytes_put16(tcp + 16, wire_sum(&v));
	return (uint32_t)(tcp - buf) + tcp_len;
}

static void decode(struct seg *g, uint8_t *buf, uint32_t len)
{
	const uint8_t *o;
	struct packet v;

	packet_parse(&v, buf, len);
	CHECK_EQ(v.level, PACKET_L4);
	CHECK_EQ(wire_sum(&v), 0);
	memset(g, 0, sizeof(*g));
	g->seq = v.seq;
	g->ack = v.ack;
	g->flags = v.flags;
	g->len = v.payload_len;
	memcpy(g->data, packet_payload(&v), g->len);
	o = packet_l4(&v) + 20;
	if (v.tcp_opt_len >= 12 && o[2] == 8) {
		g->has_ts = true;
		g->tsval = bytes_get32(o + 4);
		g->tsecr = bytes_get32(o + 8);
		o += 12;
	}
	if (o < packet_payload(&v) && o[2] == 5) {
		g->n_edges = (o[3] - 2u) / 4;
		for (unsigned i = 0; i < g->n_edges; i++)
			g->edge[i] = bytes_get32(o + 4 + 4 * i);
	}
}

/* With TRACE in the environment: what the rewriter and the ends get. */
static void trace(const char *what, const struct seg *g)
{
	static int is_on = -1;

	if (is_on < 0)
		is_on = getenv("TRACE") != NULL;
	if (is_on)
		printf("%6llu %s %02x seq %u ack %u len %u ts %u %u\n",
		       (unsigned long long)now, what, g->flags, g->seq, g->ack,
		       g->len, g->tsval, g->tsecr);
}

/* --- links --- */

static void link_put(struct link *l, const struct seg *g)
{
	struct item *it = &l->item[l->n++];

	CHECK(l->n < LINK_MAX);
	it->at = now + l->base + (l->jitter ? below(l->jitter) : 0);
	if (l->in_order && it->at < l->last_at)
		it->at = l->last_at;
	l->last_at = it->at;
	it->order = order++;
	it->seg = *g;
}

static void link_send(struct link *l, const struct seg *g)
{
	bool is_ack = !g->len && g->flags == TCP_ACK;

	if ((is_ack || !l->only_acks) && chance(l->loss))
		return;
	link_put(l, g);
	if (chance(l->dup))
		link_put(l, g);
}

static bool link_take(struct link *l, struct seg *g)
{
	struct item *first = NULL;

	for (unsigned i = 0; i < l->n; i++) {
		struct item *it = &l->item[i];

		if (it->at <= now && (!first || it->at < first->at ||
				      (it->at == first->at &&
				       it->order < first->order)))
			first = it;
	}
	if (!first)
		return false;
	*g = first->seg;
	*first = l->item[--l->n];
	return true;
}

/* --- the ends --- */

static void rewriter_input(enum rewrite_side side, const struct seg *g)
{
	uint8_t buf[FRAME_MAX];
	struct frame f = { .data = buf };

	trace(side == REWRITE_RX ? "rx in " : "tx in ", g);
	f.len = encode(buf, side == REWRITE_RX, g);
	was_mirrored |= side == REWRITE_TX && g->flags & TCP_SYN;
	total.segments++;
	rewrite_input(rw, side, &f, 1, now * 1000000);
}

static void end_emit(struct end *e, struct seg *g)
{
	uint32_t clock = e->ts_base + (uint32_t)now;

	if (g->has_ts) {
		g->tsval = clock;
		g->tsecr = g->flags & TCP_ACK ? e->ts_recent : 0;
		if (!e->did_send)
			e->ts_first = clock;
		e->ts_max = clock;
		if (g->flags & TCP_SYN && e->n_syn_ts < 64)
			e->syn_ts[e->n_syn_ts++] = clock;
	}
	e->did_send = true;
	e->is_silent = false;
	if (e->name == 'C')
		link_send(&to_p, g);
	else if (e->name == 'S')
		rewriter_input(REWRITE_RX, g);
	else
		held[n_held++] = *g;
	CHECK(n_held < LINK_MAX);
}

static void put_edges(const struct end *e, struct seg *g)
{
	uint32_t pos = e->rcv;

	if (e->dsack[1]) {
		g->edge[g->n_edges++] = e->irs + e->dsack[0];
		g->edge[g->n_edges++] = e->irs + e->dsack[1];
	}
	while (g->n_edges < 2 * SACK_MAX) {
		while (pos < STREAM_MAX + 3 && !e->got[pos])
			pos++;
		if (pos >= STREAM_MAX + 3)
			return;
		g->edge[g->n_edges++] = e->irs + pos;
		while (pos < STREAM_MAX + 3 && e->got[pos])
			pos++;
		g->edge[g->n_edges++] = e->irs + pos;
	}
}

/* A segment of n stream bytes from a position on, the FIN behind the last. */
static void end_send(struct end *e, uint32_t pos, uint32_t n, uint8_t flags)
{
	struct seg g = { .seq = e->iss + pos, .len = n, .has_ts = has_ts,
			 .flags = flags };
	uint32_t first = pos + (flags & TCP_SYN ? 1 : 0);
	uint32_t end;

	if (e->has_irs) {
		g.flags |= TCP_ACK;
		g.ack = e->irs + e->rcv;
		if (has_sack && !(flags & TCP_SYN))
			put_edges(e, &g);
		e->dsack[1] = 0;
		e->ack_due = false;
	}
	for (uint32_t i = 0; i < n; i++)
		g.data[i] = pattern(e->name == 'C', first + i);
	end = first + n + (flags & TCP_FIN ? 1 : 0);
	if (end > e->max)
		e->max = end;
	end_emit(e, &g);
}

static void end_send_syn(struct end *e)
{
	uint32_t n = 0;

	if (has_fast_open && e->name == 'C' && !e->has_irs)
		n = e->len < 100 ? e->len : 100;
	end_send(e, 0, n, TCP_SYN);
	if (e->nxt < 1 + n)
		e->nxt = 1 + n;
	e->rto_at = now + e->rto;
	e->rto = e->rto * 2 < RTO_MAX_MS ? e->rto * 2 : RTO_MAX_MS;
}

/* How far the application has written. The one that speaks second waits for a
 * byte of the other. */
static uint32_t end_limit(const struct end *e)
{
	bool is_first = server_first != (e->name == 'C');

	return is_first || e->rcv > 1 ? e->len + 1 : 0;
}

static bool end_may_send(const struct end *e)
{
	return e->state == OPEN ||
	       (e->state == SYN_RCVD && has_fast_open && e->name != 'C');
}

static void end_run(struct end *e)
{
	if (e->opens_at && now >= e->opens_at && e->state == LISTEN) {
		e->state = SYN_SENT;
		end_send_syn(e);
	}
	if (e->una < e->max && now >= e->rto_at && e->state != LISTEN) {
		if (e->state != OPEN) {
			end_send_syn(e);
		} else {
			e->nxt = e->una;
			e->rto_at = now + e->rto;
			e->rto = e->rto * 2 < RTO_MAX_MS ? e->rto * 2 :
							   RTO_MAX_MS;
		}
	}
	while (end_may_send(e) && e->nxt <= end_limit(e) &&
	       e->nxt - e->una < WINDOW) {
		uint32_t n = 1 + below(SEGMENT_MAX);

		if (n > e->len + 1 - e->nxt)
			n = e->len + 1 - e->nxt;
		if (e->una == e->max)
			e->rto_at = now + e->rto;
		end_send(e, e->nxt, n, e->nxt + n == e->len + 1 ? TCP_FIN : 0);
		e->nxt += n + (e->nxt + n == e->len + 1);
	}
	if (e->ack_due && now >= e->ack_at)
		end_send(e, e->nxt, 0, 0);
}

/*
 * After a checkpoint P and S have one clock, but S may be behind P: until S has
 * sent something, nobody knows how far its clock is. The rewriter does not
 * change the clock of a connection whose SYN it has not seen: what P sent before
 * the checkpoint is in the past of S.
 */
static void check_echo(struct end *e, const struct seg *g, bool is_first)
{
	bool is_left_alone = e->is_copy && !was_mirrored;
	uint32_t last = is_left_alone ? e->ts_base + (uint32_t)now : e->ts_max;
	bool found = false;

	if (!g->has_ts)
		return;
	if (seq_lt(g->tsecr, e->ts_first) ||
	    (!e->is_silent && seq_gt(g->tsecr, last)))
		fail(e, "an echo of another time", g->tsecr, last);
	for (unsigned i = 0; i < e->n_syn_ts; i++)
		found |= e->syn_ts[i] == g->tsecr;
	if (is_first && !e->is_copy && e->n_syn_ts < 64 && !found)
		fail(e, "no echo of a SYN", g->tsecr, e->syn_ts[0]);
}

/*
 * A TCP stack drops a segment that acknowledges bytes which it has not sent, and
 * says nothing here (RFC 9293 section 3.10.7.4 would have it answer). Only a
 * copy may get such a segment: the rewriter did not see what it sent before.
 */
static bool end_refuses(const struct end *e, const struct seg *g)
{
	return lets_go_at && e->is_copy && g->flags & TCP_ACK &&
	       g->ack - e->iss > e->max;
}

static void end_ack(struct end *e, const struct seg *g)
{
	uint32_t pos = g->ack - e->iss;

	if (pos > e->max)
		fail(e, "an ack of what was not sent", pos, e->max);
	for (unsigned i = 0; i < g->n_edges; i++)
		if ((g->edge[i] - e->iss > e->max &&
		     !(lets_go_at && e->is_copy)) || g->edge[i] == e->iss)
			fail(e, "a SACK edge of what was not sent",
			     g->edge[i] - e->iss, e->max);
	check_echo(e, g, e->state != OPEN && !has_fast_open);
	if (pos <= e->una)
		return;
	e->una = pos;
	if (e->nxt < pos)
		e->nxt = pos;
	e->rto = RTO_MS;
	e->rto_at = now + e->rto;
}

static void ack_soon(struct end *e)
{
	if (!e->ack_due)
		e->ack_at = now + (chance(50) ? 0 : below(20));
	e->ack_due = true;
}

static void end_data(struct end *e, const struct seg *g)
{
	uint32_t pos = g->seq - e->irs, before = e->rcv;
	uint32_t peer_len = e->name == 'C' ? p.len : c.len;
	bool is_new = false;

	if (pos > peer_len + 2)
		fail(e, "a sequence number from nowhere", pos, peer_len + 2);
	if (!g->len && !(g->flags & (TCP_SYN | TCP_FIN)))
		return;
	if (g->flags & TCP_SYN)
		pos++;
	for (uint32_t i = 0; i < g->len; i++) {
		if (g->data[i] != pattern(e->name != 'C', pos + i))
			fail(e, "a wrong byte at", pos + i, peer_len);
		is_new |= !e->got[pos + i];
		e->got[pos + i] = true;
	}
	if (g->flags & TCP_FIN) {
		if (pos + g->len != peer_len + 1)
			fail(e, "a FIN at", pos + g->len, peer_len + 1);
		e->got[pos + g->len] = true;
	}
	while (e->got[e->rcv])
		e->rcv++;
	if (!is_new && g->len && before > pos) {
		e->dsack[0] = pos;
		e->dsack[1] = pos + g->len;
	}
	ack_soon(e);
}

static void learn_irs(struct end *e, const struct seg *g)
{
	e->has_irs = true;
	e->irs = g->seq;
	e->got[0] = true;
	e->rcv = 1;
	e->ts_recent = g->tsval;
	e->has_recent = true;
}

/* Return: the segment has been dealt with. */
static bool end_handshake(struct end *e, const struct seg *g)
{
	bool is_syn = g->flags & TCP_SYN, is_ack = g->flags & TCP_ACK;

	if (e->state == LISTEN) {
		if (!is_syn || is_ack)
			fail(e, "a segment before any SYN", g->seq, 0);
		learn_irs(e, g);
		e->state = SYN_RCVD;
		end_data(e, g);
		e->ack_due = false;
		end_send_syn(e);
		return true;
	}
	if (e->state == SYN_SENT) {
		if (!is_syn)
			return true;
		if (is_ack)
			end_ack(e, g);
		learn_irs(e, g);
		e->state = is_ack ? OPEN : SYN_RCVD;
		end_data(e, g);
		if (is_ack)
			end_send(e, e->nxt, 0, 0);
		else
			end_send_syn(e);
		return true;
	}
	if (is_syn && e->state == OPEN) {	/* RFC 5961 section 4 */
		ack_soon(e);
		return true;
	}
	if (is_syn && g->seq != e->irs)
		return true;
	if (e->state == SYN_RCVD && is_syn && !is_ack) {
		end_send_syn(e);
		return true;
	}
	return false;
}

static void end_input(struct end *e, const struct seg *g)
{
	if (g->flags & TCP_RST)
		fail(e, "a reset", g->seq, 0);
	if (end_handshake(e, g))
		return;
	if (end_refuses(e, g)) {
		total.refused++;
		return;
	}
	if (g->has_ts && seq_lt(g->tsval, e->ts_recent)) {
		total.paws += e->name == 'C';
		ack_soon(e);
		return;
	}
	if (g->seq - e->irs <= e->rcv)
		e->ts_recent = g->tsval;
	if (g->flags & TCP_ACK) {
		end_ack(e, g);
		if (e->state == SYN_RCVD && e->una >= 1)
			e->state = OPEN;
	}
	end_data(e, g);
}

static bool end_is_done(const struct end *e)
{
	uint32_t peer_len = e->name == 'C' ? p.len : c.len;

	return e->una == e->len + 2 && e->rcv == peer_len + 2;
}

/* --- the comparison, as far as it decides what the client gets --- */

/* What S says, translated to the primary's numbers, must be the stream too. */
static void compare_secondary(const struct seg *g)
{
	uint32_t pos = g->seq - p.iss, first = pos;

	if (g->flags & TCP_SYN) {
		s_said_syn = true;	/* seq is not compared */
		if (s_sent < 1)
			s_sent = 1;
		return;
	}
	if (pos > p.len + 2)
		fail(&s, "translated to nowhere", pos, p.len + 2);
	for (uint32_t i = 0; i < g->len; i++)
		if (g->data[i] != pattern(false, first + i))
			fail(&s, "a byte translated to", first + i, p.len);
	pos += g->len + (g->flags & TCP_FIN ? 1 : 0);
	if (pos > s_sent)
		s_sent = pos;
	if (g->ack - c.iss > s_acked)
		s_acked = g->ack - c.iss;
}

static bool compare_may_release(const struct seg *g)
{
	uint32_t end = g->seq - p.iss + g->len;

	if (g->flags & TCP_SYN)
		return !gate_syn || s_said_syn;
	if (lets_go_at && now >= lets_go_at && s_acked)
		return true;
	if (g->flags & TCP_FIN)
		end++;
	return s_acked && (end == g->seq - p.iss || end <= s_sent);
}

/* Nothing is acknowledged to the client that the secondary has not got. */
static void compare_release(struct seg g)
{
	if (!(g.flags & TCP_SYN) && g.ack - c.iss > s_acked)
		g.ack = c.iss + s_acked;
	link_send(&to_c, &g);
}

/* Release what may go. A repetition of released bytes overtakes what waits. */
static void compare_run(void)
{
	unsigned n_kept = 0;

	for (unsigned i = 0; i < n_held; i++) {
		if (compare_may_release(&held[i])) {
			compare_release(held[i]);
			blocked_since = now;
		} else {
			held[n_kept++] = held[i];
		}
	}
	n_held = n_kept;
}

/* --- the rewriter --- */

static void on_emit(void *arg, enum rewrite_side side, const struct frame *v,
		    unsigned n)
{
	(void)arg;
	for (unsigned i = 0; i < n; i++) {
		uint8_t buf[FRAME_MAX];
		struct seg g;

		memcpy(buf, v[i].data, v[i].len);
		decode(&g, buf, v[i].len);
		trace(side == REWRITE_RX ? "rx out" : "tx out", &g);
		if (side == REWRITE_TX) {
			link_put(&to_s, &g);
			continue;
		}
		if (g.has_ts && has_ts_out && !(g.flags & TCP_SYN) &&
		    seq_lt(g.tsval, last_ts_out))
			fail(&s, "a clock that goes back", g.tsval,
			     last_ts_out);
		if (!(g.flags & TCP_SYN)) {
			last_ts_out = g.tsval;
			has_ts_out = true;
		}
		if (failed_over)
			link_send(&to_c, &g);
		else
			compare_secondary(&g);
	}
}

static void rewriter_start(bool anew)
{
	const struct rewrite_handler handler = { .emit = on_emit };
	struct rewrite_config config = { .max_flows = 4,
					 .max_held = 1 << 20,
					 .translate = translate };
	char path[64];

	rewrite_free(rw);
	record_table_close(table);
	table = NULL;
	snprintf(path, sizeof(path), "%s/flows", state_dir);
	if (anew)
		remove(path);
	CHECK_EQ(rewrite_record_open(&table, state_dir, 4), 0);
	config.table = table;
	rw = rewrite_new(&config, &handler, now * 1000000);
	CHECK(rw);
	if (failed_over)
		rewrite_failover(rw);
}

static uint64_t rewriter_count(const char *name)
{
	struct stats st = { 0 };

	rewrite_stats(rw, &st);
	for (unsigned i = 0; i < st.n_rows; i++)
		if (!strcmp(stats_name(&st.rows[i]), name))
			return st.rows[i].value;
	return 0;
}

static void rewriter_count_up(void)
{
	total.held += rewriter_count("held");
	total.raised += rewriter_count("raised");
	total.corrected += rewriter_count("corrected");
	total.lowered += rewriter_count("lowered");
	total.originated += rewriter_count("originated");
}

/* --- what befalls a connection --- */

static void checkpoint(void)
{
	total.checkpoints++;
	for (unsigned i = 0; i < n_held; i++)
		link_send(&to_c, &held[i]);
	n_held = 0;
	s = p;
	s.name = 'S';
	s.is_copy = s.is_silent = true;
	to_s.n = 0;		/* its memory is the primary's now */
	if (has_fast_open)	/* S would answer its SYN once more */
		mirror.n = 0;
	blocked_since = now;
	s_sent = p.max;
	s_acked = p.rcv;
	s_said_syn |= p.did_send;
	has_ts_out = false;
	rewrite_checkpoint(rw, now * 1000000);
}

/* The comparison's timeout. Only an ack that the mirror lost, or a slow
 * secondary, may cause it. */
static void checkpoint_when_blocked(void)
{
	if (!n_held || failed_over)
		blocked_since = now;
	if (now - blocked_since < BLOCKED_MS)
		return;
	if (!mirror.loss && to_s.base < BLOCKED_MS / 4)
		fail(&p, "held too long at", held[0].seq - p.iss, s_sent);
	total.forced++;
	checkpoint();
}

/*
 * A connection that the secondary does not know when the primary dies is a new
 * one to the rewriter. So the client must not have it: the comparison releases
 * a SYN only when the secondary has sent its own.
 */
static bool failover_is_fair(void)
{
	return gate_syn || s_said_syn || !p.did_send;
}

static void failover(void)
{
	total.failovers++;
	total.ahead += c.rcv > s.max;
	failed_over = true;
	n_held = 0;
	rewrite_failover(rw);
}

static void restart(void)
{
	struct stats st = { 0 };

	rewrite_stats(rw, &st);
	if (st.held)
		return;
	total.restarts++;
	rewriter_count_up();
	rewriter_start(false);
}

static void end_init(struct end *e, char name, uint32_t len)
{
	memset(e, 0, sizeof(*e));
	e->name = name;
	e->len = len;
	e->iss = (uint32_t)random_next(&rng);
	e->ts_base = (uint32_t)random_next(&rng);
	e->rto = RTO_MS;
}

static uint32_t stream_len(void)
{
	return chance(10) ? 0 : below(STREAM_MAX);
}

static void connection_init(void)
{
	bool is_slow = chance(15);

	end_init(&c, 'C', stream_len());
	end_init(&p, 'P', stream_len());
	end_init(&s, 'S', p.len);
	if (chance(50))		/* clocks a little apart, ISNs near the wrap */
		s.ts_base = p.ts_base + below(10000) - 5000;
	if (chance(20))
		p.iss = 0u - below(p.len + 2);
	if (chance(20))
		s.iss = 0u - below(p.len + 2);
	has_ts = chance(80);
	has_sack = chance(70);
	v6 = chance(30);
	vlan = chance(20);
	gate_syn = chance(50);
	guest_opens = chance(35);
	client_opens = !guest_opens || chance(10);
	server_first = chance(40);
	has_fast_open = !guest_opens && chance(15);
	to_p = (struct link){ .base = 10 + below(20), .jitter = below(15) };
	to_c = (struct link){ .base = 10 + below(20), .jitter = below(15) };
	if (chance(60)) {
		to_p.loss = to_c.loss = below(15);
		to_p.dup = to_c.dup = below(5);
	}
	if (has_fast_open)	/* the server's answer makes it speak first */
		to_p.jitter = to_p.loss = to_p.dup = 0;
	mirror = (struct link){ .base = below(30), .only_acks = true };
	if (!server_first && !has_fast_open) {
		mirror.jitter = below(8);
		mirror.loss = chance(50) ? below(20) : 0;
		mirror.dup = below(5);
	}
	to_s = (struct link){ .base = is_slow ? below(5000) : below(10),
			      .jitter = below(10), .in_order = true };
	if (client_opens)
		c.opens_at = 1 + below(30);
	if (guest_opens) {
		p.opens_at = 1 + below(30);
		s.opens_at = 1 + below(chance(20) ? 4000 : 60);
	}
	n_held = 0;
	blocked_since = 0;
	s_sent = s_acked = 0;
	s_said_syn = was_mirrored = has_ts_out = failed_over = false;
	lets_go_at = gate_syn && chance(40) ? 1 + below(400) : 0;
	if (lets_go_at)
		to_s.base = below(400);
}

static void deliver(void)
{
	struct seg g;

	while (!failed_over && link_take(&to_p, &g)) {
		end_input(&p, &g);
		link_send(&mirror, &g);
	}
	while (link_take(&mirror, &g))
		rewriter_input(REWRITE_TX, &g);
	while (failed_over && link_take(&to_p, &g))
		rewriter_input(REWRITE_TX, &g);
	while (link_take(&to_s, &g))
		end_input(&s, &g);
	while (link_take(&to_c, &g))
		end_input(&c, &g);
}

static void connection_run(void)
{
	uint64_t failover_at = chance(60) ? below(chance(50) ? 150 : 2500) : 0;
	uint64_t checkpoint_at = chance(30) ? below(1500) : 0;
	uint64_t restart_at = chance(20) ? below(1500) : 0;

	if (lets_go_at)
		failover_at = lets_go_at + below(600);
	for (now = 1; now < LIMIT_MS; now++) {
		if (now == checkpoint_at && !failed_over) {
			checkpoint();
			checkpoint_at += chance(50) ? below(800) : 0;
		}
		if (now == failover_at && !failover_is_fair())
			failover_at++;
		else if (now == failover_at)
			failover();
		if (now == restart_at)
			restart();
		deliver();
		end_run(&c);
		if (!failed_over)
			end_run(&p);
		end_run(&s);
		compare_run();
		checkpoint_when_blocked();
		if (now % 1000 == 0)
			rewrite_expire(rw, now * 1000000);
		if (end_is_done(&c) && (failed_over ? end_is_done(&s) :
						      end_is_done(&p)))
			return;
	}
	fail(failed_over ? &s : &p, "stuck; sent, acked", s_sent, s_acked);
}

static void play(uint64_t base, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		seed = base + i;
		rng.state = seed;
		now = 0;
		connection_init();
		rewriter_start(true);
		connection_run();
		rewriter_count_up();
	}
}

static void rewriter_end(void)
{
	rewrite_free(rw);
	record_table_close(table);
	rw = NULL;
	table = NULL;
}

static void each_end_hears_only_what_its_peer_can_say(void)
{
	size_t n = soak_n(1000);

	play(rng.state, n);
	printf("# %zu connections, %zu segments, %zu failovers, %zu "
	       "checkpoints (%zu by timeout), %zu restarts\n", n,
	       total.segments, total.failovers, total.checkpoints,
	       total.forced, total.restarts);
	printf("# %zu segments held, %zu offsets corrected, %zu clocks "
	       "raised, %zu segments dropped by PAWS\n", total.held,
	       total.corrected, total.raised, total.paws);
	printf("# %zu clients ahead of the secondary at the failover, %zu acks "
	       "lowered, %zu originated, %zu refused by a copy\n",
	       total.ahead, total.lowered, total.originated, total.refused);
}

/* The model notices when one number is not translated, with connections that are
 * the same each time. Resets and ICMP errors are not played. */
static void not_without_any_translation(void)
{
	const enum rewrite_translate without[] = {
		REWRITE_NO_SEQ, REWRITE_NO_ACK, REWRITE_NO_SACK,
		REWRITE_NO_TSVAL, REWRITE_NO_TSECR, REWRITE_NO_HOLD,
		REWRITE_NO_LOWER,
	};

	rewriter_end();
	for (unsigned i = 0; i < sizeof(without) / sizeof(*without); i++) {
		int status;
		pid_t pid;

		fflush(stdout);
		pid = fork();
		CHECK(pid >= 0);
		if (!pid) {
			CHECK(freopen("/dev/null", "w", stderr));
			translate = without[i];
			play(SEED_WITHOUT, 1000);
			_exit(0);
		}
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK(WIFEXITED(status));
		CHECK_EQ(WEXITSTATUS(status), 1);
	}
}

int main(int argc, char **argv)
{
	char path[64];

	random_init(&rng, argc, argv);
	CHECK(mkdtemp(state_dir));
	TEST(each_end_hears_only_what_its_peer_can_say);
	TEST(not_without_any_translation);
	rewriter_end();
	snprintf(path, sizeof(path), "%s/flows", state_dir);
	remove(path);
	rmdir(state_dir);
	return TEST_END();
}
