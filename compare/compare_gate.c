/* SPDX-License-Identifier: ISC */
/*
 * The acknowledgement gate: the client must not throw away what only the
 * primary has received, so it never sees an acknowledgement that the secondary
 * has not given too. Nor does data ever wait for one (--ack-policy clamp):
 *
 *	data, FIN	leaves with the largest acknowledgement both have given,
 *			or that was sent before
 *	an ACK alone	leaves when both have given it; only the newest of a
 *			flow waits, the one it replaces is merged
 *	when the secondary gives more: the ACK that waits leaves, or one is
 *			made (originated) of the newest header, up to where
 *			both are
 *
 * The window's right edge is the smaller one of the two sides', but never
 * moves left of one that was sent. While the scale is unknown windows are left
 * alone. We see one direction only: on a SYN+ACK it is known, on the SYN of a
 * connection that the guest opens only when it offers none.
 *
 * waiting	is the newest header that said more than the client was told:
 *		a whole packet that never left (GATE_PACKET), or the head of a
 *		data segment that left with less (a template).
 *
 * The secondary's acknowledgement and window count when they arrive.
 */
#include <string.h>

#include "../common/bytes.h"
#include "../common/checksum.h"
#include "../common/seq.h"
#include "compare_core.h"

#define VNET_NEEDS_CSUM 1u	/* first byte of a virtio-net header */
#define WINDOW_STEP (2u * 1460u)	/* an opening worth a packet */

static bool knows_windows(const struct gate *g)
{
	return g->flags & GATE_SCALE;
}

/* What the client may be told, up to `ack`. */
static uint32_t allowed_ack(const struct gate *g, uint32_t ack)
{
	uint32_t both = g->flags & GATE_SECONDARY ? seq_min(ack, g->s_ack) :
			g->flags & GATE_SENT ? g->sent_ack : ack;

	return g->flags & GATE_SENT ? seq_max(both, g->sent_ack) : both;
}

static uint32_t allowed_right(const struct gate *g, uint32_t right)
{
	uint32_t both = right;

	if (g->flags & GATE_SECONDARY)
		both = seq_min(right, g->s_right);
	if (g->flags & GATE_SENT)
		both = seq_min(right, seq_max(both, g->sent_right));
	return both;
}

static bool is_limited(const struct gate *g)
{
	return seq_lt(g->sent_ack, g->p_ack) ||
	       (knows_windows(g) && seq_lt(g->sent_right, g->p_right) &&
		g->p_right - g->sent_right >= WINDOW_STEP);
}

/* The window field that puts the right edge there; an edge that was sent is
 * reached, another one is not passed. */
static uint16_t window_field(const struct gate *g, uint32_t ack,
			     uint32_t right)
{
	uint32_t len = seq_gt(right, ack) ? right - ack : 0;

	if ((g->flags & GATE_SENT) && right == g->sent_right)
		len += (1u << g->scale) - 1;
	len >>= g->scale;
	return len > UINT16_MAX ? UINT16_MAX : (uint16_t)len;
}

static void put_option_bytes(uint8_t *tcp, uint8_t *at, const uint8_t *from,
			     unsigned len, bool is_partial)
{
	uint8_t *options = tcp + 20, before[40];
	unsigned n = (tcp[12] >> 4) * 4u - 20;

	memcpy(before, options, n);
	memcpy(at, from, len);
	for (unsigned i = 0; i + 1 < n && !is_partial; i += 2)
		checksum_update16(tcp + 16, bytes_get16(before + i),
				  bytes_get16(options + i));
}

/* Of a SACK option the blocks that begin left of ack become NOPs. */
static void trim_sack(uint8_t *tcp, uint8_t *o, uint32_t ack, bool is_partial)
{
	unsigned len = o[1], kept = 2;
	uint8_t out[40];

	for (unsigned i = 2; i + 8 <= len; i += 8) {
		if (seq_lt(bytes_get32(o + i), ack))
			continue;
		memcpy(out + kept, o + i, 8);
		kept += 8;
	}
	if (kept == len)
		return;
	out[0] = 5;
	out[1] = (uint8_t)kept;
	if (kept == 2)
		kept = 0;
	memset(out + kept, 1, len - kept);
	put_option_bytes(tcp, o, out, len, is_partial);
}

