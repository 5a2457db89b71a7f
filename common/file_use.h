/* SPDX-License-Identifier: ISC */
#ifndef COLO_FILE_USE_H
#define COLO_FILE_USE_H

#include <stdbool.h>

#include "endpoint_spec.h"
#include "option.h"

/*
 * The files that a command line names: one that is written must not be read, or
 * written by another option, too: it would be emptied before it is read.
 */
#define FILE_USES_MAX (OPTION_LIST_MAX + 8)

struct file_use {
	const char *option;	/* without the dashes */
	const char *path;
	bool is_written;
};

struct file_uses {
	struct file_use v[FILE_USES_MAX];
	unsigned n;
};

void file_use_add(struct file_uses *u, const char *option, const char *path,
		   bool is_written);
void file_use_add_spec(struct file_uses *u, const char *option,
			const struct endpoint_spec *spec, bool is_written);
int file_use_check(const struct file_uses *u);

#endif
