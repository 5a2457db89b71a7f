/* SPDX-License-Identifier: ISC */
#ifndef COLO_OPTION_ROWS_H
#define COLO_OPTION_ROWS_H

#include "option.h"

#define OPTION_ROWS_MAX	64

/*
 * A tool's table, that of what all tools have in common, and --help and --version, end
 * to end. An option's place here is what getopt_long() returns for it, and --help
 * prints the same list, so that the two cannot differ.
 */
struct option_rows {
	const struct option_spec *spec[OPTION_ROWS_MAX];
	unsigned n;
};

/* They set nothing and take no value. */
extern const struct option_spec option_rows_help, option_rows_version;

void option_rows_init(struct option_rows *rows, const struct option_spec *specs);
unsigned option_rows_find(const struct option_rows *rows, const char *name);
bool option_rows_is_action(const struct option_spec *spec);

#endif
