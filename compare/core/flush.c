/* SPDX-License-Identifier: ISC */
/*
 * What time, a checkpoint or a failover does to what is held.
 */
#include "../../common/age.h"
#include "../../common/seq.h"
#include "core.h"
#include "stream.h"

/* A gate may wait without being a difference; it waits on then. */
static bool is_overdue(struct compare *c, const struct hold *h)
{
	if (h->kind != HOLD_GATE ||
	    compare_gate_is_stuck(compare_flow_of(c, h)))
		return true;
	hold_touch(&c->pool, hold_index(&c->pool, h), c->now_ns);
	return false;
}

static void drop_graced(struct compare *c, struct hold *h)
{
	struct cmp_flow *fl = compare_flow_of(c, h);

	if (!fl) {
		compare_fragment_drop(c, h->group, DROP_FLUSHED);
		return;
	}
	compare_drop_held(c, fl, h, DROP_FLUSHED);
}

/* Asks for a checkpoint; what may go before that goes. */
static bool ask_for_late(struct compare *c, struct hold *h)
{
	struct cmp_flow *fl = compare_flow_of(c, h);

	if (fl && h->side == COMPARE_SECONDARY &&
	    compare_datagram_forgive(c, fl, h))
		return true;
	compare_ask(c, COMPARE_TIMEOUT, fl, h);
	return fl && h->side == COMPARE_PRIMARY && h->kind == HOLD_PACKET &&
	       fl->is_tcp && compare_stream_begin_late(c, fl);
}

static void expire_held(struct compare *c, enum compare_side side)
{
	struct hold *h;

	while ((h = hold_at(&c->pool, c->pool.oldest[side])) &&
	       age_ns(c->now_ns, h->time_ns) >= c->config.timeout_ns) {
		if (!is_overdue(c, h))
			continue;
		if (compare_is_graced(c, side, h->time_ns)) {
			drop_graced(c, h);
			continue;
		}
		if (compare_is_reporting(c)) {
			compare_report_late(c, side);
			continue;
		}
		if (ask_for_late(c, h))
			continue;
		if (c->in_episode)
			break;
		/* its flow may not ask: those behind it may */
		hold_touch(&c->pool, hold_index(&c->pool, h), c->now_ns);
	}
}

/* Does the primary's next segment wait for bytes that the secondary leaves
 * out? */
static bool has_gap(const struct compare *c, const struct cmp_flow *fl)
{
	const struct hold *p = stream_head(c, fl, COMPARE_PRIMARY);
	const struct hold *s = stream_head(c, fl, COMPARE_SECONDARY);

	return p && s && stream_has_edge(fl) &&
	       !(fl->flags & FLOW_DIFFERENT) &&
	       !((p->flags | s->flags) & (TCP_SYN | TCP_RST)) &&
	       seq_le(p->seq, fl->edge) && seq_gt(s->seq, fl->edge);
}

/**
 * compare_gap_watch - a secondary segment waits
 * @c:		the comparison
 * @fl:		its flow
 *
 * A secondary that goes on without some bytes takes them for sent: the primary
 * had sent them before a checkpoint, and they were lost on the way to us. It
 * sends them when a timer of its runs out, one segment each time. A checkpoint
 * is quicker, so it is not waited for as long as for other things. One flow at
 * a time is watched.
 */
void compare_gap_watch(struct compare *c, const struct cmp_flow *fl)
{
	if (!c->config.gap_ns || c->gap.due_ns || c->in_episode ||
	    compare_is_graced(c, COMPARE_SECONDARY, c->now_ns) ||
	    !has_gap(c, fl))
		return;
	c->gap = (struct gap){
		.due_ns = c->now_ns + c->config.gap_ns,
		.flow = flow_index(c->flows, fl),
		.edge = fl->edge,
	};
}

static void expire_gap(struct compare *c)
{
	const struct cmp_flow *fl;

	if (!c->gap.due_ns || c->now_ns < c->gap.due_ns)
		return;
	c->gap.due_ns = 0;
	fl = flow_at(c->flows, c->gap.flow);
	if (fl && fl->is_tcp && fl->edge == c->gap.edge && has_gap(c, fl))
		compare_ask(c, COMPARE_TIMEOUT, fl,
			    stream_head(c, fl, COMPARE_PRIMARY));
}

/**
 * compare_expire - see what has become too old
 * @c:		the comparison
 * @now_ns:	the time
 */
