/* SPDX-License-Identifier: ISC */
#ifndef COLO_SCHEDULE_CORE_H
#define COLO_SCHEDULE_CORE_H

#include "claims.h"
#include "schedule.h"

/* The parts, each with its owner: the file of its name. */
struct schedule {
	struct schedule_config config;
	struct dest_set dests;
	struct service_set services;
	struct conn_table conns;
	struct flow_table *fragments;
	struct claims claims;
	uint64_t n[SCHEDULE_REASONS];
	uint64_t n_rescheduled;		/* SYNs that left an old connection */
	uint32_t n_loaded, n_lost;	/* from the file */
	uint32_t n_unsaved;		/* connections that the file lacked when it
					   began to lack some; 0: it has all */
	uint32_t sweep;			/* index that is looked at next */
	bool is_sweeping;		/* a destination is over */
};

#endif
