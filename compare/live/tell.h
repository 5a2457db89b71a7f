/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_TELL_H
#define COLO_COMPARE_TELL_H

#include "../../common/flow_key.h"
#include "../core/compare.h"
#include "history.h"

/*
 * Events about packets that do not fare as they should: they wait for too long,
 * are dropped, or leave although the secondary has not sent them; and about
 * checkpoints. feed.c passes on what the comparison says, live.c what becomes of
 * requests. Nothing is decided here.
 */
struct tell_made {		/* a checkpoint */
	bool is_asked;		/* somebody here had asked for it */
	uint64_t took_ms;	/* since then */
	bool has_stopped;	/* QEMU has said how long the primary stood still */
	uint64_t stopped_ms;
	uint64_t frames;	/* that have left */
};

struct tell {			/* zeroed to begin with */
	/* what has left uncompared and was not told yet */
	uint64_t frames, bytes;
	const char *why;	/* the last of it left; static text */
	char flow[FLOW_TEXT_MAX];	/* the last flow that differed */
	unsigned n_waiting;	/* flows that were told to wait, and still do */
	uint64_t told_ns;	/* when the last event was; 0: never */
	/* checkpoints: guests and QEMU decide how often there are some */
	uint64_t second_ns;	/* when the present second began */
	unsigned n_second;	/* told in it */
	unsigned n_left_out;	/* since the last one that was told */
	bool is_left_out;	/* the one that is wanted */
};

void tell_wait(struct tell *t, const struct compare_wait *w, uint64_t now_ns);
void tell_over_share(const struct compare_over_share *s);
void tell_left(struct tell *t, const struct compare_left *left,
	       const char *why, const char *flow, uint64_t now_ns);
void tell_wanted(struct tell *t, const char *reason, const char *flow,
		 const struct history_place *place, uint64_t now_ns);
void tell_made(struct tell *t, const struct tell_made *m, uint64_t now_ns);
void tell_pending(struct tell *t, uint64_t now_ns);

#endif
