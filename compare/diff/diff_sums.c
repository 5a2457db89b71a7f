/* SPDX-License-Identifier: ISC */
/*
 * What was counted, for the end of a report.
 */
#include "diff.h"

#include <inttypes.h>

/**
 * diff_count - a packet is compared
 * @d:		the report
 * @side:	whose packet
 * @p:		the packet
 */
void diff_count(struct diff *d, enum compare_side side, const struct packet *p)
{
	d->n_packets[side]++;
	d->n_cut[side] += p->truncated;
}

/**
 * diff_total - how many differences were found
 * @d:		the report
 *
 * Return: their number, without those that are known noise
 */
uint64_t diff_total(const struct diff *d)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < DIFF_KINDS; i++)
		n += d->n[i][DIFF_TOLD];
	return n;
}

static void print_row(FILE *out, const char *name, const uint64_t n[2])
{
	if (n[0] || n[1])
		fprintf(out, "%-14s %12" PRIu64 " %12" PRIu64 "\n", name, n[0],
			n[1]);
}

static void print_packets(const struct diff *d)
{
	fprintf(d->text, "\n%-14s %12s %12s\n", "packets", "primary",
		"secondary");
	fprintf(d->text, "%-14s %12" PRIu64 " %12" PRIu64 "\n", "compared",
		d->n_packets[0], d->n_packets[1]);
	print_row(d->text, "  cut short", d->n_cut);
	print_row(d->text, "ignored", d->n_ignored);
	print_row(d->text, "not selected", d->n_other);
	print_row(d->text, "too short", d->n_short);
}

static void print_kinds(const struct diff *d)
{
	fprintf(d->text, "\n%-14s %12s %12s %12s\n", "differences", "found",
		"ignored", "learnt");
	for (unsigned i = 0; i < DIFF_KINDS; i++) {
		const uint64_t *n = d->n[i];

		if (n[DIFF_TOLD] || n[DIFF_IGNORED] || n[DIFF_LEARNT])
			fprintf(d->text, "%-14s %12" PRIu64 " %12" PRIu64
				" %12" PRIu64 "\n", diff_text_kind(i), n[DIFF_TOLD],
				n[DIFF_IGNORED], n[DIFF_LEARNT]);
	}
	fprintf(d->text, "%-14s %12" PRIu64 "\n", "total", diff_total(d));
	if (d->n_midstream)
		fprintf(d->text, "\nflows that begin in midstream: %" PRIu64
			"\n", d->n_midstream);
}

/**
 * diff_summary - the sums, at the end
 * @d:		the report
 */
void diff_summary(struct diff *d)
{
	print_packets(d);
	print_kinds(d);
}
