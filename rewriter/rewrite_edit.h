/* SPDX-License-Identifier: ISC */
#ifndef COLO_REWRITE_EDIT_H
#define COLO_REWRITE_EDIT_H

#include <stdint.h>

/*
 * The bytes in which numbers are to change, and the checksums that cover them:
 * the segment's own and, in an ICMP error, that of the message around it.
 */
struct rewrite_edit {
	uint8_t *base;		/* where the bytes under sum begin */
	uint8_t *sum;		/* or NULL: it is partial, or not quoted */
	uint8_t *outer_sum;	/* or NULL */
};

void rewrite_edit_number(const struct rewrite_edit *e, uint8_t *at,
			 uint32_t to);

#endif
