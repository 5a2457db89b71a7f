/* SPDX-License-Identifier: ISC */
#ifndef COLO_STATS_H
#define COLO_STATS_H

#include <stdint.h>

/*
 * The account of a process: in + originated + copied = out + merged + held +
 * dropped, where dropped is the sum over the reasons. Filled when somebody
 * asks; the modules keep their own plain counters.
 */
#define STATS_ROWS_MAX 256

struct stats_row {
	const char *group;	/* "dropped" or a name of the tool's */
	const char *name;
	uint64_t value;
};

struct stats {
	uint64_t in, originated, copied;
	uint64_t out, merged, held;
	unsigned n_rows;
	struct stats_row rows[STATS_ROWS_MAX];
};

void stats_drop(struct stats *s, const char *reason, uint64_t n);
void stats_note(struct stats *s, const char *group, const char *name,
		uint64_t n);
uint64_t stats_dropped(const struct stats *s);
void stats_print(const struct stats *s);

#endif
