/* SPDX-License-Identifier: ISC */
/*
 * The account, summed up and written. The caller owns it; rows keep pointers to the
 * names that they are given.
 */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "log.h"
#include "stats.h"

#define DROPPED "dropped"

/**
 * stats_note() - Add a row to an account
 * @s:		account
 * @group:	borrowed: who counts, e.g. an endpoint's name
 * @name:	borrowed: what is counted
 * @n:		how many
 */
void stats_note(struct stats *s, const char *group, const char *name,
		uint64_t n)
{
	assert(s->n_rows < STATS_ROWS_MAX);
	s->rows[s->n_rows++] = (struct stats_row){ group, name, n };
}

/**
 * stats_drop() - Account for dropped frames
 * @s:		account
 * @reason:	borrowed: why; a reason given before gets the sum
 * @n:		how many
 */
void stats_drop(struct stats *s, const char *reason, uint64_t n)
{
	for (unsigned i = 0; i < s->n_rows; i++) {
		struct stats_row *row = &s->rows[i];

		if (!strcmp(row->group, DROPPED) && !strcmp(row->name, reason)) {
			row->value += n;
			return;
		}
	}
	stats_note(s, DROPPED, reason, n);
}

/**
 * stats_dropped() - The sum over the reasons
 * @s:	account
 *
 * Return: number of frames dropped.
 */
uint64_t stats_dropped(const struct stats *s)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < s->n_rows; i++)
		if (!strcmp(s->rows[i].group, DROPPED))
			sum += s->rows[i].value;
	return sum;
}

/**
 * stats_print() - Write an account on standard error
 * @s:	account
 *
 * The totals in the first line, then a line per row, those of 0 too: a reader
 * need not guess whether a counter exists.
 */
void stats_print(const struct stats *s)
{
	log_stats("in=%" PRIu64 " originated=%" PRIu64 " copied=%" PRIu64
		  " out=%" PRIu64 " merged=%" PRIu64 " held=%" PRIu64
		  " dropped=%" PRIu64, s->in, s->originated, s->copied, s->out,
		  s->merged, s->held, stats_dropped(s));
	for (unsigned i = 0; i < s->n_rows; i++)
		log_stats("%s.%s=%" PRIu64, s->rows[i].group, s->rows[i].name,
			  s->rows[i].value);
}
