/* SPDX-License-Identifier: ISC */
/*
 * Segments that wait because an offset is not known yet. Each is a copy. It is
 * on its flow's chain in the order of delivery, and on two queues in the order
 * of arrival: that of its peer and that of all, by which they expire.
 *
 * Anybody can send segments of connections that the guest never accepts, so
 * nobody can keep others out with them:
 *
 *	a segment	lies behind its side's SYN, no farther than a
 *			connection's segments reach
 *	a flow		has 32 of them; the newest is refused
 *	a peer		has a quarter of the room of all. An IPv6 peer is a
 *			/64: that is what one host can have
 *	all		have the room that the configuration gives
 *
 * When a peer or all have no room, the segments of the flow that has waited
 * longest go: the guest answers a SYN within milliseconds, so what has waited
 * longest waits in vain.
 *
 * A struct rewrite_hold is the state, with the counters of what was held, let
 * go and dropped. Of a flow only the head and the length of its chain change
 * here. rewrite.c holds and delivers; rewrite_flow.c and rewrite_track.c
 * discard what a flow holds when it ends. Nothing here emits a frame.
 */
#include "rewrite_hold.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PEER_SHARE 4u

/**
 * rewrite_hold_init() - Nothing is held
 * @h:		to be set; the caller ends it with rewrite_hold_fini()
 * @flows:	table of the flows that segments will be of; borrowed
 * @max_bytes:	of all held segments together
 * @seed:	of the hash by which peers are found
 *
 * Return: 0 or -ENOMEM.
 */
int rewrite_hold_init(struct rewrite_hold *h, const struct flow_table *flows,
		      size_t max_bytes, uint64_t seed)
{
	*h = (struct rewrite_hold){ .flows = flows, .max_bytes = max_bytes };
	h->pool = calloc(REWRITE_HELD_MAX, sizeof(*h->pool));
	h->peers = flow_table_new(REWRITE_HELD_MAX,
				  sizeof(struct rewrite_queue), seed);
	return h->pool && h->peers ? 0 : -ENOMEM;
}

/**
 * rewrite_hold_fini() - Free what is held
 * @h:	after rewrite_hold_init(), or zeroed
 */
void rewrite_hold_fini(struct rewrite_hold *h)
{
	for (uint32_t n = h->all.oldest; n;
	     n = h->pool[n - 1].link[REWRITE_OF_ALL].younger)
		chunk_unref(h->pool[n - 1].frame.chunk);
	flow_table_free(h->peers);
	free(h->pool);
}

static void count_drop(struct rewrite_hold *h, const struct rewrite_flow *fl,
		       enum drop reason)
{
	h->n_dropped[reason]++;
	last_drop_note(&h->last_drops, flow_index(h->flows, fl), reason, 0);
}

/**
 * rewrite_hold_forget() - A flow is removed
 * @h:	where; nothing of the flow is held any more
 * @fl:	flow
 */
void rewrite_hold_forget(struct rewrite_hold *h, const struct rewrite_flow *fl)
{
	last_drop_forget(&h->last_drops, flow_index(h->flows, fl));
}

static struct rewrite_held *held_at(const struct rewrite_hold *h, uint32_t n)
{
	return &h->pool[n - 1];
}

static uint32_t held_new(struct rewrite_hold *h)
{
	uint32_t n = h->free;

	if (n)
		h->free = held_at(h, n)->next;
	else
		n = ++h->fresh;
	assert(n <= REWRITE_HELD_MAX);
	return n;
}

static void queue_append(struct rewrite_hold *h, struct rewrite_queue *q,
			 enum rewrite_queue_of of, uint32_t n)
{
	struct rewrite_held *held = held_at(h, n);

	held->link[of].older = q->youngest;
	if (q->youngest)
		held_at(h, q->youngest)->link[of].younger = n;
	else
		q->oldest = n;
	q->youngest = n;
	q->n++;
	q->bytes += held->frame.len;
}

static void queue_unlink(struct rewrite_hold *h, struct rewrite_queue *q,
			 enum rewrite_queue_of of,
			 const struct rewrite_held *held)
{
	uint32_t older = held->link[of].older;
	uint32_t younger = held->link[of].younger;

	if (older)
		held_at(h, older)->link[of].younger = younger;
	else
		q->oldest = younger;
	if (younger)
		held_at(h, younger)->link[of].older = older;
	else
		q->youngest = older;
	q->n--;
	q->bytes -= held->frame.len;
}

