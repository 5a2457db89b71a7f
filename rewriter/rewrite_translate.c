/* SPDX-License-Identifier: ISC */
/*
 * The translation of a segment whose connection has offsets. Its numbers change
 * in place, with the checksum (rewrite_edit.c).
 *
 *	towards the guest	ack, TSecr, SACK edges	primary to guest space
 *	from the guest		seq, TSval		guest to primary space
 *
 * Numbers for bytes of the peer (seq and TSval of the peer, ack and SACK edges
 * of the guest) are the same for primary and guest.
 *
 * rewrite.c calls it for each such segment, be it fresh or held. Of a flow it
 * changes the clocks (ts_*) and what the guest repeats (repeat_*), and it leads
 * the segment through rewrite_ahead.c. It saves what changed of the flow.
 */
#include "rewrite_translate.h"

#include "../common/bytes.h"
#include "../common/seq.h"
#include "../common/tcp_option.h"
#include "../common/vnet.h"
#include "rewrite_ahead.h"
#include "rewrite_edit.h"
#include "rewrite_flow.h"

#define TCP_SEQ 4u
#define TCP_ACK_NUMBER 8u
#define TCP_SUM 16u

/* 12 days of milliseconds. A timestamp that is older than that bounds nothing:
 * it would soon compare as later than the present one. */
#define TS_AGE_MAX (1 << 30)

/*
 * The guest repeats a segment that was lost on the way to the comparison,
 * which then releases the segment that the primary sent long before. The peer
 * echoes the primary's old timestamp. Mapped to the guest's clock, that echo
 * would seem to acknowledge the copy that was lost. The guest would think
 * that it waited too briefly (RFC 3522), repeat nothing more of what was lost
 * together with it, and take the whole wait for a round trip: a timeout for
 * each lost segment, each longer than the one before. So the guest's last
 * repetition is remembered.
 */
static void repeat_note(struct rewrite_flow *fl, const struct packet *p,
			uint32_t sent)
{
	const unsigned open = REWRITE_REPEATS | REWRITE_REPEAT_DONE;

	if ((fl->flags & open) == REWRITE_REPEATS &&
	    seq_gt(p->seq, fl->repeat_seq))
		return;
	fl->repeat_seq = p->seq;
	fl->repeat_ts = sent;
	fl->flags |= REWRITE_REPEATS;
	fl->flags &= ~(unsigned)REWRITE_REPEAT_DONE;
}

/* An echo that acknowledges repeated bytes is made no earlier than the
 * timestamp with which the guest repeated them. */
static uint32_t echo_of_repeat(struct rewrite *r, struct rewrite_flow *fl,
			       uint32_t ack, uint32_t echo)
{
	if (!(fl->flags & REWRITE_REPEATS) || seq_le(ack, fl->repeat_seq))
		return echo;
	fl->flags |= REWRITE_REPEAT_DONE;
	if (seq_ge(echo, fl->repeat_ts)) {
		fl->flags &= ~(unsigned)REWRITE_REPEATS;
		return echo;
	}
	r->translated.n_lifted++;
	return fl->repeat_ts;
}

/*
 * An echo of the primary's clock becomes one of the guest's: no earlier than
 * the timestamp of the guest's SYN, no later than that of its last segment.
 */
static uint32_t echo_for_guest(struct rewrite *r, struct rewrite_flow *fl,
			       uint32_t ack, uint32_t echo)
{
	uint32_t mapped = echo_of_repeat(r, fl, ack, echo + fl->ts_offset);
	uint32_t within = mapped;

	if (fl->flags & REWRITE_HAS_TS_FIRST)
		within = seq_max(within, fl->ts_first);
	if (fl->flags & REWRITE_HAS_TS_SENT)
		within = seq_min(within, fl->ts_sent);
	r->translated.n_capped += within != mapped;
	return within;
}

static void echo_translate(struct rewrite *r, struct rewrite_flow *fl,
			   const struct rewrite_edit *e, uint32_t ack,
			   uint8_t *at)
{
	uint32_t echo = bytes_get32(at);

	if (!(fl->flags & REWRITE_HAS_TS_ECHO) || seq_gt(echo, fl->ts_echo)) {
		fl->ts_echo = echo;
		fl->flags |= REWRITE_HAS_TS_ECHO;
	}
	if (fl->flags & REWRITE_TS_KNOWN &&
	    r->config.translate != REWRITE_NO_TSECR)
		rewrite_edit_number(e, at, echo_for_guest(r, fl, ack, echo));
}

/* Does a SACK block of the peer name bytes that the guest has not sent? */
static bool sack_is_beyond(const struct rewrite *r,
			   const struct rewrite_flow *fl,
			   const struct rewrite_segment *s)
{
	const uint8_t *edge = packet_l4(&s->p) + s->options.sack;

	for (unsigned i = 0; i < s->options.n_edges; i++)
		if (rewrite_ahead_is_beyond(r, fl, bytes_get32(edge + 4 * i) +
							   fl->offset))
			return true;
	return false;
}

/* To send SACK blocks is nobody's duty (RFC 2018 section 4). */
static void sack_remove(const struct rewrite_segment *s,
			const struct rewrite_edit *e)
{
	tcp_option_erase(e->base, s->options.sack - 2u, e->sum);
}

static void sack_translate(struct rewrite *r, const struct rewrite_flow *fl,
			   const struct rewrite_segment *s,
			   const struct rewrite_edit *e)
{
	if (sack_is_beyond(r, fl, s)) {
		sack_remove(s, e);
		r->translated.n_sacks_removed++;
		return;
	}
	for (unsigned i = 0; i < s->options.n_edges && fl->offset; i++) {
		uint8_t *edge = e->base + s->options.sack + 4 * i;

		rewrite_edit_number(e, edge, bytes_get32(edge) + fl->offset);
	}
}

