/* SPDX-License-Identifier: ISC */
/*
 * A TCP segment that was captured up to somewhere in its options still says
 * where it belongs in the stream. It gets a whole header, with an option that
 * says that others are missing. Pure.
 */
#include "mend.h"

#include <string.h>

#include "../../common/tcp_option.h"

#define TCP_LEN 20u
#define TCP_OFFSET 12u			/* of the data offset, in the header */

/* How long is the header, if a part of its options is missing? Else 0. */
static uint32_t cut_header_len(const struct packet *p)
{
	uint32_t len;

	if (!p->truncated || p->fragment || p->level != PACKET_IP ||
	    p->proto != PACKET_TCP || p->l4_len < TCP_LEN)
		return 0;
	len = (packet_l4(p)[TCP_OFFSET] >> 4) * 4u;
	return len > p->l4_len && packet_wire_len(p) >= p->l4_off + len ?
	       len : 0;
}

/* Replace what is not there, and an option that is there in part. */
static void fill(uint8_t *tcp, uint32_t there, uint32_t len)
{
	size_t next = TCP_LEN, last = TCP_LEN;

	while (tcp_option_next(tcp, &next, there))
		last = next;
	memset(tcp + last, TCP_OPTION_NOP, len - last);
	if (len - last >= 2) {
		tcp[last] = TCP_OPTION_CUT;
		tcp[last + 1] = 2;
	}
}

/**
 * mend_frame() - Make the header of a TCP segment whole that was captured in part
 * @mended:	Set to a copy; the caller gives the reference on its chunk back
 * @f:		The frame; borrowed
 * @p:		The frame, parsed
 *
 * Return: false when the header is whole, or not even its fixed part is there,
 * or IP says that there is no more
 */
bool mend_frame(struct frame *mended, const struct frame *f,
		const struct packet *p)
{
	uint32_t len = cut_header_len(p);
	struct chunk *chunk;

	if (!len)
		return false;
	chunk = chunk_new(p->l4_off + len);
	memcpy(chunk->bytes, frame_eth(f), p->l4_off + p->l4_len);
	fill(chunk->bytes + p->l4_off, p->l4_len, len);
	*mended = (struct frame){
		.chunk = chunk,
		.data = chunk->bytes,
		.len = p->l4_off + len,
		.number = f->number,
		.cut = f->cut,
		.time_ns = f->time_ns,
	};
	return true;
}
