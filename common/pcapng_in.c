/* SPDX-License-Identifier: ISC */
/*
 * A file is sections, each with its byte order and its interfaces, and packets
 * of these. Blocks of other types are skipped, as the format wants it. Lengths
 * are compared with the block's before anything is read.
 */
#include "pcapng_in.h"

#include <errno.h>
#include <pcap/dlt.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "time.h"

enum {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 2,		/* obsolete */
	BLOCK_SIMPLE = 3,
	BLOCK_ENHANCED = 6,
	OPTION_END = 0,
	OPTION_TSRESOL = 9,
	OPTION_TSOFFSET = 14,
	BYTE_ORDER_MAGIC = 0x1a2b3c4d,
	LINKTYPE_RAW = 101,		/* the only one that DLT_ has elsewhere */
};

#define TAIL_LEN 4u			/* the block's length again */
#define BODY_AT 8u
#define INTERFACES_MAX 65536u
#define RESOLUTION_DEFAULT 6u		/* microseconds */

static uint16_t get16(const struct pcapng_in *in, const uint8_t *at)
{
	uint16_t x = bytes_get16(at);

	return in->is_big_endian ? x : (uint16_t)(x << 8 | x >> 8);
}

static uint32_t get32(const struct pcapng_in *in, const uint8_t *at)
{
	return in->is_big_endian ? bytes_get32(at) :
				   __builtin_bswap32(bytes_get32(at));
}

static uint64_t get64(const struct pcapng_in *in, const uint8_t *at)
{
	uint64_t a = get32(in, at), b = get32(in, at + 4);

	return in->is_big_endian ? a << 32 | b : b << 32 | a;
}

/**
 * pcapng_in_block_len() - How long is the block that begins so?
 * @in:		The file; a section's beginning sets its byte order
 * @head:	The first PCAPNG_IN_HEAD_LEN bytes
 *
 * Return: bytes of the block, those of @head included, a multiple of 4; 0 when
 *	   this is no block, or too long a one
 */
uint32_t pcapng_in_block_len(struct pcapng_in *in, const uint8_t *head)
{
	uint32_t len;

	if (bytes_get32(head) == BLOCK_SECTION) {
		in->is_big_endian = bytes_get32(head + 8) == BYTE_ORDER_MAGIC;
		if (get32(in, head + 8) != BYTE_ORDER_MAGIC)
			return 0;
		in->is_begun = true;
		in->n_interfaces = 0;
	}
	len = get32(in, head + 4);
	if (!in->is_begun || len < PCAPNG_IN_HEAD_LEN || len % 4 ||
	    len > PCAPNG_IN_BLOCK_MAX)
		return 0;
	return len;
}

static void read_options(const struct pcapng_in *in,
			 struct pcapng_in_interface *i, const uint8_t *at,
			 const uint8_t *end)
{
	while (end - at >= 4) {
		uint16_t code = get16(in, at);
		uint32_t len = get16(in, at + 2);

		at += 4;
		if (code == OPTION_END || (size_t)(end - at) < len)
			return;
		if (code == OPTION_TSRESOL && len == 1)
			i->resolution = *at;
		else if (code == OPTION_TSOFFSET && len == 8)
			i->offset_s = (int64_t)get64(in, at);
		len = (len + 3u) & ~3u;
		if ((size_t)(end - at) < len)
			return;
		at += len;
	}
}

static int add_interface(struct pcapng_in *in, const uint8_t *body,
			 const uint8_t *end)
{
	struct pcapng_in_interface *i;

	if (end - body < 8 || in->n_interfaces >= INTERFACES_MAX)
		return -EINVAL;
	if (in->n_interfaces == in->cap) {
		in->cap = in->cap ? in->cap * 2 : 4;
		in->interfaces = realloc(in->interfaces,
					 in->cap * sizeof(*in->interfaces));
		if (!in->interfaces)
			abort();
	}
	i = &in->interfaces[in->n_interfaces];
	*i = (struct pcapng_in_interface){
		.linktype = get16(in, body),
		.snaplen = get32(in, body + 4),
		.resolution = RESOLUTION_DEFAULT,
	};
	read_options(in, i, body + 8, end);
	if ((i->resolution & 127) > (i->resolution & 128 ? 63 : 19))
		return -EINVAL;
	in->n_interfaces++;
	return 0;
}

