/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_LIVE_METHODS_H
#define COLO_COMPARE_LIVE_METHODS_H

#include "../../common/control_flows.h"
#include "../../common/control_table.h"
#include "checkpoint.h"
#include "feed.h"
#include "history.h"
#include "rules.h"

/*
 * What a comparison alone can be asked over its control socket. It owns nothing;
 * live.c has it called.
 */
struct live_methods {		/* borrowed */
	const struct clock *clock;
	const struct feed *feed;
	struct checkpoint *checkpoint;
	const struct history *history;
	struct rules *rules;	/* NULL: there is no report */
};

extern const struct control_method live_methods_table[];

struct control_flows live_methods_flows(struct live_methods *m);

#endif
