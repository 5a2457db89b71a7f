/* SPDX-License-Identifier: ISC */
#ifndef COLO_MIRROR_H
#define COLO_MIRROR_H

#include "../common/control_process.h"
#include "../common/failover.h"
#include "../common/filter.h"

/* QEMU's filter-mirror: a wire, and a copy of what goes over it. */
struct mirror_options {
	struct option_common common;
	struct filter_options filter;
	struct endpoint_spec outdev, indev;	/* indev may be unset */
	unsigned queue;			/* enum endpoint_queue */
	unsigned status;		/* enum filter_status */
	unsigned when_slow;		/* enum mirror_when_slow */
	uint64_t auto_failover_s;
};

enum mirror_when_slow {
	MIRROR_DROP,			/* copies never stop the wire */
	MIRROR_BLOCK,			/* the wire waits for the copies */
};

struct mirror {
	const struct mirror_options *options;
	struct loop loop;
	struct filter filter;
	struct failover failover;
	struct control_process control;
	struct endpoint *outdev;	/* NULL after a failover */
	struct endpoint *indev;		/* NULL: none */
	uint64_t copied;
	bool is_off;			/* --status */
	uint64_t n_skipped;		/* not mirrored meanwhile */
	bool is_losing;			/* copies: an episode */
	bool was_cut;			/* the outdev's connection broke */
	uint64_t n_told;		/* lost copies that events named */
};

int mirror_run(struct mirror *m, const struct mirror_options *options);

#endif