static void trim_sacks(uint8_t *tcp, uint32_t ack, bool is_partial)
{
	unsigned n = (tcp[12] >> 4) * 4u, i = 20;

	while (i < n && tcp[i]) {
		if (tcp[i] == 1) {
			i++;
			continue;
		}
		if (n - i < 2 || tcp[i + 1] < 2 || tcp[i + 1] > n - i)
			return;
		if (tcp[i] == 5)
			trim_sack(tcp, tcp + i, ack, is_partial);
		i += tcp[i + 1];
	}
}

/* Lowers what a header says, its checksum with it. */
static void patch(const struct frame *f, unsigned l4_off, uint32_t ack,
		  uint16_t window)
{
	uint8_t *tcp = frame_eth(f) + l4_off;
	bool is_partial = f->vnet_len && (f->data[0] & VNET_NEEDS_CSUM);
	uint32_t old_ack = bytes_get32(tcp + 8);
	uint16_t old_window = bytes_get16(tcp + 14);

	if (old_ack != ack) {
		bytes_put32(tcp + 8, ack);
		if (!is_partial)
			checksum_update32(tcp + 16, old_ack, ack);
		trim_sacks(tcp, old_ack, is_partial);
	}
	if (old_window != window) {
		bytes_put16(tcp + 14, window);
		if (!is_partial)
			checksum_update16(tcp + 16, old_window, window);
	}
}

/* The edge that was meant, not the one that the field's scale made of it: so
 * the error stays below one unit of the scale. */
static void note_sent(struct gate *g, uint32_t ack, uint32_t right)
{
	right = seq_min(right, ack + ((uint32_t)UINT16_MAX << g->scale));
	if (!(g->flags & GATE_SENT) || seq_gt(ack, g->sent_ack))
		g->sent_ack = ack;
	if (!(g->flags & GATE_SENT) || seq_gt(right, g->sent_right))
		g->sent_right = right;
	g->flags |= GATE_SENT;
}

/* What waits is taken out; a packet among it has been counted by then. */
static void forget_waiting(struct compare *c, struct cmp_flow *fl)
{
	struct gate *g = &fl->gate;

	if (g->waiting == HOLD_NONE)
		return;
	if (!(g->flags & GATE_PACKET))
		c->n_templates--;
	g->flags &= (uint8_t)~GATE_PACKET;
	hold_remove(&c->pool, g->waiting);
	g->waiting = HOLD_NONE;
	if (!compare_flow_holds(fl))
		c->n_holding--;
}

/* f is the newest that says more than was told. */
static void wait_with(struct compare *c, struct cmp_flow *fl,
		      const struct frame *f, bool is_packet)
{
	struct gate *g = &fl->gate;

	if (g->waiting == HOLD_NONE) {
		struct hold *h = compare_hold(c, fl, COMPARE_PRIMARY, f);

		h->is_gate = true;
		g->waiting = hold_index(&c->pool, h);
		c->n_templates++;
	} else {
		hold_replace(&c->pool, g->waiting, f);
	}
	if (g->flags & GATE_PACKET) {
		c->merged++;
		c->n_templates++;
		g->flags &= (uint8_t)~GATE_PACKET;
	}
	if (is_packet) {
		g->flags |= GATE_PACKET;
		c->n_templates--;
	}
}

/* A segment leaves with at most what both sides have acknowledged. */
static void send_clamped(struct compare *c, struct cmp_flow *fl,
			 const struct frame *f, const struct segment *seg,
			 enum compare_note why)
{
	struct gate *g = &fl->gate;
	uint32_t ack = allowed_ack(g, seg->ack);
	uint32_t right = seg->ack + ((uint32_t)seg->window << g->scale);
	uint16_t window = seg->window;

