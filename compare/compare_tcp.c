/* SPDX-License-Identifier: ISC */
/*
 * TCP is compared as a stream of bytes. SYN and FIN are bytes of that stream
 * as they are in the sequence space, whatever segments they come in.
 *
 * edge		All below it is equal and has left, or will leave with the
 *		primary packet that it cuts. It only moves forward.
 * primary	The queue is in stream order; what comes out of order waits
 *		for the gap to be filled, so one that fills it leaves first.
 *		At once leave: acknowledgements when nothing waits, and what
 *		lies below the edge (the client needs a retransmission even
 *		while newer bytes are held).
 * secondary	In stream order too; gaps are waited for, what is below the
 *		edge or there already is dropped.
 *
 * A new SYN begins a new connection of the same flow: in either queue what
 * stands behind a SYN belongs to it. A SYN's sequence number is not compared,
 * as the rewriter cannot know the primary's yet. A RST is the last a
 * connection says: it stands behind all that was there.
 *
 * A flow first seen in midstream has no edge. It starts at the primary's
 * first byte if the secondary has shown that or an earlier one.
 */
#include <string.h>

#include "../common/bytes.h"
#include "../common/seq.h"
#include "compare_core.h"

#define NEAR UINT32_C(0x40000000)	/* largest window there can be */

static uint32_t tcp_len(const struct packet *p)
{
	return p->payload_len + !!(p->flags & TCP_SYN) + !!(p->flags & TCP_FIN);
}

static uint32_t hold_end(const struct hold *h)
{
	return h->seq + h->payload_len + !!(h->flags & TCP_SYN) +
	       !!(h->flags & TCP_FIN);
}

static bool has_edge(const struct cmp_flow *fl)
{
	return fl->flags & FLOW_EDGE;
}

static struct hold *head_of(const struct compare *c, const struct cmp_flow *fl,
			    enum compare_side side)
{
	return hold_at(&c->pool, fl->q[side].head);
}

static struct segment segment_of_hold(const struct compare *c,
				      const struct hold *h)
{
	const uint8_t *tcp = hold_payload(&c->pool, h) - h->header_len;

	return (struct segment){
		.l4_off = (unsigned)h->payload_off - h->header_len,
		.payload_off = h->payload_off,
		.flags = h->flags,
		.end = hold_end(h),
		.ack = bytes_get32(tcp + 8),
		.window = bytes_get16(tcp + 14),
	};
}

static void release_head(struct compare *c, struct cmp_flow *fl,
			 enum compare_note why)
{
	uint32_t i = fl->q[COMPARE_PRIMARY].head;
	struct hold *h = hold_at(&c->pool, i);
	struct frame f = hold_frame(&c->pool, h);
	struct segment seg = segment_of_hold(c, h);

	compare_gate_release(c, fl, &f, &seg, why);
	compare_unhold(c, fl, hold_at(&c->pool, i));
}

static void release_segment(struct compare *c, struct cmp_flow *fl,
			    const struct frame *f, const struct packet *p,
			    enum compare_note why)
{
	struct segment seg = compare_segment_of(p);

	compare_gate_release(c, fl, f, &seg, why);
}

static bool is_same_wire(const uint8_t *a, const uint8_t *b)
{
	return !memcmp(a, b, 6);	/* destination MAC */
}

/* Into the queue in stream order, behind the last SYN, before a RST. */
static void insert_sorted(struct compare *c, struct hold_queue *q,
			  struct hold *h)
{
	uint32_t after = q->tail;

	if (!(h->flags & (TCP_SYN | TCP_RST))) {
		for (; after != HOLD_NONE; after = hold_at(&c->pool, after)->prev) {
			const struct hold *o = hold_at(&c->pool, after);

			if ((o->flags & TCP_SYN) ||
			    (!(o->flags & TCP_RST) && seq_le(o->seq, h->seq)))
				break;
		}
	}
	hold_queue_insert(&c->pool, q, after, hold_index(&c->pool, h));
}

static void hold_tcp(struct compare *c, struct cmp_flow *fl,
		     enum compare_side side, const struct frame *f,
		     const struct packet *p)
{
	struct hold *h = compare_hold(c, fl, side, f);

	h->seq = p->seq;
	h->payload_len = p->payload_len;
	h->payload_off = (uint16_t)p->payload_off;
	h->header_len = (uint8_t)(p->payload_off - p->l4_off);
	h->flags = p->flags;
	insert_sorted(c, &fl->q[side], h);
}

