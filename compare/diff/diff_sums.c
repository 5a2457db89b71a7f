/* SPDX-License-Identifier: ISC */
#include "diff_sums.h"

#include <inttypes.h>

#include "diff_text.h"

/**
 * diff_sums_total() - How many differences were reported?
 * @s:		The sums
 *
 * Return: their number, without those that are known noise
 */
uint64_t diff_sums_total(const struct diff_sums *s)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < DIFF_KINDS; i++)
		n += s->n[i][DIFF_TOLD];
	return n;
}

/**
 * diff_sums_is_whole() - Was every packet compared, or asked to be left out?
 * @s:		The sums
 * @why:	Set if not: what happened, for people; static
 */
bool diff_sums_is_whole(const struct diff_sums *s, const char **why)
{
	*why = NULL;
	if (s->n_unread[0] + s->n_unread[1])
		*why = "packets could not be read, and were not compared";
	else if (s->n_unknown[0] + s->n_unknown[1])
		*why = "repetitions of old bytes could not be compared";
	else if (!s->n_packets[0] && !s->n_packets[1] &&
		 s->n_other[0] + s->n_other[1])
		*why = "nothing was compared: no packet is what --from says";
	return !*why;
}

static void print_row(FILE *out, const char *name, const uint64_t n[2])
{
	if (n[0] || n[1])
		fprintf(out, "%-14s %12" PRIu64 " %12" PRIu64 "\n", name, n[0],
			n[1]);
}

static void print_packets(const struct diff_sums *s, FILE *out)
{
	fputc('\n', out);
	for (unsigned i = 0; i < 2; i++)
		if (s->file[i])
			fprintf(out, "%-14s %s\n", diff_text_side(i),
				s->file[i]);
	fprintf(out, "%s%-14s %12s %12s\n", s->file[0] ? "\n" : "",
		"packets", "primary",
		"secondary");
	fprintf(out, "%-14s %12" PRIu64 " %12" PRIu64 "\n", "compared",
		s->n_packets[0] - s->n_unknown[0],
		s->n_packets[1] - s->n_unknown[1]);
	print_row(out, "  cut short", s->n_cut);
	print_row(out, "    in headers", s->n_short);
	print_row(out, "  not decoded", s->n_undecoded);
	print_row(out, "  unwrapped", s->n_unwrapped);
	print_row(out, "ignored", s->n_ignored);
	print_row(out, "not selected", s->n_other);
	print_row(out, "housekeeping", s->n_housekeeping);
	print_row(out, "old repeats", s->n_unknown);
	print_row(out, "not read", s->n_unread);
}

static void print_kinds(const struct diff_sums *s, FILE *out)
{
	fprintf(out, "\n%-14s %12s %12s %12s\n", "differences", "found",
		"ignored", "learnt");
	for (unsigned i = 0; i < DIFF_KINDS; i++) {
		const uint64_t *n = s->n[i];

		if (n[DIFF_TOLD] || n[DIFF_IGNORED] || n[DIFF_LEARNT])
			fprintf(out, "%-14s %12" PRIu64 " %12" PRIu64
				" %12" PRIu64 "\n", diff_text_kind(i), n[DIFF_TOLD],
				n[DIFF_IGNORED], n[DIFF_LEARNT]);
	}
	fprintf(out, "%-14s %12" PRIu64 "\n", "total",
		diff_sums_total(s));
	if (s->n_midstream)
		fprintf(out, "\nflows that begin in midstream: %" PRIu64
			"\n", s->n_midstream);
}

/**
 * diff_sums_print() - Print the sums, at the end of a report
 * @s:		The sums
 * @out:	Gets the tables
 */
void diff_sums_print(const struct diff_sums *s, FILE *out)
{
	print_packets(s, out);
	print_kinds(s, out);
}
