/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_STREAM_H
#define COLO_COMPARE_STREAM_H

#include "../../common/seq.h"
#include "core.h"

static inline uint32_t stream_end(const struct hold *h)
{
	return h->seq + h->payload_len + !!(h->flags & TCP_SYN) +
	       !!(h->flags & TCP_FIN);
}

/* A held segment in short. */
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

/* Bytes of a segment from the edge on, which lies in it. */
static inline uint32_t stream_left(const struct cmp_flow *fl,
				   const struct hold *h)
{
	return h->payload_len - (fl->edge - h->seq);
}

static inline bool stream_has_edge(const struct cmp_flow *fl)
{
	return fl->flags & FLOW_EDGE;
}

static inline struct hold *stream_head(const struct compare *c,
				       const struct cmp_flow *fl,
				       enum compare_side side)
{
	return hold_at(&c->pool, fl->q[side].head);
}

static inline void stream_set_edge(struct cmp_flow *fl, uint32_t edge)
{
	fl->edge = fl->left = fl->end = edge;
	fl->flags |= FLOW_EDGE | FLOW_END;
}

/* A primary segment leaves. */
static inline void stream_note_left(struct cmp_flow *fl, uint32_t seq,
				    uint32_t end)
{
	if (!(fl->flags & FLOW_END) || seq_gt(end, fl->end))
		fl->end = end;
	fl->flags |= FLOW_END;
	if (seq_le(seq, fl->left) && seq_gt(end, fl->left))
		fl->left = end;
}

/* A RST says nothing new when both have sent one, unless it refuses another
 * connection: it acknowledges that one's SYN. */
static inline bool stream_is_rst_again(const struct compare *c,
				       const struct cmp_flow *fl,
				       unsigned flags, uint32_t ack)
{
	return (fl->flags & FLOW_RST_DONE) &&
	       (!(flags & TCP_ACK) || ack == fl->rst_ack ||
		c->config.own_isn);
}

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
void stream_repeat(struct compare *c, struct cmp_flow *fl,
		   const struct packet *s);
void stream_shift(struct compare *c, struct cmp_flow *fl, uint32_t delta);

#endif
