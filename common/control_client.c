/* SPDX-License-Identifier: ISC */
/*
 * A client is reading (its socket is read until a whole message is there), due
 * (the message waits for a turn), or skipping what is left of a message that was too
 * large. A message that asks for much stays in front, and gets a part of its work done
 * in each turn.
 *
 * A client that has more than QUEUE_MAX bytes to take is not answered before it
 * has taken some of them.
 */
#include "control_client.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bytes.h"
#include "clock.h"

#define QUEUE_MAX	(256u << 10)	/* bytes on their way to a client */
#define ROOM_MIN	512u

struct write {
	uv_write_t req;
	uint8_t *bytes;
};

/* --- in the order in which it is their turn --- */

static void list_append(struct control_clients *set, struct control_client *client)
{
	client->next = NULL;
	client->at = set->last;
	*set->last = client;
	set->last = &client->next;
}

static void list_unlink(struct control_client *client)
{
	*client->at = client->next;
	if (client->next)
		client->next->at = client->at;
	else
		client->set->last = client->at;
}

/* --- out --- */

static void on_client_closed(uv_handle_t *handle)
{
	struct control_client *client = handle->data;

	control_table_end_job(&client->asker);
	free(client->in);
	free(client);
}

/**
 * control_client_close() - Send a client away
 * @client:	what is on its way to it is lost; it is freed later
 */
void control_client_close(struct control_client *client)
{
	if (client->is_closing)
		return;
	client->is_closing = true;
	if (client->asker.stream)
		client->asker.stream->close(client->asker.stream);
	client->asker.stream = NULL;
	list_unlink(client);
	client->set->n--;
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
		control_client_close(client);
	} else if (!client->is_closing && queued(client) <= QUEUE_MAX / 2) {
		tell_lost(client);
		client->set->on_ready(client->set);
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
		control_client_close(client);
		return;
	}
	w->req.data = w;
	w->bytes = bytes;
	if (uv_write(&w->req, (uv_stream_t *)&client->pipe, &buf, 1,
		     on_written) < 0) {
		free(w->bytes);
		free(w);
		control_client_close(client);
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

/* --- in --- */

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
		control_client_close(client);
		return;
	}
	client->in_len += (size_t)n;
	if (client->skip)
		skip_some(client);
	if (!is_ready(client))
		return;
	uv_read_stop(stream);
	client->set->on_ready(client->set);
}

static void read_on(struct control_client *client)
{
	if (uv_read_start((uv_stream_t *)&client->pipe, on_alloc, on_read) < 0)
		control_client_close(client);
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
		answer = control_table_answer(&client->set->table,
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

/* --- for control.c --- */

/**
 * control_client_new() - One more client, which nobody has accepted yet
 * @set:	gets it
 *
 * Return: the client, to be accepted on its pipe and begun, or closed
 */
struct control_client *control_client_new(struct control_clients *set)
{
	struct control_client *client = calloc(1, sizeof(*client));

	if (!client)
		return NULL;
	uv_pipe_init(set->uv, &client->pipe, 0);
	client->pipe.data = client;
	client->set = set;
	list_append(set, client);
	set->n++;
	return client;
}

/**
 * control_client_begin() - Read what a client asks
 * @client:	accepted
 */
void control_client_begin(struct control_client *client)
{
	client->asker.may_change = is_trusted(&client->pipe);
	read_on(client);
}

/**
 * control_client_of() - Who asks?
 * @asker:	control_call's
 */
struct control_client *control_client_of(struct control_asker *asker)
{
	return (void *)((char *)asker - offsetof(struct control_client, asker));
}

/**
 * control_client_is_due() - Is there something to do for a client?
 * @client:	the client
 */
bool control_client_is_due(const struct control_client *client)
{
	return may_be_answered(client) || may_be_sent_to(client);
}

/**
 * control_client_serve() - It is a client's turn, for one message either way
 * @client:	due or not; moves behind the others, and may be closed by this
 */
void control_client_serve(struct control_client *client)
{
	list_unlink(client);
	list_append(client->set, client);
	if (may_be_sent_to(client))
		send_stream(client);
	if (may_be_answered(client))
		answer_one(client);
}

/* Seconds since 1970, to the microsecond. */
static void put_time(msgpack_packer *pk)
{
	msgpack_pack_double(pk, (double)clock_wall_us() / 1e6);
}

/**
 * control_client_tell() - Tell a client of the set's last event
 * @client:	a subscriber; when it has much to take already, the event is lost to it,
 *		and counted
 * @name:	one word
 * @text:	a line
 */
void control_client_tell(struct control_client *client, const char *name,
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
	rpc_uint(&w.pk, client->set->n_events);
	put_time(&w.pk);
	rpc_str(&w.pk, name);
	rpc_str(&w.pk, text);
	bytes = rpc_take(&w, &len);
	rpc_writer_fini(&w);
	client_write(client, bytes, len);
}