	if (seq_gt(ack, seg->ack))
		ack = seg->ack;
	if (knows_windows(g)) {
		uint32_t allowed = allowed_right(g, right);

		if (ack != seg->ack || allowed != right)
			window = window_field(g, ack, allowed);
		right = allowed;
	}
	patch(f, seg->l4_off, ack, window);
	note_sent(g, ack, right);
	compare_release_frame(c, f, why);
}

/**
 * compare_segment_of - a TCP segment in short
 * @p:		the segment
 */
struct segment compare_segment_of(const struct packet *p)
{
	return (struct segment){
		.l4_off = p->l4_off,
		.ack = p->ack,
		.window = p->window,
		.flags = p->flags,
		.end = p->seq + p->payload_len + !!(p->flags & TCP_FIN),
		.payload_off = p->payload_off,
	};
}

static struct segment waiting_segment(const struct compare *c,
				      const struct gate *g, struct frame *f)
{
	const struct hold *h = hold_at(&c->pool, g->waiting);
	struct packet p;

	*f = hold_frame(&c->pool, h);
	packet_parse(&p, frame_eth(f), frame_eth_len(f));
	return compare_segment_of(&p);
}

static void fix_ip(struct packet *p, unsigned tcp_len)
{
	uint8_t *ip = p->eth + p->l3_off;
	unsigned header_len = p->l4_off - p->l3_off;

	if (p->ip_version == 6) {
		bytes_put16(ip + 4, (uint16_t)(header_len - 40 + tcp_len));
		return;
	}
	bytes_put16(ip + 2, (uint16_t)(header_len + tcp_len));
	bytes_put16(ip + 10, 0);
	bytes_put16(ip + 10, checksum_fold(checksum_add(0, ip, header_len)));
}

static void fix_tcp(struct packet *p, unsigned tcp_len)
{
	uint8_t *tcp = packet_l4(p);
	uint32_t sum = checksum_pseudo(p->ip_version, p->src, p->dst,
				       PACKET_TCP, tcp_len);

	bytes_put16(tcp + 16, 0);
	bytes_put16(tcp + 16, checksum_fold(checksum_add(sum, tcp, tcp_len)));
}

/* An ACK alone, made of the header that waits. */
static void originate(struct compare *c, struct cmp_flow *fl, uint32_t ack,
		      uint32_t right)
{
	struct gate *g = &fl->gate;
	const struct hold *h = hold_at(&c->pool, g->waiting);
	struct frame from = hold_frame(&c->pool, h), f = from;
	unsigned tcp_len;
	struct packet p;

	packet_parse(&p, frame_eth(&from), frame_eth_len(&from));
	tcp_len = 20u + p.tcp_opt_len;
	f.len = from.vnet_len + p.l4_off + tcp_len;
	f.prefix_len = 0;
	f.chunk = chunk_new(f.len);
	f.data = f.chunk->bytes;
	memcpy(f.data, from.data, f.len);
	memset(f.data, 0, f.vnet_len);
	packet_parse(&p, frame_eth(&f), frame_eth_len(&f));
	bytes_put32(packet_l4(&p) + 4, g->sent_end);
	packet_l4(&p)[13] = TCP_ACK;
	patch(&f, p.l4_off, ack, knows_windows(g) ?
	      window_field(g, ack, right) : p.window);
	fix_ip(&p, tcp_len);
	fix_tcp(&p, tcp_len);
	note_sent(g, ack, right);
	c->originated++;
	compare_release_frame(c, &f, NOTE_ORIGINATED);
	chunk_unref(f.chunk);
}

static void release_waiting(struct compare *c, struct cmp_flow *fl)
{
	struct gate *g = &fl->gate;
	struct frame f;
	struct segment seg = waiting_segment(c, g, &f);

	send_clamped(c, fl, &f, &seg, NOTE_RELEASED_ACK);
	g->flags &= (uint8_t)~GATE_PACKET;
	c->n_templates++;
}

