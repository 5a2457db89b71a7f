/* SPDX-License-Identifier: ISC */
#ifndef COLO_REDIRECTOR_H
#define COLO_REDIRECTOR_H

#include "../common/control_process.h"
#include "../common/failover.h"
#include "../common/filter.h"
#include "announce.h"
#include "director_options.h"
#include "redirect.h"

/* QEMU's filter-redirector: diverts one direction, injects into one. */
struct redirector_options {
	struct option_common common;
	struct filter_options filter;
	struct endpoint_spec indev, outdev;
	unsigned queue;			/* enum endpoint_queue */
	bool exclusive;
	uint64_t announce;		/* rounds */
	unsigned status;		/* enum filter_status */
	unsigned when_down;		/* enum redirect_when_down */
	uint64_t grace_s;
	uint64_t auto_failover_s;
	struct director_options director;	/* with --dest only */
};

struct redirector {
	const struct redirector_options *options;
	struct loop loop;
	struct filter filter;
	struct failover failover;
	struct control_process control;
	struct endpoint *indev, *outdev;	/* NULL after a failover */
	struct redirect redirect;
	struct announce announce;
	struct clock_timer grace;	/* outdev is down: when to pass */
	uint64_t down_ns;		/* since when */
	struct clock_timer rounds;	/* announcements */
	struct clock_timer farewell;	/* what compare still had for us */
	uint64_t n_rounds;		/* made */
	uint64_t n_uncompared;		/* frames passed in this episode */
	uint64_t n_released;		/* taken back from an outdev, and passed */
	uint64_t n_markers;		/* kept off the net */
	bool is_uncompared;		/* until the next checkpoint */
	uint64_t copied, originated;
	uint64_t dropped[DROP_REASONS];
};

int redirector_run(struct redirector *r,
		   const struct redirector_options *options);

#endif
