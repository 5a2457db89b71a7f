/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_TELL_H
#define COLO_COMPARE_TELL_H

#include "../../common/flow_key.h"
#include "../core/compare.h"

/*
 * Events about packets that do not fare as they should: they wait for too long,
 * are dropped, or leave although the secondary has not sent them. feed.c passes
 * on what the comparison says. Nothing is decided here.
 */
struct tell {			/* zeroed to begin with */
	/* what has left uncompared and was not told yet */
	uint64_t frames, bytes;
	const char *why;	/* the last of it left; static text */
	char flow[FLOW_TEXT_MAX];	/* the last flow that differed */
	unsigned n_waiting;	/* flows that were told to wait, and still do */
	uint64_t told_ns;	/* when the last event was; 0: never */
};

void tell_wait(struct tell *t, const struct compare_wait *w, uint64_t now_ns);
void tell_over_share(const struct compare_over_share *s);
void tell_left(struct tell *t, const struct compare_left *left,
	       const char *why, const char *flow, uint64_t now_ns);
void tell_pending(struct tell *t, uint64_t now_ns);

#endif