/* The secondary has said something: tell the client what both say now. */
static void catch_up(struct compare *c, struct cmp_flow *fl)
{
	struct gate *g = &fl->gate;
	uint32_t ack = allowed_ack(g, g->p_ack);
	uint32_t right = allowed_right(g, g->p_right);
	bool opens = knows_windows(g) && seq_gt(right, g->sent_right) &&
		     (right - g->sent_right >= WINDOW_STEP ||
		      g->sent_right == g->sent_ack);

	if ((g->flags & GATE_PACKET) && ack == g->p_ack)
		release_waiting(c, fl);
	else if (seq_gt(ack, g->sent_ack) || opens)
		originate(c, fl, ack, right);
	if (!is_limited(g))
		forget_waiting(c, fl);
}

static void note_syn(struct gate *g, const struct segment *seg)
{
	uint32_t waiting = g->waiting;

	*g = (struct gate){ .waiting = waiting, .sent_end = seg->end };
	if (!(seg->flags & TCP_ACK))
		return;
	g->p_ack = g->s_ack = g->sent_ack = seg->ack;
	g->p_right = g->s_right = g->sent_right = seg->ack + seg->window;
	g->flags = GATE_PRIMARY | GATE_SECONDARY | GATE_SENT;
}

static void note_primary(struct gate *g, const struct segment *seg)
{
	uint32_t right = seg->ack + ((uint32_t)seg->window << g->scale);

	if (!(g->flags & GATE_PRIMARY) || seq_ge(seg->ack, g->p_ack)) {
		g->p_ack = seg->ack;
		g->p_right = right;
	}
	if (!(g->flags & GATE_PRIMARY) || seq_gt(seg->end, g->sent_end))
		g->sent_end = seg->end;
	g->flags |= GATE_PRIMARY;
}

/* Is an ACK alone to wait? What was told before may be told again. */
static bool must_wait(const struct gate *g, uint32_t ack)
{
	if ((g->flags & GATE_SENT) && seq_le(ack, g->sent_ack))
		return false;
	return !(g->flags & GATE_SECONDARY) || seq_gt(ack, g->s_ack);
}

static void release_clamped(struct compare *c, struct cmp_flow *fl,
			    const struct frame *f, const struct segment *seg,
			    enum compare_note why)
{
	struct gate *g = &fl->gate;
	struct frame head = *f;
	bool is_newest;

	note_primary(g, seg);
	is_newest = seg->ack == g->p_ack;
	if (why == NOTE_RELEASED_ACK && must_wait(g, seg->ack)) {
		wait_with(c, fl, f, true);
		return;
	}
	send_clamped(c, fl, f, seg, why);
	if (!is_limited(g)) {
		if (g->flags & GATE_PACKET)
			c->merged++;
		forget_waiting(c, fl);
	} else if (is_newest) {
		head.len = f->vnet_len + seg->payload_off;
		wait_with(c, fl, &head, false);
	}
}

/**
 * compare_gate_release - let a primary segment out, through the gate
 * @c:		the comparison
 * @fl:		its flow
 * @f:		the frame; its header is changed in place where it says too
 *		much
 * @seg:	what is in it
 * @why:	what it is counted as; an ACK alone is NOTE_RELEASED_ACK
 */
void compare_gate_release(struct compare *c, struct cmp_flow *fl,
			  const struct frame *f, const struct segment *seg,
			  enum compare_note why)
{
	if (c->config.ack_policy != COMPARE_ACK_CLAMP ||
	    (seg->flags & (TCP_SYN | TCP_RST)) || !(seg->flags & TCP_ACK))
		compare_release_frame(c, f, why);
	else
		release_clamped(c, fl, f, seg, why);
}

/**
 * compare_gate_blocks - has a segment to wait for the secondary's ACK?
 * @c:		the comparison
 * @fl:		its flow
 * @flags:	the segment's TCP flags
 * @ack:	what it acknowledges
 *
 * Return: true only with COMPARE_ACK_HOLD
 */
