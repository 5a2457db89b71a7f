/* SPDX-License-Identifier: ISC */
/*
 * How a connection begins, learns its offset and ends, as its segments tell.
 * Three facts make an offset:
 *
 *	peer_isn	the peer's SYN or SYN+ACK
 *	guest_isn	the guest's SYN or SYN+ACK
 *	primary_isn	never seen itself, since the mirror shows only what the
 *			peer sends. Where the guest opened, it is one less than
 *			the ack of the peer's SYN+ACK, or of the reset that
 *			refuses; else one less than the ack of the peer's first
 *			segment behind its SYN
 *
 * That first segment is known by its sequence number. Whatever the peer sends
 * there acknowledges the SYN+ACK and nothing more, unless the server spoke
 * first. Then a lower ack with the same sequence number corrects the offset,
 * if it comes before 1 MiB is acknowledged. If none comes, the guest's stream
 * looks displaced, which the comparison finds.
 *
 * The facts are kept in the flow, which rewrite_flow.c makes, saves and
 * forgets. rewrite.c leads each segment through here. Nothing here changes a
 * segment.
 */
#include "rewrite_track.h"

#include "../common/bytes.h"
#include "../common/seq.h"
#include "../common/time.h"
#include "rewrite_ahead.h"
#include "rewrite_flow.h"
#include "rewrite_hold.h"

#define EARLY_BYTES (1 << 20)	/* acknowledged: the connection is young */
#define WINDOW_MAX (1 << 30)	/* RFC 7323 section 2.3 */

static bool is_syn_ack(const struct packet *p)
{
	return (p->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK);
}

/* Has a segment of the peer the sequence number of the first behind its SYN? */
static bool is_behind_syn(const struct rewrite_flow *fl, const struct packet *p)
{
	return seq_gt(p->seq, fl->peer_isn) &&
	       seq_le(p->seq, fl->peer_syn_end);
}

/**
 * rewrite_track_teaches() - Does a segment of the peer show the primary's ISN?
 * @fl:	flow
 * @p:	segment from the peer
 */
bool rewrite_track_teaches(const struct rewrite_flow *fl,
			   const struct packet *p)
{
	const unsigned facts = REWRITE_HAS_PEER_ISN | REWRITE_HAS_PRIMARY_ISN;

	return (fl->flags & facts) == REWRITE_HAS_PEER_ISN &&
	       (p->flags & (TCP_ACK | TCP_SYN)) == TCP_ACK &&
	       is_behind_syn(fl, p);
}

/* Does the peer's SYN, SYN+ACK or refusal begin another connection? */
static bool peer_begins_anew(struct rewrite_flow *fl, const struct packet *p)
{
	bool differs = fl->flags & REWRITE_HAS_PEER_ISN &&
		       p->seq != fl->peer_isn;

	if (rewrite_segment_refuses(p))
		return fl->state == REWRITE_CLOSED &&
		       p->ack - 1 != fl->primary_isn;
	if (fl->state == REWRITE_CLOSED)
		return differs || !(fl->flags & REWRITE_KNOWN) ||
		       !(fl->flags & REWRITE_HAS_PEER_ISN);
	if (fl->state == REWRITE_HALF_OPEN)
		return differs;
	if (differs && !(p->flags & TCP_ACK)) {
		fl->again_isn = p->seq;
		fl->flags |= REWRITE_HAS_AGAIN;
	}
	return false;
}

/* Does the guest, as a copy of the primary, repeat the SYN of the primary,
 * which the peer has answered already? */
static bool is_syn_of_copy(const struct rewrite_flow *fl,
			   const struct packet *p)
{
	const unsigned facts = REWRITE_ASSUMED | REWRITE_HAS_PRIMARY_ISN;

	return (fl->flags & facts) == facts && p->seq == fl->primary_isn;
}

/* Does the guest's SYN or SYN+ACK begin another connection? Its own SYN is to
 * be believed: its stack has no other connection with this key then. */
static bool guest_begins_anew(const struct rewrite_flow *fl,
			      const struct packet *p)
{
	bool has_isn = fl->flags & REWRITE_HAS_GUEST_ISN;
	bool differs = !has_isn || p->seq != fl->guest_isn;

	if (is_syn_ack(p) && fl->flags & REWRITE_HAS_AGAIN && differs)
		return p->ack - 1 == fl->again_isn;
	if (fl->state == REWRITE_CLOSED)
		return differs || !(fl->flags & REWRITE_KNOWN);
	if (fl->state == REWRITE_HALF_OPEN)
		return has_isn && differs && !is_syn_ack(p);
	return differs && !is_syn_ack(p) && !is_syn_of_copy(fl, p);
}

