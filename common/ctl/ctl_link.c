/* SPDX-License-Identifier: ISC */
/* A control socket from the client's side: one question, then its answer. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../bytes.h"
#include "ctl.h"

#define MESSAGE_MAX (2u << 20)	/* bytes; a process answers with half of it */
#define ROOM_MIN 4096u

/* Whoever runs the process may know more than its socket, and all of it when there is
 * no process. */
static void set_error(struct ctl *c, const char *why)
{
	json_t *line = ctl_runner_line(c->path);
	char *text = line ? ctl_runner_text(line) : NULL;

	if (!text)
		snprintf(c->error, sizeof(c->error), "%s", why);
	else if (!json_object_get(line, "pid"))
		snprintf(c->error, sizeof(c->error), "%s", text);
	else
		snprintf(c->error, sizeof(c->error), "%s; %s", why, text);
	free(text);
	json_decref(line);
}

static int fail(struct ctl *c, const char *why)
{
	set_error(c, why);
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	return -1;
}

/* The path without directories and .ctl. */
static void set_name(struct ctl *c)
{
	const char *slash = strrchr(c->path, '/');
	const char *base = slash ? slash + 1 : c->path;
	size_t len = strlen(base);

	if (len > 4 && !strcmp(base + len - 4, ".ctl"))
		len -= 4;
	snprintf(c->name, sizeof(c->name), "%.*s", (int)len, base);
}

/**
 * ctl_link_open() - Connect
 * @c:		to be filled in, for ctl_link_close()
 * @path:	of the socket; borrowed
 *
 * Return: 0, or -1 with c->error set
 */
int ctl_link_open(struct ctl *c, const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	memset(c, 0, sizeof(*c));
	c->path = path;
	c->fd = -1;
	set_name(c);
	if (strlen(path) >= sizeof(sun.sun_path))
		return fail(c, "the path is too long");
	memcpy(sun.sun_path, path, strlen(path));
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&sun, sizeof(sun)))
		return fail(c, strerror(errno));
	return 0;
}

/**
 * ctl_link_reopen() - Try again, to the same path
 * @c:		link, open or not; what was read of it is gone
 */
void ctl_link_reopen(struct ctl *c)
{
	const char *path = c->path;

	ctl_link_close(c);
	ctl_link_open(c, path);
}

/**
 * ctl_link_close() - Disconnect
 * @c:	link
 */
void ctl_link_close(struct ctl *c)
{
	fail(c, "closed");
	free(c->in);
	c->in = NULL;
}

/**
 * ctl_link_send() - Ask
 * @c:		link
 * @method:	what to call
 * @params:	an array; borrowed
 *
 * Return: 0, or -1 with c->error set
 */
int ctl_link_send(struct ctl *c, const char *method, const json_t *params)
{
	size_t n = json_array_size(params), len = 0, at = 0;
	struct rpc_writer w;
	uint8_t *bytes;

	rpc_writer_init(&w, RPC_PREFIX_LEN + RPC_LEN_MAX);
	rpc_request(&w, ++c->last_id, method, (uint32_t)n);
	for (size_t i = 0; i < n; i++)
		ctl_json_pack(&w.pk, json_array_get(params, i));
	bytes = rpc_take(&w, &len);
	rpc_writer_fini(&w);
	if (!bytes)
		return fail(c, "the question has more than 64 KiB");
	while (at < len) {
		ssize_t sent = send(c->fd, bytes + at, len - at, MSG_NOSIGNAL);

		if (sent < 0) {
			free(bytes);
			return fail(c, strerror(errno));
		}
		at += (size_t)sent;
	}
	free(bytes);
	return 0;
}

/* Bytes of the message at the front with its prefix; 0: not known yet. */
static size_t message_len(const struct ctl *c)
{
	if (c->in_len < RPC_PREFIX_LEN)
		return 0;
	return RPC_PREFIX_LEN + (size_t)bytes_get32(c->in);
}

static void make_room(struct ctl *c, size_t len)
{
	size_t want = len > ROOM_MIN ? len : ROOM_MIN;
	uint8_t *in;

	if (want <= c->in_room)
		return;
	in = realloc(c->in, want);
	if (!in)
		abort();
	c->in = in;
	c->in_room = want;
}

/* Return: 1 when bytes came; 0 in time without; -1 with c->error set */
static int read_some(struct ctl *c, int timeout_ms)
{
	struct pollfd p = { c->fd, POLLIN, 0 };
	int rc = poll(&p, 1, timeout_ms);
	ssize_t n;

	if (rc == 0 || (rc < 0 && errno == EINTR))
		return 0;
	n = rc < 0 ? -1 : read(c->fd, c->in + c->in_len,
			       c->in_room - c->in_len);
	if (n < 0)
		return fail(c, strerror(errno));
	if (n == 0)
		return fail(c, "the process has ended");
	c->in_len += (size_t)n;
	return 1;
}

/**
 * ctl_link_read() - Wait for the next message
 * @c:		link
 * @m:		set if there is one; for ctl_link_next(), before the next call
 * @timeout_ms:	of silence; negative: for ever
 *
 * Return: 1 with a message; 0 in time without one; -1 with c->error set
 */
int ctl_link_read(struct ctl *c, struct rpc_message *m, int timeout_ms)
{
	const char *why;
	int rc = 1;

	for (;;) {
		size_t len = message_len(c);

		if (len > MESSAGE_MAX)
			return fail(c, "it does not speak msgpack-RPC");
		if (len && c->in_len >= len) {
			if (rpc_parse(m, c->in + RPC_PREFIX_LEN,
				      len - RPC_PREFIX_LEN, &why) < 0)
				return fail(c, why);
			return 1;
		}
		if (rc == 0)
			return 0;
		make_room(c, len);
		rc = read_some(c, timeout_ms);
		if (rc < 0)
			return rc;
	}
}

/**
 * ctl_link_next() - A message is done with
 * @c:		link
 * @m:		which ctl_link_read() set
 */
void ctl_link_next(struct ctl *c, struct rpc_message *m)
{
	size_t len = message_len(c);

	rpc_message_fini(m);
	c->in_len -= len;
	memmove(c->in, c->in + len, c->in_len);
}