static void set_flag(struct cmp_flow *fl, unsigned flag, bool on)
{
	fl->flags = (uint16_t)(on ? fl->flags | flag : fl->flags & ~flag);
}

/* After a SYN left a queue: is there another? */
static void recount_syns(const struct compare *c, struct cmp_flow *fl,
			 enum compare_side side)
{
	const struct hold *h = head_of(c, fl, side);

	while (h && !(h->flags & TCP_SYN))
		h = hold_at(&c->pool, h->next);
	set_flag(fl, side == COMPARE_PRIMARY ? FLOW_PRIMARY_SYN :
		 FLOW_SECONDARY_SYN, h);
}

static enum compare_step differ(struct compare *c, struct cmp_flow *fl,
				enum compare_reason reason)
{
	compare_differ(c, fl, reason);
	return STEP_DIFFERENT;
}

/* The secondary's SYN, if it is there; what it makes old is dropped. */
static struct hold *secondary_syn(struct compare *c, struct cmp_flow *fl)
{
	struct hold *s;

	if (!(fl->flags & FLOW_SECONDARY_SYN))
		return NULL;
	while ((s = head_of(c, fl, COMPARE_SECONDARY)) &&
	       !(s->flags & TCP_SYN))
		compare_drop_held(c, fl, s, DROP_LATE);
	return s;
}

static bool is_same_syn(const struct compare *c, const struct hold *p,
			const struct hold *s)
{
	struct packet a, b;

	packet_parse(&a, hold_eth(&c->pool, p), p->len - p->vnet_len);
	packet_parse(&b, hold_eth(&c->pool, s), s->len - s->vnet_len);
	return is_same_wire(a.eth, b.eth) && compare_syn_is_same(&a, &b);
}

static void open_gate(struct compare *c, struct cmp_flow *fl,
		      const struct hold *p)
{
	struct packet syn;

	packet_parse(&syn, hold_eth(&c->pool, p), p->len - p->vnet_len);
	compare_gate_connection(c, fl, &syn);
}

static void begin_connection(struct compare *c, struct cmp_flow *fl,
			     const struct hold *p, const struct hold *s)
{
	open_gate(c, fl, p);
	fl->isn[COMPARE_PRIMARY] = p->seq;
	fl->isn[COMPARE_SECONDARY] = s->seq;
	fl->edge = hold_end(p);
	fl->flags |= FLOW_EDGE | FLOW_SYN_DONE;
	fl->flags &= (uint16_t)~(FLOW_RST_DONE | FLOW_CLOSED | FLOW_SYN_LATE |
				 FLOW_BUSY);
}

static enum compare_step match_syn(struct compare *c, struct cmp_flow *fl,
				   const struct hold *p)
{
	struct hold *s = secondary_syn(c, fl);

	if ((fl->flags & FLOW_SYN_DONE) &&
	    p->seq == fl->isn[COMPARE_PRIMARY]) {
		release_head(c, fl, NOTE_RETRANSMITTED);
		recount_syns(c, fl, COMPARE_PRIMARY);
		return STEP_DONE;
	}
	if (!s) {
		s = head_of(c, fl, COMPARE_SECONDARY);
		if (s && (s->flags & TCP_RST))
			return differ(c, fl, COMPARE_FLAGS);
		return STEP_WAIT;
	}
	if (!is_same_syn(c, p, s))
		return differ(c, fl, COMPARE_FLAGS);
	begin_connection(c, fl, p, s);
	compare_drop_held(c, fl, s, DROP_MATCHED);
	release_head(c, fl, NOTE_COMPARED);
	recount_syns(c, fl, COMPARE_PRIMARY);
	recount_syns(c, fl, COMPARE_SECONDARY);
	return STEP_DONE;
}

/* The secondary's first packet that is not below the edge. */
static struct hold *secondary_first(struct compare *c, struct cmp_flow *fl)
{
	struct hold *s;

	while ((s = head_of(c, fl, COMPARE_SECONDARY)) && has_edge(fl) &&
	       !(s->flags & (TCP_SYN | TCP_RST)) &&
	       seq_le(hold_end(s), fl->edge))
		compare_drop_held(c, fl, s, DROP_LATE);
	return s;
}

