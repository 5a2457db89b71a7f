/* SPDX-License-Identifier: ISC */
/*
 * TCP is compared as a stream of bytes, whatever segments they come in. SYN
 * and FIN are bytes of the stream, as they are in the sequence space.
 *
 * edge		The bytes below it are equal and have left, or will leave with the
 *		segment of the primary that it lies in. It only moves forward. A GSO
 *		frame is several segments: it is cut where the edge's one begins.
 * primary	The queue is in the order of the stream. A segment that comes out of
 *		order waits for the gap before it to be filled, so that the one that
 *		fills it leaves first. Two kinds leave at once: an acknowledgement
 *		when nothing waits, and bytes below the edge, because the client may
 *		need them again while newer ones are held.
 * secondary	The queue is in the order of the stream, too. Gaps are waited for.
 *		What lies below the edge or waits already is dropped.
 *
 * A SYN begins another connection of the same flow: in a queue all that stands
 * behind it belongs to that. Its sequence number is not compared, as the
 * rewriter cannot know the primary's yet. A RST is the last that a connection
 * says: it stands behind all that was held.
 *
 * A flow whose beginning was not seen has no edge. The comparison begins at
 * the first byte that both have shown: the primary's first one, if the
 * secondary has shown that or an earlier one, else, after timeout_ns, the
 * secondary's first one.
 *
 * This file decides where a segment that comes belongs: it leaves, is dropped,
 * or is held (stream.c) and matched (match.c). take.c calls it, and flush.c at
 * a checkpoint.
 */
#include "tcp.h"

#include <assert.h>
#include <string.h>

#include "../../common/seq.h"
#include "act.h"
#include "align.h"
#include "connection.h"
#include "differ.h"
#include "gap.h"
#include "gate.h"
#include "late.h"
#include "match.h"
#include "order.h"
#include "repeats.h"
#include "segment.h"
#include "stream.h"

#define SEARCH_MAX 256u		/* held segments that are looked at for a duplicate */

static uint32_t tcp_len(const struct packet *p)
{
	return p->payload_len + !!(p->flags & TCP_SYN) + !!(p->flags & TCP_FIN);
}

static void release_segment(struct compare *c, struct cmp_flow *fl,
			    const struct frame *f, const struct packet *p,
			    enum compare_note why)
{
	struct segment seg = segment_of(p);

	stream_note_left(fl, p->seq, seg.end);
	gate_release(c, fl, f, &seg, why, NULL);
}

/* Has the primary's segment left already, all of it or up to the edge without
 * a gap? Then it is sent again. */
static bool is_released(const struct cmp_flow *fl, const struct packet *p)
{
	if (fl->flags & FLOW_PRIMARY_SYN || p->flags & TCP_RST || !tcp_len(p))
		return false;
	if (p->flags & TCP_SYN)
		return (fl->flags & FLOW_SYN_DONE) &&
		       p->seq == fl->isn[COMPARE_PRIMARY];
	return stream_has_edge(fl) && seq_le(p->seq, fl->left) &&
	       seq_le(p->seq + tcp_len(p), fl->edge);
}

static bool is_pure_ack(const struct packet *p)
{
	return !tcp_len(p) && !(p->flags & TCP_RST);
}

/*
 * The common case: is the segment p the same as the first one that waits of
 * the other side, and are both at the edge? Where acknowledgements are held, p
 * may have to wait for one: that is another case.
 */
static bool is_twin(const struct compare *c, const struct cmp_flow *fl,
		    const struct hold *waiting, const struct packet *p)
{
	return waiting && (fl->flags & (FLOW_EDGE | FLOW_CUT)) == FLOW_EDGE &&
	       p->seq == fl->edge &&
	       !gate_holds_acks(c, fl) &&
	       waiting->seq == p->seq && p->payload_len &&
	       waiting->payload_len == p->payload_len &&
	       !((waiting->flags | p->flags) & (TCP_SYN | TCP_FIN | TCP_RST)) &&
	       differ_is_same_mac(c, hold_eth(&c->pool, waiting), p->eth) &&
	       !memcmp(hold_payload(&c->pool, waiting), packet_payload(p),
		       p->payload_len);
}

/* The twin of p has left: does the primary's next segment, if any, just wait
 * for the secondary's next, which has not come? */
static bool is_in_step(const struct compare *c, const struct cmp_flow *fl)
{
	const struct hold *h = stream_head(c, fl, COMPARE_PRIMARY);

	return !h || (!(h->flags & (TCP_SYN | TCP_RST)) && h->payload_len &&
		      seq_ge(h->seq, fl->edge));
}

static void note_primary(struct cmp_flow *fl, const struct packet *p)
{
	if (!(p->flags & TCP_SYN))
		fl->flags |= FLOW_BUSY;
}

