/* SPDX-License-Identifier: ISC */
/*
 * draft-ietf-opsawg-pcapng: a block is its type, its length, its body, its
 * options, and its length again. Everything begins on a 4-byte boundary. The
 * magic number of the section tells the byte order: ours is big-endian.
 */
#include "pcapng.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"

#define BYTE_ORDER_MAGIC UINT32_C(0x1a2b3c4d)
#define FIRST_CAP 4096u
#define OPTION_LEN_MAX 65535u
#define NANOSECONDS 9		/* if_tsresol: 10^-9 s */

enum {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 6,
};

enum {
	OPT_END = 0,
	OPT_COMMENT = 1,
	SHB_USERAPPL = 4,
	IF_NAME = 2,
	IF_DESCRIPTION = 3,
	IF_TSRESOL = 9,
};

/* Append zeroes.
 * Return: where they stand; valid until the next call */
static uint8_t *extend(struct pcapng *p, size_t len)
{
	size_t cap = p->cap ? p->cap : FIRST_CAP;
	uint8_t *at;

	while (cap - p->len < len)
		cap *= 2;
	if (cap != p->cap) {
		p->bytes = realloc(p->bytes, cap);
		if (!p->bytes)
			abort();
		p->cap = cap;
	}
	at = p->bytes + p->len;
	memset(at, 0, len);
	p->len += len;
	return at;
}

static void put16(struct pcapng *p, uint16_t n)
{
	bytes_put16(extend(p, 2), n);
}

static void put32(struct pcapng *p, uint32_t n)
{
	bytes_put32(extend(p, 4), n);
}

static void put_padded(struct pcapng *p, const void *bytes, size_t len)
{
	uint8_t *at = extend(p, (len + 3) / 4 * 4);

	if (len)
		memcpy(at, bytes, len);
}

static void put_option(struct pcapng *p, uint16_t code, const void *bytes,
		       size_t len)
{
	if (len > OPTION_LEN_MAX)
		len = OPTION_LEN_MAX;
	put16(p, code);
	put16(p, (uint16_t)len);
	put_padded(p, bytes, len);
}

static void put_text(struct pcapng *p, uint16_t code, const char *text)
{
	put_option(p, code, text, strlen(text));
}

/* Begin a block.
 * Return: where it begins, for end() */
static size_t begin(struct pcapng *p, uint32_t type)
{
	size_t start = p->len;

	put32(p, type);
	put32(p, 0);
	return start;
}

static void end(struct pcapng *p, size_t start)
{
	uint32_t len;

	put_option(p, OPT_END, NULL, 0);
	len = (uint32_t)(p->len - start) + 4;
	put32(p, len);
	bytes_put32(p->bytes + start + 4, len);
}

/**
 * pcapng_section() - Append the block that a file begins with
 * @p:			The buffer
 * @application:	The name of the program that writes the file
 */
void pcapng_section(struct pcapng *p, const char *application)
{
	size_t start = begin(p, BLOCK_SECTION);

	put32(p, BYTE_ORDER_MAGIC);
	put16(p, 1);		/* version 1.0 */
	put16(p, 0);
	put32(p, UINT32_MAX);	/* length of the section: not known */
	put32(p, UINT32_MAX);
	put_text(p, SHB_USERAPPL, application);
	end(p, start);
}

/**
 * pcapng_interface() - Append an interface; the first one has the number 0
 * @p:			The buffer
 * @linktype:		The LINKTYPE_ of its packets
 * @name:		Its name
 * @description:	What it is
 *
 * Its packets may have any length, and their times are in nanoseconds.
 */
void pcapng_interface(struct pcapng *p, uint16_t linktype, const char *name,
		      const char *description)
{
	const uint8_t resolution = NANOSECONDS;
	size_t start = begin(p, BLOCK_INTERFACE);

	put16(p, linktype);
	put16(p, 0);
	put32(p, 0);		/* no snapshot length */
	put_text(p, IF_NAME, name);
	put_text(p, IF_DESCRIPTION, description);
	put_option(p, IF_TSRESOL, &resolution, 1);
	end(p, start);
}

/**
 * pcapng_packet() - Append a packet
 * @p:		The buffer
 * @packet:	Copied; of a comment at most 65535 bytes are
 */
void pcapng_packet(struct pcapng *p, const struct pcapng_packet *packet)
{
	size_t start = begin(p, BLOCK_PACKET);

	assert(packet->wire_len >= packet->len);
	put32(p, packet->interface);
	put32(p, (uint32_t)(packet->time_ns >> 32));
	put32(p, (uint32_t)packet->time_ns);
	put32(p, packet->len);
	put32(p, packet->wire_len);
	put_padded(p, packet->bytes, packet->len);
	for (unsigned i = 0; i < packet->n_comments; i++)
		put_text(p, OPT_COMMENT, packet->comments[i]);
	end(p, start);
}

/**
 * pcapng_fini() - Free the buffer
 * @p:		Empty afterwards
 */
void pcapng_fini(struct pcapng *p)
{
	free(p->bytes);
	*p = (struct pcapng){ 0 };
}
