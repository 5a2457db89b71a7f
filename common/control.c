/* SPDX-License-Identifier: ISC */
/*
 * Each turn of the timer answers one message of each client that is due, as far as there
 * is time, and notes how long that took; control_pace.c says when the next one comes.
 */
#include "control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "time.h"

#define WHERE		"control"
#define CLIENTS_MAX	128u
#define TURN_MAX_NS	UINT64_C(200000)	/* then the next client waits */

static void schedule(struct control *c);

/* --- a turn --- */

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static uint64_t wait_ns(const struct control *c)
{
	return control_pace_wait_ns(&c->pace, uv_hrtime(), cpu_ns());
}

static void answer_some(struct control *c)
{
	uint64_t begin = uv_hrtime(), begin_cpu = cpu_ns(), end_cpu;

	for (unsigned n = c->clients.n; n && c->clients.first; n--) {
		control_client_serve(c->clients.first);
		if (uv_hrtime() - begin >= TURN_MAX_NS)
			break;
	}
	end_cpu = cpu_ns();
	c->pace = (struct control_pace){ end_cpu - begin_cpu, uv_hrtime(),
					 end_cpu };
}

static void on_turn(uv_timer_t *timer)
{
	struct control *c = timer->data;

	if (wait_ns(c) == 0)
		answer_some(c);
	schedule(c);
}

/* Has the timer answer what can be answered, when it is time. */
static void schedule(struct control *c)
{
	const struct control_client *cl = c->clients.first;

	while (cl && !control_client_is_due(cl))
		cl = cl->next;
	if (!cl || !c->turn || uv_is_active((const uv_handle_t *)c->turn))
		return;
	uv_update_time(c->clients.uv);
	uv_timer_start(c->turn, on_turn,
		       (wait_ns(c) + NS_PER_MS - 1) / NS_PER_MS, 0);
}

static void on_ready(struct control_clients *set)
{
	schedule((void *)((char *)set - offsetof(struct control, clients)));
}

/* --- coming and going --- */

static void on_connection(uv_stream_t *listener, int status)
{
	struct control *c = listener->data;
	struct control_client *client;

	client = status < 0 ? NULL : control_client_new(&c->clients);
	if (!client)
		return;
	if (uv_accept(listener, (uv_stream_t *)&client->pipe) < 0 ||
	    c->clients.n > CLIENTS_MAX) {
		log_warn(WHERE, "a client is sent away: at most %u may come",
			 CLIENTS_MAX);
		control_client_close(client);
		return;
	}
	control_client_begin(client);
}

static void on_handle_closed(uv_handle_t *handle)
{
	free(handle);
}

static int listen_on(struct control *c, int fd)
{
	int err;

	c->listener = malloc(sizeof(*c->listener));
	c->turn = malloc(sizeof(*c->turn));
	if (!c->listener || !c->turn)
		abort();
	uv_pipe_init(c->clients.uv, c->listener, 0);
	uv_timer_init(c->clients.uv, c->turn);
	c->listener->data = c->turn->data = c;
	err = uv_pipe_open(c->listener, fd);
	if (err < 0) {
		close(fd);
		return err;
	}
	return uv_listen((uv_stream_t *)c->listener, (int)CLIENTS_MAX,
			 on_connection);
}

/* Made for us alone, then opened to whom the option names. */
static int open_up(const struct control_spec *s)
{
	if (s->has_group && chown(s->path, (uid_t)-1, s->gid))
		return -errno;
	return chmod(s->path, s->mode) ? -errno : 0;
}

/**
 * control_open() - Listen for clients
 * @c:		to be filled in; must live until the loop has ended
 * @uv:		the loop; borrowed
 * @spec:	where, and for whom; its path is set; borrowed
 * @table:	what can be asked; copied, its methods borrowed
 *
 * Return: 0 or a negative errno, logged
 */
int control_open(struct control *c, uv_loop_t *uv,
		 const struct control_spec *spec,
		 const struct control_table *table)
{
	int fd, err;

	memset(c, 0, sizeof(*c));
	c->clients = (struct control_clients){
		.uv = uv, .table = *table, .last = &c->clients.first,
		.on_ready = on_ready,
	};
	fd = unix_path_listen(&c->path, spec->path, 0600);
	err = fd < 0 ? fd : open_up(spec);
	if (err == 0)
		err = listen_on(c, fd);
	else if (fd >= 0)
		close(fd);
	if (err < 0) {
		log_error(WHERE, "%s: %s", spec->path, uv_strerror(err));
		control_close(c);
	}
	return err;
}

/**
 * control_close() - Send all clients away
 * @c:	control, opened or all zero; what is on its way to them is lost
 */
void control_close(struct control *c)
{
	while (c->clients.first)
		control_client_close(c->clients.first);
	unix_path_remove(&c->path);
	if (c->listener)
		uv_close((uv_handle_t *)c->listener, on_handle_closed);
	if (c->turn)
		uv_close((uv_handle_t *)c->turn, on_handle_closed);
	c->listener = NULL;
	c->turn = NULL;
}

/* --- events --- */

/**
 * control_wake() - A client's stream has something to be sent
 * @asker:	control_call's
 */
void control_wake(struct control_asker *asker)
{
	struct control_clients *set = control_client_of(asker)->set;

	set->on_ready(set);
}

/**
 * control_subscribe() - Tell a client of all events from now on
 * @asker:	control_call's
 *
 * Return: the number of the last event that it was not told of
 */
uint64_t control_subscribe(struct control_asker *asker)
{
	struct control_client *client = control_client_of(asker);

	client->is_subscribed = true;
	return client->set->n_events;
}

/**
 * control_tell() - Tell subscribers of an event
 * @c:		control; without a socket nobody is told
 * @name:	one word
 * @text:	a line
 */
void control_tell(struct control *c, const char *name, const char *text)
{
	struct control_client *next;

	c->clients.n_events++;
	for (struct control_client *cl = c->clients.first; cl; cl = next) {
		next = cl->next;
		if (cl->is_subscribed)
			control_client_tell(cl, name, text);
	}
}
