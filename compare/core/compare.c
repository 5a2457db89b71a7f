/* SPDX-License-Identifier: ISC */
/*
 * The comparison of two replicas' output.
 *
 * A frame is sorted into its flow and handed to the rules of its protocol,
 * which match it against what the other side has shown. A primary packet ends
 * in one of two ways: released, or dropped because its flow holds more than its
 * share, or there is no room for another flow. It may be held before that. A
 * secondary packet ends dropped, with a reason. So
 *
 *	in = out + held + dropped
 *
 * Episodes: the first difference asks for a checkpoint, and no other one asks
 * until compare_flush() says that the replicas are equal again. The flow that
 * differs is no longer compared: its primary packets are held, its secondary
 * ones dropped. All other flows go on.
 *
 * Bounds: each side may hold half of max_bytes. Over it the primary's input
 * has to stop (compare_is_full()). The secondary's never stops, or the two
 * inputs could wait for each other: its fullest flow is given up as different.
 * One flow over max_queue asks for a checkpoint and stops nobody; over its share
 * of the bytes what it sends further is dropped. Nothing ever leaves because
 * there is no room for it.
 *
 * Differences from QEMU's colo-compare: queues are FIFO, SYN, FIN, RST and the
 * destination MAC are compared, IPv6 and VLANs are compared, the flow table never
 * empties itself.
 */
#include "core.h"

#include <stdlib.h>

#define PROTO_IGMP 2
#define ICMP6_MLD_FIRST 130
#define ICMP6_ND_LAST 137
#define ICMP6_MLD2_REPORT 143
#define CROWDED_SHARE 64u	/* so few of the flows hold nothing */
#define FLOW_BYTES_MAX (1u << 31)	/* cmp_flow.held_bytes has room */
#define FLOW_SLACK 4096u	/* beyond max_flows: what was read already */

static const char *const reason_text[COMPARE_REASONS] = {
	"payload", "flags", "mac", "timeout", "queue",
};

static const char *const drop_text[DROP_REASONS] = {
	"matched", "ack", "late", "duplicate", "different", "flushed",
	"over-bound", "uncompared", "no-flow", "failover",
	"over-share", "overdue",
};

static const char *const note_text[NOTES] = {
	"compared", "acks", "retransmitted", "uncompared", "flushed", "passed",
	"flows-different", "episodes", "acks-made", "times-raised",
	"flows-evicted",
};

/**
 * compare_new - make a comparison
 * @config:	copied
 * @handler:	copied
 *
 * Return: it, for compare_free(); NULL when memory is short
 */
struct compare *compare_new(const struct compare_config *config,
			    const struct compare_handler *handler)
{
	struct compare *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->config = *config;
	if (config->report_only) {
		c->config.ack_policy = COMPARE_ACK_RELEASE;
		c->config.max_queue = UINT32_MAX;	/* the bytes count */
		c->config.holds = false;
	}
	if (c->config.holds) {		/* nobody is asked */
		c->config.full_waits = true;
		c->config.gap_ns = 0;
	}
	if (c->config.max_flow_bytes > FLOW_BYTES_MAX)
		c->config.max_flow_bytes = FLOW_BYTES_MAX;
	c->handler = *handler;
	c->flows = flow_table_new(config->max_flows + FLOW_SLACK,
				  sizeof(struct cmp_flow), config->seed);
	if (config->pair_order)
		c->pairs = compare_pair_table(config);
	if (!c->flows || (config->pair_order && !c->pairs)) {
		flow_table_free(c->flows);
		free(c);
		return NULL;
	}
	hold_pool_init(&c->pool);
	compare_fragment_init(&c->fragments);
	compare_share_init(c);
	c->whole = HOLD_NONE;
	return c;
}

/**
 * compare_free - free it and what it holds
 * @c:		may be NULL
 */
void compare_free(struct compare *c)
{
	if (!c)
		return;
	compare_fragment_fini(&c->fragments);
	compare_order_fini(&c->orders);
	hold_pool_fini(&c->pool);
	flow_table_free(c->flows);
	flow_table_free(c->pairs);
	free(c);
}

static void input_uncompared(struct compare *c, enum compare_side side,
			     const struct frame *f)
{
	if (side == COMPARE_PRIMARY)
		compare_release_new(c, f, NOTE_UNCOMPARED);
	else
		compare_drop_new(c, DROP_UNCOMPARED);
}

/* All flows hold something, and no other can be known: it is dropped, whoever
 * sent it. A checkpoint makes room. */
