/* SPDX-License-Identifier: ISC */
#ifndef SINK_H
#define SINK_H

#include <stddef.h>

/*
 * Standard error as the end of all logs. It never blocks: a reader that does
 * not read must not stop the processes whose lines these are, nor keep the
 * runner from its work. What finds no room is counted and reported.
 */
#define SINK_LINE_MAX 4096	/* at most PIPE_BUF: a line is written whole */

struct sink {
	unsigned long n_lost;	/* lines since the last one that was written */
};

void sink_line(struct sink *sink, const char *name, const char *text,
	       size_t len);
void sink_say(struct sink *sink, const char *level, const char *name,
	      const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#endif