/* The key of a flow's peer among the peers. */
static struct flow_key peer_key(const struct rewrite_hold *h,
				const struct rewrite_flow *fl)
{
	const struct flow_key *of = flow_get_key(h->flows, fl);
	struct flow_key key = { .vlan = of->vlan,
				.ip_version = of->ip_version };

	memcpy(key.src, of->src, of->ip_version == 6 ? 8 : 4);
	return key;
}

static struct rewrite_queue *peer_find(const struct rewrite_hold *h,
				       const struct rewrite_flow *fl)
{
	const struct flow_key key = peer_key(h, fl);

	return flow_find(h->peers, &key);
}

/* There is one for each peer of which something is held: that many fit. */
static struct rewrite_queue *peer_get(struct rewrite_hold *h,
				      const struct rewrite_flow *fl)
{
	struct rewrite_queue *q = peer_find(h, fl);
	const struct flow_key key = peer_key(h, fl);

	if (!q)
		q = flow_add(h->peers, &key, 0, 0);
	assert(q);
	return q;
}

static bool queue_has_room(const struct rewrite_queue *q, uint32_t max_n,
			   size_t max_bytes, size_t len)
{
	return q->n < max_n && q->bytes + len <= max_bytes;
}

/* Let go of the flow of a queue that has waited longest, unless it is fl: what
 * a flow sent first is worth more than what it sent last. */
static bool drop_oldest(struct rewrite_hold *h, const struct rewrite_queue *q,
			const struct rewrite_flow *fl)
{
	struct rewrite_flow *oldest;

	if (!q->n)
		return false;
	oldest = held_at(h, q->oldest)->flow;
	if (oldest == fl)
		return false;
	rewrite_hold_discard(h, oldest, DROP_HOLD_FULL);
	return true;
}

/* Make room for len bytes. A peer's only segment may be larger than a share. */
static bool make_room(struct rewrite_hold *h, const struct rewrite_flow *fl,
		      size_t len)
{
	const struct rewrite_queue *peer;

	if (len > h->max_bytes)
		return false;
	while ((peer = peer_find(h, fl)) &&
	       !queue_has_room(peer, REWRITE_HELD_MAX / PEER_SHARE,
			       h->max_bytes / PEER_SHARE, len))
		if (!drop_oldest(h, peer, fl))
			return false;
	while (!queue_has_room(&h->all, REWRITE_HELD_MAX, h->max_bytes, len))
		if (!drop_oldest(h, &h->all, fl))
			return false;
	return true;
}

static void chain_insert(struct rewrite_hold *h, struct rewrite_flow *fl,
			 uint32_t n, bool first)
{
	uint32_t *link = &fl->held;

	while (*link && !first)
		link = &held_at(h, *link)->next;
	held_at(h, n)->next = *link;
	*link = n;
	fl->n_held++;
}

/*
 * Can a segment be one that waits for an offset? It lies behind its own side's
 * SYN, no farther than all that a flow may hold can reach. Before the peer's
 * SYN there is only the reset that refuses the guest's.
 */
static bool is_plausible(const struct rewrite_flow *fl,
			 const struct rewrite_segment *s)
{
	bool is_tx = s->side == REWRITE_TX;
	unsigned has_isn = is_tx ? REWRITE_HAS_PEER_ISN :
				   REWRITE_HAS_GUEST_ISN;
	uint32_t isn = is_tx ? fl->peer_isn : fl->guest_isn;

	if (!(fl->flags & has_isn))
		return is_tx && rewrite_segment_refuses(&s->p);
	return s->p.seq - isn < REWRITE_FLOW_HELD_MAX << 16;
}

static void hold_copy(struct rewrite_hold *h, struct rewrite_flow *fl,
		      const struct rewrite_segment *s, bool first,
		      uint64_t now_ns)
{
	uint32_t n = held_new(h);
	struct rewrite_held *held = held_at(h, n);

	*held = (struct rewrite_held){ .since_ns = now_ns, .flow = fl,
				       .side = s->side };
	frame_copy(&held->frame, s->frame);
	queue_append(h, &h->all, REWRITE_OF_ALL, n);
	queue_append(h, peer_get(h, fl), REWRITE_OF_PEER, n);
	chain_insert(h, fl, n, first);
	h->n_held++;
}

/**
 * rewrite_hold_add() - Hold a copy of a segment
 * @h:		where
 * @fl:		the segment's flow
 * @s:		segment as it came in
 * @first:	to be delivered before those of the flow that wait already
 * @now_ns:	the time
 *
 * A segment that cannot be one that waits, or for which there is no room, is
 * dropped and counted. So is what has to make room for it.
 */
