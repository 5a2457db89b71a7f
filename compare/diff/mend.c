/* SPDX-License-Identifier: ISC */
/*
 * A TCP segment that was captured up to somewhere in its options still says
 * where it belongs in the stream. It gets a whole header, with an option that
 * says that others are missing. An IPv4 packet whose length is 0, because the hardware
 * was to cut it, and that was captured in part, is as long as the frame was. Pure.
 */
#include "mend.h"

#include <string.h>

#include "../../common/bytes.h"
#include "../../common/least.h"
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

/* Has it an IPv4 header whose length is 0, and was it cut? */
static bool lacks_length(const struct frame *f, const struct packet *p)
{
	return f->cut && p->ip_version == 4 &&
	       !bytes_get16(p->eth + p->l3_off + 2);
}

static struct frame copy_of(const struct frame *f, uint32_t len)
{
	struct frame copy = *f;

	copy.chunk = chunk_new(len);
	copy.data = copy.chunk->bytes;
	copy.len = len;
	copy.vnet_len = copy.prefix_len = 0;
	memcpy(copy.data, frame_eth(f), least(frame_eth_len(f), len));
	return copy;
}

/**
 * mend_length() - Give an IPv4 packet that was captured in part its length
 * @mended:	Set to a copy; the caller gives the reference on its chunk back
 * @f:		The frame; borrowed
 * @p:		The frame, parsed
 *
 * Return: false when it has one, or was not cut
 */
bool mend_length(struct frame *mended, const struct frame *f,
		 const struct packet *p)
{
	uint64_t len = (uint64_t)frame_eth_len(f) - p->l3_off + f->cut;

	if (!lacks_length(f, p))
		return false;
	if (len > UINT16_MAX)
		len = UINT16_MAX;
	*mended = copy_of(f, frame_eth_len(f));
	bytes_put16(mended->data + p->l3_off + 2, (uint16_t)len);
	return true;
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

	if (!len)
		return false;
	*mended = copy_of(f, p->l4_off + len);
	fill(mended->data + p->l4_off, p->l4_len, len);
	return true;
}
