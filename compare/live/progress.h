/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_PROGRESS_H
#define COLO_COMPARE_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A line on a terminal that says how far reading large captures has come.
 * report.c shows it, and clears it before anything else is printed. It is on
 * only if standard error is a terminal and there is much to read.
 */
struct progress {		/* zeroed to begin with */
	bool is_on;
	bool is_shown;		/* the line is on the terminal */
	const char *what;	/* the words that it begins with */
	uint64_t size;		/* bytes to read */
	uint64_t begin_ns;	/* when reading began, CLOCK_MONOTONIC */
	uint64_t last_ns;	/* when the line was due last; 0: never */
};

void progress_begin(struct progress *p, const char *what, uint64_t size);
bool progress_is_due(struct progress *p);
void progress_show(struct progress *p, uint64_t done);
void progress_clear(struct progress *p);
void progress_text(char *buf, size_t len, uint64_t done, uint64_t size,
		   uint64_t elapsed_ns);

#endif
