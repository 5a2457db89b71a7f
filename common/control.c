/* SPDX-License-Identifier: ISC */
/*
 * A client is reading (its socket is read until a whole message is there),
 * ready (the message waits for a turn of the timer), or skipping what is left
 * of a message that was too large. Each turn answers one message of each ready
 * client, as far as there is time, and notes how long that took; control_pace.c
 * says when the next one comes. A message that asks for much
 * stays in front, and gets a part of its work done in each turn.
 *
 * A client that has more than QUEUE_MAX bytes to take is not answered before it
 * has taken some of them.
 */
#include "control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bytes.h"
#include "clock.h"
#include "log.h"
#include "time.h"

#define WHERE		"control"
#define CLIENTS_MAX	128u
#define QUEUE_MAX	(256u << 10)	/* bytes on their way to a client */
#define ROOM_MIN	512u
#define TURN_MAX_NS	UINT64_C(200000)	/* then the next client waits */

struct control_client {
	uv_pipe_t pipe;
	struct control *control;
	struct control_client *next, **at;	/* of the control's list */
	uint8_t *in;			/* what was read and not answered yet */
	size_t in_len, in_room;
	size_t skip;			/* bytes to come of what was too large */
	struct control_asker asker;
	bool is_subscribed;
	bool is_closing;
	uint64_t n_lost;		/* events, since it was last told */
};

struct write {
	uv_write_t req;
	uint8_t *bytes;
};

static void schedule(struct control *c);

/* --- the clients, in the order in which it is their turn --- */

static void list_append(struct control *c, struct control_client *client)
{
	client->next = NULL;
	client->at = c->last;
	*c->last = client;
	c->last = &client->next;
}

static void list_unlink(struct control *c, struct control_client *client)
{
	*client->at = client->next;
	if (client->next)
		client->next->at = client->at;
	else
		c->last = client->at;
}

/* --- a client's way out --- */

static void on_client_closed(uv_handle_t *handle)
{
	struct control_client *client = handle->data;

	control_table_end_job(&client->asker);
	free(client->in);
	free(client);
}

static void client_close(struct control_client *client)
{
	if (client->is_closing)
		return;
	client->is_closing = true;
	if (client->asker.stream)
		client->asker.stream->close(client->asker.stream);
	client->asker.stream = NULL;
	list_unlink(client->control, client);
	client->control->n_clients--;
	uv_close((uv_handle_t *)&client->pipe, on_client_closed);
}

static size_t queued(const struct control_client *client)
{
	return uv_stream_get_write_queue_size(
		(const uv_stream_t *)&client->pipe);
}

static void tell_lost(struct control_client *client);

static void on_written(uv_write_t *req, int status)
{
	struct write *w = req->data;
	struct control_client *client = req->handle->data;

	free(w->bytes);
	free(w);
	if (status < 0) {
		client_close(client);
	} else if (!client->is_closing && queued(client) <= QUEUE_MAX / 2) {
		tell_lost(client);
		schedule(client->control);
	}
}

/* Takes the bytes; NULL, since memory has ended, costs the connection. */
static void client_write(struct control_client *client, uint8_t *bytes,
			 size_t len)
{
	uv_buf_t buf = uv_buf_init((char *)bytes, (unsigned)len);
	struct write *w = bytes ? malloc(sizeof(*w)) : NULL;

	if (!w) {
		free(bytes);
		client_close(client);
		return;
	}
	w->req.data = w;
	w->bytes = bytes;
	if (uv_write(&w->req, (uv_stream_t *)&client->pipe, &buf, 1,
		     on_written) < 0) {
		free(w->bytes);
		free(w);
		client_close(client);
	}
}

static void tell_lost(struct control_client *client)
{
	struct rpc_writer w;
	size_t len = 0;
	uint8_t *bytes;

	if (!client->n_lost)
		return;
	rpc_writer_init(&w, RPC_LEN_MAX);
	rpc_notification(&w, "lost", 1);
	rpc_uint(&w.pk, client->n_lost);
	client->n_lost = 0;
	bytes = rpc_take(&w, &len);
	rpc_writer_fini(&w);
	client_write(client, bytes, len);
}

