/* SPDX-License-Identifier: ISC */
/*
 * The one walk over TCP's options, for the rewriter and the comparison. It has
 * no state and trusts no length in the bytes.
 */
#include "tcp_option.h"

#include "checksum.h"

/**
 * tcp_option_next() - Step to the next option that has a length
 * @tcp:	the TCP header
 * @next:	where to look from; TCP_OPTION_FIRST for the first option. Set to
 *		what follows the option found.
 * @len:	bytes of the header, options included
 *
 * NOPs are stepped over. The walk ends at the end-of-list option, at the end of
 * the header and at the first option whose length is under 2 or goes beyond it.
 *
 * Return: the option's offset in the header, all of whose bytes are there; 0 at
 *	   the end of the walk
 */
size_t tcp_option_next(const uint8_t *tcp, size_t *next, size_t len)
{
	size_t at = *next;

	while (at < len && tcp[at] == TCP_OPTION_NOP)
		at++;
	if (at >= len || len - at < 2 || tcp[at] == TCP_OPTION_END ||
	    tcp[at + 1] < 2 || tcp[at + 1] > len - at)
		return 0;
	*next = at + tcp[at + 1];
	return at;
}

/**
 * tcp_option_find() - Find the first option of a kind
 * @tcp:	the TCP header
 * @len:	bytes of the header, options included
 * @kind:	TCP_OPTION_MSS or above
 *
 * Return: its offset in the header, 0 when the walk meets none
 */
size_t tcp_option_find(const uint8_t *tcp, size_t len, uint8_t kind)
{
	size_t next = TCP_OPTION_FIRST, at;

	while ((at = tcp_option_next(tcp, &next, len)))
		if (tcp[at] == kind)
			return at;
	return 0;
}

/**
 * tcp_option_erase() - Write NOPs over an option
 * @tcp:	the TCP header
 * @at:		the option's offset, from tcp_option_next()
 * @sum:	the checksum that covers the option and is to follow (RFC 1624),
 *		or NULL
 */
void tcp_option_erase(uint8_t *tcp, size_t at, uint8_t *sum)
{
	size_t end = at + tcp[at + 1];

	for (; at < end; at++) {
		unsigned shift = at & 1 ? 0 : 8;

		if (sum)
			checksum_update16(sum, (uint16_t)(tcp[at] << shift),
					  (uint16_t)(TCP_OPTION_NOP << shift));
		tcp[at] = TCP_OPTION_NOP;
	}
}
