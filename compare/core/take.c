/* SPDX-License-Identifier: ISC */
/*
 * Frames that have come are handed to the rules of their protocol: tcp.c or
 * datagram.c. Fragments are put together first, and what keeps a network
 * together is not compared. Then it is seen to it that the bounds hold.
 *
 * This file owns no state. compare.c calls it.
 */
#include "take.h"

#include <assert.h>

#include "act.h"
#include "arrive.h"
#include "datagram.h"
#include "differ.h"
#include "flows.h"
#include "fragment.h"
#include "kind.h"
#include "predict.h"
#include "relieve.h"
#include "segment.h"
#include "share.h"
#include "shed.h"
#include "tcp.h"

/* A packet of a kind that is not compared. Here and below, group is the
 * fragments that the packet was made of, HOLD_NONE for one that came whole. */
static void input_uncompared(struct compare *c, enum compare_side side,
			     const struct frame *f, uint32_t group)
{
	if (side == COMPARE_PRIMARY)
		act_release_new(c, f, group, NOTE_UNCOMPARED);
	else
		act_drop_new(c, group, DROP_UNCOMPARED);
}

/* All flows hold something, so that none can be forgotten for this packet: it
 * is dropped, whoever sent it. A checkpoint makes room. */
static void input_without_flow(struct compare *c, uint32_t group)
{
	act_drop_new(c, group, DROP_NO_FLOW);
	if (!c->config.full_waits)
		differ_ask(c, COMPARE_QUEUE, NULL, NULL);
}

static void input_primary(struct compare *c, struct cmp_flow *fl,
			  const struct frame *f, struct packet *p,
			  uint32_t group)
{
	if (fl->is_tcp)
		tcp_primary(c, fl, f, p);
	else
		datagram_primary(c, fl, f, p, group);
}

static void drop_different(struct compare *c, const struct cmp_flow *fl,
			   uint32_t group)
{
	act_drop_new(c, group, DROP_DIFFERENT);
	act_note_drop(c, fl, DROP_DIFFERENT);
}

static void input_secondary(struct compare *c, struct cmp_flow *fl,
			    const struct frame *f, struct packet *p,
			    uint32_t group)
{
	if (fl->is_tcp)
		tcp_secondary(c, fl, f, p);
	else if (!(fl->flags & FLOW_DIFFERENT))
		datagram_secondary(c, fl, f, p, group);
	else
		drop_different(c, fl, group);
}

/* What keeps a network together is not compared unless that was asked for. What
 * is not known to do so is compared in a report. */
static bool is_left_out(const struct compare *c, const struct packet *p)
{
	if (c->config.compare_non_ip)
		return false;
	return kind_is_housekeeping(p) ||
	       (!c->config.compare_unknown && kind_is_unknown(p));
}

/* The common case, kept small. twin may be HOLD_NONE. */
static bool take_twin(struct compare *c, enum compare_side side,
		      const struct frame *f, uint32_t twin)
{
	struct cmp_flow *fl = twin == HOLD_NONE ? NULL :
			      predict_take(c, side, f, twin);

	if (fl)
		flows_touch(c, fl);
	return fl;
}

/* A packet whose flow was looked up; fl is NULL when there is no room for it. */
static void take_packet(struct compare *c, enum compare_side side,
			const struct frame *f, struct packet *p,
			struct cmp_flow *fl, uint32_t group)
{
	if (!fl) {
		input_without_flow(c, group);
		return;
	}
	assert(!fl->is_tcp || group == HOLD_NONE);
	if (side == COMPARE_SECONDARY) {
		input_secondary(c, fl, f, p, group);
	} else {
		input_primary(c, fl, f, p, group);
		if (share_is_counted(c))
			shed_excess(c, fl);
	}
	if (fl->q[side].n > c->config.max_queue && !c->config.full_waits &&
	    !differ_is_graced(c, side, c->now_ns))
		differ_ask(c, COMPARE_QUEUE, fl, NULL);
	flows_touch(c, fl);
}

/**
 * take_apart() - Compare fragments one by one that do not make a datagram
 * @c:		The comparison, in a report
 * @group:	The fragments; the group is gone afterwards
 */
void take_apart(struct compare *c, uint32_t group)
{
	const struct fragment_group *g = fragment_at(&c->fragments, group);
	enum compare_side side = g->key.side;
	uint64_t now_ns = c->now_ns;
	uint32_t i = g->parts, next;

	fragment_free(&c->fragments, group);
	for (; i != HOLD_NONE; i = next) {
		const struct hold *h = hold_at(&c->pool, i);
		struct frame f = hold_frame(&c->pool, h);
		struct packet p;

		next = h->next;
		c->now_ns = h->time_ns;	/* it has waited as long as before */
		chunk_ref(f.chunk);
		hold_remove(&c->pool, i);
		packet_parse(&p, frame_eth(&f), frame_eth_len(&f));
		take_packet(c, side, &f, &p, arrive_find_whole(c, side, &p),
			    HOLD_NONE);
		chunk_unref(f.chunk);
	}
	c->now_ns = now_ns;
}

