/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_REPORT_H
#define COLO_COMPARE_REPORT_H

#include "../../common/clock.h"
#include "../diff/diff.h"
#include "live_options.h"
#include "progress.h"
#include "wires.h"

/*
 * The report of a process that compares captures, or runs with --dry-run: it
 * says which frames are compared, and shows the progress; report_out.c opens
 * and closes the files of diff/diff.h. feed.c asks it about each frame. In any
 * other process it is not on, and does nothing but keep --diff-pcap's ring.
 */
struct report {			/* zeroed to begin with */
	const struct live_options *options;	/* borrowed */
	const struct clock *clock;		/* borrowed */
	const struct wires *wires;		/* borrowed */
	bool is_on;
	struct diff diff;
	struct progress progress;
	struct roster *roster;	/* borrowed: frames are entered there, and not
				   compared; or NULL */
	uint64_t n_looks;	/* how often report_look_at_clock() was called */
	uint64_t n_unselected;	/* of the secondary: by --from, --ignore */
};

void report_init(struct report *r, const struct live_options *options,
		 const struct clock *clock, const struct wires *wires,
		 struct learn *learn, bool is_learning);
int report_ready(struct report *r);
void report_look_at_clock(struct report *r);
bool report_unwrap(const struct report *r, struct frame *seen,
		   const struct frame *f);
bool report_enters(struct report *r, enum compare_side side,
		   const struct frame *f);
bool report_selects(struct report *r, enum compare_side side,
		    const struct frame *f, bool is_unwrapped);
uint64_t report_time_ns(const struct report *r, const struct frame *f);
bool report_is_untimed(const struct report *r);
void report_differ(struct report *r, const struct compare_difference *d,
		   enum diff_cause cause);
void report_ring(struct report *r, const struct compare_difference *d);
void report_midstream(struct report *r, const struct compare_midstream *m);
void report_unknown(struct report *r, enum compare_side side, uint64_t n);
void report_end(struct report *r);
bool report_is_whole(const struct report *r);
bool report_is_different(const struct report *r);

#endif
