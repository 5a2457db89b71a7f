/* SPDX-License-Identifier: ISC */
#ifndef COLO_QEMU_H
#define COLO_QEMU_H

#include "qmp_link.h"
#include "stats.h"
#include "vmstate.h"

/*
 * The QEMU beside a tool, over its QMP socket: when its guest stands still,
 * whether that was a checkpoint, and how to ask for one. Handlers may be NULL.
 */
struct qemu_handler {
	const char *side;	/* what it is to be: "primary", "secondary" */
	void (*on_stop)(void *arg);		/* the guest stands still */
	/* and goes on: the replicas are equal; or: as it was */
	void (*on_checkpoint)(void *arg, uint64_t stopped_ms);
	void (*on_continue)(void *arg);
	void (*on_exit)(void *arg);		/* COLO is over */
	void (*on_missed)(void *arg);		/* checkpoints, perhaps */
	void (*on_ready)(void *arg);		/* qemu_in_colo() has become true */
	void *arg;
};

struct qemu {
	struct qmp_link link;
	struct vmstate vm;
	struct qemu_handler handler;
	struct clock_timer patience;
	bool is_migrating_in_colo;	/* what query-migrate says */
	bool was_ready;			/* by the last answer of this connection */
	bool has_answered;		/* there was one */
	uint64_t stopped_ns;		/* since when the guest stands */
	uint64_t n_stops, n_exits, n_up;
};

void qemu_open(struct qemu *q, struct loop *loop, const char *path,
	       const struct qemu_handler *handler);
void qemu_close(struct qemu *q);
void qemu_reopen(struct qemu *q);
void qemu_read(struct qemu *q);
void qemu_ask(struct qemu *q);
int qemu_request_checkpoint(struct qemu *q, uint64_t period_ms);
void qemu_freeze(struct qemu *q);
bool qemu_is_up(const struct qemu *q);
bool qemu_in_colo(const struct qemu *q);
bool qemu_is_known(const struct qemu *q);
void qemu_stats(const struct qemu *q, struct stats *s);

#endif