/* The peer's acknowledgement in guest space, lowered to what the guest sent. */
static uint32_t ack_for_guest(struct rewrite *r, struct rewrite_flow *fl,
			      const struct rewrite_segment *s)
{
	uint32_t ack = s->p.ack + fl->offset;

	rewrite_ahead_heard(fl, s);
	if (!rewrite_ahead_is_beyond(r, fl, ack))
		return ack;
	r->translated.n_lowered++;
	return fl->guest_nxt;
}

static void tx_translate(struct rewrite *r, struct rewrite_flow *fl,
			 const struct rewrite_segment *s,
			 const struct rewrite_edit *e)
{
	enum rewrite_translate but = r->config.translate;
	uint8_t *tcp = e->base;
	uint32_t ack;

	if (!(s->p.flags & TCP_ACK))
		return;
	ack = ack_for_guest(r, fl, s);
	if (ack != s->p.ack && but != REWRITE_NO_ACK)
		rewrite_edit_number(e, tcp + TCP_ACK_NUMBER, ack);
	if (s->options.n_edges && but != REWRITE_NO_SACK)
		sack_translate(r, fl, s, e);
	if (s->options.timestamp)
		echo_translate(r, fl, e, ack, tcp + s->options.timestamp + 4);
}

/*
 * Raise the guest's mapped clock once after a failover. A guest that answered
 * more slowly than the primary has a mapped clock behind the timestamps that
 * the peer has seen, and the peer would drop all that it sends (PAWS, RFC 7323
 * section 5).
 */
static void ts_raise(struct rewrite *r, struct rewrite_flow *fl, uint32_t sent)
{
	fl->flags |= REWRITE_TS_RAISED;
	if (!(fl->flags & REWRITE_HAS_TS_ECHO) ||
	    seq_ge(sent - fl->ts_offset, fl->ts_echo))
		return;
	r->translated.n_raised++;
	rewrite_flow_set_offset(r, fl, fl->offset, sent - fl->ts_echo);
}

static void ts_translate(struct rewrite *r, struct rewrite_flow *fl,
			 const struct rewrite_edit *e, uint8_t *at)
{
	uint32_t sent = bytes_get32(at);

	if (!(fl->flags & REWRITE_HAS_TS_SENT) || seq_gt(sent, fl->ts_sent)) {
		fl->ts_sent = sent;
		fl->flags |= REWRITE_HAS_TS_SENT;
	}
	if (fl->flags & REWRITE_HAS_TS_FIRST &&
	    seq_diff(sent, fl->ts_first) > TS_AGE_MAX)
		fl->flags &= ~(unsigned)REWRITE_HAS_TS_FIRST;
	if (fl->flags & REWRITE_REPEATS &&
	    seq_diff(sent, fl->repeat_ts) > TS_AGE_MAX)
		fl->flags &= ~(unsigned)REWRITE_REPEATS;
	if (!(fl->flags & REWRITE_TS_KNOWN) ||
	    r->config.translate == REWRITE_NO_TSVAL)
		return;
	if (r->failed_over && !(fl->flags & REWRITE_TS_RAISED))
		ts_raise(r, fl, sent);
	rewrite_edit_number(e, at, sent - fl->ts_offset);
}

/* Is the sequence number of a guest's segment to be translated? A reset that
 * answers a segment without an ack has 0 there, which is no number of the
 * guest's (RFC 9293 section 3.10.7.1). */
static bool has_seq(const struct rewrite *r, const struct packet *p)
{
	if (p->flags & TCP_RST)
		return p->seq && r->config.translate != REWRITE_NO_RST;
	return r->config.translate != REWRITE_NO_SEQ;
}

static void rx_translate(struct rewrite *r, struct rewrite_flow *fl,
			 const struct rewrite_segment *s,
			 const struct rewrite_edit *e)
{
	uint8_t *tcp = e->base, *ts = tcp + s->options.timestamp;
	bool repeats;

	rewrite_ahead_answer(r, fl, s);
	repeats = rewrite_ahead_sent(fl, &s->p);
	if (fl->offset && has_seq(r, &s->p))
		rewrite_edit_number(e, tcp + TCP_SEQ, s->p.seq - fl->offset);
	if (!s->options.timestamp)
		return;
	if (repeats)
		repeat_note(fl, &s->p, bytes_get32(ts));
	ts_translate(r, fl, e, ts);
}

/**
 * rewrite_translate_segment() - Change a segment for the side it goes to
 * @r:	rewriter
 * @fl:	its flow, REWRITE_KNOWN
 * @s:	segment. Its bytes change; @s goes on to say how they were
 *
 * May emit an acknowledgement to the guest.
 */
void rewrite_translate_segment(struct rewrite *r, struct rewrite_flow *fl,
			       const struct rewrite_segment *s)
{
	struct rewrite_edit e = { .base = packet_l4(&s->p) };
	uint32_t flags = fl->flags;

	if (!vnet_is_partial(s->frame, s->p.l4_off))
		e.sum = e.base + TCP_SUM;
	if (fl->offset || fl->ts_offset)
		r->translated.n_segments[s->side]++;
	if (s->side == REWRITE_TX)
		tx_translate(r, fl, s, &e);
	else
		rx_translate(r, fl, s, &e);
	if (fl->flags != flags)
		rewrite_flow_save(r, fl);
	else
		rewrite_flow_save_progress(r, fl);
}
