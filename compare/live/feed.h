/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_FEED_H
#define COLO_COMPARE_FEED_H

#include "../core/compare.h"
#include "checkpoint.h"
#include "history.h"
#include "quarantine.h"
#include "report.h"
#include "tell.h"
#include "wires.h"

/*
 * The comparison, and what has to be done around each call of it. The
 * comparison is pure: it has no clock, must not be called from its own
 * callbacks, and only notes what it wants. So only this file calls it, and does
 * after each call what was wanted: ask for a checkpoint, stop or start
 * primary-in, arm the timer for what is due next.
 *
 * live.c and live_epoch.c hand frames in, and say when a checkpoint was made.
 */
struct feed_parts {		/* borrowed */
	struct clock *clock;
	struct checkpoint *checkpoint;
	struct quarantine *quarantine;
	struct report *report;
};

/* The checkpoint that a difference has asked for. */
struct feed_wanted {
	bool is_wanted;		/* and checkpoint_ask() was not called yet */
	enum compare_reason reason;	/* stays, for who asks why */
	char flow[FLOW_TEXT_MAX];	/* likewise; "" for none */
	struct history_place place;	/* likewise */
};

struct feed {			/* zeroed to begin with */
	struct feed_parts parts;
	struct wires wires;
	struct compare *compare;
	uint64_t timeout_ns;
	struct clock_timer scan;		/* calls the comparison now and then */
	struct clock_timer due;		/* and when it has something to do */
	uint64_t due_ns;		/* when `due` will; or COMPARE_NEVER */
	struct feed_wanted wanted;
	struct tell tell;
	const struct frame *passing;	/* report: the primary's frame as it came,
					   while it is compared; or NULL */
	enum diff_cause cause;		/* of timeouts, for a report */
	bool is_stopped;		/* primary-in waits for room */
	bool is_standing;		/* the primary stands still */
	uint64_t standing_bytes;	/* read of primary-in until then */
};

int feed_open(struct feed *f, const struct compare_config *config,
	      const struct feed_parts *parts);
void feed_set_config(struct feed *f, const struct compare_config *config);
void feed_start(struct feed *f, const struct wires *wires, uint64_t scan_ms);
void feed_input(struct feed *f, enum compare_side side, struct frame *v,
		unsigned n);
void feed_apply_pressure(struct feed *f);
void feed_set_standing(struct feed *f, bool is_standing);
struct compare_left feed_checkpoint(struct feed *f);
struct compare_left feed_release(struct feed *f, const char *why);
void feed_grace(struct feed *f, uint64_t grace_ms);
struct compare_left feed_failover(struct feed *f);
void feed_protect(struct feed *f);
void feed_end(struct feed *f);
void feed_stats(const struct feed *f, struct stats *s);
bool feed_is_holding(const struct feed *f);
void feed_close(struct feed *f);

#endif
