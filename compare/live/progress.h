/* SPDX-License-Identifier: ISC */
#ifndef COLO_PROGRESS_H
#define COLO_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A line on a terminal that says how far reading large captures has come. */
struct progress {		/* zeroed to begin with */
	bool is_on;
	bool is_shown;		/* there is a line to be cleared */
	const char *what;	/* in front of it */
	uint64_t size;		/* bytes there are to read */
	uint64_t begin_ns, last_ns;	/* monotonic */
};

void progress_begin(struct progress *p, const char *what, uint64_t size);
bool progress_is_due(struct progress *p);
void progress_show(struct progress *p, uint64_t done);
void progress_clear(struct progress *p);
void progress_text(char *buf, size_t len, uint64_t done, uint64_t size,
		   uint64_t elapsed_ns);

#endif
