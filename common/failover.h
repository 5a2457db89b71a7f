/* SPDX-License-Identifier: ISC */
#ifndef COLO_FAILOVER_H
#define COLO_FAILOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loop.h"
#include "role.h"

/*
 * The role of a process, its change from colo to failover when the peer host is
 * dead, and the way back when there is a peer again. A process does not decide that:
 * it is told, or --auto-failover is given.
 */
struct failover_done {
	uint64_t released;	/* frames that were held until now */
	uint64_t announced;	/* frames that say where the guest lives, sent
				   already; more rounds may follow */
	char text[160];		/* what was done, for people */
};

struct failover_handler {
	/* the role is failover now. @done: zeroed, says what was done */
	void (*on_failover)(void *arg, struct failover_done *done);
	/* the role is colo again: act on it. @text: says what was done, or with a
	 * negative errno why it cannot be; then nothing was changed. NULL: there
	 * is no way back */
	int (*on_protect)(void *arg, char *text, size_t size);
	void *arg;
};

struct failover {
	enum role role;
	const char *state_dir;		/* or NULL */
	uint64_t auto_s;		/* 0 = never by itself */
	struct clock_timer timer;
	bool was_up;			/* the peer had been there */
	bool is_written;		/* the role is on the disk */
	struct failover_done done;	/* by the latest failover_now() */
	struct failover_handler handler;
};

#define FAILOVER_SPECS(type)                                                  \
	{ "auto-failover", OPTION_UINT, offsetof(type, auto_failover_s),      \
	  "SECONDS", "fail over when the peer is gone this long; 0 = never",  \
	  0, 86400, NULL }

int failover_init(struct failover *f, struct loop *loop, uint64_t auto_s,
		  const struct failover_handler *handler);
void failover_set_auto(struct failover *f, uint64_t auto_s);
void failover_now(struct failover *f);
int failover_protect(struct failover *f, char *text, size_t size);
void failover_peer(struct failover *f, bool up);

#endif
