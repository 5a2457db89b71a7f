/* SPDX-License-Identifier: ISC */
#ifndef COLO_CONTROL_H
#define COLO_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "control_client.h"
#include "control_pace.h"
#include "control_spec.h"
#include "unix_path.h"

/*
 * The control socket of a process: clients ask, and are told of events. It
 * never makes a frame wait: requests get a small share of the time, a client
 * that does not read its answers is not read either, and the events that it
 * has no room for are lost to it, and counted.
 *
 * Root and our own user may do all. Others who can open the socket, by its
 * mode and group, may only read.
 */
struct control {
	struct unix_path path;
	uv_pipe_t *listener;		/* NULL: there is no socket */
	uv_timer_t *turn;		/* answers what has been asked */
	struct control_clients clients;
	struct control_pace pace;	/* of the turns */
};

int control_open(struct control *c, uv_loop_t *uv,
		 const struct control_spec *spec,
		 const struct control_table *table);
void control_close(struct control *c);
void control_tell(struct control *c, const char *name, const char *text);
void control_wake(struct control_asker *asker);
uint64_t control_subscribe(struct control_asker *asker);

#endif
