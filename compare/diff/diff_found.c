/* SPDX-License-Identifier: ISC */
#include "diff_found.h"

#include <ctype.h>
#include <string.h>

#define MAC_LEN 6u
#define TCP_LEN 20u
#define LINE_BACK_MAX 1024u	/* bytes: how far back a line may begin */

static bool is_tcp(const struct packet *p)
{
	return p->level == PACKET_L4 && p->proto == PACKET_TCP && !p->fragment;
}

/* Two SYNs with the same flags have different options, or other bytes. */
static enum diff_kind kind_of_flags(const struct diff_side side[2])
{
	const struct packet *p = &side[COMPARE_PRIMARY].packet;
	const struct packet *s = &side[COMPARE_SECONDARY].packet;
	const unsigned mask = TCP_SYN | TCP_ACK | TCP_FIN | TCP_RST;

	if (!side[0].is_there || !side[1].is_there || !is_tcp(p) || !is_tcp(s))
		return DIFF_FLAG;
	if (!(p->flags & s->flags & TCP_SYN) || (p->flags ^ s->flags) & mask)
		return DIFF_FLAG;
	return p->payload_len != s->payload_len ||
	       memcmp(packet_payload(p), packet_payload(s), p->payload_len) ?
	       DIFF_PAYLOAD : DIFF_OPTION;
}

static enum diff_kind kind_of_wait(enum diff_cause cause, bool is_primary)
{
	switch (cause) {
	case DIFF_CAUSE_ROOM:
		return DIFF_QUEUE;
	case DIFF_CAUSE_END:
		return is_primary ? DIFF_MISSING : DIFF_EXTRA;
	default:
		return DIFF_TIMEOUT;
	}
}

static enum diff_kind kind_of(enum compare_reason reason,
			      enum diff_cause cause,
			      const struct diff_side side[2])
{
	bool is_primary = side[COMPARE_PRIMARY].is_there;

	switch (reason) {
	case COMPARE_FLAGS:
		return kind_of_flags(side);
	case COMPARE_TIMEOUT:
		return kind_of_wait(cause, is_primary);
	case COMPARE_MAC:
		return DIFF_MAC;
	case COMPARE_QUEUE:
		return DIFF_QUEUE;
	case COMPARE_REPEAT:
		return DIFF_REPEAT;
	default:
		/* fragments that do not make a packet have one side only */
		return is_primary && side[COMPARE_SECONDARY].is_there ?
		       DIFF_PAYLOAD : DIFF_MISSING;
	}
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
	s.begin = packet_body_off(p);
	s.end = p->level == PACKET_ETHER ? p->len : p->l4_off + p->l4_len;
	if (s.at > s.end)
		s.at = s.end;
	return s;
}

/* A MAC address or a TCP option stands outside of the compared bytes: the side
 * shows the header that it stands in. */
static void move_to_header(struct diff_side *s, enum diff_kind kind)
{
	if (!s->is_there)
		return;
	if (kind == DIFF_MAC) {
		s->at = s->begin = 0;
		s->end = s->packet.len < MAC_LEN ? s->packet.len : MAC_LEN;
	} else if (kind == DIFF_OPTION) {
		s->at = s->begin = s->packet.l4_off + TCP_LEN;
		s->end = s->packet.payload_off;
	}
}

/**
 * diff_found_make() - Put a difference into the terms of the report
 * @found:	Filled; its frames and its key are those of @difference
 * @difference:	What the comparison says, borrowed
 * @cause:	Why a packet that has no equal waits no longer
 */
void diff_found_make(struct diff_found *found,
		     const struct compare_difference *difference,
		     enum diff_cause cause)
{
	*found = (struct diff_found){
		.key = difference->flow,
		.offset = difference->offset,
		.side = { side_of(difference, COMPARE_PRIMARY),
			  side_of(difference, COMPARE_SECONDARY) },
	};
	found->kind = kind_of(difference->reason, cause, found->side);
	for (unsigned i = 0; i < 2; i++)	/* of SYNs: all bytes */
		if (found->kind == DIFF_PAYLOAD &&
		    difference->reason == COMPARE_FLAGS)
			found->side[i].len = found->side[i].end -
					     found->side[i].at;
	move_to_header(&found->side[COMPARE_PRIMARY], found->kind);
	move_to_header(&found->side[COMPARE_SECONDARY], found->kind);
}

/**
 * diff_found_side() - The side whose packet stands for the difference
 * @found:	The difference
 *
 * Return: the primary's side if it has a packet, else the secondary's, which
 * may have none either
 */
const struct diff_side *diff_found_side(const struct diff_found *found)
{
	return &found->side[found->side[COMPARE_PRIMARY].is_there ?
			    COMPARE_PRIMARY : COMPARE_SECONDARY];
}

/**
 * diff_found_header() - Find the name of the text line that a byte is in
 * @side:	The side that has the byte
 * @at:		The byte's offset from the Ethernet header on
 * @len:	Gets the length of the name
 *
 * Return: the name, borrowed from the frame. NULL unless the line begins in
 * this packet, reads `NAME: ...`, and the byte stands behind the colon
 */
const char *diff_found_header(const struct diff_side *side, uint32_t at,
			      size_t *len)
{
	const uint8_t *b = diff_found_bytes(side, 0);
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
