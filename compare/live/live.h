/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_LIVE_H
#define COLO_COMPARE_LIVE_H

#include "../diff/learn.h"
#include "live_options.h"

/*
 * The process: it opens the endpoints, connects the parts with each other, and
 * runs the loop. Each part has its own state: the feed the comparison, live_epoch
 * the secondary's frames around a checkpoint, checkpoint the request,
 * quarantine those who ask too often, report the report. What one of them has
 * to tell another that it does not know goes through here.
 */
int live_run(const struct live_options *options, struct learn *learn,
	     bool is_learning);

#endif
