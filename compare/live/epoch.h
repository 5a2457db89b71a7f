/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_EPOCH_H
#define COLO_COMPARE_EPOCH_H

#include <stdbool.h>
#include <stdint.h>

#include "../../common/frame.h"
#include "../../common/marker.h"

/*
 * Which of the secondary's frames belong to the epoch that the primary is in:
 * pure. An epoch is the time between two checkpoints. The frames arrive by
 * another way than the news of a checkpoint, so one of the two is late.
 * live_epoch.c calls it and does what it says.
 */
enum epoch_fate {
	EPOCH_COMPARE,		/* they are of the primary's epoch */
	EPOCH_DISCARD,		/* of the epoch before, until a marker comes */
	EPOCH_KEEP,		/* of the next one, until the primary is there */
};

struct epoch {
	enum epoch_fate fate;	/* of the secondary's next frame */
	bool is_stopped;	/* the primary stands still */
	bool has_marker;	/* the peer sends markers */
	uint32_t last;		/* epoch of the last marker */
	unsigned n_kept, cap;
	struct frame *kept;	/* each has a reference of its chunk */
	uint64_t n_markers, n_discarded;	/* frames, by what they were */
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