static void input_without_flow(struct compare *c)
{
	compare_drop_new(c, DROP_NO_FLOW);
	if (!c->config.full_waits)
		compare_ask(c, COMPARE_QUEUE, NULL, NULL);
}

/* Is so much held that shares have to be counted? */
static bool is_share_counted(const struct compare *c)
{
	return c->share.is_counting ||
	       c->pool.bytes[COMPARE_PRIMARY] > c->share.start;
}

static void input_primary(struct compare *c, struct cmp_flow *fl,
			  const struct frame *f, struct packet *p)
{
	if (fl->is_tcp)
		compare_tcp_primary(c, fl, f, p);
	else
		compare_datagram_primary(c, fl, f, p);
}

static void input_secondary(struct compare *c, struct cmp_flow *fl,
			    const struct frame *f, struct packet *p)
{
	if (fl->is_tcp)
		compare_tcp_secondary(c, fl, f, p);
	else if (fl->flags & FLOW_DIFFERENT)
		compare_drop_new(c, DROP_DIFFERENT);
	else
		compare_datagram_secondary(c, fl, f, p);
}

/* What keeps a network together rather than what a service says: its timing is
 * each replica's own. ARP, LLDP and so on, IGMP, MLD, neighbour discovery. */
static bool is_housekeeping(const struct packet *p)
{
	uint8_t type;

	if (p->level == PACKET_ETHER || p->proto == PROTO_IGMP)
		return true;
	if (p->level != PACKET_L4 || p->proto != PACKET_ICMP6)
		return false;
	type = *packet_l4(p);
	return (type >= ICMP6_MLD_FIRST && type <= ICMP6_ND_LAST) ||
	       type == ICMP6_MLD2_REPORT;
}

/* The common case, kept small. twin may be none. */
static bool take_twin(struct compare *c, enum compare_side side,
		      const struct frame *f, uint32_t twin)
{
	struct cmp_flow *fl = twin == HOLD_NONE ? NULL :
			      compare_predict_take(c, side, f, twin);

	if (fl)
		compare_flow_touch(c, fl);
	return fl;
}

static void take(struct compare *c, enum compare_side side,
		 const struct frame *f, struct arrivals *a, unsigned i)
{
	struct packet *p = &a->p[i];
	struct cmp_flow *fl;

	if (a->flow[i].twin != HOLD_NONE)
		packet_parse(p, frame_eth(f), frame_eth_len(f));
	if (!c->config.compare_non_ip && is_housekeeping(p)) {
		input_uncompared(c, side, f);
		return;
	}
	/* fragments of what was put together: nothing that anybody sends */
	if (p->fragment && c->whole == HOLD_NONE &&
	    compare_fragment_input(c, side, f, p))
		return;
	fl = compare_flow_find(c, side, a, i);
	if (!fl) {
		input_without_flow(c);
		return;
	}
	if (side == COMPARE_SECONDARY) {
		input_secondary(c, fl, f, p);
	} else {
		input_primary(c, fl, f, p);
		if (is_share_counted(c))
			compare_share_keep(c, fl);
	}
	if (fl->q[side].n > c->config.max_queue && !c->config.full_waits &&
	    !compare_is_graced(c, side, c->now_ns))
		compare_ask(c, COMPARE_QUEUE, fl, NULL);
	compare_flow_touch(c, fl);
}

/**
 * compare_input_frame - take what fragments make, counted already
 * @c:		the comparison, its whole set: nothing is predicted
 * @side:	whose it is
 * @f:		the frame; borrowed
 */
void compare_input_frame(struct compare *c, enum compare_side side,
			 const struct frame *f)
{
	struct arrivals a;

	compare_flow_arrive(c, side, &a, f, 1);
	take(c, side, f, &a, 0);
}

static void pass(struct compare *c, const struct frame *v, unsigned n)
{
	c->out += n;
	for (unsigned i = 0; i < n; i++)
		c->handler.release(c->handler.arg, &v[i]);
}

static void input_after_failover(struct compare *c, enum compare_side side,
				 const struct frame *v, unsigned n)
{
	if (side == COMPARE_SECONDARY) {
		c->dropped[DROP_FAILOVER] += n;
	} else {
		c->noted[NOTE_PASSED] += n;
		pass(c, v, n);
	}
}