/* In a report, when both sides have begun another connection: nothing more comes of
 * the one before, and what is left of the primary's is told. What is left of the
 * secondary's is when the two SYNs are compared. */
static void end_connection(struct compare *c, struct cmp_flow *fl)
{
	const unsigned both = FLOW_PRIMARY_SYN | FLOW_SECONDARY_SYN;
	const struct hold *p;

	while (c->config.report_only && (fl->flags & both) == both &&
	       (p = stream_head(c, fl, COMPARE_PRIMARY)) &&
	       !(p->flags & TCP_SYN))
		late_tell(c, fl, COMPARE_PRIMARY);
}

static void hold_primary(struct compare *c, struct cmp_flow *fl,
			 const struct frame *f, const struct packet *p)
{
	bool is_news = stream_hold(c, fl, COMPARE_PRIMARY, f, p);

	note_primary(fl, p);
	if (p->flags & TCP_SYN) {
		fl->flags |= FLOW_PRIMARY_SYN;
		end_connection(c, fl);
	}
	if (is_news)
		match_flow(c, fl, NULL);
}

/* In a report, is a connection over because it differs? Until the next SYN. */
static bool is_over(const struct compare *c, struct cmp_flow *fl,
		    const struct packet *p)
{
	if (!c->config.report_only || !(fl->flags & FLOW_DIFFERENT))
		return false;
	if (!(p->flags & TCP_SYN))
		return true;
	fl->flags &= (uint16_t)~FLOW_DIFFERENT;
	fl->align = 0;
	return false;
}

/* With own_isn, make sequence numbers count from the side's own SYN. Return:
 * false for a SYN that has come already. */
static bool count_from_syn(struct cmp_flow *fl, enum compare_side side,
			   struct packet *p)
{
	unsigned known = (unsigned)FLOW_BASE << side;

	if (p->flags & TCP_SYN) {
		if ((fl->flags & known) && fl->base[side] == p->seq) {
			p->seq = 0;
			return false;
		}
		if (fl->flags & known)
			fl->flags &= (uint16_t)~FLOW_SYN_DONE;
		fl->base[side] = p->seq;
	} else if (!(fl->flags & known)) {
		fl->base[side] = p->seq - 1;
		fl->align = (uint8_t)(fl->align | ALIGN_WAITS |
				      ALIGN_MIDSTREAM << side);
	}
	fl->flags |= (uint16_t)known;
	p->seq -= fl->base[side];
	return true;
}

/* A segment of which not all was captured is as long as it was on the wire. */
static void note_cut(struct cmp_flow *fl, struct packet *p)
{
	if (!p->truncated)
		return;
	p->payload_len = packet_wire_len(p) - p->payload_off;
	fl->flags |= FLOW_CUT;
}

/* With own_isn, before all else. Return: false for a SYN that has come
 * already. */
static bool prepare(struct cmp_flow *fl, enum compare_side side,
		    struct packet *p)
{
	note_cut(fl, p);
	return count_from_syn(fl, side, p);
}

/* A segment of the primary that has not left before. */
static void take_news(struct compare *c, struct cmp_flow *fl,
		      const struct frame *f, const struct packet *p)
{
	struct hold *s = stream_head(c, fl, COMPARE_SECONDARY);

	if (fl->q[COMPARE_PRIMARY].n) {
		hold_primary(c, fl, f, p);
	} else if (is_pure_ack(p)) {
		note_primary(fl, p);
		release_segment(c, fl, f, p, NOTE_RELEASED_ACK);
	} else if (is_twin(c, fl, s, p)) {
		note_primary(fl, p);
		fl->edge += p->payload_len;
		act_drop_held(c, fl, s, DROP_MATCHED);
		release_segment(c, fl, f, p, NOTE_COMPARED);
		stream_secondary(c, fl);
	} else {
		hold_primary(c, fl, f, p);
	}
}

static void take_primary(struct compare *c, struct cmp_flow *fl,
			 const struct frame *f, const struct packet *p)
{
	if (is_over(c, fl, p))
		act_release(c, f, NOTE_UNCOMPARED);
	else if (fl->align && align_takes(c, fl, COMPARE_PRIMARY, f, p))
		return;
	else if (gate_blocks(c, fl, p->flags, p->ack))
		hold_primary(c, fl, f, p);
	else if (is_released(fl, p))
		release_segment(c, fl, f, p, NOTE_RETRANSMITTED);
	else
		take_news(c, fl, f, p);
}

/* The last segment of a queue that may say the same as p. */
static uint32_t look_from(struct compare *c, struct hold_queue *q,
			  const struct packet *p)
{
	if (p->flags & TCP_SYN)
		return order_syn(&c->orders, q, NULL);
	return p->flags & TCP_RST ? q->tail : order_find(&c->orders, q, p->seq);
}