/* The fragments of a group will not make a datagram. The secondary's are
 * dropped; so are the primary's where no checkpoint is to be had, else they
 * wait for one. In a report they are compared one by one. */
static void give_up(struct compare *c, uint32_t group,
		    enum compare_reason reason)
{
	if (c->config.report_only) {
		take_apart(c, group);
		return;
	}
	if (fragment_at(&c->fragments, group)->key.side == COMPARE_SECONDARY ||
	    c->config.holds) {
		act_drop_group(c, group, DROP_DIFFERENT);
		return;
	}
	fragment_close(&c->fragments, group);
	differ_ask(c, reason, NULL,
		   hold_at(&c->pool, fragment_at(&c->fragments, group)->parts));
}

/* A TCP segment in fragments is a segment as any other, in a report: the
 * fragments are done with. */
static void take_whole_segment(struct compare *c, enum compare_side side,
			       const struct frame *f, struct packet *p,
			       uint32_t group)
{
	if (side == COMPARE_PRIMARY) {
		act_release_group(c, group, NOTE_COMPARED);
	} else {
		act_drop_group(c, group, DROP_MATCHED);
		act_note(c, NOTE_ORIGINATED);	/* it is dropped once more */
	}
	take_packet(c, side, f, p, arrive_find_whole(c, side, p), HOLD_NONE);
}

/* All fragments of a datagram have come: compare the datagram. */
static void take_whole(struct compare *c, enum compare_side side,
		       uint32_t group)
{
	struct frame f = fragment_whole(&c->fragments, &c->pool, group);
	struct packet p;

	packet_parse(&p, frame_eth(&f), frame_eth_len(&f));
	/* a report has counted its fragments as compared */
	if (!c->config.compare_unknown && is_left_out(c, &p))
		input_uncompared(c, side, &f, group);
	else if (c->config.report_only && segment_is(&p))
		take_whole_segment(c, side, &f, &p, group);
	else
		take_packet(c, side, &f, &p, arrive_find_whole(c, side, &p),
			    group);
	chunk_unref(f.chunk);
}

/* Hold a fragment. Return: false for one that can be part of nothing: nor can
 * one that was captured in part. */
static bool take_fragment(struct compare *c, enum compare_side side,
			  const struct frame *f, const struct packet *p)
{
	struct fragment_table *t = &c->fragments;
	struct fragment_piece piece;
	uint32_t group;

	if ((p->truncated && c->config.report_only) ||
	    !fragment_piece(&piece, p, side))
		return false;
	if (fragment_is_full(t, &piece))
		give_up(c, t->oldest, COMPARE_QUEUE);
	switch (fragment_add(t, &c->pool, f, &piece, c->now_ns, &group)) {
	case FRAGMENT_HELD:
		break;
	case FRAGMENT_WHOLE:
		take_whole(c, side, group);
		break;
	case FRAGMENT_BAD:
		give_up(c, group, COMPARE_PAYLOAD);
		break;
	}
	return true;
}

static void take(struct compare *c, enum compare_side side,
		 const struct frame *f, unsigned i)
{
	struct packet *p = &c->arrivals.p[i];

	if (c->arrivals.flow[i].twin != HOLD_NONE)
		packet_parse(p, frame_eth(f), frame_eth_len(f));
	if (is_left_out(c, p))
		input_uncompared(c, side, f, HOLD_NONE);
	else if (!p->fragment || !take_fragment(c, side, f, p))
		take_packet(c, side, f, p, arrive_find(c, side, i), HOLD_NONE);
}

/**
 * take_frames() - Compare frames of one side
 * @c:		The comparison
 * @side:	Whose frames these are
 * @v:		The frames; borrowed
 * @n:		How many, FLOW_HASH_MAX at most
 */
void take_frames(struct compare *c, enum compare_side side,
		 const struct frame *v, unsigned n)
{
	if (c->config.report_only && side == COMPARE_PRIMARY)
		act_pass(c, v, n);
	arrive_frames(c, side, v, n);
	for (unsigned i = 0; i < n; i++) {
		if (!take_twin(c, side, &v[i], c->arrivals.flow[i].twin))
			take(c, side, &v[i], i);
		if (relieve_is_due(c, side))
			relieve_side(c, side);
	}
}
