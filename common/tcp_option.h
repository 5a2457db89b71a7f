/* SPDX-License-Identifier: ISC */
#ifndef COLO_TCP_OPTION_H
#define COLO_TCP_OPTION_H

#include <stddef.h>
#include <stdint.h>

/*
 * The options of a TCP header (RFC 9293 section 3.1). An option is named by its
 * offset in the header, so it is never 0. To see them all:
 *
 *	size_t next = TCP_OPTION_FIRST, at;
 *
 *	while ((at = tcp_option_next(tcp, &next, len)))
 *		look at tcp[at], its kind, and tcp[at + 1], its length
 */
enum {				/* IANA: TCP option kinds */
	TCP_OPTION_END = 0,
	TCP_OPTION_NOP = 1,
	TCP_OPTION_MSS = 2,
	TCP_OPTION_WINDOW_SCALE = 3,
	TCP_OPTION_SACK_PERMITTED = 4,
	TCP_OPTION_SACK = 5,
	TCP_OPTION_TIMESTAMP = 8,
	TCP_OPTION_MD5 = 19,		/* RFC 2385 */
	TCP_OPTION_AO = 29,		/* RFC 5925 */
	TCP_OPTION_CUT = 255,		/* nobody's: others were not captured */
};

#define TCP_OPTION_FIRST 20u	/* bytes of the header in front of the options */

size_t tcp_option_next(const uint8_t *tcp, size_t *next, size_t len);
size_t tcp_option_find(const uint8_t *tcp, size_t len, uint8_t kind);
void tcp_option_erase(uint8_t *tcp, size_t at, uint8_t *sum);

#endif