static bool is_near(const struct cmp_flow *fl, uint32_t seq)
{
	return has_edge(fl) && seq - fl->edge < NEAR;
}

static enum compare_step match_rst(struct compare *c, struct cmp_flow *fl,
				   const struct hold *p)
{
	struct hold *s = secondary_first(c, fl);

	if (fl->flags & FLOW_RST_DONE) {
		release_head(c, fl, NOTE_RETRANSMITTED);
		return STEP_DONE;
	}
	if (!s)
		return STEP_WAIT;
	if (!(s->flags & TCP_RST) ||
	    (is_near(fl, p->seq) && is_near(fl, s->seq) && p->seq != s->seq))
		return differ(c, fl, COMPARE_FLAGS);
	fl->flags |= FLOW_RST_DONE | FLOW_CLOSED;
	compare_drop_held(c, fl, s, DROP_MATCHED);
	release_head(c, fl, NOTE_COMPARED);
	return STEP_DONE;
}

/* Without an edge: can it be set here? */
static bool find_edge(struct cmp_flow *fl, const struct hold *p,
		      const struct hold *s)
{
	if (!s || (s->flags & (TCP_SYN | TCP_RST)) || seq_gt(s->seq, p->seq))
		return false;
	fl->edge = p->seq;
	fl->flags |= FLOW_EDGE;
	return true;
}

/* Compares at the edge, which lies in both; moves it. */
static enum compare_step match_bytes(struct compare *c, struct cmp_flow *fl,
				     const struct hold *p, struct hold *s)
{
	uint32_t p_at = fl->edge - p->seq, s_at = fl->edge - s->seq;
	uint32_t p_left = p->payload_len - p_at, s_left = s->payload_len - s_at;
	uint32_t n = p_left < s_left ? p_left : s_left;

	if (!n && p_left != s_left)		/* FIN against data */
		return differ(c, fl, COMPARE_FLAGS);
	if (memcmp(hold_payload(&c->pool, p) + p_at,
		   hold_payload(&c->pool, s) + s_at, n) ||
	    !is_same_wire(hold_eth(&c->pool, p), hold_eth(&c->pool, s)))
		return differ(c, fl, COMPARE_PAYLOAD);
	if (!n)
		fl->flags |= FLOW_CLOSED;
	fl->edge += n ? n : 1;
	if (seq_le(hold_end(s), fl->edge))
		compare_drop_held(c, fl, s, DROP_MATCHED);
	return STEP_DONE;
}

static bool is_blocked(const struct compare *c, const struct cmp_flow *fl,
		       const struct hold *p)
{
	const uint8_t *tcp = hold_payload(&c->pool, p) - p->header_len;

	return compare_gate_blocks(c, fl, p->flags, bytes_get32(tcp + 8));
}

static enum compare_step match_data(struct compare *c, struct cmp_flow *fl,
				    const struct hold *p)
{
	uint32_t end = hold_end(p);

	if (is_blocked(c, fl, p))
		return STEP_WAIT;
	if (end == p->seq) {
		release_head(c, fl, NOTE_RELEASED_ACK);
		return STEP_DONE;
	}
	if (has_edge(fl) && seq_le(end, fl->edge)) {
		release_head(c, fl, NOTE_RETRANSMITTED);
		return STEP_DONE;
	}
	if (!has_edge(fl) &&
	    !find_edge(fl, p, head_of(c, fl, COMPARE_SECONDARY)))
		return STEP_WAIT;
	while (seq_lt(fl->edge, end)) {
		struct hold *s = secondary_first(c, fl);
		enum compare_step step;

		if (!s || (s->flags & TCP_SYN) || seq_gt(p->seq, fl->edge))
			return STEP_WAIT;
		if (s->flags & TCP_RST)
			return differ(c, fl, COMPARE_FLAGS);
		if (seq_gt(s->seq, fl->edge))
			return STEP_WAIT;
		step = match_bytes(c, fl, p, s);
		if (step != STEP_DONE)
			return step;
	}
	release_head(c, fl, NOTE_COMPARED);
	return STEP_DONE;
}

static enum compare_step match_head(struct compare *c, struct cmp_flow *fl)
{
	const struct hold *p = head_of(c, fl, COMPARE_PRIMARY);

	if (!p)
		return STEP_WAIT;
	if (p->flags & TCP_SYN)
		return match_syn(c, fl, p);
	if (p->flags & TCP_RST)
		return match_rst(c, fl, p);
	return match_data(c, fl, p);
}

