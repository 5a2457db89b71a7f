/* SPDX-License-Identifier: ISC */
/*
 * What the kinds that connect and those that listen share: a socket that waits,
 * its options, and that a peer gets the place or is sent away.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint_impl.h"

#define UNIX_SNDBUF (1 << 20)	/* bytes; the kernel doubles it */

/**
 * endpoint_socket_is_tcp() - Is it a kind of TCP, not of UNIX sockets?
 * @ep:		An endpoint that connects or listens
 */
bool endpoint_socket_is_tcp(const struct endpoint *ep)
{
	return ep->spec.kind == ENDPOINT_TCP ||
	       ep->spec.kind == ENDPOINT_TCP_LISTEN;
}

/**
 * endpoint_socket_stop() - Close the socket that waits
 * @s:		What endpoint_socket_wait() was called with, or a descriptor of -1
 */
void endpoint_socket_stop(struct endpoint_socket *s)
{
	if (s->poll)
		endpoint_handle_close((uv_handle_t *)s->poll);
	s->poll = NULL;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

/**
 * endpoint_socket_wait() - Wait until a socket connects, or somebody comes
 * @ep:		The endpoint
 * @s:		Its descriptor is set; endpoint_socket_stop() ends the wait
 * @events:	UV_WRITABLE or UV_READABLE
 * @cb:		Called each time; the poll's data is the endpoint
 *
 * Return: 0 or a negative errno
 */
int endpoint_socket_wait(struct endpoint *ep, struct endpoint_socket *s,
			 int events, uv_poll_cb cb)
{
	uv_poll_t *poll = malloc(sizeof(*poll));
	int err;

	if (!poll)
		abort();
	err = uv_poll_init(ep->set->uv, poll, s->fd);
	if (err < 0) {
		free(poll);
		return err;
	}
	s->poll = poll;
	endpoint_handle_opened(ep, (uv_handle_t *)poll);
	return uv_poll_start(poll, events, cb);
}

/**
 * endpoint_socket_tcp_options() - Treat TCP as the endpoint's options say
 * @ep:		The endpoint
 * @fd:		A socket of TCP
 *
 * A host that vanishes must be noticed within seconds, idle or busy.
 */
void endpoint_socket_tcp_options(const struct endpoint *ep, int fd)
{
	int on = 1, keeps_alive = ep->spec.keepalive_s != 0;
	int keepalive_s = (int)ep->spec.keepalive_s;
	unsigned user_timeout_ms = ep->spec.user_timeout_s * 1000;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &keeps_alive,
		   sizeof(keeps_alive));
	if (keepalive_s) {
		setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &keepalive_s,
			   sizeof(keepalive_s));
		setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &keepalive_s,
			   sizeof(keepalive_s));
	}
	if (user_timeout_ms)
		setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout_ms,
			   sizeof(user_timeout_ms));
}

/* The socket's buffer should take all that one turn writes: the rest would wait for
 * another turn. TCP enlarges its buffer by itself. net.core.wmem_max bounds this. */
static void set_unix_options(const struct endpoint *ep, int fd)
{
	const int len = UNIX_SNDBUF;

	if (ep->mode & ENDPOINT_WRITE)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &len, sizeof(len));
}

/**
 * endpoint_socket_options() - Treat a connection as its endpoint's options say
 * @ep:		The endpoint, up
 */
void endpoint_socket_options(const struct endpoint *ep)
{
	if (endpoint_socket_is_tcp(ep))
		endpoint_socket_tcp_options(ep, ep->fd);
	else
		set_unix_options(ep, ep->fd);
}

/**
 * endpoint_socket_attach() - A peer gets the place
 * @ep:		The endpoint, down
 * @fd:		The connection; taken
 * @peer:	Who it is
 */
void endpoint_socket_attach(struct endpoint *ep, int fd,
			    const struct peer *peer)
{
	int err;

	ep->fd = fd;
	endpoint_socket_options(ep);
	endpoint_told_peer(ep, peer->text);
	err = endpoint_link_up(ep, fd, true);
	if (err < 0)
		log_error(ep->name, "%s", uv_strerror(err));
}

/**
 * endpoint_socket_new() - A stream socket that does not block
 * @family:	AF_UNIX, AF_INET or AF_INET6
 *
 * Return: its descriptor or a negative errno
 */
int endpoint_socket_new(int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

/**
 * endpoint_socket_refuse() - A peer is sent away
 * @ep:		The endpoint
 * @peer:	Who it is
 * @why:	The reason, for the log
 */
void endpoint_socket_refuse(struct endpoint *ep, const struct peer *peer,
			    const char *why)
{
	ep->count.refused++;
	log_warn(ep->name, "refused %s: %s", peer->text, why);
}
