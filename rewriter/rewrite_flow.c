/* SPDX-License-Identifier: ISC */
/*
 * The table of connections: which are remembered, for how long, and which one
 * is given up when the table is full. Each is on the list of its state, in the
 * order of last use. Whatever changes a fact of a flow is saved to the table's
 * file from here, if there is one.
 *
 * The state is struct rewrite_flows: the table, the present epoch, and how many
 * flows are translated, and in each state. rewrite_track.c decides when a flow
 * begins, learns and ends; rewrite.c expires them. Nothing here reads a packet.
 */
#include "rewrite_flow.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "../common/seq.h"
#include "../common/time.h"
#include "rewrite_hold.h"
#include "rewrite_record.h"

#define EXPIRE_MAX 65536u	/* flows that one call gives up */

/*
 * Seconds without a segment after which a flow is forgotten. Half-open: the
 * longest pause between two SYNs of Linux is 64 s. Closing: RFC 5382 section 5
 * wants 4 minutes at least, and an upload behind a half-close may pause longer.
 * Established: a connection may be idle for ever; Linux' connection tracking
 * gives it five days.
 */
static const uint32_t timeout_s[REWRITE_STATES] = {
	[REWRITE_CLOSED] = 120,
	[REWRITE_HALF_OPEN] = 120,
	[REWRITE_CLOSING] = 3600,
	[REWRITE_ESTABLISHED] = 5 * 86400,
};

/* The same, in a full table, for who gives way to a new flow. A live connection
 * does so after 2 hours and 4 minutes: keepalives would have shown it before
 * (RFC 5382, REQ-5). */
static const uint32_t evict_after_s[REWRITE_STATES] = {
	[REWRITE_CLOSED] = 0,
	[REWRITE_HALF_OPEN] = 0,
	[REWRITE_CLOSING] = 7440,
	[REWRITE_ESTABLISHED] = 7440,
};

/**
 * rewrite_flow_init() - There is room for the flows, and none yet
 * @r:	rewriter whose configuration is set
 *
 * Return: 0 or -ENOMEM. The caller ends it with rewrite_flow_fini().
 */
int rewrite_flow_init(struct rewrite *r)
{
	r->flows.table = flow_table_new(r->config.max_flows,
					sizeof(struct rewrite_flow),
					r->config.seed);
	return r->flows.table ? 0 : -ENOMEM;
}

/**
 * rewrite_flow_fini() - Free the flows
 * @r:	rewriter after rewrite_flow_init(), or zeroed
 */
void rewrite_flow_fini(struct rewrite *r)
{
	flow_table_free(r->flows.table);
}

/**
 * rewrite_flow_tell() - Tell the rewriter's owner of an event
 * @r:		rewriter
 * @event:	what happened
 * @fl:		the flow to which it happened, or NULL
 */
void rewrite_flow_tell(struct rewrite *r, enum rewrite_event event,
		   const struct rewrite_flow *fl)
{
	char text[FLOW_TEXT_MAX];

	if (!r->handler.event)
		return;
	if (fl)
		flow_key_text(flow_get_key(r->flows.table, fl), text,
			      sizeof(text));
	r->handler.event(r->handler.arg, event, fl ? text : NULL);
}

/**
 * rewrite_flow_is_translated() - Do a flow's numbers change on the way?
 * @r:	rewriter
 * @fl:	flow
 */
bool rewrite_flow_is_translated(const struct rewrite *r,
				const struct rewrite_flow *fl)
{
	return fl->epoch == r->flows.epoch && fl->flags & REWRITE_KNOWN &&
	       (fl->offset || fl->ts_offset);
}

static void count_one_less(struct rewrite *r)
{
	assert(r->flows.n_translated);
	if (!--r->flows.n_translated && r->failed_over)
		rewrite_flow_tell(r, REWRITE_NONE_LEFT, NULL);
}

/**
 * rewrite_flow_save() - Write to the table what has changed of a flow
 * @r:	rewriter, with a table or without
 * @fl:	flow
 */
void rewrite_flow_save(struct rewrite *r, const struct rewrite_flow *fl)
{
	struct record_table *t = r->config.table;
	struct rewrite_record *rec;

	if (!t)
		return;
	rec = record_table_place(t, flow_index(r->flows.table, fl));
	if (rec)
		rewrite_record_write(rec, flow_get_key(r->flows.table, fl),
				     fl);
	else
		r->flows.n_unsaved++;
}

/**
 * rewrite_flow_save_progress() - Write to the table how far a flow is
 * @r:	rewriter, with a table or without
 * @fl:	flow, of which nothing else has changed since it was saved
 */
