/* SPDX-License-Identifier: ISC */
/*
 * A QMP socket serves one client. Another one can connect all the same, and
 * waits in the kernel's queue without a greeting until the first has gone: so
 * this waits too, and says so once.
 *
 * A peer that breaks the protocol, or does not read what little it is sent,
 * loses the connection with one line. The delay before the next attempt
 * doubles until a connection was negotiated.
 */
#include "qmp_link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"

#define WHERE "qmp"
#define DELAY_MIN_MS 100u
#define DELAY_MAX_MS 3000u
#define SILENCE_MS 5000u
#define READ_LEN 16384u
#define READS_MAX 64u		/* in a row: a flood does not stop the loop */

static void on_poll_closed(uv_handle_t *handle)
{
	free(handle);
}

static void disconnect(struct qmp_link *l)
{
	if (l->poll)
		uv_close((uv_handle_t *)l->poll, on_poll_closed);
	l->poll = NULL;
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	clock_timer_stop(&l->silence);
	qmp_reset(&l->qmp);
}

static void retry_later(struct qmp_link *l)
{
	if (l->is_closed || l->loop->draining)
		return;
	clock_timer_start(&l->retry, l->delay_ms, 0);
	l->delay_ms = l->delay_ms * 2 < DELAY_MAX_MS ? l->delay_ms * 2 :
						       DELAY_MAX_MS;
}

static void lost(struct qmp_link *l, const char *why)
{
	bool was_up = l->is_up;

	if (!l->is_told)
		log_warn(WHERE, "%s: %s", l->path, why);
	l->is_told = true;
	l->is_up = false;
	disconnect(l);
	if (was_up)
		l->handler.on_down(l->handler.arg);
	retry_later(l);
}

/* A failure shows when the socket is read: nothing is torn down while a
 * message is being handled. */
static int send_text(struct qmp_link *l, const char *text)
{
	size_t len = strlen(text);
	ssize_t n = send(l->fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n == (ssize_t)len)
		return 0;
	log_warn(WHERE, "%s: a command was not taken: connection closed",
		 l->path);
	l->is_told = true;
	shutdown(l->fd, SHUT_RDWR);
	return -EIO;
}

static void negotiate(struct qmp_link *l)
{
	char *text;

	clock_timer_stop(&l->silence);
	if (qmp_negotiate(&l->qmp, &text) < 0)
		return;
	send_text(l, text);
	free(text);
}

static void on_ready(struct qmp_link *l)
{
	struct ucred peer = { 0 };
	socklen_t len = sizeof(peer);
	pid_t last = l->last_peer;

	getsockopt(l->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len);
	l->last_peer = peer.pid;
	l->is_up = true;
	l->is_told = false;
	l->delay_ms = DELAY_MIN_MS;
	log_info(WHERE, "%s: connected", l->path);
	l->handler.on_up(l->handler.arg, last == peer.pid);
}

static void on_message(void *arg, const struct qmp_message *m)
{
	struct qmp_link *l = arg;

	if (m->kind == QMP_GREETING)
		negotiate(l);
	else if (m->kind == QMP_READY)
		on_ready(l);
	else if (l->is_up)
		l->handler.on_message(l->handler.arg, m);
}

/* Return: false when there is nothing more to read, or nobody to read from. */
static bool read_some(struct qmp_link *l)
{
	const struct qmp_handler handler = { on_message, l };
	char bytes[READ_LEN];
	ssize_t n = read(l->fd, bytes, sizeof(bytes));

	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			lost(l, uv_strerror(-errno));
		return false;
	}
	if (n == 0) {
		lost(l, "the connection was closed");
		return false;
	}
	if (qmp_input(&l->qmp, bytes, (size_t)n, &handler) == 0)
		return true;
	log_warn(WHERE, "%s: %s: connection closed", l->path, l->qmp.error);
	l->is_told = true;
	lost(l, l->qmp.error);
	return false;
}

/**
 * qmp_link_read() - Handle now what has come already
 * @l:		The link; its handlers are called
 *
 * For those who must know what QEMU has said before they go on.
 */