static void match(struct compare *c, struct cmp_flow *fl)
{
	if (fl->flags & FLOW_DIFFERENT)
		return;
	while (match_head(c, fl) == STEP_DONE)
		;
}

static void note_end(struct cmp_flow *fl, uint32_t end, bool is_syn)
{
	if (is_syn || !(fl->flags & FLOW_END))
		fl->end = end;
	else
		fl->end = seq_max(fl->end, end);
	fl->flags |= FLOW_END;
}

/* Bytes that have left already, or a SYN that has. */
static bool is_released(const struct cmp_flow *fl, const struct packet *p)
{
	if (fl->flags & FLOW_PRIMARY_SYN || p->flags & TCP_RST || !tcp_len(p))
		return false;
	if (p->flags & TCP_SYN)
		return (fl->flags & FLOW_SYN_DONE) &&
		       p->seq == fl->isn[COMPARE_PRIMARY];
	return has_edge(fl) && seq_le(p->seq + tcp_len(p), fl->edge);
}

static bool is_pure_ack(const struct packet *p)
{
	return !tcp_len(p) && !(p->flags & TCP_RST);
}

/*
 * The common case without a queue: the same segment of both sides at the
 * edge. waiting is the other side's, which waits.
 */
static bool is_twin(const struct compare *c, const struct cmp_flow *fl,
		    const struct hold *waiting, const struct packet *p)
{
	return waiting && has_edge(fl) && p->seq == fl->edge &&
	       waiting->seq == p->seq && p->payload_len &&
	       waiting->payload_len == p->payload_len &&
	       !((waiting->flags | p->flags) & (TCP_SYN | TCP_FIN | TCP_RST)) &&
	       is_same_wire(hold_eth(&c->pool, waiting), p->eth) &&
	       !memcmp(hold_payload(&c->pool, waiting), packet_payload(p),
		       p->payload_len);
}

static void note_primary(struct cmp_flow *fl, const struct packet *p)
{
	if (!(p->flags & TCP_RST))
		note_end(fl, p->seq + tcp_len(p), p->flags & TCP_SYN);
	if (!(p->flags & TCP_SYN))
		fl->flags |= FLOW_BUSY;
}

static void hold_primary(struct compare *c, struct cmp_flow *fl,
			 const struct frame *f, const struct packet *p)
{
	note_primary(fl, p);
	hold_tcp(c, fl, COMPARE_PRIMARY, f, p);
	if (p->flags & TCP_SYN)
		fl->flags |= FLOW_PRIMARY_SYN;
	match(c, fl);
}

/**
 * compare_tcp_primary - a segment of the primary
 * @c:		the comparison
 * @fl:		its flow
 * @f:		the frame; borrowed
 * @p:		what is in it
 */
void compare_tcp_primary(struct compare *c, struct cmp_flow *fl,
			 const struct frame *f, const struct packet *p)
{
	struct hold *s = head_of(c, fl, COMPARE_SECONDARY);

	if (compare_gate_blocks(c, fl, p->flags, p->ack)) {
		hold_primary(c, fl, f, p);
		return;
	}
	if (is_released(fl, p)) {
		release_segment(c, fl, f, p, NOTE_RETRANSMITTED);
		return;
	}
	if (fl->q[COMPARE_PRIMARY].n) {
		hold_primary(c, fl, f, p);
	} else if (is_pure_ack(p)) {
		note_primary(fl, p);
		release_segment(c, fl, f, p, NOTE_RELEASED_ACK);
	} else if (is_twin(c, fl, s, p)) {
		note_primary(fl, p);
		fl->edge += p->payload_len;
		release_segment(c, fl, f, p, NOTE_COMPARED);
		compare_drop_held(c, fl, s, DROP_MATCHED);
	} else {
		hold_primary(c, fl, f, p);
	}
}

/* Does a waiting secondary packet of this connection cover it already? */
static bool is_duplicate(const struct compare *c, const struct cmp_flow *fl,
			 const struct packet *p)
{
	const struct hold *h = hold_at(&c->pool, fl->q[COMPARE_SECONDARY].tail);

	for (; h; h = hold_at(&c->pool, h->prev)) {
		unsigned kind = (h->flags ^ p->flags) & (TCP_SYN | TCP_RST);

		if (!kind && seq_le(h->seq, p->seq) &&
		    seq_ge(hold_end(h), p->seq + tcp_len(p)))
			return true;
		if ((h->flags & TCP_SYN) ||
		    (!kind && seq_lt(h->seq, p->seq) && !(p->flags & TCP_SYN)))
			return false;
	}
	return false;
}

