/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_LIVE_VERDICT_H
#define COLO_COMPARE_LIVE_VERDICT_H

#include "../../common/verdict.h"
#include "checkpoint.h"
#include "feed.h"
#include "wires.h"

/*
 * The verdict of a comparison. It owns nothing, and reads what the other parts
 * know; control_process.c calls it.
 */
struct live_verdict {		/* borrowed */
	const struct wires *wires;
	const struct feed *feed;
	const struct checkpoint *checkpoint;
	bool is_report;		/* everything passes */
};

void live_verdict_of(const struct live_verdict *lv, uint64_t now_ns,
		     struct verdict *v);

#endif