void qmp_link_read(struct qmp_link *l)
{
	if (l->is_reading)
		return;
	l->is_reading = true;
	for (unsigned i = 0; i < READS_MAX && l->fd >= 0; i++) {
		if (!read_some(l))
			break;
	}
	l->is_reading = false;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	(void)status;			/* read() tells which it is */
	(void)events;
	qmp_link_read(poll->data);
}

static int connect_to(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	/* qmp_link_check() refused paths that do not fit */
	memcpy(sun.sun_path, path, strnlen(path, sizeof(sun.sun_path) - 1));
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

static int attach(struct qmp_link *l, int fd)
{
	int err;

	l->fd = fd;
	l->poll = malloc(sizeof(*l->poll));
	if (!l->poll)
		abort();
	err = uv_poll_init(&l->loop->uv, l->poll, fd);
	if (err < 0) {
		free(l->poll);
		l->poll = NULL;
		return err;
	}
	l->poll->data = l;
	return uv_poll_start(l->poll, UV_READABLE, on_poll);
}

static void on_retry(void *arg)
{
	struct qmp_link *l = arg;
	int fd;

	if (l->is_closed || l->loop->draining)
		return;
	fd = connect_to(l->path);
	if (fd >= 0) {
		fd = attach(l, fd);
		if (fd == 0) {
			clock_timer_start(&l->silence, SILENCE_MS, 0);
			return;
		}
	}
	lost(l, uv_strerror(fd));
}

static void on_silence(void *arg)
{
	struct qmp_link *l = arg;

	log_warn(WHERE, "%s: no greeting: another client may have the socket",
		 l->path);
}

/**
 * qmp_link_check() - Can this be the path of a socket?
 * @option:	What to call it
 * @path:	The path
 *
 * Return: false when not; the reason is logged
 */
bool qmp_link_check(const char *option, const char *path)
{
	struct sockaddr_un sun;

	if (strlen(path) < sizeof(sun.sun_path))
		return true;
	option_bad("%s: the path is too long", option);
	return false;
}

/**
 * qmp_link_open() - Connect, once the loop runs
 * @l:		To be filled in; must live as long as the loop
 * @loop:	Borrowed
 * @path:	The socket's, which passed qmp_link_check(); borrowed
 * @handler:	Copied
 */
void qmp_link_open(struct qmp_link *l, struct loop *loop, const char *path,
		   const struct qmp_link_handler *handler)
{
	memset(l, 0, sizeof(*l));
	l->loop = loop;
	l->path = path;
	l->handler = *handler;
	l->fd = -1;
	l->delay_ms = DELAY_MIN_MS;
	clock_timer_init(&loop->clock, &l->retry, on_retry, l);
	clock_timer_init(&loop->clock, &l->silence, on_silence, l);
	clock_timer_start(&l->retry, 0, 0);
}

/**
 * qmp_link_close() - Disconnect, and stay so
 * @l:		The link; no handler is called any more
 *
 * To be called when the loop ends, not from within a handler of @l.
 */
void qmp_link_close(struct qmp_link *l)
{
	l->is_closed = true;
	l->is_up = false;
	clock_timer_stop(&l->retry);
	disconnect(l);
}

/**
 * qmp_link_reopen() - Connect again after qmp_link_close()
 * @l:		The link; one that is not closed is left alone
 */
void qmp_link_reopen(struct qmp_link *l)
{
	if (!l->is_closed)
		return;
	l->is_closed = l->is_told = false;
	l->delay_ms = DELAY_MIN_MS;
	clock_timer_start(&l->retry, 0, 0);
}

/**
 * qmp_link_send() - Send a command
 * @l:		The link
 * @tag:	Comes with its answer
 * @execute:	The command's name
 * @arguments:	An object, taken over; or NULL
 *
 * Return: 0, -ENOTCONN, -EBUSY when too many are under way, -EIO when it was
 * not taken
 */
int qmp_link_send(struct qmp_link *l, uint64_t tag, const char *execute,
		  json_t *arguments)
{
	char *text;
	int err;

	err = qmp_command(&l->qmp, tag, execute, arguments, &text);
	if (err < 0)
		return err;
	err = send_text(l, text);
	free(text);
	return err;
}
