/* SPDX-License-Identifier: ISC */
/*
 * The way of a frame through the core. A client talks to the primary, and a
 * copy of what it says goes to the secondary guest, whose TCP stack chose other
 * sequence numbers and has another clock. With
 *
 *	offset = secondary's ISN - primary's ISN	(modulo 2^32)
 *
 * each number by which the client names bytes of the primary becomes greater by
 * the offset on its way to the guest, and each number by which the guest names
 * its own bytes becomes smaller by it on the way back. Timestamps have an
 * offset of their own. The client is called the peer here: the guest may open
 * a connection, too.
 *
 * A flow is in one of four states, each with its timer (rewrite_flow.c):
 *
 *	HALF_OPEN	from the first SYN or SYN+ACK of either side until the
 *			offset is known. rewrite_track.c collects the facts.
 *	ESTABLISHED	the offset is known
 *	CLOSING		a FIN was seen
 *	CLOSED		both FINs were acknowledged, or a reset was seen.
 *			Segments are still translated; a new SYN begins anew.
 *
 * Before the offset is known the guest's SYN, SYN+ACK and RST and the peer's
 * SYN and RST pass as they are. All others are held (rewrite_hold.c): the guest
 * would answer the peer's with a reset, and the peer cannot use the numbers of
 * the guest's. The segment that brings the last fact goes first, the held ones
 * follow it, translated and in order. A reset drops what its flow holds.
 *
 * At a checkpoint the guest becomes a copy of the primary, so every offset is
 * 0. No flow is walked: each says in which epoch its offset was learned, and an
 * offset of an older epoch is void. Held segments of the peer are delivered as
 * they are, those of the guest are dropped, because their sender is no more.
 *
 * After a failover flows keep their offsets until they end, half-open ones go
 * on learning, and new ones are not tracked: their segments pass.
 *
 * rewrite_ahead.c is for a peer that acknowledges what the guest has not sent.
 *
 * This file owns struct rewrite and changes what stands directly in it: the
 * time, the role, the last checkpoint, the batch under way. The process calls
 * it, and nobody else. It never waits, and it asks no clock for the time.
 *
 * Departures from QEMU's filter-rewriter, which knows only connections that the
 * peer opens, takes any first ack for the primary's ISN, holds nothing, and
 * changes only ack, and seq of segments with ACK.
 */
#include <stdlib.h>

#include "../common/icmp_quote.h"
#include "rewrite_ahead.h"
#include "rewrite_flow.h"
#include "rewrite_hold.h"
#include "rewrite_icmp.h"
#include "rewrite_persist.h"
#include "rewrite_segment.h"
#include "rewrite_track.h"
#include "rewrite_translate.h"
#include "rewrite_types.h"

enum fate {
	GOES_ON,
	HELD_BACK,		/* held or dropped, and counted */
};

/**
 * rewrite_new() - Make a rewriter in the COLO role
 * @config:	copied; its table is borrowed until rewrite_free()
 * @handler:	copied; called only from within the functions of rewrite.h
 * @now_ns:	the time, in nanoseconds of any clock that never goes back
 *
 * The connections in the table of @config are taken over.
 *
 * Return: the rewriter, which the caller frees with rewrite_free(), or NULL
 *	   when there is no memory.
 */
struct rewrite *rewrite_new(const struct rewrite_config *config,
			    const struct rewrite_handler *handler,
			    uint64_t now_ns)
{
	struct rewrite *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->config = *config;
	r->handler = *handler;
	r->now_ns = now_ns;
	if (!rewrite_flow_init(r) &&
	    !rewrite_hold_init(&r->hold, r->flows.table, config->max_held,
			       config->seed)) {
		rewrite_persist_load(r);
		return r;
	}
	rewrite_free(r);
	return NULL;
}

/**
 * rewrite_free() - Free a rewriter and what it holds
 * @r:	rewriter, or NULL
 */
