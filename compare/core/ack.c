/* SPDX-License-Identifier: ISC */
/*
 * Segments as bytes: an acknowledgement is lowered, a timestamp is changed, a
 * segment is made of another one's headers. Checksums follow. Pure: what is to
 * be said is decided in gate.c and stream.c.
 */
#include "ack.h"

#include <assert.h>
#include <string.h>

#include "../../common/bytes.h"
#include "../../common/checksum.h"
#include "../../common/packet.h"
#include "../../common/tcp_option.h"
#include "../../common/vnet.h"

#define TCP_LEN TCP_OPTION_FIRST

static size_t header_len(const uint8_t *tcp)
{
	return (tcp[12] >> 4) * 4u;
}

/*
 * SACK blocks that lie before the acknowledgement which the segment had say
 * that data has arrived of which the client may not know. Without them, those
 * that lie behind would tell the client of a hole there, which it would fill
 * at once (RFC 8985). So all blocks go. The next acknowledgement that is not
 * lowered has them.
 */
static void drop_sacks(uint8_t *tcp, bool is_partial)
{
	size_t next = TCP_OPTION_FIRST, at;

	while ((at = tcp_option_next(tcp, &next, header_len(tcp))))
		if (tcp[at] == TCP_OPTION_SACK)
			tcp_option_erase(tcp, at, is_partial ? NULL : tcp + 16);
}

/**
 * ack_lower() - Change what a segment acknowledges, in place
 * @f:		The frame
 * @l4_off:	Where its TCP header begins, counted from frame_eth()
 * @ack:	What it is to acknowledge
 * @window:	The window it is to have, as in the header
 *
 * When the acknowledgement changes the SACK blocks go. The checksum follows
 * (RFC 1624), unless the hardware is to finish it.
 */
void ack_lower(const struct frame *f, unsigned l4_off, uint32_t ack,
	       uint16_t window)
{
	uint8_t *tcp = frame_eth(f) + l4_off;
	bool is_partial = vnet_is_partial(f, l4_off);
	uint32_t old_ack = bytes_get32(tcp + 8);
	uint16_t old_window = bytes_get16(tcp + 14);

	if (old_ack != ack) {
		bytes_put32(tcp + 8, ack);
		if (!is_partial)
			checksum_update32(tcp + 16, old_ack, ack);
		drop_sacks(tcp, is_partial);
	}
	if (old_window != window) {
		bytes_put16(tcp + 14, window);
		if (!is_partial)
			checksum_update16(tcp + 16, old_window, window);
	}
}

/* Where the timestamp is (RFC 7323 section 3), or NULL. The echoed one is
 * behind it. */
static uint8_t *times_find(uint8_t *tcp)
{
	size_t at = tcp_option_find(tcp, header_len(tcp), TCP_OPTION_TIMESTAMP);

	return at && tcp[at + 1] == 10 ? tcp + at + 2 : NULL;
}

/**
 * ack_is_signed() - Is a segment signed, so that it cannot be changed?
 * @tcp:	Its TCP header
 *
 * Return: true with TCP-MD5 (RFC 2385) or TCP-AO (RFC 5925)
 */
bool ack_is_signed(uint8_t *tcp)
{
	size_t len = header_len(tcp);

	return tcp_option_find(tcp, len, TCP_OPTION_MD5) ||
	       tcp_option_find(tcp, len, TCP_OPTION_AO);
}

/* Put four bytes into an option, at any place in it; the checksum follows. */
static void put_option(const struct frame *f, unsigned l4_off, uint8_t *at,
		       uint32_t value)
{
	uint8_t *tcp = frame_eth(f) + l4_off;
	uint32_t before = bytes_get32(at);

	bytes_put32(at, value);
	if (!vnet_is_partial(f, l4_off))
		checksum_update32_at(tcp + 16, (size_t)(at - tcp), before,
				     value);
}

/**
 * ack_echo() - Make a segment echo the timestamp that another one echoes
 * @f:		The frame
 * @l4_off:	Where its TCP header begins, counted from frame_eth()
 * @of:		The other segment, parsed
 *
 * Nothing happens unless both have timestamps.
 */
void ack_echo(const struct frame *f, unsigned l4_off, const struct packet *of)
{
	uint8_t *tcp = frame_eth(f) + l4_off;
	uint8_t *to = times_find(tcp), *from = times_find(packet_l4(of));

	if (to && from)
		put_option(f, l4_off, to + 4, bytes_get32(from + 4));
}

/**
 * ack_time() - Get the timestamp of a segment
 * @tcp:	Its TCP header
 * @tsval:	Set to the timestamp, if there is one
 *
 * Return: whether there is one
 */
bool ack_time(uint8_t *tcp, uint32_t *tsval)
{
	const uint8_t *at = times_find(tcp);

	if (at)
		*tsval = bytes_get32(at);
	return at;
}

/**
 * ack_set_time() - Change the timestamp of a segment
 * @f:		The frame
 * @l4_off:	Where its TCP header begins, counted from frame_eth(). It has a
 *		timestamp
 * @tsval:	The timestamp it is to have
 */
void ack_set_time(const struct frame *f, unsigned l4_off, uint32_t tsval)
{
	uint8_t *tcp = frame_eth(f) + l4_off;

	put_option(f, l4_off, times_find(tcp), tsval);
}

