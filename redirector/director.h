/* SPDX-License-Identifier: ISC */
#ifndef COLO_DIRECTOR_H
#define COLO_DIRECTOR_H

#include "../common/control_process.h"
#include "../common/failover.h"
#include "../common/loop.h"
#include "../common/option.h"
#include "director_options.h"
#include "director_rate.h"
#include "director_spec.h"
#include "schedule/schedule.h"

#define DIRECTOR_SOCKETS 2u	/* of a destination: a pair's two hosts */

/* The sockets of a destination; the scheduler has the rest under its index. */
struct director_dest {
	struct director *director;
	struct endpoint *sockets[DIRECTOR_SOCKETS];
	char texts[DIRECTOR_SOCKETS][DIRECTOR_TEXT_MAX];	/* of them */
	unsigned n;
	unsigned spoke;			/* where frames came from last */
	unsigned live;			/* where frames go: there, if it is up */
	uint16_t index;
	struct director_rate rate;
};

/* The front of several pairs: schedules connections over destinations. */
struct director {
	const struct director_options *options;
	struct loop loop;
	struct failover failover;
	struct control_process control;
	struct endpoint *net_in, *net_out;	/* one, or two */
	struct schedule *schedule;
	struct record_table *table;	/* or NULL: no --state-dir */
	struct director_dest dests[DESTS_MAX];
	struct clock_timer tick;
	uint64_t copied, originated, n_no_net;
	uint32_t n_unsaved;		/* connections that the file lacks */
};

int director_run(struct director *d, const struct director_options *options);

#endif
