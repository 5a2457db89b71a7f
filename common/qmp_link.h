/* SPDX-License-Identifier: ISC */
#ifndef COLO_QMP_LINK_H
#define COLO_QMP_LINK_H

#include <stdbool.h>
#include <sys/types.h>

#include "loop.h"
#include "qmp.h"

/* A connection to a QMP socket that is made again whenever it is lost. */
struct qmp_link_handler {
	void (*on_up)(void *arg, bool is_same_peer);	/* commands may be sent */
	void (*on_down)(void *arg);			/* after an on_up */
	void (*on_message)(void *arg, const struct qmp_message *m);
	void *arg;
};

struct qmp_link {
	struct loop *loop;
	const char *path;		/* borrowed */
	struct qmp_link_handler handler;
	int fd;				/* -1 without a connection */
	uv_poll_t *poll;
	bool is_up;
	bool is_reading;
	bool is_closed;			/* until qmp_link_reopen() */
	bool is_told;			/* this down time was logged */
	pid_t last_peer;		/* who listens at the other end */
	unsigned delay_ms;		/* before the next attempt */
	struct clock_timer retry, silence;
	struct qmp qmp;
};

bool qmp_link_check(const char *option, const char *path);
void qmp_link_open(struct qmp_link *l, struct loop *loop, const char *path,
		   const struct qmp_link_handler *handler);
void qmp_link_close(struct qmp_link *l);
void qmp_link_reopen(struct qmp_link *l);
int qmp_link_send(struct qmp_link *l, uint64_t tag, const char *execute,
		  json_t *arguments);
void qmp_link_read(struct qmp_link *l);

#endif
