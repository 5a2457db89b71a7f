/* SPDX-License-Identifier: ISC */
#ifndef COLO_MARKER_H
#define COLO_MARKER_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "frame.h"

/*
 * A marker is a frame of ours on the secondary's way to the comparison: what
 * stands before it the guest sent in one epoch, what stands behind it in the
 * next. Epochs are what lies between checkpoints. It is for nobody else: the
 * ends of the way take it out, whoever sent it, and no bridge forwards its
 * group address (IEEE 802.1Q, 8.6.3).
 *
 *	 0  01:80:c2:00:00:0e, 02:43:4f:4c:4f:00, EtherType 0x88b5
 *	14  "colo-epoch"
 *	24  version, 1
 *	25  kind, enum marker_kind
 *	26  epoch, big-endian
 *	30  zeroes up to MARKER_LEN
 */
#define MARKER_LEN 60u
#define MARKER_VERSION 1u
#define MARKER_ETHERTYPE 0x88b5u	/* local experimental 1 */
#define MARKER_MAGIC "colo-epoch"
#define MARKER_MAGIC_OFF 14u
#define MARKER_MAGIC_LEN 10u

enum marker_kind {
	MARKER_START,		/* its sender begins */
	MARKER_EPOCH,		/* a checkpoint: another epoch begins */
	MARKER_WANTED,		/* something was missed: a checkpoint is wanted */
};

struct marker {
	enum marker_kind kind;
	uint32_t epoch;
};

struct chunk *marker_make(const struct marker *m, struct frame *f);
int marker_read(struct marker *m, const struct frame *f);

/* Is it meant to be a marker, of whatever version? Other frames of this
 * EtherType are other people's. */
static inline bool marker_is(const struct frame *f)
{
	const uint8_t *p = frame_eth(f);

	/* the length first: it costs no look at the bytes */
	return frame_eth_len(f) == MARKER_LEN &&
	       p[12] == MARKER_ETHERTYPE >> 8 &&
	       p[13] == (MARKER_ETHERTYPE & 0xff) &&
	       !memcmp(p + MARKER_MAGIC_OFF, MARKER_MAGIC, MARKER_MAGIC_LEN);
}

unsigned marker_take_out(struct frame *v, unsigned n, uint64_t *n_taken);

#endif