static void peer_isn_set(struct rewrite_flow *fl, uint32_t isn, uint32_t end)
{
	fl->peer_isn = isn;
	fl->peer_syn_end = end;
	fl->peer_nxt = end;
	fl->flags |= REWRITE_HAS_PEER_ISN;
}

static void primary_isn_set(struct rewrite_flow *fl,
			    const struct rewrite_segment *s)
{
	fl->primary_isn = s->p.ack - 1;
	fl->flags |= REWRITE_HAS_PRIMARY_ISN;
	if (!s->options.timestamp)
		return;
	fl->ts_echo = bytes_get32(packet_l4(&s->p) + s->options.timestamp + 4);
	fl->flags |= REWRITE_HAS_TS_ECHO;
}

static void peer_syn(struct rewrite_flow *fl, const struct rewrite_segment *s)
{
	const struct packet *p = &s->p;

	if (!(fl->flags & REWRITE_HAS_PEER_ISN) && p->flags & TCP_SYN)
		peer_isn_set(fl, p->seq, p->seq + 1 + p->payload_len);
	if (p->flags & TCP_ACK &&
	    !(fl->flags & (REWRITE_HAS_PRIMARY_ISN | REWRITE_KNOWN)))
		primary_isn_set(fl, s);
}

/*
 * Learn from the guest's SYN or SYN+ACK. After a checkpoint the offset 0 of a
 * half-open connection is only assumed: the peer's SYN may have reached the
 * guest after the checkpoint, and then the guest chose its own number.
 */
static void guest_syn(const struct rewrite *r, struct rewrite_flow *fl,
		      const struct rewrite_segment *s)
{
	const struct packet *p = &s->p;

	if (fl->flags & REWRITE_ASSUMED && fl->state == REWRITE_HALF_OPEN)
		fl->flags &= ~(unsigned)(REWRITE_KNOWN | REWRITE_TS_KNOWN);
	if (fl->flags & REWRITE_KNOWN)
		return;
	if (is_syn_ack(p)) {
		if (!(fl->flags & REWRITE_HAS_PEER_ISN)) {
			peer_isn_set(fl, p->ack - 1, p->ack);
			if (r->flows.epoch)	/* the primary got the SYN */
				fl->flags |= REWRITE_ASSUMED;
		} else if (seq_le(p->ack, fl->peer_isn) ||
			   seq_gt(p->ack, fl->peer_syn_end)) {
			return;		/* it answers another SYN */
		}
	}
	if (!(fl->flags & REWRITE_ASSUMED))
		rewrite_ahead_begin(fl, p);
	fl->guest_isn = p->seq;
	fl->flags |= REWRITE_HAS_GUEST_ISN;
	if (!s->options.timestamp)
		return;
	fl->ts_sent = bytes_get32(packet_l4(p) + s->options.timestamp);
	if (!(fl->flags & REWRITE_HAS_TS_FIRST))
		fl->ts_first = fl->ts_sent;
	fl->flags |= REWRITE_HAS_TS_SENT | REWRITE_HAS_TS_FIRST;
}

/**
 * rewrite_track_assume() - Take the guest's connection for the primary's own
 * @r:	rewriter
 * @fl:	flow that is not REWRITE_KNOWN
 *
 * Its offset is 0 then, until a SYN of the guest says otherwise.
 */
void rewrite_track_assume(struct rewrite *r, struct rewrite_flow *fl)
{
	fl->flags |= REWRITE_ASSUMED | REWRITE_TS_KNOWN;
	rewrite_flow_set_offset(r, fl, 0, 0);
}

/*
 * Does the peer answer a SYN that the primary sent before a checkpoint? Soon
 * after one that is so where the SYN was not seen: the answer was on its way,
 * or came while both guests stood still. It is for the copy of the primary.
 */
static bool answers_the_copy(const struct rewrite *r, const struct packet *p)
{
	return p->flags & TCP_ACK && r->n_checkpoints &&
	       r->now_ns - r->checkpoint_ns < NS_PER_S;
}

/**
 * rewrite_track_syn() - A connection begins, or a segment of its beginning came
 * @r:		rewriter
 * @fl:		the flow of this key, or NULL
 * @key:	the key
 * @s:		SYN, SYN+ACK, or the reset that refuses a SYN
 *
 * Return: the flow, or NULL when the connection is not tracked: the table is
 *	   full, or guest and peer speak directly after a failover.
 */
