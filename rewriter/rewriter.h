/* SPDX-License-Identifier: ISC */
#ifndef COLO_REWRITER_H
#define COLO_REWRITER_H

#include "../common/control_process.h"
#include "../common/failover.h"
#include "../common/filter.h"
#include "../common/qemu.h"
#include "../common/record_table.h"
#include "rewrite.h"

/* What the command line says. */
struct rewriter_options {
	struct option_common common;
	struct filter_options filter;
	uint64_t max_flows;
	uint64_t max_held;		/* bytes of held segments */
	unsigned unknown;		/* 0 pass, 1 drop */
	unsigned translate;		/* enum rewrite_translate */
	const char *qmp;		/* the guest's QMP socket, or NULL */
};

/* The process. Owner: rewriter.c. */
struct rewriter {
	const struct rewriter_options *options;
	struct loop loop;
	struct filter filter;
	struct failover failover;
	struct control_process control;
	struct control_flows flows;
	struct clock_timer expiry;
	struct record_table *table;	/* or NULL: no --state-dir */
	struct rewrite *rewrite;
	struct qemu qemu;
	bool is_paused;			/* the guest stands still */
	uint64_t n_markers;		/* made here */
	uint64_t n_markers_dropped;	/* forged: they came in */
};

int rewriter_run(struct rewriter *r, const struct rewriter_options *options);

#endif