/* Of FLOW_HASH_MAX frames at most. */
static void input_some(struct compare *c, enum compare_side side,
		       const struct frame *v, unsigned n)
{
	struct arrivals a;

	if (compare_is_reporting(c) && side == COMPARE_PRIMARY)
		pass(c, v, n);
	compare_flow_arrive(c, side, &a, v, n);
	for (unsigned i = 0; i < n; i++) {
		if (!take_twin(c, side, &v[i], a.flow[i].twin))
			take(c, side, &v[i], &a, i);
		if (side == COMPARE_SECONDARY || compare_is_reporting(c))
			compare_relieve(c, side);
	}
}

/**
 * compare_input - take frames of one side
 * @c:		the comparison
 * @side:	whose they are
 * @v:		the frames; borrowed, but references on their chunks are kept
 *		for those that have to wait
 * @n:		how many
 * @now_ns:	the time; where it goes back, what came later is as good as new
 */
void compare_input(struct compare *c, enum compare_side side, struct frame *v,
		   unsigned n, uint64_t now_ns)
{
	c->now_ns = now_ns;
	c->in[side] += n;
	if (c->is_failover) {
		input_after_failover(c, side, v, n);
		return;
	}
	for (unsigned i = 0; i < n; i += FLOW_HASH_MAX) {
		unsigned left = n - i;

		input_some(c, side, v + i,
			   left < FLOW_HASH_MAX ? left : FLOW_HASH_MAX);
	}
	hold_compact(&c->pool);
}

/* Do so many flows hold something that one to evict is hard to find? */
static bool is_crowded(const struct compare *c)
{
	uint32_t n = flow_count(c->flows);

	return n >= c->config.max_flows &&
	       c->n_holding >= n - n / CROWDED_SHARE;
}

/**
 * compare_is_full - must the primary's input stop?
 * @c:		the comparison
 *
 * Return: true over the primary's half of the bytes, and when max_flows flows,
 * all but a few, hold something
 */
bool compare_is_full(const struct compare *c)
{
	return c->pool.bytes[COMPARE_PRIMARY] > c->config.max_bytes / 2 ||
	       is_crowded(c);
}

/**
 * compare_is_half_full - is most of a side's half of the bytes used?
 * @c:		the comparison
 * @side:	whose
 *
 * Return: true when the other side had better be heard before this one is
 */
bool compare_is_half_full(const struct compare *c, enum compare_side side)
{
	return c->pool.bytes[side] > c->config.max_bytes / 4;
}

/**
 * compare_is_holding - is any packet held?
 * @c:		the comparison
 */
bool compare_is_holding(const struct compare *c)
{
	return c->n_holding || c->fragments.n_used;
}

/**
 * compare_stats - give account
 * @c:		the comparison
 * @s:		its totals are added to, rows appended
 */
void compare_stats(const struct compare *c, struct stats *s)
{
	uint64_t n_primary = c->pool.n[COMPARE_PRIMARY] -
			     c->n_made[COMPARE_PRIMARY];
	uint64_t n_secondary = c->pool.n[COMPARE_SECONDARY] -
			       c->n_made[COMPARE_SECONDARY];

	s->in += c->in[COMPARE_PRIMARY] + c->in[COMPARE_SECONDARY];
	s->originated += c->originated;
	s->merged += c->merged;
	s->out += c->out;
	if (compare_is_reporting(c))
		n_primary = 0;
	s->held += n_primary + n_secondary;
	for (unsigned i = 0; i < DROP_REASONS; i++)
		stats_drop(s, drop_text[i], c->dropped[i]);
	for (unsigned i = 0; i < NOTES; i++)
		stats_note(s, "compare", note_text[i], c->noted[i]);
	for (unsigned i = 0; i < COMPARE_REASONS; i++)
		stats_note(s, "asked", reason_text[i], c->asked[i]);
	stats_note(s, "held", "primary", n_primary);
	stats_note(s, "held", "secondary", n_secondary);
	stats_note(s, "held", "bytes", c->pool.held_bytes);
	stats_note(s, "held", "pinned-bytes", c->pool.pinned_bytes);
	stats_note(s, "flows", "known", flow_count(c->flows));
	stats_note(s, "flows", "holding", c->n_holding);
	stats_note(s, "flows", "over-share", c->share.told.n);
	if (c->config.holds)
		stats_note(s, "flows", "waiting", c->waits.n);
}

/**
 * compare_reason_text - a reason in one word
 * @reason:	below COMPARE_REASONS
 *
 * Return: static text
 */
const char *compare_reason_text(enum compare_reason reason)
{
	return reason_text[reason];
}
