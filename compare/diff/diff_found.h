/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_DIFF_FOUND_H
#define COLO_COMPARE_DIFF_FOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../common/packet.h"
#include "../core/compare.h"

/*
 * A difference in the terms of the report: its kind, its place, and the bytes
 * that each side has there. Pure. diff.c makes one of each difference that the
 * comparison finds; the other files of the report only read it. It owns
 * nothing: frames and keys are borrowed from the comparison.
 */
enum diff_kind {
	DIFF_PAYLOAD,		/* the bytes differ */
	DIFF_MISSING,		/* the secondary does not have the packet */
	DIFF_EXTRA,		/* the primary does not have the packet */
	DIFF_TIMEOUT,		/* one side did not have it in time */
	DIFF_FLAG,		/* SYN, FIN or RST differ */
	DIFF_OPTION,		/* the options of two SYNs differ */
	DIFF_MAC,		/* the MAC addresses differ */
	DIFF_QUEUE,		/* too many packets waited: not compared */
	DIFF_REPEAT,		/* one side repeats bytes, and they are others */
	DIFF_KINDS
};

/* What becomes of a difference. */
enum diff_fate {
	DIFF_TOLD,		/* it is reported */
	DIFF_IGNORED,		/* an --ignore rule names it */
	DIFF_LEARNT,		/* --learn has seen it between good recordings */
	DIFF_FATES
};

/* Why a packet without an equal stops waiting for one. */
enum diff_cause {
	DIFF_CAUSE_TIME,	/* it has waited for compare-timeout */
	DIFF_CAUSE_ROOM,	/* others need its room */
	DIFF_CAUSE_END,		/* nothing more will come */
};

/* One side of a difference. Offsets count from the Ethernet header on. */
struct diff_side {
	bool is_there;		/* else this side has no packet, no more is set */
	struct frame frame;
	struct packet packet;
	uint32_t begin, end;	/* the bytes that are compared */
	uint32_t at;		/* the first byte that differs */
	uint32_t len;		/* how many bytes differ from there on */
};

struct diff_found {
	enum diff_kind kind;
	const struct flow_key *key;	/* as the flows were paired; or NULL */
	uint32_t offset;	/* of the place, in the stream or datagram */
	bool is_tls;		/* its flow is encrypted: bytes tell nothing */
	struct diff_side side[2];	/* by enum compare_side */
};

/* The bytes of a side from a place on, counted from the Ethernet header; NULL if this
 * side has no packet. */
static inline const uint8_t *diff_found_bytes(const struct diff_side *s,
					      uint32_t at)
{
	return s->is_there ? frame_eth(&s->frame) + at : NULL;
}

void diff_found_make(struct diff_found *found,
		     const struct compare_difference *difference,
		     enum diff_cause cause);
const struct diff_side *diff_found_side(const struct diff_found *found);
const char *diff_found_header(const struct diff_side *side, uint32_t at,
			      size_t *len);

#endif