static void fix_ip(struct packet *p, unsigned tcp_len)
{
	uint8_t *ip = p->eth + p->l3_off;
	unsigned header_len = p->l4_off - p->l3_off;

	if (p->ip_version == 6) {
		bytes_put16(ip + 4, (uint16_t)(header_len - 40 + tcp_len));
		return;
	}
	bytes_put16(ip + 2, (uint16_t)(header_len + tcp_len));
	bytes_put16(ip + 10, 0);
	bytes_put16(ip + 10, checksum_fold(checksum_add(0, ip, header_len)));
}

static void fix_tcp(struct packet *p, unsigned tcp_len)
{
	uint8_t *tcp = packet_l4(p);
	uint32_t sum = checksum_pseudo(p->ip_version, p->src, p->dst,
				       PACKET_TCP, tcp_len);

	bytes_put16(tcp + 16, 0);
	bytes_put16(tcp + 16, checksum_fold(checksum_add(sum, tcp, tcp_len)));
}

/* Make a frame of another one's headers and a part of its payload. Lengths and
 * checksums are still the other one's. */
static struct packet copy_part(struct frame *f, const struct frame *from,
			       uint32_t at, uint32_t len)
{
	unsigned header_len;
	struct packet p;

	packet_parse(&p, frame_eth(from), frame_eth_len(from));
	assert(p.level == PACKET_L4 && p.proto == PACKET_TCP &&
	       at + len <= p.payload_len);
	header_len = from->vnet_len + p.payload_off;
	*f = *from;
	f->len = header_len + len;
	f->prefix_len = 0;
	f->chunk = chunk_new(f->len);
	f->data = f->chunk->bytes;
	memcpy(f->data, from->data, header_len);
	memcpy(f->data + header_len, from->data + header_len + at, len);
	memset(f->data, 0, f->vnet_len);
	packet_parse(&p, frame_eth(f), frame_eth_len(f));
	return p;
}

/**
 * ack_make() - Make a segment that only acknowledges
 * @f:		Set to the frame; the caller gives the reference on its chunk back
 * @from:	A segment of the same sender, of which the headers are copied
 * @seq:	Its sequence number
 * @ack:	What it acknowledges
 * @window:	Its window, as in the header
 */
void ack_make(struct frame *f, const struct frame *from, uint32_t seq,
	      uint32_t ack, uint16_t window)
{
	struct packet p = copy_part(f, from, 0, 0);

	bytes_put32(packet_l4(&p) + 4, seq);
	packet_l4(&p)[13] = TCP_ACK;
	ack_lower(f, p.l4_off, ack, window);
	fix_ip(&p, TCP_LEN + p.tcp_opt_len);
	fix_tcp(&p, TCP_LEN + p.tcp_opt_len);
}

/**
 * ack_part() - Make a segment of a part of another one's payload
 * @f:		Set to the frame; the caller gives the reference on its chunk back
 * @from:	The other segment
 * @at:		Where the part begins in the payload
 * @len:	How many bytes it has, not more than one segment may; the payload's
 *		last one is not among them
 *
 * Return: what was made, parsed
 */
struct packet ack_part(struct frame *f, const struct frame *from, uint32_t at,
		       uint32_t len)
{
	struct packet p = copy_part(f, from, at, len);

	bytes_put32(packet_l4(&p) + 4, p.seq + at);
	packet_l4(&p)[13] &= (uint8_t)~(TCP_FIN | TCP_PSH);
	fix_ip(&p, TCP_LEN + p.tcp_opt_len + len);
	fix_tcp(&p, TCP_LEN + p.tcp_opt_len + len);
	packet_parse(&p, frame_eth(f), frame_eth_len(f));
	return p;
}

/* One of the two pieces of a GSO frame has so many bytes of payload. Where the
 * hardware is to finish the checksum, the pseudo header's part of it is in the field,
 * and that has the length. */
static void fix_piece(const struct frame *f, struct packet *p, uint32_t len)
{
	uint32_t tcp_len = TCP_LEN + p->tcp_opt_len + len;

	fix_ip(p, tcp_len);
	if (vnet_is_partial(f, p->l4_off))
		bytes_put16(packet_l4(p) + 16, (uint16_t)~checksum_fold(
			checksum_pseudo(p->ip_version, p->src, p->dst,
					PACKET_TCP, tcp_len)));
	else
		fix_tcp(p, tcp_len);
	if (len <= vnet_gso_size(f))
		vnet_clear_gso(f);
	packet_parse(p, frame_eth(f), frame_eth_len(f));
}

/**
 * ack_cut() - Cut the first segments off a GSO frame
 * @f:		Set to a frame of these; the caller gives the reference on its chunk
 *		back
 * @from:	The GSO frame. Afterwards it is the rest: its headers have moved up to
 *		there
 * @len:	How many bytes of payload are cut off: whole segments, not all of them
 *
 * Return: what was cut off, parsed
 */
struct packet ack_cut(struct frame *f, struct frame *from, uint32_t len)
{
	struct packet p = copy_part(f, from, 0, len), rest;
	uint32_t headers = from->vnet_len + p.payload_off, rest_len;

	packet_parse(&rest, frame_eth(from), frame_eth_len(from));
	rest_len = rest.payload_len - len;
	memcpy(f->data, from->data, f->vnet_len);
	packet_l4(&p)[13] &= (uint8_t)~(TCP_FIN | TCP_PSH);
	fix_piece(f, &p, len);

	memmove(from->data + len, from->data, headers);
	from->data += len;
	from->len -= len;
	from->prefix_len = 0;
	packet_parse(&rest, frame_eth(from), frame_eth_len(from));
	bytes_put32(packet_l4(&rest) + 4, rest.seq + len);
	packet_l4(&rest)[13] &= (uint8_t)~TCP_CWR;
	fix_piece(from, &rest, rest_len);
	return p;
}