void rewrite_flow_save_progress(struct rewrite *r,
				const struct rewrite_flow *fl)
{
	struct record_table *t = r->config.table;
	struct rewrite_record *rec;

	if (!t)
		return;
	rec = record_table_at(t, flow_index(r->flows.table, fl));
	if (rec)
		rewrite_record_copy_progress(&rec->flow, fl);
}

/**
 * rewrite_flow_set_offset() - A flow's offsets are known, or are others now
 * @r:		rewriter
 * @fl:		flow
 * @offset:	guest space - primary space
 * @ts_offset:	guest's clock - primary's clock
 */
void rewrite_flow_set_offset(struct rewrite *r, struct rewrite_flow *fl,
			     uint32_t offset, uint32_t ts_offset)
{
	bool before = rewrite_flow_is_translated(r, fl);

	fl->offset = offset;
	fl->ts_offset = ts_offset;
	fl->flags |= REWRITE_KNOWN;
	if (!before && rewrite_flow_is_translated(r, fl))
		r->flows.n_translated++;
	else if (before && !rewrite_flow_is_translated(r, fl))
		count_one_less(r);
	rewrite_flow_save(r, fl);
}

/**
 * rewrite_flow_set_state() - Change a flow's state, and thereby its timer
 * @r:		rewriter
 * @fl:		flow
 * @state:	the new state, or the one that the flow is in
 */
void rewrite_flow_set_state(struct rewrite *r, struct rewrite_flow *fl,
			    enum rewrite_state state)
{
	if (fl->state == state)
		return;
	r->flows.n_state[fl->state]--;
	r->flows.n_state[state]++;
	fl->state = (uint8_t)state;
	flow_touch(r->flows.table, fl, state, r->now_ns);
	rewrite_flow_save(r, fl);
}

/**
 * rewrite_flow_set_epoch() - All offsets of other epochs are void
 * @r:		rewriter
 * @epoch:	the one that begins, or that the table is in
 *
 * No flow is walked: each looks at its epoch when it is found next.
 */
void rewrite_flow_set_epoch(struct rewrite *r, uint32_t epoch)
{
	r->flows.epoch = epoch;
	r->flows.n_translated = 0;
	if (r->config.table)
		record_table_set_epoch(r->config.table, epoch);
}

/**
 * rewrite_flow_use() - A segment of a flow came: it is not idle
 * @r:	rewriter
 * @fl:	flow
 *
 * The lists are in the order of use to the second. To move a flow touches its
 * two neighbours; a busy flow need not do that for every segment.
 */
void rewrite_flow_use(struct rewrite *r, struct rewrite_flow *fl)
{
	if (r->now_ns - flow_used_ns(r->flows.table, fl) >= NS_PER_S)
		flow_touch(r->flows.table, fl, fl->state, r->now_ns);
}

/**
 * rewrite_flow_sync() - Let a flow catch up with the last checkpoint
 * @r:	rewriter
 * @fl:	flow
 *
 * A checkpoint made the guest a copy of the primary: both number bytes alike
 * and have one clock. What the former guest sent, its FIN, its reset, never
 * happened.
 */
void rewrite_flow_sync(struct rewrite *r, struct rewrite_flow *fl)
{
	bool answered = fl->flags & REWRITE_HAS_PRIMARY_ISN;

	if (fl->epoch == r->flows.epoch)
		return;
	fl->epoch = r->flows.epoch;
	fl->offset = 0;
	fl->ts_offset = 0;
	fl->reset_s = 0;
	fl->flags &= REWRITE_HAS_PEER_ISN | REWRITE_IS_SIGNED |
		     REWRITE_HAS_TS_ECHO | REWRITE_PEER_FIN |
		     REWRITE_HAS_PEER_ACK;
	fl->flags |= REWRITE_KNOWN | REWRITE_ASSUMED | REWRITE_TS_KNOWN;
	if (fl->flags & REWRITE_HAS_TS_ECHO) {
		fl->ts_sent = fl->ts_echo;	/* sent by the primary */
		fl->flags |= REWRITE_HAS_TS_SENT;
	}
	if (fl->flags & REWRITE_PEER_FIN)
		rewrite_flow_set_state(r, fl, REWRITE_CLOSING);
	else if (fl->state != REWRITE_HALF_OPEN || answered)
		rewrite_flow_set_state(r, fl, REWRITE_ESTABLISHED);
	rewrite_flow_save(r, fl);
}

/**
 * rewrite_flow_find() - Look a connection up
 * @r:		rewriter
 * @key:	its key, from the peer to the guest
 *
 * Segments of one flow come in rows, so the flow found last is tried first.
 *
 * Return: the flow as the last checkpoint left it, or NULL.
 */
struct rewrite_flow *rewrite_flow_find(struct rewrite *r,
				       const struct flow_key *key)
{
	struct rewrite_flow *fl = r->flows.last;

	if (!fl || memcmp(flow_get_key(r->flows.table, fl), key, sizeof(*key)))
		fl = flow_find(r->flows.table, key);
	if (!fl)
		return NULL;
	r->flows.last = fl;
	rewrite_flow_sync(r, fl);
	return fl;
}

