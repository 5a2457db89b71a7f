/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_STREAM_H
#define COLO_COMPARE_STREAM_H

#include "../../common/seq.h"
#include "core.h"

/* The sequence number behind a segment: SYN and FIN count as bytes. */
static inline uint32_t stream_end(const struct hold *h)
{
	return h->seq + h->payload_len + !!(h->flags & TCP_SYN) +
	       !!(h->flags & TCP_FIN);
}

/* What a held segment says. */
static inline struct segment stream_segment(const struct hold *h)
{
	return (struct segment){
		.l4_off = (unsigned)h->payload_off - h->header_len,
		.payload_off = h->payload_off,
		.flags = h->flags,
		.end = stream_end(h),
		.ack = h->ack,
		.window = h->window,
	};
}

/* How many bytes of a segment lie behind the edge, which is in the segment. */
static inline uint32_t stream_left(const struct cmp_flow *fl,
				   const struct hold *h)
{
	return h->payload_len - (fl->edge - h->seq);
}

static inline bool stream_has_edge(const struct cmp_flow *fl)
{
	return fl->flags & FLOW_EDGE;
}

/* The first packet of a side's queue, or NULL. */
static inline struct hold *stream_head(const struct compare *c,
				       const struct cmp_flow *fl,
				       enum compare_side side)
{
	return hold_at(&c->pool, fl->q[side].head);
}

/* Bytes below the edge have been compared and have left. */
static inline void stream_set_edge(struct cmp_flow *fl, uint32_t edge)
{
	fl->edge = fl->left = fl->end = edge;
	fl->flags |= FLOW_EDGE | FLOW_END;
}

/* A segment of the primary leaves: seq and end are its bounds. */
static inline void stream_note_left(struct cmp_flow *fl, uint32_t seq,
				    uint32_t end)
{
	if (!(fl->flags & FLOW_END) || seq_gt(end, fl->end))
		fl->end = end;
	fl->flags |= FLOW_END;
	if (seq_le(seq, fl->left) && seq_gt(end, fl->left))
		fl->left = end;
}

/* Has a RST that says the same left already? One that acknowledges something
 * else refuses another connection: what it acknowledges is that connection's
 * SYN. */
static inline bool stream_is_rst_again(const struct compare *c,
				       const struct cmp_flow *fl,
				       unsigned flags, uint32_t ack)
{
	return (fl->flags & FLOW_RST_DONE) &&
	       (!(flags & TCP_ACK) || ack == fl->rst_ack ||
		c->config.own_isn);
}

/* A RST of both sides leaves. */
static inline void stream_note_rst(struct cmp_flow *fl, unsigned flags,
				   uint32_t ack)
{
	fl->flags |= FLOW_RST_DONE | FLOW_CLOSED;
	if (flags & TCP_ACK)
		fl->rst_ack = ack;
}

void stream_release_at(struct compare *c, struct cmp_flow *fl, uint32_t i,
		       enum compare_note why, const struct packet *said);
void stream_release(struct compare *c, struct cmp_flow *fl,
		    enum compare_note why, const struct packet *said);
bool stream_hold(struct compare *c, struct cmp_flow *fl, enum compare_side side,
		 const struct frame *f, const struct packet *p);
struct hold *stream_secondary(struct compare *c, struct cmp_flow *fl);
bool stream_cut(struct compare *c, struct cmp_flow *fl,
		const struct packet *said);
void stream_repeat(struct compare *c, struct cmp_flow *fl,
		   const struct packet *s);
void stream_shift(struct compare *c, struct cmp_flow *fl, uint32_t delta);

#endif