void rewrite_free(struct rewrite *r)
{
	if (!r)
		return;
	rewrite_hold_fini(&r->hold);
	rewrite_flow_fini(r);
	free(r);
}

/* Emit the frames of the batch that go on and have not been emitted. Before
 * any other frame is emitted: it would overtake them. */
static void emit_run(struct rewrite *r)
{
	unsigned n = r->run.at - r->run.first;

	if (n)
		r->handler.emit(r->handler.arg, r->run.side,
				r->run.v + r->run.first, n);
	r->run.first = r->run.at;
}

/* Emit the held segments of a flow, translated if its offset is known now. */
static void deliver(struct rewrite *r, struct rewrite_flow *fl)
{
	struct rewrite_held held;

	emit_run(r);
	while (rewrite_hold_release(&r->hold, fl, r->now_ns, &held)) {
		struct rewrite_segment s;

		rewrite_segment_init(&s, held.side, &held.frame);
		if (!(fl->flags & REWRITE_IS_SIGNED)) {
			rewrite_translate_segment(r, fl, &s);
			rewrite_track_close(r, fl, &s);
		}
		r->handler.emit(r->handler.arg, held.side, &held.frame, 1);
		chunk_unref(held.frame.chunk);
	}
}

/* first: the segment is to be delivered before those that its flow holds. */
static enum fate hold(struct rewrite *r, struct rewrite_flow *fl,
		      const struct rewrite_segment *s, bool first)
{
	if (r->config.translate == REWRITE_NO_HOLD)
		return GOES_ON;
	rewrite_hold_add(&r->hold, fl, s, first, r->now_ns);
	return HELD_BACK;
}

/* A segment of a flow whose offset is not known yet. taught: it showed the
 * primary's ISN, so it is the first one behind the peer's SYN. */
static enum fate input_early(struct rewrite *r, struct rewrite_flow *fl,
			     const struct rewrite_segment *s, bool taught)
{
	unsigned flags = s->p.flags;
	bool has_peer = fl->flags & REWRITE_HAS_PEER_ISN;

	if (s->side == REWRITE_TX && !has_peer)
		return rewrite_segment_refuses(&s->p) ?
			       hold(r, fl, s, false) : GOES_ON;
	if (flags & TCP_RST)
		rewrite_track_reset_early(r, fl, s);
	if (flags & TCP_RST || (flags & TCP_SYN && s->side == REWRITE_RX) ||
	    (s->side == REWRITE_TX && !(flags & TCP_ACK)))
		return GOES_ON;
	return hold(r, fl, s, taught);
}

/* A segment that is no SYN, of no flow: its connection is older than this
 * process, or the table that knew it is lost. */
static enum fate input_unknown(struct rewrite *r)
{
	if (r->failed_over)
		return GOES_ON;
	rewrite_persist_miss(r);
	if (r->config.drop_unknown) {
		r->passed.n_dropped++;
		return HELD_BACK;
	}
	r->passed.n_unknown++;
	return GOES_ON;
}

/* A signed segment: its digest covers the numbers that would change, and the
 * key is not known here (RFC 2385, RFC 5925). */
static enum fate input_signed(struct rewrite *r, struct rewrite_flow *fl)
{
	if (!(fl->flags & REWRITE_IS_SIGNED)) {
		fl->flags |= REWRITE_IS_SIGNED;
		rewrite_flow_tell(r, REWRITE_SIGNED, fl);
		if (fl->n_held)
			deliver(r, fl);
	}
	r->passed.n_signed++;
	return GOES_ON;
}

static enum fate input_known(struct rewrite *r, struct rewrite_flow *fl,
			     const struct rewrite_segment *s)
{
	if (s->side == REWRITE_TX)
		rewrite_track_peer(r, fl, &s->p);
	rewrite_translate_segment(r, fl, s);
	rewrite_track_close(r, fl, s);
	if (fl->n_held) {
		r->run.at++;	/* this segment goes before the held ones */
		deliver(r, fl);
	}
	return GOES_ON;
}