/* --- a client's way in --- */

/* Return: bytes of the message at the front with its prefix; 0 when even the
 * prefix is not there */
static size_t message_len(const struct control_client *client)
{
	if (client->in_len < RPC_PREFIX_LEN)
		return 0;
	return RPC_PREFIX_LEN + (size_t)bytes_get32(client->in);
}

static bool is_bad_len(size_t len)
{
	return len == RPC_PREFIX_LEN || len > RPC_PREFIX_LEN + RPC_LEN_MAX;
}

/* Is there something to answer: a whole message, or a length that is bad? */
static bool is_ready(const struct control_client *client)
{
	size_t len = message_len(client);

	return !client->is_closing && !client->skip && len &&
	       (is_bad_len(len) || client->in_len >= len);
}

static bool may_be_answered(const struct control_client *client)
{
	return is_ready(client) && queued(client) <= QUEUE_MAX;
}

static bool may_be_sent_to(const struct control_client *client)
{
	return !client->is_closing && client->asker.stream &&
	       client->asker.stream->is_ready && queued(client) <= QUEUE_MAX;
}

static void drop_front(struct control_client *client, size_t len)
{
	client->in_len -= len;
	memmove(client->in, client->in + len, client->in_len);
}

static void skip_some(struct control_client *client)
{
	size_t len = client->skip < client->in_len ? client->skip :
						     client->in_len;

	client->skip -= len;
	drop_front(client, len);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct control_client *client = handle->data;
	size_t len = message_len(client), want = ROOM_MIN;
	uint8_t *in;

	(void)suggested;
	if (len && !is_bad_len(len) && len > want)
		want = len;
	if (client->in_len == client->in_room && want <= client->in_room)
		want = client->in_room * 2;
	if (want > client->in_room) {
		in = realloc(client->in, want);
		if (in) {
			client->in = in;
			client->in_room = want;
		}
	}
	*buf = uv_buf_init((char *)client->in + client->in_len,
			   (unsigned)(client->in_room - client->in_len));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct control_client *client = stream->data;

	(void)buf;
	if (n < 0) {
		client_close(client);
		return;
	}
	client->in_len += (size_t)n;
	if (client->skip)
		skip_some(client);
	if (!is_ready(client))
		return;
	uv_read_stop(stream);
	schedule(client->control);
}

static void read_on(struct control_client *client)
{
	if (uv_read_start((uv_stream_t *)&client->pipe, on_alloc, on_read) < 0)
		client_close(client);
}

/* --- a turn --- */

static uint8_t *answer_bad_len(struct control_client *client, size_t len,
			       size_t *answer_len)
{
	drop_front(client, RPC_PREFIX_LEN);
	client->skip = len - RPC_PREFIX_LEN;
	skip_some(client);
	if (len == RPC_PREFIX_LEN)
		return control_table_refusal("malformed", "an empty message",
					     answer_len);
	return control_table_refusal("too-large",
				     "a message has at most 64 KiB",
				     answer_len);
}

static void answer_one(struct control_client *client)
{
	size_t len = message_len(client), answer_len = 0;
	uint8_t *answer;

	if (is_bad_len(len)) {
		answer = answer_bad_len(client, len, &answer_len);
	} else {
		answer = control_table_answer(&client->control->table,
					      client->in + RPC_PREFIX_LEN,
					      len - RPC_PREFIX_LEN,
					      &client->asker, &answer_len);
		if (client->asker.is_later)
			return;
		drop_front(client, len);
	}
	client_write(client, answer, answer_len);
	if (!client->is_closing && !is_ready(client))
		read_on(client);
}