/* The time of a packet is a count of parts of a second: 10 or 2 to the power of
 * the resolution of them make one. */
static void set_time(struct pcapng_in *in, const struct pcapng_in_interface *i,
		     uint64_t count)
{
	unsigned power = i->resolution & 127u;
	uint64_t per_s = 1, rest;

	if (i->resolution & 128) {
		per_s <<= power;
		rest = count & (per_s - 1);
		if (power > 30)
			rest = (rest >> (power - 30)) * NS_PER_S >> 30;
		else
			rest = rest * NS_PER_S >> power;
	} else {
		while (power--)
			per_s *= 10;
		rest = count % per_s;
		rest = per_s > NS_PER_S ? rest / (per_s / NS_PER_S) :
					  rest * (NS_PER_S / per_s);
	}
	in->last_s = (int64_t)(count / per_s + (uint64_t)i->offset_s);
	in->last_ns = (uint32_t)rest;
}

static int set_packet(const struct pcapng_in *in, struct pcapng_in_packet *p,
		      const struct pcapng_in_interface *i,
		      const uint8_t *bytes, const uint8_t *end)
{
	if ((size_t)(end - bytes) < p->len)
		return -EINVAL;
	p->linktype = i->linktype == LINKTYPE_RAW ? DLT_RAW : i->linktype;
	p->time_s = in->last_s;
	p->time_ns = in->last_ns;
	p->bytes = bytes;
	if (p->wire_len < p->len)
		p->wire_len = p->len;
	return 1;
}

/* An enhanced packet, or an obsolete one: these differ in the first word. */
static int take_packet(struct pcapng_in *in, uint32_t type,
		       const uint8_t *body, const uint8_t *end,
		       struct pcapng_in_packet *p)
{
	const struct pcapng_in_interface *i;
	uint32_t n;

	if (end - body < 20)
		return -EINVAL;
	n = type == BLOCK_PACKET ? get16(in, body) : get32(in, body);
	if (n >= in->n_interfaces)
		return -EINVAL;
	i = &in->interfaces[n];
	set_time(in, i, (uint64_t)get32(in, body + 4) << 32 |
			get32(in, body + 8));
	p->len = get32(in, body + 12);
	p->wire_len = get32(in, body + 16);
	return set_packet(in, p, i, body + 20, end);
}

/* A simple packet is the first interface's, and has no time: it has the last
 * one's. */
static int take_simple(const struct pcapng_in *in, const uint8_t *body,
		       const uint8_t *end, struct pcapng_in_packet *p)
{
	const struct pcapng_in_interface *i = in->interfaces;

	if (end - body < 4 || !in->n_interfaces)
		return -EINVAL;
	p->wire_len = p->len = get32(in, body);
	if (i->snaplen && p->len > i->snaplen)
		p->len = i->snaplen;
	if ((size_t)(end - body - 4) < p->len)
		p->len = (uint32_t)(end - body - 4);
	return set_packet(in, p, i, body + 4, end);
}

/**
 * pcapng_in_block() - Read a block
 * @in:		The file
 * @block:	The whole block
 * @len:	From pcapng_in_block_len()
 * @packet:	Set when it is a packet; its bytes are in @block
 *
 * Return: 1 for a packet, 0 for another block, -EINVAL for one that does not
 *	   hold
 */
int pcapng_in_block(struct pcapng_in *in, const uint8_t *block, uint32_t len,
		    struct pcapng_in_packet *packet)
{
	const uint8_t *body = block + BODY_AT, *end = block + len - TAIL_LEN;
	uint32_t type = get32(in, block);

	if (get32(in, end) != len)
		return -EINVAL;
	switch (type) {
	case BLOCK_INTERFACE:
		return add_interface(in, body, end);
	case BLOCK_PACKET:
	case BLOCK_ENHANCED:
		return take_packet(in, type, body, end, packet);
	case BLOCK_SIMPLE:
		return take_simple(in, body, end, packet);
	default:
		return 0;
	}
}

/**
 * pcapng_in_fini() - Forget the interfaces
 * @in:		The file
 */
void pcapng_in_fini(struct pcapng_in *in)
{
	free(in->interfaces);
	*in = (struct pcapng_in){ 0 };
}
