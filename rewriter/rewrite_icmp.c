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

#include <string.h>

#include "../common/bytes.h"
#include "../common/vnet.h"
#include "rewrite_edit.h"
#include "rewrite_flow.h"

#define ICMP_LEN 8u
#define ICMP_SUM 2u
#define TCP_LEN 20u

/* The quoted segment, as far as it is quoted. */
struct quote {
	struct packet p;	/* only what flow_key_of() wants */
	uint8_t *tcp;
	uint32_t len;		/* bytes at tcp */
};

/**
 * rewrite_icmp_is_error() - Does a packet quote another one?
 * @p:	packet
 *
 * Return: true for destination unreachable, source quench, redirect, time
 *	   exceeded and parameter problem, and for all types of ICMPv6 below
 *	   128 (RFC 4443 section 2.1).
 */
bool rewrite_icmp_is_error(const struct packet *p)
{
	uint8_t type;

	if (p->level != PACKET_L4)
		return false;
	if (p->proto != PACKET_ICMP && p->proto != PACKET_ICMP6)
		return false;
	type = *packet_l4(p);
	if (p->proto == PACKET_ICMP6)
		return type < 128;
	return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

/* Read a quoted IP header. Return: its length, or 0 when no TCP header follows
 * that could be found. */
static uint32_t ipv4_header(struct packet *q, const uint8_t *ip, uint32_t len)
{
	uint32_t header_len = (ip[0] & 15u) * 4u;

	if (len < 20 || ip[0] >> 4 != 4 || header_len < 20 ||
	    bytes_get16(ip + 6) & 0x1fff)
		return 0;
	q->ip_version = 4;
	q->proto = ip[9];
	q->src = ip + 12;
	q->dst = ip + 16;
	return header_len;
}

static uint32_t ipv6_header(struct packet *q, const uint8_t *ip, uint32_t len)
{
	uint32_t off = 40;

	if (len < off || ip[0] >> 4 != 6)
		return 0;
	q->ip_version = 6;
	q->proto = ip[6];
	q->src = ip + 8;
	q->dst = ip + 24;
	while (q->proto == 0 || q->proto == 43 || q->proto == 44 ||
	       q->proto == 60) {		/* RFC 8200 section 4 */
		const uint8_t *h = ip + off;

		if (len - off < 8)
			return 0;
		if (q->proto == 44 && bytes_get16(h + 2) & 0xfff8)
			return 0;
		off += q->proto == 44 ? 8 : (h[1] + 1u) * 8u;
		q->proto = h[0];
		if (off > len)
			return 0;
	}
	return off;
}

static bool quote_find(struct quote *q, const struct packet *p)
{
	uint8_t *ip = packet_l4(p) + ICMP_LEN;
	uint32_t len = p->l4_len - ICMP_LEN;
	uint32_t header_len;

	*q = (struct quote){ .p = { .vlan = p->vlan, .level = PACKET_L4 } };
	if (!len)
		return false;
	header_len = p->proto == PACKET_ICMP ? ipv4_header(&q->p, ip, len) :
					       ipv6_header(&q->p, ip, len);
	if (!header_len || len < header_len + 8 || q->p.proto != PACKET_TCP)
		return false;
	q->tcp = ip + header_len;
	q->len = len - header_len;
	q->p.sport = bytes_get16(q->tcp);
	q->p.dport = bytes_get16(q->tcp + 2);
	return true;
}

/* Add to the number at an offset of the quoted segment, if it is quoted. */
static void edit_if(const struct rewrite_edit *e, const struct quote *q,
		    unsigned at, uint32_t by)
{
	if (by && at + 4 <= q->len)
		rewrite_edit_number(e, q->tcp + at,
				    bytes_get32(q->tcp + at) + by);
}

/* A segment of the guest comes back to the guest. */
static void quote_to_guest(const struct rewrite_flow *fl,
			   const struct rewrite_edit *e, const struct quote *q,
			   const struct rewrite_options *o)
{
	edit_if(e, q, 4, fl->offset);
	if (o->timestamp)
		edit_if(e, q, o->timestamp, fl->ts_offset);
}

/* A segment of the peer goes back to the peer. Without the flag ACK its ack is
 * no number of the primary's. */
static void quote_to_peer(const struct rewrite_flow *fl,
			  const struct rewrite_edit *e, const struct quote *q,
			  const struct rewrite_options *o)
{
	if (q->len > 13 && !(q->tcp[13] & TCP_ACK))
		return;
	edit_if(e, q, 8, -fl->offset);
	if (o->timestamp)
		edit_if(e, q, o->timestamp + 4u, -fl->ts_offset);
	for (unsigned i = 0; i < o->n_edges; i++)
		edit_if(e, q, o->sack + 4 * i, -fl->offset);
}

static uint32_t quoted_header_len(const struct quote *q)
{
	uint32_t len;

	if (q->len < TCP_LEN)
		return 0;
	len = (q->tcp[12] >> 4) * 4u;
	return len < q->len ? len : q->len;
}

/**
 * rewrite_icmp_translate() - Change the segment that an error quotes
 * @r:	rewriter
 * @s:	frame of which rewrite_icmp_is_error() is true; its bytes are changed
 */
void rewrite_icmp_translate(struct rewrite *r, const struct rewrite_segment *s)
{
	uint8_t *icmp = packet_l4(&s->p);
	struct rewrite_options o = { 0 };
	struct rewrite_edit e = { 0 };
	struct rewrite_flow *fl;
	struct flow_key key;
	struct quote q;

	if (!quote_find(&q, &s->p) ||
	    flow_key_of(&key, &q.p, s->side == REWRITE_TX))
		return;
	fl = rewrite_flow_find(r, &key);
	if (!fl || fl->flags & REWRITE_IS_SIGNED ||
	    !rewrite_flow_is_translated(r, fl) ||
	    r->config.translate == REWRITE_NO_ICMP)
		return;
	if (quoted_header_len(&q) > TCP_LEN)
		rewrite_segment_find_options(&o, q.tcp, quoted_header_len(&q));
	e.base = q.tcp;
	if (q.len >= 18)
		e.sum = q.tcp + 16;
	if (!vnet_is_partial(s->frame, s->p.l4_off))
		e.outer_sum = icmp + ICMP_SUM;
	r->icmp.n_errors++;
	if (s->side == REWRITE_TX)
		quote_to_guest(fl, &e, &q, &o);
	else
		quote_to_peer(fl, &e, &q, &o);
}