void rewrite_hold_add(struct rewrite_hold *h, struct rewrite_flow *fl,
		      const struct rewrite_segment *s, bool first,
		      uint64_t now_ns)
{
	if (!is_plausible(fl, s))
		count_drop(h, fl, DROP_HOLD_OUTSIDE);
	else if (fl->n_held >= REWRITE_FLOW_HELD_MAX ||
		 !make_room(h, fl, s->frame->len))
		count_drop(h, fl, DROP_HOLD_FULL);
	else
		hold_copy(h, fl, s, first, now_ns);
}

/* Take the segment that a link of its flow's chain leads to out of it. */
static struct rewrite_held held_take(struct rewrite_hold *h, uint32_t *link)
{
	uint32_t n = *link;
	struct rewrite_held *held = held_at(h, n);
	struct rewrite_queue *peer = peer_find(h, held->flow);
	struct rewrite_held copy = *held;

	queue_unlink(h, &h->all, REWRITE_OF_ALL, held);
	queue_unlink(h, peer, REWRITE_OF_PEER, held);
	if (!peer->n)
		flow_remove(h->peers, peer);
	*link = held->next;
	held->flow->n_held--;
	held->next = h->free;
	h->free = n;
	return copy;
}

/* Drop the segment that a link leads to. */
static void held_drop(struct rewrite_hold *h, uint32_t *link,
		      enum drop reason)
{
	struct rewrite_held held = held_take(h, link);

	chunk_unref(held.frame.chunk);
	count_drop(h, held.flow, reason);
}

/**
 * rewrite_hold_release() - Take the next segment of a flow, to deliver it
 * @h:		where
 * @fl:		flow
 * @now_ns:	the time
 * @out:	set to the segment; its chunk is the caller's to give back
 *
 * Return: false when none is left.
 */
bool rewrite_hold_release(struct rewrite_hold *h, struct rewrite_flow *fl,
			  uint64_t now_ns, struct rewrite_held *out)
{
	if (!fl->held)
		return false;
	*out = held_take(h, &fl->held);
	h->n_released++;
	histogram_add(&h->held, now_ns - out->since_ns);
	return true;
}

/**
 * rewrite_hold_drop_guest() - Drop what the guest sent on a flow
 * @h:	where
 * @fl:	flow
 *
 * For a checkpoint: the guest that sent it is no more.
 */
void rewrite_hold_drop_guest(struct rewrite_hold *h, struct rewrite_flow *fl)
{
	uint32_t *link = &fl->held;

	while (*link) {
		if (held_at(h, *link)->side == REWRITE_RX)
			held_drop(h, link, DROP_HOLD_CHECKPOINT);
		else
			link = &held_at(h, *link)->next;
	}
}

/**
 * rewrite_hold_discard() - Drop all that is held of a flow
 * @h:		where
 * @fl:		flow
 * @reason:	under which it is counted
 */
void rewrite_hold_discard(struct rewrite_hold *h, struct rewrite_flow *fl,
			  enum drop reason)
{
	while (fl->held)
		held_drop(h, &fl->held, reason);
}

/**
 * rewrite_hold_bytes() - How much of a flow is held, and since when?
 * @h:		where
 * @fl:		flow
 * @since_ns:	set to when the oldest segment came; 0 when none is held
 *
 * Return: bytes of frames
 */
size_t rewrite_hold_bytes(const struct rewrite_hold *h,
			  const struct rewrite_flow *fl, uint64_t *since_ns)
{
	size_t bytes = 0;

	*since_ns = 0;
	for (uint32_t n = fl->held; n; n = held_at(h, n)->next) {
		const struct rewrite_held *held = held_at(h, n);

		bytes += held->frame.len;
		if (!*since_ns || held->since_ns < *since_ns)
			*since_ns = held->since_ns;
	}
	return bytes;
}

/**
 * rewrite_hold_oldest() - The flow whose segment has waited longest
 * @h:	where
 *
 * Return: the flow, or NULL when nothing is held.
 */
struct rewrite_flow *rewrite_hold_oldest(const struct rewrite_hold *h)
{
	return h->all.n ? held_at(h, h->all.oldest)->flow : NULL;
}

/**
 * rewrite_hold_expire() - Drop what has waited too long
 * @h:		where
 * @now_ns:	the time
 *
 * With the oldest segment of a flow all its others go: what they wait for has
 * not come, and delivery without the first would be out of order.
 */
void rewrite_hold_expire(struct rewrite_hold *h, uint64_t now_ns)
{
	while (h->all.n && now_ns - held_at(h, h->all.oldest)->since_ns >=
				   REWRITE_HELD_NS)
		rewrite_hold_discard(h, held_at(h, h->all.oldest)->flow,
				     DROP_HOLD_EXPIRED);
}