/* What was not captured of a segment that waits another one may say. */
static uint32_t said_end(const struct hold *h)
{
	uint32_t len = hold_captured_len(h);

	return len < h->payload_len ? h->seq + len : stream_end(h);
}

/* Does a segment of the secondary that waits say all that p says? */
static bool is_duplicate(struct compare *c, struct cmp_flow *fl,
			 const struct packet *p)
{
	uint32_t i = look_from(c, &fl->q[COMPARE_SECONDARY], p);
	const struct hold *h;

	for (unsigned n = 0; n < SEARCH_MAX; n++) {
		h = hold_at(&c->pool, i);
		if (!h || ((h->flags ^ p->flags) & (TCP_SYN | TCP_RST)))
			return false;
		if (seq_le(h->seq, p->seq) &&
		    seq_ge(said_end(h), p->seq + tcp_len(p)))
			return true;
		if ((h->flags & TCP_SYN) || seq_lt(h->seq, p->seq))
			return false;
		i = h->prev;
	}
	return false;
}

/* In a report, does a segment of the secondary belong to the connection that comes
 * after one that differs? The primary's SYN is still to come. */
static bool is_of_next(const struct compare *c, const struct cmp_flow *fl,
		       const struct packet *p)
{
	return c->config.report_only &&
	       ((p->flags & TCP_SYN) || (fl->flags & FLOW_SECONDARY_SYN));
}

/* Why a segment of the secondary says nothing new; DROP_REASONS if it does. */
static enum drop stale(struct compare *c, struct cmp_flow *fl,
			       const struct packet *p)
{
	if ((fl->flags & FLOW_DIFFERENT) && !is_of_next(c, fl, p))
		return DROP_DIFFERENT;
	if (is_pure_ack(p))
		return DROP_ACK;
	if (p->flags & TCP_SYN) {
		if (fl->flags & FLOW_SYN_LATE) {
			fl->flags &= (uint16_t)~FLOW_SYN_LATE;
			return DROP_LATE;
		}
		/* since a checkpoint it may be the primary's own */
		if ((fl->flags & FLOW_SYN_DONE) &&
		    (p->seq == fl->isn[COMPARE_SECONDARY] ||
		     p->seq == fl->isn[COMPARE_PRIMARY]))
			return DROP_DUPLICATE;
	} else if (p->flags & TCP_RST) {
		if (stream_is_rst_again(c, fl, p->flags, p->ack))
			return DROP_LATE;
	} else if (stream_has_edge(fl) && !(fl->flags & FLOW_SECONDARY_SYN) &&
		   seq_le(p->seq + tcp_len(p), fl->edge)) {
		return DROP_LATE;
	}
	return is_duplicate(c, fl, p) ? DROP_DUPLICATE : DROP_REASONS;
}

static void hold_secondary(struct compare *c, struct cmp_flow *fl,
			   const struct frame *f, const struct packet *p)
{
	bool is_news = stream_hold(c, fl, COMPARE_SECONDARY, f, p);

	if (p->flags & TCP_SYN) {
		fl->flags |= FLOW_SECONDARY_SYN;
		gate_secondary_syn(fl);
		end_connection(c, fl);
	}
	if (is_news || gate_holds_acks(c, fl))
		match_flow(c, fl, p);
	gap_watch(c, fl);
}

static void take_secondary(struct compare *c, struct cmp_flow *fl,
			   const struct frame *f, const struct packet *p)
{
	enum drop why = stale(c, fl, p);

	gate_secondary(c, fl, p);
	if (!(p->flags & TCP_SYN)) {
		fl->flags |= FLOW_BUSY;
		fl->flags &= (uint16_t)~FLOW_SYN_LATE;
	}
	if (why != DROP_REASONS) {
		act_drop(c, why);
		if (why != DROP_ACK)
			act_note_drop(c, fl, why);
		if (gate_holds_acks(c, fl))
			match_flow(c, fl, p);
		if (why == DROP_LATE && p->payload_len)
			stream_repeat(c, fl, p);
	} else if (!fl->q[COMPARE_SECONDARY].n &&
		   is_twin(c, fl, stream_head(c, fl, COMPARE_PRIMARY), p)) {
		fl->edge += p->payload_len;
		act_drop(c, DROP_MATCHED);
		stream_release(c, fl, NOTE_COMPARED, p);
		if (!is_in_step(c, fl))
			match_flow(c, fl, p);
	} else {
		hold_secondary(c, fl, f, p);
	}
}

static void come_primary(struct compare *c, struct cmp_flow *fl,
			 const struct frame *f, const struct packet *p,
			 bool is_news)
{
	if (is_news)
		take_primary(c, fl, f, p);
	else
		act_release(c, f, NOTE_RETRANSMITTED);
}

