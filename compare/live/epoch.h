/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_EPOCH_H
#define COLO_COMPARE_EPOCH_H

#include <stdbool.h>
#include <stdint.h>

#include "../../common/frame.h"
#include "../../common/marker.h"

/*
 * Which of the secondary's frames belong to the epoch that the primary is in:
 * pure. They come over another way than the news of a checkpoint does.
 */
enum epoch_fate {
	EPOCH_COMPARE,
	EPOCH_DISCARD,		/* of the epoch before: until the marker */
	EPOCH_KEEP,		/* of the next one: until the primary is there */
};

struct epoch {
	enum epoch_fate fate;	/* of what comes now */
	bool is_stopped;	/* the primary stands still */
	bool has_marker;	/* the peer sends them */
	uint32_t last;		/* epoch of the last marker */
	unsigned n_kept, cap;
	struct frame *kept;	/* with a reference each */
	uint64_t n_markers, n_discarded;
};

void epoch_fini(struct epoch *e);
void epoch_stop(struct epoch *e);
void epoch_marker(struct epoch *e, const struct marker *m);
void epoch_checkpoint(struct epoch *e);
void epoch_continue(struct epoch *e);
void epoch_forget(struct epoch *e);
void epoch_keep(struct epoch *e, const struct frame *v, unsigned n);
unsigned epoch_take(struct epoch *e, struct frame **v);
void epoch_drop(struct epoch *e);

#endif
