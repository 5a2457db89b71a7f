/* SPDX-License-Identifier: ISC */
/*
 * One segment of a connection whose offsets are known. Every number is changed
 * in place, and every checksum follows by RFC 1624, so that a wrong one stays
 * wrong and nothing but the changed bytes is read.
 *
 *	towards the guest	ack, TSecr, SACK edges	primary to guest space
 *	from the guest		seq, TSval		guest to primary space
 *
 * What a side says about the bytes of the peer (seq and TSval of the peer, ack
 * and SACK edges of the guest) is the same in both spaces.
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

/* Beyond it, 12 days of milliseconds, the guest's first timestamp is no bound
 * any more: it would soon compare as later. */
#define TS_AGE_MAX (1 << 30)

/*
 * What the guest sent was lost behind us and it repeats it. The comparison lets
 * go of what the primary sent long before, and the peer echoes that: to the
 * guest the acknowledgement would seem to be for what was lost. It would think
 * that it waited too briefly (RFC 3522), repeat nothing more of what was lost
 * with it, and measure the whole wait as its round trip: a timeout for each
 * segment, each longer than the one before.
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

/* An echo that acknowledges what was repeated is one of that, or later. */
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
 * its SYN, no later than what it sent last.
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

/* Is a SACK block of bytes that the guest has not sent? */
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

/* The peer's acknowledgement in guest space, of no more than the guest sent. */
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

/* The peer's ack says more than where it stands: what it got beyond. */
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
 * Once after failover: had the guest answered more slowly than the primary, its
 * mapped clock would lie behind what the peer got last, and PAWS (RFC 7323
 * section 5) would drop all it sends.
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

/* A reset that answers a segment without an ack has sequence number 0 (RFC
 * 9293 section 3.10.7.1): no number of the guest's. */
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
 * @s:	segment; the view in it stays as the segment came in
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
