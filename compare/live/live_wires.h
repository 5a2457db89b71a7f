/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_LIVE_WIRES_H
#define COLO_COMPARE_LIVE_WIRES_H

#include "../../common/failover.h"
#include "../../common/loop.h"
#include "checkpoint.h"
#include "live_epoch.h"
#include "live_options.h"
#include "wires.h"

/*
 * Opens the endpoints, and is called by them: it passes the frames of the inputs
 * to live_epoch, and asks for a checkpoint when an input has its peer back. It
 * owns what the process knows of each input. live.c sets the other members.
 */
struct live_wires {		/* zeroed to begin with */
	struct wires *wires;	/* borrowed: filled */
	struct loop *loop;	/* borrowed, like the rest */
	struct live_epoch *epoch;
	struct checkpoint *checkpoint;
	struct failover *failover;
	bool has_lost[2];	/* by side: frames may have been lost, and the
				   input has not come up since */
};

int live_wires_open(struct live_wires *lw, const struct live_options *o);
void live_wires_distrust(struct live_wires *lw);

#endif