static void come_secondary(struct compare *c, struct cmp_flow *fl,
			   const struct frame *f, const struct packet *p,
			   bool is_news)
{
	if (!is_news) {
		act_drop(c, DROP_DUPLICATE);
		act_note_drop(c, fl, DROP_DUPLICATE);
	} else if (!fl->align || (fl->flags & FLOW_DIFFERENT) ||
		   !align_takes(c, fl, COMPARE_SECONDARY, f, p)) {
		take_secondary(c, fl, f, p);
	}
}

/* A segment of a report: what it repeats is compared, too. */
static void see_repeats(struct compare *c, struct cmp_flow *fl,
			     enum compare_side side, const struct frame *f,
			     struct packet *p, bool is_news)
{
	struct frame first = *f;

	repeats_see(c, fl, side, &first, p);
	if (side == COMPARE_PRIMARY)
		come_primary(c, fl, &first, p, is_news);
	else
		come_secondary(c, fl, &first, p, is_news);
	if (first.chunk != f->chunk)
		chunk_unref(first.chunk);
}

/**
 * tcp_primary() - Compare a segment of the primary
 * @c:		The comparison
 * @fl:		Its flow
 * @f:		The frame; borrowed
 * @p:		The frame, parsed; changed where numbers count from the SYN
 */
void tcp_primary(struct compare *c, struct cmp_flow *fl, const struct frame *f,
		 struct packet *p)
{
	bool is_news = !c->config.own_isn || prepare(fl, COMPARE_PRIMARY, p);

	assert(segment_is(p));
	if (c->repeats)
		see_repeats(c, fl, COMPARE_PRIMARY, f, p, is_news);
	else
		come_primary(c, fl, f, p, is_news);
}

/**
 * tcp_secondary() - Compare a segment of the secondary
 * @c:		The comparison
 * @fl:		Its flow
 * @f:		The frame; borrowed
 * @p:		The frame, parsed; changed where numbers count from the SYN. The
 *		rewriter has put its sequence number into the primary's terms,
 *		except on a SYN
 */
void tcp_secondary(struct compare *c, struct cmp_flow *fl,
		   const struct frame *f, struct packet *p)
{
	bool is_news = !c->config.own_isn || prepare(fl, COMPARE_SECONDARY, p);

	assert(segment_is(p));
	if (c->repeats)
		see_repeats(c, fl, COMPARE_SECONDARY, f, p, is_news);
	else
		come_secondary(c, fl, f, p, is_news);
}

static void take_syn_as_compared(struct cmp_flow *fl, const struct hold *h)
{
	if ((fl->flags & FLOW_SYN_DONE) && fl->isn[COMPARE_PRIMARY] == h->seq)
		return;
	fl->isn[COMPARE_PRIMARY] = fl->isn[COMPARE_SECONDARY] = h->seq;
	stream_set_edge(fl, stream_end(h));
	fl->flags |= FLOW_SYN_DONE | FLOW_SYN_LATE;
	fl->flags &= (uint16_t)~(FLOW_RST_DONE | FLOW_CLOSED);
}

/* At a checkpoint the secondary has become the primary's copy: the edge goes
 * behind all that the primary has sent. */
static void take_as_compared(struct cmp_flow *fl, const struct hold *h,
			     const struct segment *seg)
{
	uint32_t end = seg->end;

	if (fl->flags & FLOW_END)
		end = seq_max(end, fl->end);
	if (h->flags & TCP_SYN) {
		take_syn_as_compared(fl, h);
	} else if (h->flags & TCP_RST) {
		stream_note_rst(fl, h->flags, seg->ack);
	} else if (!stream_has_edge(fl)) {
		fl->isn[COMPARE_PRIMARY] = h->seq - 1;
		stream_set_edge(fl, end);
	} else {
		stream_set_edge(fl, seq_max(fl->edge, end));
	}
	if (h->flags & TCP_FIN)
		fl->flags |= FLOW_CLOSED;
}

/**
 * tcp_flush_head() - Let the first segment of the primary's queue out uncompared
 * @c:		The comparison, at a checkpoint
 * @fl:		A flow that holds one
 * @why:	As what it is counted
 */
void tcp_flush_head(struct compare *c, struct cmp_flow *fl,
		    enum compare_note why)
{
	const struct hold *h = stream_head(c, fl, COMPARE_PRIMARY);
	struct segment seg = stream_segment(h);

	assert(h->kind == HOLD_PACKET && h->header_len);
	gate_flush(c, fl, hold_payload(&c->pool, h) - h->header_len);
	take_as_compared(fl, h, &seg);
	if (h->flags & TCP_SYN)
		connection_open(c, fl, h);
	else
		gate_agree(c, fl, &seg);
	stream_release(c, fl, why, NULL);
}