struct rewrite_flow *rewrite_track_syn(struct rewrite *r,
				       struct rewrite_flow *fl,
				       const struct flow_key *key,
				       const struct rewrite_segment *s)
{
	bool is_tx = s->side == REWRITE_TX;

	if (fl && (is_tx ? peer_begins_anew(fl, &s->p) :
			   guest_begins_anew(fl, &s->p))) {
		if (r->failed_over) {
			rewrite_flow_remove(r, fl);
			return NULL;
		}
		rewrite_flow_restart(r, fl);
	}
	if (!fl && !r->failed_over) {
		fl = rewrite_flow_add(r, key);
		if (fl && is_tx && answers_the_copy(r, &s->p))
			rewrite_track_assume(r, fl);
	}
	if (!fl)
		return NULL;
	if (is_tx)
		peer_syn(fl, s);
	else
		guest_syn(r, fl, s);
	rewrite_flow_save(r, fl);
	return fl;
}

/**
 * rewrite_track_again() - Did a SYN on a live connection begin another one?
 * @r:	rewriter
 * @fl:	flow with REWRITE_HAS_AGAIN
 * @p:	segment from the peer
 *
 * It did when the peer sends what follows that SYN: the primary has answered
 * it.
 *
 * Return: the flow, begun anew if so, or NULL when it is no longer tracked.
 */
struct rewrite_flow *rewrite_track_again(struct rewrite *r,
					 struct rewrite_flow *fl,
					 const struct packet *p)
{
	uint32_t isn = fl->again_isn;

	if ((p->flags & (TCP_SYN | TCP_ACK)) != TCP_ACK || p->seq != isn + 1)
		return fl;
	if (r->failed_over) {
		rewrite_flow_remove(r, fl);
		return NULL;
	}
	rewrite_flow_restart(r, fl);
	peer_isn_set(fl, isn, isn + 1);
	return fl;
}

/**
 * rewrite_track_learn() - Learn from a segment, and make an offset of the facts
 * @r:	rewriter
 * @fl:	flow that is not REWRITE_KNOWN; it is afterwards if all are there
 * @s:	segment, from either side
 */
void rewrite_track_learn(struct rewrite *r, struct rewrite_flow *fl,
			 const struct rewrite_segment *s)
{
	const unsigned isns = REWRITE_HAS_GUEST_ISN | REWRITE_HAS_PRIMARY_ISN;
	const unsigned clocks = REWRITE_HAS_TS_SENT | REWRITE_HAS_TS_ECHO;
	uint32_t ts_offset = 0;

	if (s->side == REWRITE_TX && rewrite_track_teaches(fl, &s->p)) {
		primary_isn_set(fl, s);
		fl->flags |= REWRITE_EARLY;
	}
	if ((fl->flags & isns) != isns) {
		rewrite_flow_save(r, fl);
		return;
	}
	if (fl->flags & REWRITE_ASSUMED &&
	    fl->primary_isn - fl->guest_isn < EARLY_BYTES) {
		fl->primary_isn = fl->guest_isn;	/* the copy's SYN */
		fl->flags |= REWRITE_TS_KNOWN;
	} else if ((fl->flags & clocks) == clocks) {
		ts_offset = fl->ts_sent - fl->ts_echo;
		fl->flags |= REWRITE_TS_KNOWN;
	}
	fl->flags &= ~(unsigned)REWRITE_ASSUMED;
	r->track.n_learned++;
	rewrite_flow_set_offset(r, fl, fl->guest_isn - fl->primary_isn,
				ts_offset);
	rewrite_flow_set_state(r, fl, REWRITE_ESTABLISHED);
}

/* Correct an offset: the server spoke first, and the segment that taught it was
 * not the peer's first, which was lost or comes late. */
static void correct(struct rewrite *r, struct rewrite_flow *fl,
		    const struct packet *p)
{
	int32_t diff = seq_diff(p->ack, fl->primary_isn + 1);

	if (diff > EARLY_BYTES) {
		fl->flags &= ~(unsigned)REWRITE_EARLY;
		rewrite_flow_save(r, fl);
	}
	if (diff >= 0 || diff < -EARLY_BYTES || !is_behind_syn(fl, p))
		return;
	r->track.n_corrected++;
	fl->primary_isn = p->ack - 1;
	rewrite_flow_set_offset(r, fl, fl->guest_isn - fl->primary_isn,
				fl->ts_offset);
}

/**
 * rewrite_track_peer() - Learn from a peer's segment on a known connection
 * @r:	rewriter
 * @fl:	flow, REWRITE_KNOWN
 * @p:	segment from the peer
 */
void rewrite_track_peer(struct rewrite *r, struct rewrite_flow *fl,
			const struct packet *p)
{
	if (!(p->flags & TCP_ACK))
		return;
	if (fl->flags & REWRITE_EARLY)
		correct(r, fl, p);
	if (fl->state != REWRITE_HALF_OPEN)
		return;
	fl->primary_isn = p->ack - 1;
	fl->flags |= REWRITE_HAS_PRIMARY_ISN;
	rewrite_flow_set_state(r, fl, REWRITE_ESTABLISHED);
}

