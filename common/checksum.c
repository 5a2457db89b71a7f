/* SPDX-License-Identifier: ISC */
/*
 * Internet checksums over bytes that the caller owns, and SCTP's CRC. There is no
 * state. Nothing here knows where in a packet a checksum stands.
 */
#include <endian.h>
#include <string.h>

#include "bytes.h"
#include "checksum.h"

/* To 16 bits; the ones' complement sum is the same in either byte order. */
static uint16_t fold16(uint64_t sum)
{
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t)((sum >> 16) + (sum & 0xffff));
}

/**
 * checksum_add() - Add bytes to an unfolded sum
 * @sum:	0, or what checksum_add() or checksum_pseudo() returned
 * @data:	bytes, at any alignment
 * @len:	number of bytes; only the last piece of a message may be odd
 *
 * Sums 32 bits at a time in the machine's byte order, which RFC 1071 section
 * 2 (B) allows, and swaps once at the end.
 *
 * Return: the sum, for checksum_fold().
 */
uint32_t checksum_add(uint32_t sum, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t acc = 0;
	uint64_t total;

	for (; len >= 16; p += 16, len -= 16) {
		uint32_t w[4];

		memcpy(w, p, sizeof(w));
		acc += (uint64_t)w[0] + w[1];
		acc += (uint64_t)w[2] + w[3];
	}
	for (; len >= 2; p += 2, len -= 2) {
		uint16_t w;

		memcpy(&w, p, sizeof(w));
		acc += w;
	}
	if (len) {
		uint16_t w = 0;

		memcpy(&w, p, 1);
		acc += w;
	}
	total = (uint64_t)sum + be16toh(fold16(acc));
	return (uint32_t)((total >> 32) + (total & 0xffffffff));
}

/**
 * checksum_fold() - Finish a sum
 * @sum:	unfolded sum
 *
 * Return: its complement: what belongs in the checksum field (host order), and
 *	   0 for a message whose own checksum was summed too and is right.
 */
uint16_t checksum_fold(uint32_t sum)
{
	return (uint16_t)~fold16(sum);
}

/**
 * checksum_pseudo() - Sum of the pseudo header (RFC 9293 3.1, RFC 8200 8.1)
 * @ip_version:	4 or 6
 * @src:	source address, 4 or 16 bytes
 * @dst:	destination address
 * @proto:	protocol of the transport header
 * @len:	bytes of the transport header and its payload
 *
 * Return: unfolded sum, to go on with checksum_add().
 */
uint32_t checksum_pseudo(uint8_t ip_version, const uint8_t *src,
			 const uint8_t *dst, uint8_t proto, uint32_t len)
{
	size_t addr_len = ip_version == 4 ? 4 : 16;
	uint32_t sum = proto + (len >> 16) + (len & 0xffff);

	sum = checksum_add(sum, src, addr_len);
	return checksum_add(sum, dst, addr_len);
}

/* RFC 1624, equation 3: HC' = ~(~HC + ~m + m'). */
static void update(uint8_t *field, uint32_t not_from, uint32_t to)
{
	uint16_t hc = bytes_get16(field);
	uint32_t sum = (uint16_t)~hc;

	bytes_put16(field, (uint16_t)~fold16((uint64_t)sum + not_from + to));
}

/**
 * checksum_update16() - Follow the change of one 16-bit word
 * @field:	the checksum, big-endian in the packet
 * @from:	what the word was, host order
 * @to:		what it is now
 *
 * No change leaves the field untouched. Otherwise a right checksum stays right
 * and a wrong one wrong by as much. UDP's 0, "none", is for the caller to
 * leave alone, and a UDP field that becomes 0 is for the caller to make 0xffff.
 */
void checksum_update16(uint8_t *field, uint16_t from, uint16_t to)
{
	if (from != to)
		update(field, (uint16_t)~from, to);
}

/**
 * checksum_update32() - Follow the change of two 16-bit words in a row
 * @field:	the checksum, big-endian in the packet
 * @from:	what the words were, host order
 * @to:		what they are now
 *
 * As checksum_update16(). The number begins at an even offset in the packet.
 */
void checksum_update32(uint8_t *field, uint32_t from, uint32_t to)
{
	uint32_t not_from = ~from;

	if (from != to)
		update(field, (not_from >> 16) + (not_from & 0xffff),
		       (to >> 16) + (to & 0xffff));
}

/* A word that begins at an odd offset adds its bytes to the other halves. */
static uint32_t swap_halves(uint32_t v)
{
	return (v & 0x00ff00ff) << 8 | (v >> 8 & 0x00ff00ff);
}

/**
 * checksum_update32_at() - Follow the change of four bytes at any offset
 * @field:	the checksum, big-endian in the packet
 * @off:	where the four bytes begin, from where the summed bytes begin
 * @from:	what they were, as one big-endian number, host order
 * @to:		what they are now
 *
 * As checksum_update32(), for TCP's options, which may begin at an odd offset.
 */
void checksum_update32_at(uint8_t *field, size_t off, uint32_t from,
			  uint32_t to)
{
	if (off & 1)
		checksum_update32(field, swap_halves(from), swap_halves(to));
	else
		checksum_update32(field, from, to);
}

/**
 * checksum_crc32c() - The CRC-32C of some bytes
 * @data:	bytes
 * @len:	how many
 *
 * Half a byte at a time: only SCTP whose checksum the sender left out asks
 * for it. RFC 9260, appendix A.
 *
 * Return: what SCTP's checksum field holds, when that was 0 among the bytes.
 */
uint32_t checksum_crc32c(const void *data, size_t len)
{
	static const uint32_t table[16] = {
		0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1,
		0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
		0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
		0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
	};
	const uint8_t *p = data;
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < len; i++) {
		crc ^= p[i];
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return ~crc;
}
