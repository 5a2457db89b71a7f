/* SPDX-License-Identifier: ISC */
/*
 * ICMP and ICMPv6 errors quote the segment that caused them, and a TCP stack
 * believes one only when the quoted numbers are its own (RFC 5927 section 4.1).
 *
 *	towards the guest	quotes a segment that the guest sent: seq and
 *				TSval become the guest's again
 *	from the guest		quotes a segment that the guest was sent: ack,
 *				TSecr and SACK edges become the primary's again
 *
 * A quote may end anywhere. What there is of it is changed, and the checksums
 * follow: the quoted one if it is there, and that of the message.
 *
 * rewrite.c calls it for each frame with an error. No flow changes, nothing is
 * held, and the flow's timer is not touched: anybody can send errors.
 */
#include "rewrite_icmp.h"

#include "../common/bytes.h"
#include "../common/icmp_quote.h"
#include "../common/vnet.h"
#include "rewrite_edit.h"
#include "rewrite_flow.h"

#define ICMP_SUM 2u
#define TCP_LEN 20u

/* Add to the number at an offset of the quoted segment, if it is quoted. */
static void edit_if(const struct rewrite_edit *e, const struct icmp_quote *q,
		    unsigned at, uint32_t by)
{
	if (by && at + 4 <= q->len)
		rewrite_edit_number(e, q->l4 + at,
				    bytes_get32(q->l4 + at) + by);
}

/* A segment of the guest comes back to the guest. */
static void quote_to_guest(const struct rewrite_flow *fl,
			   const struct rewrite_edit *e, const struct icmp_quote *q,
			   const struct rewrite_options *o)
{
	edit_if(e, q, 4, fl->offset);
	if (o->timestamp)
		edit_if(e, q, o->timestamp, fl->ts_offset);
}

/* A segment of the peer goes back to the peer. Without the flag ACK its ack is
 * no number of the primary's. */
static void quote_to_peer(const struct rewrite_flow *fl,
			  const struct rewrite_edit *e, const struct icmp_quote *q,
			  const struct rewrite_options *o)
{
	if (q->len > 13 && !(q->l4[13] & TCP_ACK))
		return;
	edit_if(e, q, 8, -fl->offset);
	if (o->timestamp)
		edit_if(e, q, o->timestamp + 4u, -fl->ts_offset);
	for (unsigned i = 0; i < o->n_edges; i++)
		edit_if(e, q, o->sack + 4 * i, -fl->offset);
}

static uint32_t quoted_header_len(const struct icmp_quote *q)
{
	uint32_t len;

	if (q->len < TCP_LEN)
		return 0;
	len = (q->l4[12] >> 4) * 4u;
	return len < q->len ? len : q->len;
}

/**
 * rewrite_icmp_translate() - Change the segment that an error quotes
 * @r:	rewriter
 * @s:	frame of which icmp_quote_is_error() is true; its bytes are changed
 */
void rewrite_icmp_translate(struct rewrite *r, const struct rewrite_segment *s)
{
	uint8_t *icmp = packet_l4(&s->p);
	struct rewrite_options o = { 0 };
	struct rewrite_edit e = { 0 };
	struct rewrite_flow *fl;
	struct flow_key key;
	struct icmp_quote q;

	if (!icmp_quote_find(&q, &s->p) ||
	    q.p.proto != PACKET_TCP ||
	    flow_key_of(&key, &q.p, s->side == REWRITE_TX))
		return;
	fl = rewrite_flow_find(r, &key);
	if (!fl || fl->flags & REWRITE_IS_SIGNED ||
	    !rewrite_flow_is_translated(r, fl) ||
	    r->config.translate == REWRITE_NO_ICMP)
		return;
	if (quoted_header_len(&q) > TCP_LEN)
		rewrite_segment_find_options(&o, q.l4, quoted_header_len(&q));
	e.base = q.l4;
	if (q.len >= 18)
		e.sum = q.l4 + 16;
	if (!vnet_is_partial(s->frame, s->p.l4_off))
		e.outer_sum = icmp + ICMP_SUM;
	r->icmp.n_errors++;
	if (s->side == REWRITE_TX)
		quote_to_guest(fl, &e, &q, &o);
	else
		quote_to_peer(fl, &e, &q, &o);
}
