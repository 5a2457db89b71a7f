/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_DIFF_SUMS_H
#define COLO_COMPARE_DIFF_SUMS_H

#include <stdio.h>

#include "diff_found.h"

/* What a report has counted, printed at its end. Whoever sees a packet or a
 * difference counts it; [2] is by enum compare_side. */
struct diff_sums {
	const char *file[2];	/* the captures; borrowed; or NULL */
	uint64_t n_packets[2];	/* compared */
	uint64_t n_cut[2];	/* of these: compared as far as captured */
	uint64_t n_ignored[2];	/* left out by --ignore */
	uint64_t n_other[2];	/* left out by --from */
	uint64_t n_unwrapped[2];	/* of these: what is inside, without what
					   was around it */
	uint64_t n_housekeeping[2];	/* left out because --non-ip does not say
					   otherwise */
	uint64_t n_short[2];	/* of n_cut: without all headers */
	uint64_t n_undecoded[2];	/* of n_packets: no link header that is
					   known, or not all of it */
	uint64_t n_unknown[2];	/* of n_packets: they repeat what is not
				   remembered, and were not compared */
	uint64_t n_unread[2];	/* too long to be read */
	uint64_t n_midstream;	/* flows without their beginning */
	uint64_t n[DIFF_KINDS][DIFF_FATES];	/* differences */
};

bool diff_sums_is_whole(const struct diff_sums *s, const char **why);
uint64_t diff_sums_total(const struct diff_sums *s);
void diff_sums_print(const struct diff_sums *s, FILE *out);

#endif
