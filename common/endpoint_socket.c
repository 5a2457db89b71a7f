/* SPDX-License-Identifier: ISC */
/*
 * The kinds unix:, tcp: (they connect, and connect again) and unix-listen:,
 * tcp-listen: (they accept one peer at a time; endpoint_rival.c says what becomes
 * of a second one).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "endpoint_impl.h"
#include "unix_path.h"

#define NOT_OURS "a process of this host must be root's or our own user's"
#define BACKLOG 16
#define UNIX_SNDBUF (1 << 20)	/* bytes; the kernel doubles it */

struct endpoint_stream {
	uv_poll_t *poll;	/* connecting, or listening */
	int fd;
	uv_getaddrinfo_t *resolving;
	struct addrinfo *addrs, *next_addr;
	struct unix_path path;	/* unix-listen: what is ours */
};

static bool is_tcp(const struct endpoint *ep)
{
	return ep->spec.kind == ENDPOINT_TCP ||
	       ep->spec.kind == ENDPOINT_TCP_LISTEN;
}

static int stream_new(struct endpoint *ep)
{
	ep->stream = calloc(1, sizeof(*ep->stream));
	if (!ep->stream)
		return -ENOMEM;
	ep->stream->fd = -1;
	return 0;
}

static void stop_waiting(struct endpoint_stream *s)
{
	if (s->poll)
		endpoint_handle_close((uv_handle_t *)s->poll);
	s->poll = NULL;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

static void forget_addrs(struct endpoint_stream *s)
{
	uv_freeaddrinfo(s->addrs);
	s->addrs = NULL;
}

static void stream_close(struct endpoint *ep)
{
	struct endpoint_stream *s = ep->stream;

	if (!s)
		return;
	unix_path_remove(&s->path);
	endpoint_rival_end(ep);
	stop_waiting(s);
	forget_addrs(s);
	if (s->resolving)
		uv_cancel((uv_req_t *)s->resolving);
	free(s);
	ep->stream = NULL;
}

static int wait_for(struct endpoint *ep, int events, uv_poll_cb cb)
{
	struct endpoint_stream *s = ep->stream;
	uv_poll_t *poll = malloc(sizeof(*poll));

	if (!poll)
		abort();
	int err = uv_poll_init(&ep->loop->uv, poll, s->fd);

	if (err < 0) {
		free(poll);
		return err;
	}
	s->poll = poll;
	endpoint_handle_opened(ep, (uv_handle_t *)poll);
	return uv_poll_start(poll, events, cb);
}

/* A host that vanishes must be noticed within seconds, idle or busy. */
static void set_tcp_options(const struct endpoint *ep, int fd)
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

/* All that one turn has to write, or the rest of it costs a turn of its own. TCP
 * makes room by itself. net.core.wmem_max bounds it. */
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
	if (is_tcp(ep))
		set_tcp_options(ep, ep->fd);
	else
		set_unix_options(ep, ep->fd);
}

/**
 * endpoint_socket_attach() - A peer gets the place
 * @ep:		The endpoint, down
 * @fd:		The connection; taken
 */
void endpoint_socket_attach(struct endpoint *ep, int fd)
{
	int err;

	ep->fd = fd;
	endpoint_socket_options(ep);
	log_info(ep->name, "connected");
	err = endpoint_attached(ep, fd, true);
	if (err < 0)
		log_error(ep->name, "%s", uv_strerror(err));
}

static void unix_address(const struct endpoint *ep, struct sockaddr_un *sun)
{
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	/* endpoint_spec_parse() refused paths that do not fit */
	memcpy(sun->sun_path, ep->spec.target,
	       strnlen(ep->spec.target, sizeof(sun->sun_path) - 1));
}

