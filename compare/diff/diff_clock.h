/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_DIFF_CLOCK_H
#define COLO_COMPARE_DIFF_CLOCK_H

#include <stdint.h>

#include "../../common/frame.h"

/*
 * When something in the report happened: pure. Live, that is now. The frames
 * of captures have times of their own; with --align start they were shifted so
 * that both captures begin at `epoch_ns`.
 */
struct diff_clock {
	uint64_t now_ns;	/* since 1970; 0 with captures */
	uint64_t epoch_ns;	/* the report's 0 */
	uint64_t shift_ns[2];	/* by side: what was taken off the capture's */
};

/* When a frame was sent, as the text tells it. */
static inline uint64_t diff_clock_told_ns(const struct diff_clock *c,
					  const struct frame *f)
{
	if (c->now_ns)
		return c->now_ns;
	return f->time_ns > c->epoch_ns ? f->time_ns - c->epoch_ns : 0;
}

/* When a frame of a side was sent, as its capture says. */
static inline uint64_t diff_clock_captured_ns(const struct diff_clock *c,
					      unsigned side,
					      const struct frame *f)
{
	return c->now_ns ? c->now_ns : f->time_ns + c->shift_ns[side];
}

#endif
