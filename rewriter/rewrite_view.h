/* SPDX-License-Identifier: ISC */
#ifndef COLO_REWRITE_VIEW_H
#define COLO_REWRITE_VIEW_H

#include "../common/flow.h"
#include "rewrite.h"

/* A connection as who asks sees it. Nothing is changed by looking. */
struct rewrite_view {
	const char *state;	/* closed, half-open, closing, established */
	uint32_t n_held;	/* segments */
	uint64_t held_bytes;
	uint64_t since_ns;	/* when the oldest of them came; 0: none */
	const char *waits;	/* what they wait for; NULL: for nothing */
	uint64_t due_ns;	/* when they are dropped; 0: nothing is held */
	bool is_known;		/* offset is; else it is being learnt */
	bool is_assumed;	/* it is 0 by guess */
	bool is_signed;		/* it passes untranslated */
	uint32_t offset;	/* guest's - primary's numbers */
	bool has_clock;
	uint32_t ts_offset;	/* guest's - primary's clock */
	const char *dropped;	/* why a segment was dropped last, or NULL */
};

struct flow_table *rewrite_view_table(const struct rewrite *r);
uint32_t rewrite_view_holders_end(const struct rewrite *r);
const void *rewrite_view_holder(const struct rewrite *r, uint32_t at);
void rewrite_view_of(const struct rewrite *r, const void *value,
		     struct rewrite_view *v);

#endif