/* Forget one flow of a full table: a closed one, else a half-open one, else one
 * that has been idle for long. Return: false when there is none of these. */
static bool flow_evict(struct rewrite *r)
{
	for (unsigned state = 0; state < REWRITE_STATES; state++) {
		struct rewrite_flow *fl = flow_oldest(r->flows.table, state);

		if (!fl || r->now_ns - flow_used_ns(r->flows.table, fl) <
				   evict_after_s[state] * NS_PER_S)
			continue;
		r->flows.n_evicted++;
		rewrite_flow_remove(r, fl);
		return true;
	}
	return false;
}

/**
 * rewrite_flow_add() - Begin to track a connection
 * @r:		rewriter
 * @key:	its key, from the peer to the guest
 *
 * Return: the flow, half-open with nothing known, or NULL when the table is
 *	   full of live ones.
 */
struct rewrite_flow *rewrite_flow_add(struct rewrite *r,
				      const struct flow_key *key)
{
	struct rewrite_flow *fl;

	if (flow_count(r->flows.table) >= r->config.max_flows &&
	    !flow_evict(r)) {
		r->flows.n_refused++;
		return NULL;
	}
	fl = flow_add(r->flows.table, key, REWRITE_HALF_OPEN, r->now_ns);
	assert(fl);
	fl->epoch = r->flows.epoch;
	fl->state = REWRITE_HALF_OPEN;
	r->flows.n_state[REWRITE_HALF_OPEN]++;
	return fl;
}

/**
 * rewrite_flow_restore() - Take over a connection of an earlier process
 * @r:		rewriter
 * @key:	the connection's key
 * @from:	what was saved of it, by an epoch that may be over
 *
 * A second record with the same key is the source of a move that a kill cut
 * short, or was damaged in just this way: the first one stays.
 *
 * Return: false when the table is full.
 */
bool rewrite_flow_restore(struct rewrite *r, const struct flow_key *key,
			  const struct rewrite_flow *from)
{
	struct rewrite_flow *fl;

	if (flow_find(r->flows.table, key))
		return true;
	fl = flow_add(r->flows.table, key, from->state, r->now_ns);
	if (!fl)
		return false;
	*fl = rewrite_record_lasting(from);
	r->flows.n_state[fl->state]++;
	rewrite_flow_sync(r, fl);	/* no offset but of this epoch */
	r->flows.n_translated += rewrite_flow_is_translated(r, fl);
	rewrite_flow_save(r, fl);
	return true;
}

/* Drop what a flow holds, and make its offset void. */
static void flow_forget(struct rewrite *r, struct rewrite_flow *fl)
{
	bool was_translated = rewrite_flow_is_translated(r, fl);

	rewrite_hold_discard(&r->hold, fl, DROP_HOLD_RESET);
	fl->flags = 0;
	if (was_translated)
		count_one_less(r);
}

/**
 * rewrite_flow_remove() - Forget a connection
 * @r:	rewriter
 * @fl:	flow, void afterwards
 */
void rewrite_flow_remove(struct rewrite *r, struct rewrite_flow *fl)
{
	flow_forget(r, fl);
	rewrite_hold_forget(&r->hold, fl);
	if (r->config.table)
		record_table_clear(r->config.table,
				    flow_index(r->flows.table, fl));
	r->flows.last = NULL;
	r->flows.n_state[fl->state]--;
	flow_remove(r->flows.table, fl);
}

/**
 * rewrite_flow_restart() - Another connection begins under the same key
 * @r:	rewriter
 * @fl:	flow, afterwards as rewrite_flow_add() makes it
 */
void rewrite_flow_restart(struct rewrite *r, struct rewrite_flow *fl)
{
	flow_forget(r, fl);
	rewrite_flow_set_state(r, fl, REWRITE_HALF_OPEN);
	*fl = (struct rewrite_flow){ .epoch = r->flows.epoch,
				     .state = REWRITE_HALF_OPEN };
	rewrite_flow_save(r, fl);
}

/**
 * rewrite_flow_expire() - Forget what was not used for its state's time
 * @r:	rewriter
 */
void rewrite_flow_expire(struct rewrite *r)
{
	unsigned left = EXPIRE_MAX;

	for (unsigned state = 0; state < REWRITE_STATES; state++) {
		struct rewrite_flow *fl;

		while (left && (fl = flow_oldest(r->flows.table, state)) &&
		       r->now_ns - flow_used_ns(r->flows.table, fl) >=
			       timeout_s[state] * NS_PER_S) {
			r->flows.n_expired++;
			rewrite_flow_remove(r, fl);
			left--;
		}
	}
}