static void reset(struct rewrite *r, struct rewrite_flow *fl)
{
	fl->reset_s = (uint32_t)(r->now_ns / NS_PER_S) | 1;
	rewrite_flow_set_state(r, fl, REWRITE_CLOSED);
}

/* A guest that still sends a second later has not believed the peer's reset. */
static void revive(struct rewrite *r, struct rewrite_flow *fl)
{
	if (r->now_ns / NS_PER_S <= (uint64_t)fl->reset_s + 1)
		return;
	fl->reset_s = 0;
	rewrite_flow_set_state(r, fl, REWRITE_ESTABLISHED);
}

static void peer_closes(struct rewrite *r, struct rewrite_flow *fl,
			const struct packet *p)
{
	uint32_t ack = p->ack + fl->offset;

	if (p->flags & TCP_RST &&
	    (rewrite_segment_refuses(p) ||
	     (uint32_t)(p->seq - fl->peer_nxt) < WINDOW_MAX))
		reset(r, fl);
	if (p->flags & TCP_FIN && !p->fragment) {
		fl->peer_fin = p->seq + p->payload_len + 1;
		fl->flags |= REWRITE_PEER_FIN;
	}
	if (fl->flags & REWRITE_GUEST_FIN && p->flags & TCP_ACK &&
	    seq_ge(ack, fl->guest_fin))
		fl->flags |= REWRITE_GUEST_DONE;
}

static void guest_closes(struct rewrite *r, struct rewrite_flow *fl,
			 const struct packet *p)
{
	if (p->flags & TCP_RST)
		reset(r, fl);
	else if (fl->reset_s)
		revive(r, fl);
	if (p->flags & TCP_FIN && !p->fragment) {
		fl->guest_fin = p->seq + p->payload_len + 1;
		fl->flags |= REWRITE_GUEST_FIN;
		if (fl->flags & REWRITE_HAS_PEER_ACK &&
		    seq_ge(fl->peer_ack + fl->offset, fl->guest_fin))
			fl->flags |= REWRITE_GUEST_DONE;
	}
	if (!(p->flags & TCP_ACK))
		return;
	fl->peer_nxt = seq_max(fl->peer_nxt, p->ack);
	if (fl->flags & REWRITE_PEER_FIN && seq_ge(p->ack, fl->peer_fin))
		fl->flags |= REWRITE_PEER_DONE;
}

/**
 * rewrite_track_close() - Follow FIN and RST
 * @r:	rewriter
 * @fl:	flow, REWRITE_KNOWN
 * @s:	segment, as it came in
 *
 * The state decides only how long the flow is remembered. The segments of a
 * closed connection are translated like any others until then.
 */
void rewrite_track_close(struct rewrite *r, struct rewrite_flow *fl,
			 const struct rewrite_segment *s)
{
	const unsigned done = REWRITE_PEER_DONE | REWRITE_GUEST_DONE;
	const unsigned fin = REWRITE_PEER_FIN | REWRITE_GUEST_FIN;
	uint32_t flags = fl->flags;

	if (s->side == REWRITE_TX)
		peer_closes(r, fl, &s->p);
	else
		guest_closes(r, fl, &s->p);
	if ((fl->flags & done) == done)
		rewrite_flow_set_state(r, fl, REWRITE_CLOSED);
	else if (fl->flags & fin && fl->state != REWRITE_CLOSED)
		rewrite_flow_set_state(r, fl, REWRITE_CLOSING);
	if (fl->flags != flags)
		rewrite_flow_save(r, fl);
}

/**
 * rewrite_track_reset_early() - A reset before the offset is known
 * @r:	rewriter
 * @fl:	flow that is not REWRITE_KNOWN
 * @s:	the reset; it passes as it is
 *
 * It closes the flow and drops what the flow holds, with two exceptions. A
 * reset of the peer must lie behind the peer's SYN. A reset of the guest
 * before that SYN only answers a strange ACK: in SYN-SENT the guest goes on.
 */
void rewrite_track_reset_early(struct rewrite *r, struct rewrite_flow *fl,
			       const struct rewrite_segment *s)
{
	bool has_peer = fl->flags & REWRITE_HAS_PEER_ISN;

	if (!has_peer || (s->side == REWRITE_TX &&
			  (uint32_t)(s->p.seq - fl->peer_isn) >= WINDOW_MAX))
		return;
	rewrite_hold_discard(&r->hold, fl, DROP_HOLD_RESET);
	reset(r, fl);
}