/* Why a secondary's segment says nothing new; DROP_REASONS if it does. */
static enum compare_drop stale(const struct compare *c, struct cmp_flow *fl,
			       const struct packet *p)
{
	if (fl->flags & FLOW_DIFFERENT)
		return DROP_DIFFERENT;
	if (is_pure_ack(p))
		return DROP_ACK;
	if (p->flags & TCP_SYN) {
		if (fl->flags & FLOW_SYN_LATE) {
			fl->flags &= (uint16_t)~FLOW_SYN_LATE;
			return DROP_LATE;
		}
		if ((fl->flags & FLOW_SYN_DONE) &&
		    p->seq == fl->isn[COMPARE_SECONDARY])
			return DROP_DUPLICATE;
	} else if (p->flags & TCP_RST) {
		if (fl->flags & FLOW_RST_DONE)
			return DROP_LATE;
	} else if (has_edge(fl) && !(fl->flags & FLOW_SECONDARY_SYN) &&
		   seq_le(p->seq + tcp_len(p), fl->edge)) {
		return DROP_LATE;
	}
	return is_duplicate(c, fl, p) ? DROP_DUPLICATE : DROP_REASONS;
}

/**
 * compare_tcp_secondary - a segment of the secondary
 * @c:		the comparison
 * @fl:		its flow
 * @f:		the frame; borrowed
 * @p:		what is in it, the sequence number in the primary's terms
 *		except on a SYN
 */
void compare_tcp_secondary(struct compare *c, struct cmp_flow *fl,
			   const struct frame *f, const struct packet *p)
{
	enum compare_drop why = stale(c, fl, p);

	compare_gate_secondary(c, fl, p);
	if (!(p->flags & TCP_SYN))
		fl->flags |= FLOW_BUSY;
	if (why != DROP_REASONS) {
		c->dropped[why]++;
		if (c->config.ack_policy == COMPARE_ACK_HOLD)
			match(c, fl);
	} else if (!fl->q[COMPARE_SECONDARY].n &&
		   is_twin(c, fl, head_of(c, fl, COMPARE_PRIMARY), p)) {
		fl->edge += p->payload_len;
		c->dropped[DROP_MATCHED]++;
		release_head(c, fl, NOTE_COMPARED);
		match(c, fl);
	} else {
		hold_tcp(c, fl, COMPARE_SECONDARY, f, p);
		if (p->flags & TCP_SYN)
			fl->flags |= FLOW_SECONDARY_SYN;
		match(c, fl);
	}
}

/* The secondary is the primary's copy now: all that the primary has sent is
 * below the edge. */
static void take_as_compared(struct cmp_flow *fl, const struct hold *h)
{
	if (h->flags & TCP_SYN) {
		fl->isn[COMPARE_PRIMARY] = fl->isn[COMPARE_SECONDARY] = h->seq;
		fl->flags |= FLOW_SYN_DONE | FLOW_SYN_LATE;
		fl->flags &= (uint16_t)~(FLOW_RST_DONE | FLOW_CLOSED |
					 FLOW_PRIMARY_SYN);
	}
	if (h->flags & (TCP_RST | TCP_FIN))
		fl->flags |= FLOW_CLOSED;
	if (h->flags & TCP_RST)
		fl->flags |= FLOW_RST_DONE;
	if (!(h->flags & TCP_RST)) {
		fl->edge = fl->end;
		fl->flags |= FLOW_EDGE;
	}
}

/**
 * compare_tcp_flush_head - the first held segment leaves uncompared
 * @c:		the comparison
 * @fl:		a flow with a primary segment
 * @why:	what it is counted as
 */
void compare_tcp_flush_head(struct compare *c, struct cmp_flow *fl,
			    enum compare_note why)
{
	const struct hold *h = head_of(c, fl, COMPARE_PRIMARY);
	struct segment seg = segment_of_hold(c, h);

	take_as_compared(fl, h);
	if (h->flags & TCP_SYN)
		open_gate(c, fl, h);
	else
		compare_gate_agree(fl, &seg);
	release_head(c, fl, why);
}
