/* SPDX-License-Identifier: ISC */
/*
 * Numbers in a segment change in place, and the checksums that cover them
 * follow by RFC 1624: a wrong checksum stays wrong, and only the changed bytes
 * are read.
 *
 * rewrite_translate.c edits segments, rewrite_icmp.c those that errors quote.
 * Nothing here keeps state.
 */
#include "rewrite_edit.h"

#include "../common/bytes.h"
#include "../common/checksum.h"

/**
 * rewrite_edit_number() - Change a number, and the checksums that cover it
 * @e:	the bytes in which it lies
 * @at:	the number: 32 bits, big-endian, at any alignment
 * @to:	its new value
 */
void rewrite_edit_number(const struct rewrite_edit *e, uint8_t *at, uint32_t to)
{
	uint32_t from = bytes_get32(at);
	size_t off = (size_t)(at - e->base);

	bytes_put32(at, to);
	if (e->outer_sum)
		checksum_update32_at(e->outer_sum, off, from, to);
	if (e->sum) {
		uint16_t before = bytes_get16(e->sum);

		checksum_update32_at(e->sum, off, from, to);
		if (e->outer_sum)
			checksum_update16(e->outer_sum, before,
					  bytes_get16(e->sum));
	}
}