/*
 * Did the guest get this connection from the primary, by a checkpoint? It sends
 * on an established connection, and no SYN of its was seen. What was seen of
 * the peer is older than the checkpoint.
 */
static bool guest_goes_on(const struct rewrite_flow *fl,
			  const struct rewrite_segment *s)
{
	return s->side == REWRITE_RX &&
	       !(fl->flags & REWRITE_HAS_GUEST_ISN) &&
	       (s->p.flags & (TCP_SYN | TCP_RST | TCP_ACK)) == TCP_ACK;
}

static enum fate input_flow(struct rewrite *r, struct rewrite_flow *fl,
			    const struct rewrite_segment *s)
{
	bool taught;

	rewrite_flow_use(r, fl);
	if (s->options.is_signed || fl->flags & REWRITE_IS_SIGNED)
		return input_signed(r, fl);
	if (fl->flags & REWRITE_KNOWN)
		return input_known(r, fl, s);
	taught = s->side == REWRITE_TX && rewrite_track_teaches(fl, &s->p);
	if (guest_goes_on(fl, s))
		rewrite_track_assume(r, fl);
	else
		rewrite_track_learn(r, fl, s);
	if (fl->flags & REWRITE_KNOWN)
		return input_known(r, fl, s);
	return input_early(r, fl, s, taught);
}

static enum fate input_tcp(struct rewrite *r, const struct rewrite_segment *s)
{
	bool is_tx = s->side == REWRITE_TX;
	bool begins = s->p.flags & TCP_SYN ||
		      (is_tx && rewrite_segment_refuses(&s->p));
	struct rewrite_flow *fl;
	struct flow_key key;

	flow_key_of(&key, &s->p, !is_tx);
	fl = rewrite_flow_find(r, &key);
	if (begins)
		fl = rewrite_track_syn(r, fl, &key, s);
	else if (fl && is_tx && fl->flags & REWRITE_HAS_AGAIN)
		fl = rewrite_track_again(r, fl, &s->p);
	if (fl)
		return input_flow(r, fl, s);
	return begins ? GOES_ON : input_unknown(r);
}

static enum fate input_frame(struct rewrite *r, enum rewrite_side side,
			     const struct frame *f)
{
	struct rewrite_segment s;

	rewrite_segment_init(&s, side, f);
	if (s.p.level == PACKET_L4 && s.p.proto == PACKET_TCP)
		return input_tcp(r, &s);
	if (icmp_quote_is_error(&s.p))
		rewrite_icmp_translate(r, &s);
	else if (s.p.level == PACKET_IP && s.p.proto == PACKET_TCP)
		r->passed.n_fragments++;
	return GOES_ON;
}

/**
 * rewrite_input() - Take a batch of frames
 * @r:		rewriter
 * @side:	the direction in which they go: towards the guest or from it
 * @v:		frames, in order; borrowed, and their bytes may be changed
 * @n:		how many
 * @now_ns:	the time
 *
 * Calls emit() for what goes on, once for each row of frames between which no
 * frame is held, dropped or made.
 */
void rewrite_input(struct rewrite *r, enum rewrite_side side, struct frame *v,
		   unsigned n, uint64_t now_ns)
{
	bool on = r->config.translate != REWRITE_NOTHING;

	r->now_ns = now_ns;
	r->run.v = v;
	r->run.side = side;
	r->run.first = 0;
	for (unsigned i = 0; i < n; i++) {
		r->run.at = i;
		if (on && input_frame(r, side, &v[i]) == HELD_BACK) {
			emit_run(r);
			r->run.first = i + 1;
		}
		r->run.at = i + 1;
	}
	emit_run(r);
	r->run.first = r->run.at = 0;
}

