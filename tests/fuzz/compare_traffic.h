/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_TRAFFIC_H
#define COLO_COMPARE_TRAFFIC_H

#include "../../common/bytes.h"
#include "../../common/packet.h"
#include "fuzz.h"

/*
 * Whole packets of a few flows from a few bytes of input: what two replicas of
 * a guest say, or what a guest says that wants to break the comparison. Bytes
 * at the same place of a stream are the same, unless they are not meant to be.
 */
#define TRAFFIC_MAX 512u	/* bytes of a frame */
#define TRAFFIC_SEQ UINT32_C(0xffffff80)	/* numbers wrap soon */

enum {				/* of the first byte; the lowest bits: proto */
	TRAFFIC_PROTOS = 7,
	TRAFFIC_TEXT = 1 << 3,	/* lines with a header in them */
	TRAFFIC_OTHER = 1 << 4,	/* other bytes than the stream has there */
	TRAFFIC_PIECE = 1 << 5,	/* a fragment of it */
	TRAFFIC_CUT = 1 << 6,	/* the capture ends early */
	TRAFFIC_BAD = 1 << 7,	/* one byte of the headers is another one */
};

enum {				/* of the second: who */
	TRAFFIC_PORT = 3,	/* the client's: 0 to 3 */
	TRAFFIC_NO_PORT = 1 << 2,	/* the server's is 0 */
	TRAFFIC_V6 = 1 << 3,
	TRAFFIC_VLAN = 1 << 4,
	TRAFFIC_MAC = 1 << 5,
	TRAFFIC_VNET = 1 << 6,
	TRAFFIC_LONG = 1 << 7,	/* four times the bytes */
};

/* --- TCP --- */

static inline uint8_t *put_option(uint8_t *at, const char *bytes, unsigned len,
				  unsigned at_value, uint8_t value)
{
	memcpy(at, bytes, len);
	at[at_value] = value;
	return at + len;
}

/* Bits of what: timestamps, SACK, MSS and scale, MD5, AO, rubbish. */
static inline uint8_t *put_options(uint8_t *at, unsigned what, uint8_t value)
{
	if (what & 1)
		at = put_option(at, "\1\1\10\12\0\0\0\0\0\0\0\1", 12, 7, value);
	if (what & 2)
		at = put_option(at, "\1\1\5\12\0\0\0\0\0\0\0\xff", 12, 7, value);
	if (what & 4)
		at = put_option(at, "\2\4\5\xb4\3\3\7\1", 8, 6, value & 15);
	if ((what & 24) == 8)
		at = put_option(at, "\x13\2\1\1", 4, 1, 2);
	if ((what & 24) == 16)
		at = put_option(at, "\x1d\4\0\0", 4, 3, value);
	if ((what & 24) == 24)
		at = put_option(at, "\10\xff\5\0", 4, 1, value);
	return at;
}

/* Return: behind its header */
static inline uint8_t *put_tcp(uint8_t *at, struct fuzz *z)
{
	static const uint8_t flags[] = { 0x10, 0x18, 0x10, 0x11, 2, 0x12, 4, 0x14 };
	uint8_t how = fuzz_byte(z), what, *end;
	uint32_t seq = TRAFFIC_SEQ;

	/* an 8th of the bytes says that it is far off */
	what = fuzz_byte(z);
	seq += what < 224 ? what : (uint32_t)what << 24;
	bytes_put32(at + 4, seq);
	bytes_put32(at + 8, TRAFFIC_SEQ + (fuzz_byte(z) & 0x7f));
	at[13] = flags[how & 7];
	bytes_put16(at + 14, (uint16_t)(how & 8 ? fuzz_byte(z) : 507));
	bytes_put32(at + 16, 0);
	what = how & 16 ? fuzz_byte(z) : how & 32 ? 1 : 0;
	end = put_options(at + 20, what & 31, what ? fuzz_byte(z) : 0);
	at[12] = (uint8_t)((end - at) / 4 << 4);
	if (how & 64 && fuzz_byte(z) > 128)	/* no sound header */
		at[12] = (uint8_t)(how << 4);
	return end;
}

/* --- the payload --- */

static inline void put_payload(uint8_t *at, unsigned len, uint32_t from,
			       uint8_t kind, struct fuzz *z)
{
	static const char text[] =
		"HTTP/1.1 200 OK\r\nDate: Tue, 1 Jan\r\nX-Y: z\r\n\r\n";

	for (unsigned i = 0; i < len; i++)
		at[i] = kind & TRAFFIC_TEXT ?
			(uint8_t)text[(from + i) % (sizeof(text) - 1)] :
			(uint8_t)((from + i) * 7);
	if (kind & TRAFFIC_OTHER && len)
		at[fuzz_byte(z) % len] ^= fuzz_byte(z);
}

/* --- IP --- */

static inline uint8_t proto_of(uint8_t kind, bool v6)
{
	switch (kind & TRAFFIC_PROTOS) {
	case 3:
	case 4:
		return PACKET_UDP;
	case 5:
		return v6 ? PACKET_ICMP6 : PACKET_ICMP;
	case 6:
		return PACKET_SCTP;
	default:
		return PACKET_TCP;
	}
}

