/* SPDX-License-Identifier: ISC */
/*
 * How a TCP connection begins, and how it is broken off: SYN and RST are
 * compared. In a queue a SYN stands before all that belongs to its connection,
 * a RST behind it. match.c calls this when the first segment of the primary is
 * one of them.
 */
#include "connection.h"

#include <assert.h>

#include "act.h"
#include "differ.h"
#include "gate.h"
#include "segment.h"
#include "stream.h"
#include "syn.h"

#define NEAR UINT32_C(0x40000000)	/* the largest window there is */

/**
 * connection_differ() - Tell that two segments are not of the same kind
 * @c:		The comparison
 * @fl:		Their flow
 * @p:		The primary's segment
 * @s:		The secondary's
 *
 * Return: STEP_DIFFERENT
 */
COLD enum compare_step connection_differ(struct compare *c, struct cmp_flow *fl,
					 const struct hold *p,
					 const struct hold *s)
{
	struct compare_difference d =
		differ_describe(c, fl, COMPARE_FLAGS, p, s);

	if (!(p->flags & TCP_SYN))
		d.offset = p->seq - fl->isn[COMPARE_PRIMARY] - 1;
	differ_flow(c, fl, &d);
	return STEP_DIFFERENT;
}

/**
 * connection_mixed() - One side has reset the connection, the other has not
 * @c:		The comparison
 * @fl:		Their flow
 * @p:		The primary's segment
 * @s:		The secondary's
 *
 * Return: what became of it. In captures what comes before a RST may have been
 * captured behind it: that is waited for
 */
enum compare_step connection_mixed(struct compare *c, struct cmp_flow *fl,
				   const struct hold *p, const struct hold *s)
{
	if (c->config.own_isn)
		return STEP_WAIT;
	return connection_differ(c, fl, p, s);
}

/* The secondary alone has the end of a connection. */
static void tell_end(struct compare *c, const struct cmp_flow *fl,
		     const struct hold *s)
{
	struct compare_difference d =
		differ_describe(c, fl, COMPARE_TIMEOUT, NULL, s);

	differ_place(c, fl, s, &d);
	differ_tell(c, &d);
}

/* The first SYN that waits of the secondary, or NULL. What stands before it
 * belongs to an older connection, and is dropped; a report tells of the first. */
static struct hold *secondary_syn(struct compare *c, struct cmp_flow *fl)
{
	bool is_told = !c->config.report_only;
	struct hold *s;

	if (!(fl->flags & FLOW_SECONDARY_SYN))
		return NULL;
	while ((s = stream_secondary(c, fl)) && !(s->flags & TCP_SYN)) {
		if (!is_told)
			tell_end(c, fl, s);
		is_told = true;
		act_drop_held(c, fl, s, DROP_LATE);
	}
	return s;
}

/**
 * connection_resume() - In a report, does another connection follow in a flow
 * that differs?
 * @c:		The comparison
 * @fl:		The flow
 *
 * Return: whether the primary's SYN waits: the flow is not marked any more
 */
bool connection_resume(struct compare *c, struct cmp_flow *fl)
{
	const struct hold *p = stream_head(c, fl, COMPARE_PRIMARY);

	if (!c->config.report_only || !p || !(p->flags & TCP_SYN))
		return false;
	fl->flags &= (uint16_t)~FLOW_DIFFERENT;
	return true;
}

static struct packet parse_held(const struct compare *c, const struct hold *h)
{
	struct packet p;

	packet_parse(&p, hold_eth(&c->pool, h), h->len - h->vnet_len);
	assert(segment_is(&p));
	return p;
}

static bool is_same_syn(const struct compare *c, const struct hold *p,
			const struct hold *s)
{
	struct packet a = parse_held(c, p), b = parse_held(c, s);

	if (c->config.own_isn)		/* the clients chose their own, too */
		b.ack = a.ack;
	if (c->config.own_isn && (syn_is_cut(&a) || syn_is_cut(&b)))
		return differ_is_same_mac(c, a.eth, b.eth) &&
		       syn_is_alike(&a, &b);
	return differ_is_same_mac(c, a.eth, b.eth) &&
	       syn_is_same(&a, &b);
}

/**
 * connection_open() - Note in the gate that a connection begins
 * @c:		The comparison
 * @fl:		Its flow
 * @syn:	The primary's SYN, held
 */
void connection_open(struct compare *c, struct cmp_flow *fl,
		     const struct hold *syn)
{
	struct packet p = parse_held(c, syn);

	gate_connection(c, fl, &p);
}

static void begin_connection(struct compare *c, struct cmp_flow *fl,
			     const struct hold *p, const struct hold *s)
{
	connection_open(c, fl, p);
	fl->isn[COMPARE_PRIMARY] = p->seq;
	fl->isn[COMPARE_SECONDARY] = s->seq;
	stream_set_edge(fl, stream_end(p));
	fl->flags |= FLOW_SYN_DONE;
	fl->flags &= (uint16_t)~(FLOW_RST_DONE | FLOW_CLOSED | FLOW_SYN_LATE |
				 FLOW_BUSY);
}

/**
 * connection_syn() - Compare a SYN
 * @c:		The comparison
 * @fl:		Its flow
 * @p:		The primary's SYN, the first of its queue
 *
 * Return: what became of it
 */
COLD enum compare_step connection_syn(struct compare *c, struct cmp_flow *fl,
				      const struct hold *p)
{
	struct hold *s = secondary_syn(c, fl);

	if ((fl->flags & FLOW_SYN_DONE) &&
	    p->seq == fl->isn[COMPARE_PRIMARY]) {
		stream_release(c, fl, NOTE_RETRANSMITTED, NULL);
		return STEP_DONE;
	}
	if (!s) {
		s = stream_head(c, fl, COMPARE_SECONDARY);
		if (s && (s->flags & TCP_RST))
			return connection_mixed(c, fl, p, s);
		return STEP_WAIT;
	}
	if (!is_same_syn(c, p, s))
		return connection_differ(c, fl, p, s);
	begin_connection(c, fl, p, s);
	act_drop_held(c, fl, s, DROP_MATCHED);
	stream_release(c, fl, NOTE_COMPARED, NULL);
	return STEP_DONE;
}

static bool is_near(const struct cmp_flow *fl, uint32_t seq)
{
	return stream_has_edge(fl) && seq - fl->edge < NEAR;
}

/**
 * connection_rst() - Compare a RST
 * @c:		The comparison
 * @fl:		Its flow
 * @p:		The primary's RST, the first of its queue
 *
 * Its place in the stream counts only where both are near the edge.
 *
 * Return: what became of it
 */
COLD enum compare_step connection_rst(struct compare *c, struct cmp_flow *fl,
				      const struct hold *p)
{
	struct hold *s = stream_secondary(c, fl);
	uint32_t ack = p->ack;

	if (stream_is_rst_again(c, fl, p->flags, ack)) {
		stream_release(c, fl, NOTE_RETRANSMITTED, NULL);
		return STEP_DONE;
	}
	if (!s)
		return STEP_WAIT;
	if (!(s->flags & TCP_RST))
		return connection_mixed(c, fl, p, s);
	if (is_near(fl, p->seq) && is_near(fl, s->seq) && p->seq != s->seq)
		return connection_differ(c, fl, p, s);
	stream_note_rst(fl, p->flags, ack);
	act_drop_held(c, fl, s, DROP_MATCHED);
	stream_release(c, fl, NOTE_COMPARED, NULL);
	return STEP_DONE;
}