static void send_stream(struct control_client *client)
{
	struct rpc_writer w;
	size_t len = 0;
	uint8_t *bytes;

	rpc_writer_init(&w, CONTROL_ANSWER_MAX);
	client->asker.stream->put(client->asker.stream, &w);
	bytes = rpc_take(&w, &len);
	rpc_writer_fini(&w);
	client_write(client, bytes, len);
}

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
	uint64_t begin = uv_hrtime(), took = 0;

	for (unsigned n = c->n_clients;
	     n && c->clients && took < TURN_MAX_NS; n--) {
		struct control_client *cl = c->clients;

		list_unlink(c, cl);
		list_append(c, cl);
		if (may_be_sent_to(cl))
			send_stream(cl);
		if (may_be_answered(cl))
			answer_one(cl);
		took = uv_hrtime() - begin;
	}
	c->pace = (struct control_pace){ took, begin + took, cpu_ns() };
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
	const struct control_client *cl = c->clients;

	while (cl && !may_be_answered(cl) && !may_be_sent_to(cl))
		cl = cl->next;
	if (!cl || !c->turn || uv_is_active((const uv_handle_t *)c->turn))
		return;
	uv_update_time(c->uv);
	uv_timer_start(c->turn, on_turn,
		       (wait_ns(c) + NS_PER_MS - 1) / NS_PER_MS, 0);
}

/* --- coming and going --- */

/* Return: may the peer change anything? */
static bool is_trusted(const uv_pipe_t *pipe)
{
	struct ucred peer = { 0 };
	socklen_t len = sizeof(peer);
	int fd;

	return uv_fileno((const uv_handle_t *)pipe, &fd) == 0 &&
	       getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct control *c = listener->data;
	struct control_client *client;

	client = status < 0 ? NULL : calloc(1, sizeof(*client));
	if (!client)
		return;
	uv_pipe_init(c->uv, &client->pipe, 0);
	client->pipe.data = client;
	client->control = c;
	list_append(c, client);
	c->n_clients++;
	if (uv_accept(listener, (uv_stream_t *)&client->pipe) < 0 ||
	    c->n_clients > CLIENTS_MAX) {
		log_warn(WHERE, "a client is sent away: at most %u may come",
			 CLIENTS_MAX);
		client_close(client);
		return;
	}
	client->asker.may_change = is_trusted(&client->pipe);
	read_on(client);
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
	uv_pipe_init(c->uv, c->listener, 0);
	uv_timer_init(c->uv, c->turn);
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
	c->last = &c->clients;
	c->uv = uv;
	c->table = *table;
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
	while (c->clients)
		client_close(c->clients);
	unix_path_remove(&c->path);
	if (c->listener)
		uv_close((uv_handle_t *)c->listener, on_handle_closed);
	if (c->turn)
		uv_close((uv_handle_t *)c->turn, on_handle_closed);
	c->listener = NULL;
	c->turn = NULL;
}

/* --- events --- */

static struct control_client *client_of(struct control_asker *asker)
{
	return (void *)((char *)asker - offsetof(struct control_client, asker));
}

/**
 * control_wake() - A client's stream has something to be sent
 * @asker:	control_call's
 */
void control_wake(struct control_asker *asker)
{
	schedule(client_of(asker)->control);
}

/**
 * control_subscribe() - Tell a client of all events from now on
 * @asker:	control_call's
 *
 * Return: the number of the last event that it was not told of
 */
uint64_t control_subscribe(struct control_asker *asker)
{
	struct control_client *client = client_of(asker);

	client->is_subscribed = true;
	return client->control->n_events;
}

/* Seconds since 1970, to the microsecond. */
static void put_time(msgpack_packer *pk)
{
	msgpack_pack_double(pk, (double)clock_wall_us() / 1e6);
}

static void tell_client(struct control_client *client, const char *name,
			const char *text)
{
	struct rpc_writer w;
	size_t len = 0;
	uint8_t *bytes;

	if (queued(client) > QUEUE_MAX) {
		client->n_lost++;
		return;
	}
	tell_lost(client);
	if (client->is_closing)
		return;
	rpc_writer_init(&w, RPC_LEN_MAX);
	rpc_notification(&w, "event", 4);
	rpc_uint(&w.pk, client->control->n_events);
	put_time(&w.pk);
	rpc_str(&w.pk, name);
	rpc_str(&w.pk, text);
	bytes = rpc_take(&w, &len);
	rpc_writer_fini(&w);
	client_write(client, bytes, len);
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

	c->n_events++;
	for (struct control_client *cl = c->clients; cl; cl = next) {
		next = cl->next;
		if (cl->is_subscribed)
			tell_client(cl, name, text);
	}
}
