/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_DIFF_H
#define COLO_COMPARE_DIFF_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../common/packet.h"
#include "compare.h"

/* What a report says: differences as text, as JSON lines, and the sum. */
enum diff_kind {
	DIFF_PAYLOAD,		/* bytes */
	DIFF_MISSING,		/* the secondary does not have it */
	DIFF_EXTRA,		/* the primary does not have it */
	DIFF_FLAG,		/* SYN, FIN or RST */
	DIFF_OPTION,		/* of two SYNs */
	DIFF_MAC,
	DIFF_QUEUE,		/* too much waits: not compared */
	DIFF_KINDS
};

#define DIFF_MASKS_MAX 64

struct diff_mask {		/* known noise */
	uint32_t offset, len;
};

struct diff {
	FILE *text, *json;	/* json may be NULL */
	uint64_t epoch_ns;	/* taken off the times */
	struct diff_mask masks[DIFF_MASKS_MAX];
	unsigned n_masks;
	uint64_t n_packets[2];
	uint64_t n[DIFF_KINDS], n_masked;
	bool has_from;
	uint8_t from[16];	/* the service: only what it sends counts */
	uint8_t from_version;	/* 0: any */
	uint16_t from_port;	/* 0: any */
};

int diff_ignore(struct diff *d, const char *rule);
int diff_from(struct diff *d, const char *text);
bool diff_selects(const struct diff *d, const struct packet *p);
void diff_differ(struct diff *d, const struct compare_difference *difference);
uint64_t diff_total(const struct diff *d);
void diff_summary(const struct diff *d);

#endif
