/* SPDX-License-Identifier: ISC */
/*
 * A difference that the comparison found, in the terms of the report.
 */
#include "diff.h"

#include <ctype.h>

#define TCP_LEN 20u
#define LINE_BACK_MAX 1024u	/* further back a line is not looked for */

static bool is_tcp(const struct packet *p)
{
	return p->level == PACKET_L4 && p->proto == PACKET_TCP && !p->fragment;
}

static enum diff_kind kind_of_flags(const struct diff_side side[2])
{
	const struct packet *p = &side[COMPARE_PRIMARY].packet;
	const struct packet *s = &side[COMPARE_SECONDARY].packet;
	const unsigned mask = TCP_SYN | TCP_ACK | TCP_FIN | TCP_RST;

	if (!side[0].is_there || !side[1].is_there || !is_tcp(p) || !is_tcp(s))
		return DIFF_FLAG;
	return (p->flags & s->flags & TCP_SYN) &&
	       !((p->flags ^ s->flags) & mask) ? DIFF_OPTION : DIFF_FLAG;
}

static enum diff_kind kind_of(const struct diff *d, enum compare_reason reason,
			      const struct diff_side side[2])
{
	bool is_primary = side[COMPARE_PRIMARY].is_there;

	switch (reason) {
	case COMPARE_FLAGS:
		return kind_of_flags(side);
	case COMPARE_TIMEOUT:
		if (d->is_full)
			return DIFF_QUEUE;
		if (!d->is_over)
			return DIFF_TIMEOUT;
		return is_primary ? DIFF_MISSING : DIFF_EXTRA;
	case COMPARE_MAC:
		return DIFF_MAC;
	case COMPARE_QUEUE:
		return DIFF_QUEUE;
	default:		/* of fragments that nobody can put together: one side */
		return is_primary && side[COMPARE_SECONDARY].is_there ?
		       DIFF_PAYLOAD : DIFF_MISSING;
	}
}

/* Where what is compared begins: core/datagram.c, too. */
static uint32_t begin_of(const struct packet *p)
{
	if (p->level == PACKET_ETHER)
		return p->len < 12 ? 0 : 12;
	if (p->level == PACKET_L4 && !p->fragment &&
	    (p->proto == PACKET_TCP || p->proto == PACKET_UDP))
		return p->payload_off;
	return p->l4_off;
}

static struct diff_side side_of(const struct compare_difference *difference,
				unsigned i)
{
	struct diff_side s = {
		.is_there = difference->has[i],
		.frame = difference->frame[i],
		.at = difference->at[i],
		.len = difference->len[i],
	};
	const struct packet *p = &s.packet;

	if (!s.is_there)
		return s;
	packet_parse(&s.packet, frame_eth(&s.frame), frame_eth_len(&s.frame));
	s.begin = begin_of(p);
	s.end = p->level == PACKET_ETHER ? p->len : p->l4_off + p->l4_len;
	if (s.at > s.end)
		s.at = s.end;
	return s;
}

/* Of what stands outside of the payload, that is the place. */
static void move_place(struct diff_side *s, enum diff_kind kind)
{
	if (!s->is_there)
		return;
	if (kind == DIFF_MAC) {
		s->at = s->begin = 0;
		s->end = s->packet.len < 6 ? s->packet.len : 6;
	} else if (kind == DIFF_OPTION) {
		s->at = s->begin = s->packet.l4_off + TCP_LEN;
		s->end = s->packet.payload_off;
	}
}

static const uint8_t *bytes_of(const struct diff_side *side)
{
	return frame_eth(&side->frame);
}

/**
 * diff_header - the name of the line that a place is in
 * @side:	whose bytes
 * @at:		the place, from the Ethernet header on
 * @len:	gets the length of the name
 *
 * Return: the name, in the frame; NULL unless the line is `NAME: ...`, begins
 * in this packet, and the place is behind the colon
 */
const char *diff_header(const struct diff_side *side, uint32_t at, size_t *len)
{
	const uint8_t *b = bytes_of(side);
	uint32_t start = at, i;

	while (start > side->begin && b[start - 1] != '\n') {
		if (at - start == LINE_BACK_MAX)
			return NULL;
		start--;
	}
	for (i = start; i < at; i++)
		if (!isalnum(b[i]) && b[i] != '-' && b[i] != '_')
			break;
	if (i >= at || b[i] != ':' || i == start || !isalpha(b[start]))
		return NULL;
	*len = i - start;
	return (const char *)b + start;
}

void diff_found_make(struct diff_found *found, const struct diff *d,
		     const struct compare_difference *difference)
{
	*found = (struct diff_found){
		.key = difference->flow,
		.offset = difference->offset,
		.side = { side_of(difference, COMPARE_PRIMARY),
			  side_of(difference, COMPARE_SECONDARY) },
	};
	found->kind = kind_of(d, difference->reason, found->side);
	move_place(&found->side[COMPARE_PRIMARY], found->kind);
	move_place(&found->side[COMPARE_SECONDARY], found->kind);
}