void compare_expire(struct compare *c, uint64_t now_ns)
{
	c->now_ns = now_ns;
	compare_flow_expire_suspects(c);
	if (c->config.holds) {
		compare_waits_look(c);
	} else {
		expire_gap(c);
		expire_held(c, COMPARE_PRIMARY);
		expire_held(c, COMPARE_SECONDARY);
	}
	compare_share_expire(c);
	compare_flow_expire_idle(c);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/**
 * compare_due_ns - when compare_expire() has something urgent to do
 * @c:		the comparison
 *
 * Return: the time, COMPARE_NEVER when nothing waits. Idle flows do not
 * count: a call now and then is soon enough for them.
 */
uint64_t compare_due_ns(const struct compare *c)
{
	const struct cmp_flow *fl = flow_oldest(c->flows, LIST_SUSPECT);
	uint64_t due = COMPARE_NEVER;

	if (fl)
		due = flow_used_ns(c->flows, fl) + c->config.reorder_ns;
	if (c->gap.due_ns)
		due = sooner(due, c->gap.due_ns);
	for (unsigned side = 0; side < 2 && !c->in_episode; side++) {
		const struct hold *h = hold_at(&c->pool, c->pool.oldest[side]);

		if (h && !c->config.holds)
			due = sooner(due, h->time_ns + c->config.timeout_ns);
	}
	return due;
}

static uint64_t part_bytes(const struct compare *c, uint32_t group)
{
	const struct hold *h =
		hold_at(&c->pool, c->fragments.groups[group].parts);
	uint64_t bytes = 0;

	for (; h; h = hold_at(&c->pool, h->next))
		bytes += h->payload_len;
	return bytes;
}

/* Bytes of the flow's first packet that the secondary has not said. */
static uint64_t unsaid_bytes(const struct compare *c, const struct cmp_flow *fl)
{
	const struct hold *h = hold_at(&c->pool, fl->q[COMPARE_PRIMARY].head);
	uint32_t end = h->seq + h->payload_len;

	if (!fl->is_tcp)
		return compare_datagram_is_matched(h) ? 0 : h->payload_len;
	if (!stream_has_edge(fl) || seq_le(fl->edge, h->seq) ||
	    (h->flags & TCP_SYN))
		return h->payload_len;
	return seq_gt(end, fl->edge) ? end - fl->edge : 0;
}

/* The oldest packet's flow lets its first one go, until all have gone: so
 * the order between flows is kept too, as far as that of the flows allows. */
static struct compare_left flush_primary(struct compare *c,
					 enum compare_note why)
{
	struct compare_left left = { .frames = c->out };
	const struct hold *h;

	while ((h = hold_at(&c->pool, c->pool.oldest[COMPARE_PRIMARY]))) {
		struct cmp_flow *fl = compare_flow_of(c, h);

		if (!fl) {
			left.bytes += part_bytes(c, h->group);
			compare_fragment_release(c, h->group, why);
		} else if (h->kind == HOLD_GATE) {
			compare_gate_open(c, fl, why);
		} else {
			left.bytes += unsaid_bytes(c, fl);
			if (fl->is_tcp)
				compare_tcp_flush_head(c, fl, why);
			else
				compare_release_head(c, fl, why);
		}
	}
	left.frames = c->out - left.frames;
	return left;
}

static void flush_secondary(struct compare *c, enum compare_drop why)
{
	struct hold *h;

	while ((h = hold_at(&c->pool, c->pool.oldest[COMPARE_SECONDARY]))) {
		struct cmp_flow *fl = compare_flow_of(c, h);

		if (!fl) {
			compare_fragment_drop(c, h->group, why);
			continue;
		}
		compare_drop_held(c, fl, hold_at(&c->pool,
				  fl->q[COMPARE_SECONDARY].head), why);
	}
}

/**
 * compare_flush - the replicas are equal: a checkpoint was made
 * @c:		the comparison
 * @now_ns:	the time
 *
 * Held primary packets are released in order, secondary ones dropped.
 *
 * Return: what has left
 */
struct compare_left compare_flush(struct compare *c, uint64_t now_ns)
{
	struct compare_left left;

	c->now_ns = now_ns;
	left = flush_primary(c, NOTE_FLUSHED);
	flush_secondary(c, DROP_FLUSHED);
	compare_flow_clear_marks(c);
	c->in_episode = false;
	return left;
}

/**
 * compare_copied - the secondary has been made the primary's copy
 * @c:		the comparison, before the compare_flush() for it
 *
 * A flush alone lets go of what is held, but what the secondary has
 * acknowledged stays true.
 */
void compare_copied(struct compare *c)
{
	c->n_copied++;
}

/**
 * compare_grace - some of the secondary's may still be of before the flush
 * @c:		the comparison
 * @until_ns:	what comes until then and has no equal asks for nothing
 */
void compare_grace(struct compare *c, uint64_t until_ns)
{
	c->grace_ns = until_ns;
}

/**
 * compare_failover - the secondary is gone: pass the primary
 * @c:		the comparison
 * @now_ns:	the time
 *
 * Return: what has left of what was held
 */
struct compare_left compare_failover(struct compare *c, uint64_t now_ns)
{
	struct compare_left left;

	c->is_failover = true;
	c->now_ns = now_ns;
	c->waits = (struct told){ 0 };
	left = flush_primary(c, NOTE_PASSED);
	flush_secondary(c, DROP_FAILOVER);
	compare_flow_clear_marks(c);
	c->in_episode = false;
	return left;
}
