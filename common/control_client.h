/* SPDX-License-Identifier: ISC */
#ifndef COLO_CONTROL_CLIENT_H
#define COLO_CONTROL_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "control_table.h"

/*
 * The clients of a control socket: what each has asked and has still to take.
 * control.c says when it is whose turn.
 */
struct control_clients {
	uv_loop_t *uv;
	struct control_table table;	/* what they can ask */
	struct control_client *first, **last;	/* in the order of their turns */
	unsigned n;
	uint64_t n_events;	/* told so far; the number of the last one */
	/* a client is due, maybe */
	void (*on_ready)(struct control_clients *set);
};

struct control_client {
	uv_pipe_t pipe;
	struct control_clients *set;
	struct control_client *next, **at;	/* of the set's list */
	uint8_t *in;			/* what was read and not answered yet */
	size_t in_len, in_room;
	size_t skip;			/* bytes to come of what was too large */
	struct control_asker asker;
	bool is_subscribed;
	bool is_closing;
	uint64_t n_lost;		/* events, since it was last told */
};

struct control_client *control_client_new(struct control_clients *set);
void control_client_begin(struct control_client *client);
void control_client_close(struct control_client *client);
struct control_client *control_client_of(struct control_asker *asker);
bool control_client_is_due(const struct control_client *client);
void control_client_serve(struct control_client *client);
void control_client_tell(struct control_client *client, const char *name,
			 const char *text);

#endif