bool compare_gate_blocks(const struct compare *c, const struct cmp_flow *fl,
			 unsigned flags, uint32_t ack)
{
	const struct gate *g = &fl->gate;

	return c->config.ack_policy == COMPARE_ACK_HOLD &&
	       (flags & TCP_ACK) && !(flags & (TCP_SYN | TCP_RST)) &&
	       (!(g->flags & GATE_SECONDARY) || seq_gt(ack, g->s_ack));
}

/**
 * compare_gate_connection - both sides have opened a connection alike
 * @c:		the comparison
 * @fl:		its flow
 * @syn:	the primary's SYN or SYN+ACK
 */
void compare_gate_connection(struct compare *c, struct cmp_flow *fl,
			     const struct packet *syn)
{
	struct segment seg = compare_segment_of(syn);
	int scale = compare_syn_scale(syn);

	seg.end++;
	if (fl->gate.flags & GATE_PACKET)
		c->merged++;
	forget_waiting(c, fl);
	note_syn(&fl->gate, &seg);
	if (scale < 0 || (syn->flags & TCP_ACK)) {
		fl->gate.scale = (uint8_t)(scale < 0 ? 0 : scale);
		fl->gate.flags |= GATE_SCALE;
	}
}

/**
 * compare_gate_secondary - what a secondary segment acknowledges
 * @c:		the comparison
 * @fl:		its flow
 * @p:		the segment
 *
 * May send an ACK.
 */
void compare_gate_secondary(struct compare *c, struct cmp_flow *fl,
			    const struct packet *p)
{
	struct gate *g = &fl->gate;

	if (!(p->flags & TCP_ACK) || (p->flags & (TCP_SYN | TCP_RST)))
		return;
	if ((g->flags & GATE_SECONDARY) && seq_lt(p->ack, g->s_ack))
		return;
	g->s_ack = p->ack;
	g->s_right = p->ack + ((uint32_t)p->window << g->scale);
	g->flags |= GATE_SECONDARY;
	if (g->waiting != HOLD_NONE)
		catch_up(c, fl);
}

/**
 * compare_gate_agree - the secondary has become the primary's copy
 * @fl:		the flow
 * @seg:	a segment of the primary
 */
void compare_gate_agree(struct cmp_flow *fl, const struct segment *seg)
{
	struct gate *g = &fl->gate;
	uint32_t right = seg->ack + ((uint32_t)seg->window << g->scale);

	if (!(seg->flags & TCP_ACK))
		return;
	if (!(g->flags & GATE_SECONDARY) || seq_ge(seg->ack, g->s_ack)) {
		g->s_ack = seg->ack;
		g->s_right = right;
	}
	g->flags |= GATE_SECONDARY;
}

/**
 * compare_gate_open - tell the client all the primary says
 * @c:		the comparison
 * @fl:		a flow in which something waits
 * @why:	what a packet that waits is counted as
 */
void compare_gate_open(struct compare *c, struct cmp_flow *fl,
		       enum compare_note why)
{
	struct gate *g = &fl->gate;
	struct frame f;

	g->s_ack = g->p_ack;
	g->s_right = g->p_right;
	g->flags |= GATE_SECONDARY;
	if (g->flags & GATE_PACKET) {
		struct segment seg = waiting_segment(c, g, &f);

		send_clamped(c, fl, &f, &seg, why);
	} else {
		originate(c, fl, g->p_ack, g->p_right);
	}
	forget_waiting(c, fl);
}

/**
 * compare_gate_is_stuck - does what waits show a difference?
 * @fl:		a flow in which something has waited too long
 *
 * Return: true when the secondary has not acknowledged what the primary has,
 * or has closed its window; false when its window is just smaller
 */
bool compare_gate_is_stuck(const struct cmp_flow *fl)
{
	const struct gate *g = &fl->gate;

	return seq_lt(g->sent_ack, g->p_ack) || g->flags & GATE_PACKET ||
	       g->s_right == g->s_ack;
}
