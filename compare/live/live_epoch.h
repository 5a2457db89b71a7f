/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_LIVE_EPOCH_H
#define COLO_COMPARE_LIVE_EPOCH_H

#include "../../common/clock.h"
#include "checkpoint.h"
#include "epoch.h"
#include "feed.h"
#include "wires.h"

/*
 * Frames of the two inputs on their way to the feed, around the checkpoints of
 * a QEMU: epoch.c decides what becomes of the secondary's frames, this carries
 * it out. live.c calls it for each batch that an input has read, and when the
 * primary stands still or goes on.
 *
 * While the primary stands still its input is read to its end, and compared as
 * always: what is held when the primary goes on was sent before. QMP may tell
 * that it goes on only when its first new frame can be read already. So QMP is
 * looked at before frames are.
 */
struct live_epoch {		/* zeroed to begin with */
	struct feed *feed;		/* borrowed */
	struct checkpoint *checkpoint;	/* borrowed */
	const struct wires *wires;	/* borrowed */
	bool believes_markers;		/* --markers on */
	uint64_t timeout_ms;		/* how long a marker is waited for */
	struct clock_timer marker_wait;
	struct epoch epoch;
	bool is_ahead;		/* secondary-in is stopped, for EPOCH_KEEP */
	bool is_reading;	/* an input is handing us frames */
	bool asks_again;	/* when the checkpoint under way was made */
	uint64_t n_markers;	/* that were not believed */
};

void live_epoch_init(struct live_epoch *e, struct clock *clock,
		     struct feed *feed, struct checkpoint *checkpoint,
		     const struct wires *wires);
void live_epoch_primary(struct live_epoch *e, struct frame *v, unsigned n);
void live_epoch_secondary(struct live_epoch *e, struct frame *v, unsigned n);
void live_epoch_stop(struct live_epoch *e);
void live_epoch_continue(struct live_epoch *e);
void live_epoch_checkpoint(struct live_epoch *e);
void live_epoch_end(struct live_epoch *e);
void live_epoch_begin(struct live_epoch *e);
void live_epoch_stats(const struct live_epoch *e, struct stats *s);
void live_epoch_fini(struct live_epoch *e);

#endif
