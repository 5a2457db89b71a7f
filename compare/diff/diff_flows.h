/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_DIFF_FLOWS_H
#define COLO_COMPARE_DIFF_FLOWS_H

#include <stdio.h>

#include "diff_found.h"

/*
 * Which flows differ, and how much: for the summary, worst first, and to say of
 * a flow once that it is encrypted. Pure, but for printing. Flows beyond
 * DIFF_FLOWS_MAX are told of one by one, and are not in the summary.
 */
#define DIFF_FLOWS_MAX 65536u

struct flow_table;

struct diff_flows {			/* zeroed to begin with, but for the seed */
	uint64_t seed;			/* random */
	struct flow_table *table;	/* of struct diff_flow; NULL before the
					   first difference */
	uint64_t n_tls;			/* flows that look like TLS */
};

enum diff_flows_say {
	DIFF_FLOWS_TELL,
	DIFF_FLOWS_TELL_TLS,	/* and say that it looks like TLS */
	DIFF_FLOWS_NOT,		/* it was said: other bytes tell nothing */
};

enum diff_flows_say diff_flows_add(struct diff_flows *d,
				   const struct diff_found *f);
void diff_flows_print(const struct diff_flows *d, FILE *out);
void diff_flows_fini(struct diff_flows *d);

#endif
