/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_HISTORY_H
#define COLO_COMPARE_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "../../common/flow_key.h"
#include "../core/compare.h"

/*
 * The last checkpoints: why each was asked for, when, and what came of it. Pure;
 * live.c notes what happens, live_methods.c reads it.
 */
#define HISTORY_MAX 64u
#define HISTORY_BYTES 32u

/* Where two packets differ. */
struct history_place {
	bool is_known;
	uint32_t offset;	/* in the stream or datagram */
	uint8_t n[2];		/* by side: bytes */
	uint8_t bytes[2][HISTORY_BYTES];
};

struct history_entry {
	bool is_asked;		/* else a checkpoint was made by itself */
	bool is_made;		/* else it is wanted still, or there was a
				   failover */
	char reason[16], flow[FLOW_TEXT_MAX];
	struct history_place place;
	/* us since 1970 */
	uint64_t asked_us, made_us, released_us;
	uint64_t longest_ms;	/* for so long a packet was held */
	struct compare_left left;
	unsigned n_tries;	/* how often the request went out */
};

struct history {		/* zeroed to begin with */
	struct history_entry v[HISTORY_MAX];	/* a ring */
	uint64_t n;		/* entries that were ever begun */
};

void history_place_of(struct history_place *p,
		      const struct compare_difference *d);
void history_ask(struct history *h, const char *reason, const char *flow,
		 const struct history_place *place, uint64_t now_us);
struct history_entry *history_make(struct history *h, uint64_t now_us);
const struct history_entry *history_at(const struct history *h, unsigned back);

#endif
