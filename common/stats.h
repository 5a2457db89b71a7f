/* SPDX-License-Identifier: ISC */
#ifndef COLO_STATS_H
#define COLO_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drop.h"
#include "histogram.h"

/*
 * The account of a process: in + originated + copied = out + merged + held +
 * dropped, where dropped is the sum over the reasons. Filled when somebody
 * asks; the modules keep their own plain counters.
 *
 * A counter is declared once, as a row of its module's table: there it has its
 * name, its unit, what it says to people, and where it is found. SIGUSR1, the
 * control socket, Prometheus and the man pages get it from there.
 */
#define STATS_ROWS_MAX 1024
#define STATS_TOTALS 7		/* in, ..., dropped */

struct stats_def {
	const char *group;	/* who counts; NULL: each row says it */
	const char *name;	/* what is counted; NULL: each row says it */
	const char *unit;	/* of the value, a plural: "frames", "ms" */
	const char *help;	/* sentences, for people and the man page */
	const char *label;	/* by what rows of one metric differ; or NULL */
	bool is_gauge;		/* it can become less */
	size_t offset, size;	/* where stats_add() finds it */
};

/* Where the value of a row is: a member of a struct, of 32 or 64 bits, or a struct
 * histogram. */
#define STATS_AT(type, member) \
	.offset = offsetof(type, member), \
	.size = sizeof(((const type *)0)->member)

struct stats_row {
	const struct stats_def *def;
	const char *of;		/* for the NULL in def; else NULL */
	uint64_t value;		/* of a histogram: how many */
	const struct histogram *histogram;	/* borrowed; or NULL */
};

struct stats {
	uint64_t in, originated, copied;
	uint64_t out, merged, held;
	unsigned n_rows;
	struct stats_row rows[STATS_ROWS_MAX];
};

const char *stats_drop_name(enum drop reason);
void stats_drop(struct stats *s, enum drop reason, uint64_t n);
void stats_add(struct stats *s, const struct stats_def *table, unsigned n,
	       const char *of, const void *base);
void stats_note(struct stats *s, const struct stats_def *def, const char *of,
		uint64_t value);
uint64_t stats_dropped(const struct stats *s);
void stats_totals(const struct stats *s, struct stats_row *totals);
const char *stats_group(const struct stats_row *row);
const char *stats_name(const struct stats_row *row);
void stats_print(const struct stats *s);

#endif