static int new_socket(int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

/* --- connecting --- */

static void connect_next(struct endpoint *ep);

static void on_connected(uv_poll_t *poll, int status, int events)
{
	struct endpoint *ep = poll->data;
	struct endpoint_stream *s = ep->stream;
	socklen_t len = sizeof(int);
	struct peer peer;
	int err = 0;
	int fd = s->fd;

	(void)status;
	(void)events;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	if (err) {
		stop_waiting(s);
		if (s->next_addr)
			connect_next(ep);
		else
			endpoint_retry_later(ep, -err, "connect");
		return;
	}
	peer_look(&peer, fd, PEER_WAS_CALLED);
	if (!peer.is_trusted) {		/* somebody sits in our peer's place */
		endpoint_refuse(ep, &peer, NOT_OURS);
		stop_waiting(s);
		endpoint_retry_later(ep, -EACCES, "connect");
		return;
	}
	s->fd = -1;			/* the endpoint's from here on */
	stop_waiting(s);
	forget_addrs(s);
	endpoint_socket_attach(ep, fd);
}

/* Try the resolved addresses one after the other. */
static void connect_next(struct endpoint *ep)
{
	struct endpoint_stream *s = ep->stream;
	int err = -EADDRNOTAVAIL;

	while (s->next_addr) {
		struct addrinfo *ai = s->next_addr;

		s->next_addr = ai->ai_next;
		s->fd = err = new_socket(ai->ai_family);
		if (err < 0)
			continue;
		set_tcp_options(ep, s->fd);
		if (connect(s->fd, ai->ai_addr, ai->ai_addrlen) == 0 ||
		    errno == EINPROGRESS) {
			err = wait_for(ep, UV_WRITABLE, on_connected);
			if (err == 0)
				return;
		} else {
			err = -errno;
		}
		stop_waiting(s);
	}
	endpoint_retry_later(ep, err, "connect");
}

static void on_resolved(uv_getaddrinfo_t *req, int status,
			struct addrinfo *addrs)
{
	struct endpoint *ep = req->data;

	free(req);
	if (!ep->stream) {
		uv_freeaddrinfo(addrs);
	} else {
		ep->stream->resolving = NULL;
		forget_addrs(ep->stream);
		if (status < 0) {
			endpoint_retry_later(ep, status, ep->spec.target);
		} else {
			ep->stream->addrs = ep->stream->next_addr = addrs;
			connect_next(ep);
		}
	}
	endpoint_handle_gone(ep);
}

static void connect_tcp(struct endpoint *ep)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	uv_getaddrinfo_t *req = malloc(sizeof(*req));
	int err;

	if (!req)
		abort();
	req->data = ep;
	err = uv_getaddrinfo(&ep->loop->uv, req, on_resolved, ep->spec.target,
			     ep->spec.port, &hints);
	if (err < 0) {
		free(req);
		endpoint_retry_later(ep, err, ep->spec.target);
		return;
	}
	ep->stream->resolving = req;
	ep->n_handles++;
}

static void connect_unix(struct endpoint *ep)
{
	struct sockaddr_un sun;
	int fd = new_socket(AF_UNIX);

	unix_address(ep, &sun);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0) {
		endpoint_socket_attach(ep, fd);
		return;
	}
	if (fd >= 0) {
		int err = -errno;

		close(fd);
		fd = err;
	}
	endpoint_retry_later(ep, fd, ep->spec.target);
}

static void connect_start(struct endpoint *ep)
{
	if (ep->up || ep->stream->resolving || ep->stream->poll)
		return;
	if (is_tcp(ep))
		connect_tcp(ep);
	else
		connect_unix(ep);
}

static int connect_open(struct endpoint *ep)
{
	int err = stream_new(ep);

	if (err == 0)
		connect_start(ep);
	return err;
}

const struct endpoint_ops endpoint_connect_ops = {
	.form = OUTQ_PLAIN,
	.open = connect_open,
	.read = endpoint_stream_read,
	.write = endpoint_stream_write,
	.retry = connect_start,
	.close = stream_close,
};

/* --- listening --- */

static bool is_allowed(const struct endpoint *ep,
		       const struct sockaddr_storage *from)
{
	uint8_t addr[16] = { [10] = 0xff, [11] = 0xff };

	if (from->ss_family == AF_INET)
		memcpy(addr + 12,
		       &((const struct sockaddr_in *)from)->sin_addr, 4);
	else if (from->ss_family == AF_INET6)
		memcpy(addr, &((const struct sockaddr_in6 *)from)->sin6_addr,
		       16);
	else
		return true;		/* UNIX: the path's mode decides */
	return endpoint_spec_allows(&ep->spec, addr);
}

