/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_LIVE_H
#define COLO_COMPARE_LIVE_H

#include "../diff/learn.h"
#include "live_options.h"

/* What a pass over two captures is for; live, all of it is zero. */
struct live_pass {
	struct learn *learn;	/* what was learnt; NULL for nothing */
	struct roster *roster;	/* who is in both; or NULL */
	bool is_learning;	/* differences are added to learn, and told to
				   nobody */
	bool is_survey;		/* the roster is filled, and no more */
};

/*
 * The process: it opens the endpoints, connects the parts with each other, and
 * runs the loop. Each part has its own state: the feed the comparison, live_epoch
 * the secondary's frames around a checkpoint, checkpoint the request,
 * quarantine those who ask too often, report the report. What one of them has
 * to tell another that it does not know goes through here.
 */
int live_run(const struct live_options *options, const struct live_pass *pass);

#endif
