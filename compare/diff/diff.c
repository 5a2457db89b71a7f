/* SPDX-License-Identifier: ISC */
/*
 * What the comparison found, in the terms of the report.
 */
#include "diff.h"

static void tell(struct diff *d, const struct diff_found *found)
{
	d->n[found->kind][DIFF_TOLD]++;
	diff_print(d, found);
	if (d->json)
		diff_print_json(d, found);
	if (d->pcap)
		diff_pcap_add(d->pcap, d, found);
}

/**
 * diff_differ - report a difference, or what of it is not known noise
 * @d:		the report
 * @difference:	borrowed
 */
void diff_differ(struct diff *d, const struct compare_difference *difference)
{
	struct diff_found found;
	enum diff_fate fate;

	diff_found_make(&found, d, difference);
	fate = diff_known(d, &found, tell);
	if (fate != DIFF_TOLD)
		d->n[found.kind][fate]++;
}