static const char *why_not(const struct endpoint *ep,
			   const struct sockaddr_storage *from,
			   const struct peer *peer)
{
	if (!is_allowed(ep, from))
		return "allow= does not list it";
	return peer->is_trusted ? NULL : NOT_OURS;
}

/**
 * endpoint_refuse() - A peer is sent away
 * @ep:		The endpoint
 * @peer:	Who it is
 * @why:	The reason, for the log
 */
void endpoint_refuse(struct endpoint *ep, const struct peer *peer,
		     const char *why)
{
	ep->count.refused++;
	log_warn(ep->name, "refused %s: %s", peer->text, why);
}

/*
 * Out of descriptors or memory the connection stays in the kernel's queue, and
 * the socket readable: without a pause that is a busy loop.
 */
static void on_accept_error(struct endpoint *ep, int err)
{
	if (err == -EAGAIN || err == -ECONNABORTED || err == -EINTR)
		return;
	log_warn(ep->name, "accept: %s", uv_strerror(err));
	uv_poll_stop(ep->stream->poll);
	endpoint_retry_later(ep, 0, NULL);
}

static void on_accept(uv_poll_t *poll, int status, int events)
{
	struct endpoint *ep = poll->data;
	struct sockaddr_storage from = { 0 };
	socklen_t len = sizeof(from);
	struct peer peer;
	const char *why;
	int fd;

	(void)status;
	(void)events;
	fd = accept4(ep->stream->fd, (struct sockaddr *)&from, &len,
		     SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0) {
		on_accept_error(ep, -errno);
		return;
	}
	peer_look(&peer, fd, PEER_CAME);
	why = why_not(ep, &from, &peer);
	if (why)
		endpoint_refuse(ep, &peer, why);
	if (why || ep->dead || ep->ended)	/* reconnect=0: one peer only */
		close(fd);
	else if (ep->up)
		endpoint_rival_came(ep, fd, &peer);
	else
		endpoint_socket_attach(ep, fd);
}

static bool is_loopback(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(
			&((const struct sockaddr_in6 *)sa)->sin6_addr);
	return (ntohl(((const struct sockaddr_in *)sa)->sin_addr.s_addr) >>
		24) == 127;
}

/* At start-up only, so a name is resolved here and now. */
static int listen_tcp(struct endpoint *ep)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_PASSIVE };
	uv_getaddrinfo_t req;
	int err = uv_getaddrinfo(&ep->loop->uv, &req, NULL, ep->spec.target,
				 ep->spec.port, &hints);
	int on = 1;

	if (err < 0)
		return err;
	ep->stream->fd = err = new_socket(req.addrinfo->ai_family);
	if (err >= 0) {
		setsockopt(err, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		err = bind(err, req.addrinfo->ai_addr,
			   req.addrinfo->ai_addrlen) ? -errno : 0;
	}
	if (err == 0 && !ep->spec.n_allow &&
	    !is_loopback(req.addrinfo->ai_addr))
		err = -EACCES;		/* a name that is not what it seems */
	uv_freeaddrinfo(req.addrinfo);
	if (err == 0 && listen(ep->stream->fd, BACKLOG))
		err = -errno;
	return err;
}

static int listen_unix(struct endpoint *ep)
{
	struct endpoint_stream *s = ep->stream;

	s->fd = unix_path_listen(&s->path, ep->spec.target, ep->spec.mode);
	return s->fd < 0 ? s->fd : 0;
}

static void listen_resume(struct endpoint *ep)
{
	uv_poll_start(ep->stream->poll, UV_READABLE, on_accept);
}

static int listen_open(struct endpoint *ep)
{
	int err = stream_new(ep);

	if (err == 0)
		err = is_tcp(ep) ? listen_tcp(ep) : listen_unix(ep);
	if (err == 0)
		err = wait_for(ep, UV_READABLE, on_accept);
	if (err < 0) {
		log_error(ep->name, "%s: %s", ep->spec.text, uv_strerror(err));
		return err;
	}
	endpoint_settled(ep);
	return 0;
}

const struct endpoint_ops endpoint_listen_ops = {
	.form = OUTQ_PLAIN,
	.open = listen_open,
	.read = endpoint_stream_read,
	.write = endpoint_stream_write,
	.retry = listen_resume,
	.close = stream_close,
};
