/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_DIFF_H
#define COLO_COMPARE_DIFF_H

#include "diff_clock.h"
#include "diff_flows.h"
#include "diff_from.h"
#include "diff_known.h"
#include "diff_pcap.h"
#include "diff_print.h"
#include "diff_sums.h"

/*
 * The report of what differs between two captures, or live with --dry-run.
 * Known noise is cut out of a difference (diff_known). What is left is counted
 * (diff_sums, diff_flows), printed (diff_print), and its packets are written down
 * (diff_pcap). live/report_out.c opens and closes the files, live/report.c says
 * which packets are compared. A report never asks for a checkpoint.
 */
struct diff {			/* zeroed to begin with */
	struct diff_from from;
	struct diff_known known;
	struct diff_clock clock;
	struct diff_print print;
	uint64_t max_told, n_told;	/* differences printed; 0: no limit */
	struct diff_pcap *pcap;	/* or NULL */
	struct diff_sums sums;
	struct diff_flows flows;
};

void diff_differ(struct diff *d, const struct compare_difference *difference,
		 enum diff_cause cause);
void diff_midstream(struct diff *d, const struct compare_midstream *m);

#endif
