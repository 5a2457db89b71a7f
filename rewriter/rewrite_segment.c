/* SPDX-License-Identifier: ISC */
/*
 * A look at one frame: its headers, and where the TCP options lie that carry
 * numbers which the rewriter changes. All files of the core above this one are
 * given what is found here. Nothing is changed, and nothing is remembered.
 */
#include "rewrite_segment.h"

#include "../common/tcp_option.h"

static void option_note(struct rewrite_options *o, const uint8_t *tcp,
			size_t at)
{
	unsigned len = tcp[at + 1];

	switch (tcp[at]) {
	case TCP_OPTION_TIMESTAMP:
		if (len == 10)
			o->timestamp = (uint8_t)(at + 2);
		break;
	case TCP_OPTION_SACK:
		o->sack = (uint8_t)(at + 2);
		o->n_edges = (uint8_t)((len - 2) / 8 * 2);
		break;
	case TCP_OPTION_MD5:
	case TCP_OPTION_AO:
		o->is_signed = true;
		break;
	}
}

/**
 * rewrite_segment_find_options() - Find the options that the rewriter changes
 * @o:		set, all of it
 * @tcp:	the TCP header
 * @len:	bytes at @tcp, options included. A quoted header may end within
 *		an option, which is then not found
 *
 * The search ends at the first option that is longer than what is there.
 */
void rewrite_segment_find_options(struct rewrite_options *o, const uint8_t *tcp,
			  size_t len)
{
	size_t next = TCP_OPTION_FIRST, at;

	*o = (struct rewrite_options){ 0 };
	while ((at = tcp_option_next(tcp, &next, len)))
		option_note(o, tcp, at);
}

/**
 * rewrite_segment_init() - Look at a frame
 * @s:		set, all of it; borrows the frame
 * @side:	the direction in which the frame goes
 * @f:		frame, whatever is in it
 */
void rewrite_segment_init(struct rewrite_segment *s, enum rewrite_side side,
			  const struct frame *f)
{
	s->side = side;
	s->frame = f;
	packet_parse(&s->p, frame_eth(f), frame_eth_len(f));
	s->options = (struct rewrite_options){ 0 };
	if (s->p.level == PACKET_L4 && s->p.proto == PACKET_TCP &&
	    s->p.tcp_opt_len)
		rewrite_segment_find_options(&s->options, packet_l4(&s->p),
				     TCP_OPTION_FIRST + s->p.tcp_opt_len);
}

/**
 * rewrite_segment_refuses() - Is a segment the reset that refuses a SYN?
 * @p:	segment
 *
 * Such a reset has sequence number 0 and acknowledges the SYN (RFC 9293 section
 * 3.10.7.1).
 */
bool rewrite_segment_refuses(const struct packet *p)
{
	return (p->flags & (TCP_RST | TCP_ACK)) == (TCP_RST | TCP_ACK) &&
	       !p->seq;
}
