/* SPDX-License-Identifier: ISC */
/*
 * All that is held goes at once: at a checkpoint, because the replicas are
 * equal again, and at a failover, because the secondary is gone. compare.c
 * calls this.
 */
#include "flush.h"

#include "../../common/seq.h"
#include "act.h"
#include "datagram.h"
#include "differ.h"
#include "flows.h"
#include "gate.h"
#include "stream.h"
#include "tcp.h"

static uint64_t part_bytes(const struct compare *c, uint32_t group)
{
	const struct hold *h =
		hold_at(&c->pool, c->fragments.groups[group].parts);
	uint64_t bytes = 0;

	for (; h; h = hold_at(&c->pool, h->next))
		bytes += h->payload_len;
	return bytes;
}

/* How many bytes of a flow's first packet the secondary has not said. */
static uint64_t unsaid_bytes(const struct compare *c, const struct cmp_flow *fl)
{
	const struct hold *h = hold_at(&c->pool, fl->q[COMPARE_PRIMARY].head);
	uint32_t end = h->seq + h->payload_len;

	if (!fl->is_tcp)
		return datagram_is_matched(h) ? 0 : h->payload_len;
	if (!stream_has_edge(fl) || seq_le(fl->edge, h->seq) ||
	    (h->flags & TCP_SYN))
		return h->payload_len;
	return seq_gt(end, fl->edge) ? end - fl->edge : 0;
}

/* In a gate there may be only the header of a packet that has left. */
static bool is_packet(const struct hold *h, const struct cmp_flow *fl)
{
	return h->kind != HOLD_GATE || fl->gate.flags & GATE_PACKET;
}

/* The flow of the oldest packet lets its first packet go, and so on until
 * nothing is held. So each flow stays in order, and the flows among themselves
 * as far as that allows. */
static struct compare_left flush_primary(struct compare *c,
					 enum compare_note why)
{
	struct compare_left left = { .frames = c->account.out };
	const struct hold *h;

	while ((h = hold_at(&c->pool, c->pool.oldest[COMPARE_PRIMARY]))) {
		struct cmp_flow *fl = flows_of(c, h);

		if (!left.since_ns && is_packet(h, fl))
			left.since_ns = h->time_ns;
		if (!fl) {
			left.bytes += part_bytes(c, h->group);
			act_release_group(c, h->group, why);
		} else if (h->kind == HOLD_GATE) {
			gate_open(c, fl, why);
		} else {
			left.bytes += unsaid_bytes(c, fl);
			if (fl->is_tcp)
				tcp_flush_head(c, fl, why);
			else
				act_release_head(c, fl, why);
		}
	}
	left.frames = c->account.out - left.frames;
	return left;
}

static void flush_secondary(struct compare *c, enum drop why)
{
	struct hold *h;

	while ((h = hold_at(&c->pool, c->pool.oldest[COMPARE_SECONDARY]))) {
		struct cmp_flow *fl = flows_of(c, h);

		if (!fl) {
			act_drop_group(c, h->group, why);
			continue;
		}
		act_drop_held(c, fl, hold_at(&c->pool,
				  fl->q[COMPARE_SECONDARY].head), why);
	}
}

/**
 * flush_all() - Let all that is held go, and compare all flows again
 * @c:		The comparison
 * @primary:	As what packets of the primary are counted; they leave in order
 * @secondary:	As what packets of the secondary are counted; they are dropped
 *
 * Return: what has left
 */
struct compare_left flush_all(struct compare *c, enum compare_note primary,
			      enum drop secondary)
{
	struct compare_left left = flush_primary(c, primary);

	flush_secondary(c, secondary);
	flows_clear_marks(c);
	differ_end_episode(c);
	return left;
}
