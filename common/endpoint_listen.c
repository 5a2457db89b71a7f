/* SPDX-License-Identifier: ISC */
/*
 * The kinds unix-listen: and tcp-listen:. They accept one peer at a time;
 * endpoint_rival.c says what becomes of a second one.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint_impl.h"
#include "unix_path.h"

#define BACKLOG 16

struct endpoint_listen {
	struct endpoint_socket wait;	/* until somebody comes */
	struct unix_path path;		/* unix-listen: what is ours */
};

static void listen_close(struct endpoint *ep)
{
	struct endpoint_listen *l = ep->listen;

	if (!l)
		return;
	unix_path_remove(&l->path);
	endpoint_rival_end(ep);
	endpoint_socket_stop(&l->wait);
	free(l);
	ep->listen = NULL;
}

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
	return peer->is_trusted ? NULL : ENDPOINT_STRANGER;
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
	uv_poll_stop(ep->listen->wait.poll);
	endpoint_link_retry_later(ep, 0, NULL);
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
	fd = accept4(ep->listen->wait.fd, (struct sockaddr *)&from, &len,
		     SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0) {
		on_accept_error(ep, -errno);
		return;
	}
	peer_look(&peer, fd, PEER_CAME);
	why = why_not(ep, &from, &peer);
	if (why)
		endpoint_socket_refuse(ep, &peer, why);
	if (why || ep->dead || ep->ended)	/* reconnect=0: one peer only */
		close(fd);
	else if (ep->up)
		endpoint_rival_came(ep, fd, &peer);
	else
		endpoint_socket_attach(ep, fd, &peer);
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
	int err = uv_getaddrinfo(ep->set->uv, &req, NULL, ep->spec.target,
				 ep->spec.port, &hints);
	int on = 1;

	if (err < 0)
		return err;
	ep->listen->wait.fd = err = endpoint_socket_new(req.addrinfo->ai_family);
	if (err >= 0) {
		setsockopt(err, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		err = bind(err, req.addrinfo->ai_addr,
			   req.addrinfo->ai_addrlen) ? -errno : 0;
	}
	if (err == 0 && !ep->spec.n_allow &&
	    !is_loopback(req.addrinfo->ai_addr))
		err = -EACCES;		/* the name is not loopback's */
	uv_freeaddrinfo(req.addrinfo);
	if (err == 0 && listen(ep->listen->wait.fd, BACKLOG))
		err = -errno;
	return err;
}

static int listen_unix(struct endpoint *ep)
{
	struct endpoint_listen *l = ep->listen;

	l->wait.fd = unix_path_listen(&l->path, ep->spec.target, ep->spec.mode);
	return l->wait.fd < 0 ? l->wait.fd : 0;
}

static void listen_resume(struct endpoint *ep)
{
	uv_poll_start(ep->listen->wait.poll, UV_READABLE, on_accept);
}

static int listen_open(struct endpoint *ep)
{
	int err;

	ep->listen = calloc(1, sizeof(*ep->listen));
	if (!ep->listen)
		return -ENOMEM;
	ep->listen->wait.fd = -1;
	err = endpoint_socket_is_tcp(ep) ? listen_tcp(ep) : listen_unix(ep);
	if (err == 0)
		err = endpoint_socket_wait(ep, &ep->listen->wait, UV_READABLE,
					   on_accept);
	if (err < 0) {
		log_error(ep->name, "%s: %s", ep->spec.text, uv_strerror(err));
		return err;
	}
	endpoint_link_settled(ep);
	return 0;
}

const struct endpoint_ops endpoint_listen_ops = {
	.form = OUTQ_PLAIN,
	.open = listen_open,
	.read = endpoint_stream_read,
	.write = endpoint_stream_write,
	.retry = listen_resume,
	.close = listen_close,
};
