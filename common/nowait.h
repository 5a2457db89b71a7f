/* SPDX-License-Identifier: ISC */
#ifndef COLO_NOWAIT_H
#define COLO_NOWAIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Lines for people: logs, events, counters, reports. Whoever reads them may be
 * slow or stopped, and no frame waits for that: a line that cannot be written
 * at once is lost, and counted.
 */
struct nowait {
	int fd;			/* borrowed; may be shared with other processes */
	bool is_torn;		/* only the beginning of the last line went */
	int err;		/* the last one that was not for want of room */
	uint64_t n_lost;	/* lines since the caller last set it to 0 */
};

bool nowait_write(struct nowait *w, const char *text, size_t len);

#endif
