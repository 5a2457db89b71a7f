/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_DIFF_PRINT_H
#define COLO_COMPARE_DIFF_PRINT_H

#include <stdbool.h>
#include <stdio.h>

#include "diff_clock.h"
#include "diff_found.h"

/*
 * Differences as text for people and as JSON lines for programs. The files are
 * borrowed: whoever opened them looks for errors and closes them.
 */
struct diff_print {
	FILE *text;		/* or NULL */
	FILE *json;		/* or NULL */
	bool has_hex;		/* bytes as hex, too, when they can be read */
	bool has_color;		/* of the text */
};

void diff_print_found(const struct diff_print *out,
		      const struct diff_clock *clock,
		      const struct diff_found *f);
void diff_print_midstream(const struct diff_print *out,
			  const struct diff_clock *clock,
			  const struct compare_midstream *m);

#endif
