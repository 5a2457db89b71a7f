/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_DIFF_H
#define COLO_COMPARE_DIFF_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../../common/packet.h"
#include "../core/compare.h"
#include "ignore.h"
#include "learn.h"

/*
 * The report of what differs between two recordings, or live with --dry-run.
 * A difference is taken apart into what is known noise and what is not
 * (diff_known.c); the rest is counted and told: as text and as JSON lines
 * (diff_print.c), and its packets are written down (diff_pcap.c).
 */
enum diff_kind {
	DIFF_PAYLOAD,		/* bytes */
	DIFF_MISSING,		/* the secondary does not have it */
	DIFF_EXTRA,		/* the primary does not have it */
	DIFF_TIMEOUT,		/* the other side does not have it in time */
	DIFF_FLAG,		/* SYN, FIN or RST */
	DIFF_OPTION,		/* of two SYNs */
	DIFF_MAC,
	DIFF_QUEUE,		/* too much waits: not compared */
	DIFF_KINDS
};

struct diff_side {		/* what a side has at the place */
	bool is_there;
	struct frame frame;
	struct packet packet;
	/* all from the Ethernet header on */
	uint32_t begin, end;	/* of what is compared */
	uint32_t at;		/* the place */
	uint32_t len;		/* bytes that differ there */
};

struct diff_found {
	enum diff_kind kind;
	const struct flow_key *key;	/* as paired; or NULL */
	uint32_t offset;	/* of the place, in the stream or datagram */
	struct diff_side side[2];
};

struct diff_from {		/* the service: only what it sends counts */
	bool is_set;
	uint8_t ip_version;	/* 0: any */
	uint8_t addr[16];
	uint16_t port;		/* 0: any */
};

enum diff_fate { DIFF_TOLD, DIFF_IGNORED, DIFF_LEARNT, DIFF_FATES };

struct diff_pcap;

struct diff {
	FILE *text, *json;	/* json may be NULL */
	struct diff_pcap *pcap;	/* or NULL */
	struct diff_from from;
	struct ignore ignore;
	struct learn *learn;	/* or NULL */
	bool is_learning;	/* nothing is told, all is learnt */
	bool is_over;		/* what is missing now will not come */
	bool is_full;		/* it is given up to make room */
	uint64_t now_ns;	/* since 1970; 0 with captures, whose frames know */
	uint64_t epoch_ns;	/* taken off the times that are told */
	uint64_t shift_ns[2];	/* by side: added, they are those of the capture */
	uint64_t n_packets[2], n_cut[2];	/* compared; as far as captured */
	uint64_t n_ignored[2], n_other[2];	/* by --ignore, by --from */
	uint64_t n_short[2];	/* captured too short to be compared */
	uint64_t n_midstream;
	uint64_t n[DIFF_KINDS][DIFF_FATES];
};

int diff_from(struct diff_from *from, const char *text);
bool diff_selects(const struct diff_from *from, const struct packet *p);
void diff_count(struct diff *d, enum compare_side side, const struct packet *p);
void diff_differ(struct diff *d, const struct compare_difference *difference);
void diff_midstream(struct diff *d, const struct compare_midstream *m);
uint64_t diff_total(const struct diff *d);

/* Of diff_found.c. */
void diff_found_make(struct diff_found *found, const struct diff *d,
		     const struct compare_difference *difference);

/* Of diff_known.c: what is left of a difference goes to the callback. */
enum diff_fate diff_known(struct diff *d, const struct diff_found *found,
			  void (*rest)(struct diff *d,
				       const struct diff_found *found));
const char *diff_header(const struct diff_side *side, uint32_t at,
			size_t *len);

/* Of diff_print.c. */
#define DIFF_TEXT_MAX 256

const char *diff_text_kind(enum diff_kind kind);
const char *diff_text_side(unsigned i);
void diff_text_flow_of(char *buf, size_t len, const struct diff_side *s);
void diff_text(char *buf, size_t len, const struct diff_found *found);
void diff_flow_text(char *buf, size_t len, const struct diff_found *found);
void diff_print(struct diff *d, const struct diff_found *found);
void diff_print_json(struct diff *d, const struct diff_found *found);
void diff_summary(struct diff *d);

/* Of diff_pcap.c. */
int diff_pcap_open(struct diff_pcap **out, const char *path);
void diff_pcap_add(struct diff_pcap *p, const struct diff *d,
		   const struct diff_found *found);
int diff_pcap_close(struct diff_pcap *p);

#endif
