/* SPDX-License-Identifier: ISC */
/*
 * What a SYN or SYN+ACK offers, and whether two of them open the same
 * connection. Pure.
 */
#include "syn.h"

#include <string.h>

#include "../../common/bytes.h"
#include "../../common/least.h"
#include "../../common/tcp_option.h"

/* The options of a SYN that shape the connection. */
struct shape {
	uint16_t mss;
	uint8_t window_scale;
	bool has_scale, has_sack, has_timestamps;
	bool is_cut;		/* there may be others */
};

static void shape_option(struct shape *shape, const uint8_t *o)
{
	switch (o[0]) {
	case TCP_OPTION_MSS:
		if (o[1] == 4)
			shape->mss = bytes_get16(o + 2);
		break;
	case TCP_OPTION_WINDOW_SCALE:
		if (o[1] == 3) {
			shape->has_scale = true;
			shape->window_scale = o[2];
		}
		break;
	case TCP_OPTION_SACK_PERMITTED:
		shape->has_sack = true;
		break;
	case TCP_OPTION_TIMESTAMP:
		shape->has_timestamps = true;
		break;
	case TCP_OPTION_CUT:
		shape->is_cut = true;
		break;
	}
}

static struct shape shape_of(const struct packet *p)
{
	const uint8_t *tcp = packet_l4(p);
	size_t len = TCP_OPTION_FIRST + p->tcp_opt_len;
	size_t next = TCP_OPTION_FIRST, at;
	struct shape shape = { 0 };

	while ((at = tcp_option_next(tcp, &next, len)))
		shape_option(&shape, tcp + at);
	return shape;
}

static bool is_same_shape(const struct shape *a, const struct shape *b)
{
	return a->mss == b->mss && a->has_scale == b->has_scale &&
	       a->window_scale == b->window_scale &&
	       a->has_sack == b->has_sack &&
	       a->has_timestamps == b->has_timestamps;
}

/**
 * syn_scale() - Which window scale does a SYN or SYN+ACK offer?
 * @p:		The segment, parsed
 *
 * Return: 0 to 14 (more counts as 14, RFC 7323 section 2.3); -1 when it offers
 * none
 */
int syn_scale(const struct packet *p)
{
	struct shape shape = shape_of(p);

	if (!shape.has_scale)
		return -1;
	return shape.window_scale > 14 ? 14 : shape.window_scale;
}

/**
 * syn_is_cut() - Was a SYN or SYN+ACK segment captured in part?
 * @p:		The segment, parsed
 */
bool syn_is_cut(const struct packet *p)
{
	return p->truncated || shape_of(p).is_cut;
}

/**
 * syn_is_alike() - Are two SYN or SYN+ACK segments the same as far as they go?
 * @a:		A segment, parsed, perhaps captured in part
 * @b:		Another one
 *
 * Return: as syn_is_same(), but options and bytes that one of them lacks count
 * as the same
 */
bool syn_is_alike(const struct packet *a, const struct packet *b)
{
	const unsigned mask = TCP_SYN | TCP_ACK | TCP_FIN | TCP_RST;

	return !((a->flags ^ b->flags) & mask) &&
	       (!(a->flags & TCP_ACK) || a->ack == b->ack) &&
	       !memcmp(packet_payload(a), packet_payload(b),
		       least(a->payload_len, b->payload_len));
}

/**
 * syn_is_same() - Do two SYN or SYN+ACK segments open the same connection?
 * @a:		A segment, parsed
 * @b:		Another one
 *
 * These have to be the same: the flags, what is acknowledged, and the options
 * that shape the connection, which are MSS, window scale, SACK permitted, and
 * whether there are timestamps. Sequence numbers, windows and timestamps may
 * differ.
 */
bool syn_is_same(const struct packet *a, const struct packet *b)
{
	struct shape sa = shape_of(a), sb = shape_of(b);

	return syn_is_alike(a, b) && is_same_shape(&sa, &sb) &&
	       a->payload_len == b->payload_len;
}