static inline void put_ip(uint8_t *ip, uint8_t proto, unsigned len, bool v6)
{
	memset(ip, 0, v6 ? 40 : 20);
	if (v6) {
		ip[0] = 0x60;
		bytes_put16(ip + 4, (uint16_t)len);
		ip[6] = proto;
		ip[8] = ip[24] = 0xfd;
		ip[39] = 1;
	} else {
		ip[0] = 0x45;
		bytes_put16(ip + 2, (uint16_t)(20 + len));
		ip[9] = proto;
		ip[12] = ip[16] = 10;
		ip[19] = 1;
	}
}

/* Leaves one fragment of what IP carries. Return: its bytes */
static inline unsigned put_piece(uint8_t *ip, unsigned len, bool v6,
				 struct fuzz *z)
{
	uint8_t what = fuzz_byte(z), id = fuzz_byte(z) & 3;
	unsigned from = (what & 7) * 16u, to = from + ((what >> 3 & 7) + 1) * 16u;
	uint8_t *l4 = ip + (v6 ? 40 : 20), proto = ip[v6 ? 6 : 9];
	uint8_t head[8] = { proto, 0, 0, 0, 0, 0, 0, id };
	unsigned more = to < len ? 1 : 0;

	if (what & 64)
		more = !more;
	from = from < len ? from : (len - 1) & ~15u;
	to = to < len ? to : len;
	to = what & 128 && to - from > 8 ? to - 8 : to;
	memmove(l4 + (v6 ? 8 : 0), l4 + from, to - from);
	if (!v6) {
		bytes_put16(ip + 2, (uint16_t)(20 + to - from));
		bytes_put16(ip + 4, id);
		bytes_put16(ip + 6, (uint16_t)(more << 13 | from / 8));
		return to - from;
	}
	bytes_put16(head + 2, (uint16_t)(from | more));
	memcpy(l4, head, 8);
	ip[6] = 44;
	bytes_put16(ip + 4, (uint16_t)(8 + to - from));
	return 8 + to - from;
}

/* Return: behind all */
static inline uint8_t *put_packet(uint8_t *ip, uint8_t kind, uint8_t who,
				  struct fuzz *z)
{
	bool v6 = who & TRAFFIC_V6;
	uint8_t proto = proto_of(kind, v6), *l4 = ip + (v6 ? 40 : 20);
	unsigned len = fuzz_byte(z) % 64u * (who & TRAFFIC_LONG ? 4 : 1);
	uint8_t *at = l4 + 8;
	uint32_t from = 0;

	memset(l4, 0, 8);
	bytes_put16(l4, who & TRAFFIC_NO_PORT ? 0 : 80);
	bytes_put16(l4 + 2, who & TRAFFIC_PORT);
	if (proto == PACKET_TCP) {
		at = put_tcp(l4, z);
		from = bytes_get32(l4 + 4);
	} else if (proto == PACKET_UDP) {
		bytes_put16(l4 + 4, (uint16_t)(8 + len));
	} else if (proto != PACKET_SCTP) {
		bytes_put32(l4, (uint32_t)fuzz_byte(z) << 24);
	}
	put_payload(at, len, from, kind, z);
	at += len;
	put_ip(ip, proto, (unsigned)(at - l4), v6);
	if (kind & TRAFFIC_PIECE)
		at = l4 + put_piece(ip, (unsigned)(at - l4), v6, z);
	return at;
}

/* In a chunk of its own length: the sanitizer watches its end. */
static inline struct frame frame_of(const uint8_t *bytes, uint32_t len,
				    uint8_t vnet_len)
{
	struct frame f = {
		.chunk = chunk_new(len), .len = len, .vnet_len = vnet_len,
	};

	f.data = f.chunk->bytes;
	memcpy(f.data, bytes, len);
	return f;
}

/* The next frame of the input, for the caller to unref. */
static inline struct frame traffic_frame(struct fuzz *z)
{
	uint8_t bytes[TRAFFIC_MAX] = { 0 }, *at = bytes, *ip;
	uint8_t kind = fuzz_byte(z), who = fuzz_byte(z), vnet_len = 0;

	if ((kind & TRAFFIC_PROTOS) == 7)
		return fuzz_frame(z, who & TRAFFIC_VNET ? 12 : 0, 128);
	if (who & TRAFFIC_VNET) {
		vnet_len = 12;
		at[0] = kind & 1;
		at[1] = kind & 2 ? 1 : 0;
		at[4] = 16;
		at += 12;
	}
	at[0] = 2;
	at[5] = who & TRAFFIC_MAC ? 1 : 0;
	at += 12;
	if (who & TRAFFIC_VLAN) {
		bytes_put32(at, 0x81000005);
		at += 4;
	}
	bytes_put16(at, who & TRAFFIC_V6 ? 0x86dd : 0x0800);
	ip = at + 2;
	at = put_packet(ip, kind, who, z);
	if (kind & TRAFFIC_BAD)
		ip[fuzz_byte(z) % 64] = fuzz_byte(z);
	if (kind & TRAFFIC_CUT && at - ip > 1)
		at -= fuzz_byte(z) % (at - ip);
	return frame_of(bytes, (uint32_t)(at - bytes), vnet_len);
}

#endif