/**
 * rewrite_expire() - Do what is due by time; to be called every second
 * @r:		rewriter
 * @now_ns:	the time
 *
 * Drops segments that were held too long, forgets connections that were idle
 * too long, and writes to the table's file the connections that it lacks.
 */
void rewrite_expire(struct rewrite *r, uint64_t now_ns)
{
	r->now_ns = now_ns;
	rewrite_hold_expire(&r->hold, now_ns);
	rewrite_flow_expire(r);
	rewrite_persist_mend(r);
}

/**
 * rewrite_checkpoint() - The guest has become a copy of the primary
 * @r:		rewriter
 * @now_ns:	the time
 *
 * Every offset is 0 from now on. Held segments of peers are emitted as they
 * are; those that the former guest sent are dropped.
 */
void rewrite_checkpoint(struct rewrite *r, uint64_t now_ns)
{
	struct rewrite_flow *fl;

	r->now_ns = r->checkpoint_ns = now_ns;
	r->n_checkpoints++;
	rewrite_flow_set_epoch(r, r->flows.epoch + 1);
	while ((fl = rewrite_hold_oldest(&r->hold))) {
		rewrite_flow_sync(r, fl);
		rewrite_hold_drop_guest(&r->hold, fl);
		deliver(r, fl);
	}
}

/**
 * rewrite_set() - Change what may be changed of the configuration
 * @r:			rewriter
 * @max_held:		bytes of held segments; what is held already stays
 * @drop_unknown:	segments whose connection is unknown
 */
void rewrite_set(struct rewrite *r, size_t max_held, bool drop_unknown)
{
	r->config.max_held = r->hold.max_bytes = max_held;
	r->config.drop_unknown = drop_unknown;
}

/**
 * rewrite_failover() - The primary is dead: guest and peers speak directly
 * @r:	rewriter
 *
 * Connections keep their offsets, new ones are not tracked until
 * rewrite_protect(). REWRITE_NONE_LEFT tells when the last translated connection
 * has ended.
 */
void rewrite_failover(struct rewrite *r)
{
	if (r->failed_over)
		return;
	r->failed_over = true;
	if (!r->flows.n_translated)
		rewrite_flow_tell(r, REWRITE_NONE_LEFT, NULL);
}

/**
 * rewrite_protect() - There is a primary again, whose copy the guest will be
 * @r:		rewriter
 * @now_ns:	the time
 *
 * New connections are tracked again. Offsets of before are void, as at a
 * checkpoint.
 */
void rewrite_protect(struct rewrite *r, uint64_t now_ns)
{
	r->failed_over = false;
	rewrite_checkpoint(r, now_ns);
}

/**
 * rewrite_uncompared() - What a failover gives to clients on trust
 * @r:		rewriter
 * @n_flows:	set: connections that it is about
 *
 * Walks all connections.
 *
 * Return: bytes that clients have acknowledged and the guest has not sent, so
 *	   that nobody compared them.
 */
uint64_t rewrite_uncompared(const struct rewrite *r, uint32_t *n_flows)
{
	return rewrite_ahead_bytes(r, n_flows);
}

/**
 * rewrite_translated() - How many connections are translated?
 * @r:	rewriter
 *
 * Return: the number of those whose sequence numbers or timestamps differ
 *	   between primary and guest.
 */
uint32_t rewrite_translated(const struct rewrite *r)
{
	return r->flows.n_translated;
}

/**
 * rewrite_behind() - How many connections is the last event about?
 * @r:	rewriter
 *
 * Return: the number of connections that the table's file lacked when
 *	   REWRITE_UNSAVED or REWRITE_SAVED was told last.
 */
uint32_t rewrite_behind(const struct rewrite *r)
{
	return r->persist.n_behind;
}

/**
 * rewrite_epoch() - Which epoch is it?
 * @r:	rewriter
 *
 * Return: a number that each checkpoint increases by one, and that the table
 *	   keeps.
 */
uint32_t rewrite_epoch(const struct rewrite *r)
{
	return r->flows.epoch;
}
