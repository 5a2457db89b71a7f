/* SPDX-License-Identifier: ISC */
#include "diff.h"

static void on_rest(void *arg, const struct diff_found *part)
{
	struct diff_found told = *part;
	struct diff *d = arg;
	enum diff_flows_say say;

	if (d->known.is_learning) {
		diff_known_learn(&d->known, part);
		return;
	}
	say = diff_flows_add(&d->flows, part);
	if (say == DIFF_FLOWS_NOT)
		return;
	told.is_tls = say == DIFF_FLOWS_TELL_TLS;
	d->sums.n[part->kind][DIFF_TOLD]++;
	if (d->max_told && d->n_told == d->max_told)
		return;
	d->n_told++;
	diff_print_found(&d->print, &d->clock, &told);
	if (d->pcap)
		diff_pcap_add(d->pcap, &d->clock, &told);
}

/**
 * diff_differ() - Report a difference, or what of it is not known noise
 * @d:		The report; while it learns, the difference becomes known noise
 * @difference:	What the comparison says, borrowed
 * @cause:	Why a packet that has no equal waits no longer
 */
void diff_differ(struct diff *d, const struct compare_difference *difference,
		 enum diff_cause cause)
{
	struct diff_found found;
	enum diff_fate fate;

	diff_found_make(&found, difference, cause);
	fate = diff_known_cut(&d->known, &found, on_rest, d);
	if (fate != DIFF_TOLD)
		d->sums.n[found.kind][fate]++;
}

/**
 * diff_midstream() - Report that a flow's beginning was not captured
 * @d:		The report
 * @m:		What the comparison says, borrowed
 */
void diff_midstream(struct diff *d, const struct compare_midstream *m)
{
	d->sums.n_midstream++;
	if (!d->known.is_learning)
		diff_print_midstream(&d->print, &d->clock, m);
}
