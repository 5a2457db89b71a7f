/* SPDX-License-Identifier: ISC */
/*
 * The kinds unix: and tcp:, which connect, and connect again.
 */
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "endpoint_impl.h"

struct endpoint_connect {
	struct endpoint_socket wait;	/* until it is connected */
	uv_getaddrinfo_t *resolving;
	struct addrinfo *addrs, *next_addr;
};

static void forget_addrs(struct endpoint_connect *c)
{
	uv_freeaddrinfo(c->addrs);
	c->addrs = NULL;
}

static void connect_close(struct endpoint *ep)
{
	struct endpoint_connect *c = ep->connect;

	if (!c)
		return;
	endpoint_socket_stop(&c->wait);
	forget_addrs(c);
	if (c->resolving)
		uv_cancel((uv_req_t *)c->resolving);
	free(c);
	ep->connect = NULL;
}

static void unix_address(const struct endpoint *ep, struct sockaddr_un *sun)
{
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	/* endpoint_spec_parse() refused paths that do not fit */
	memcpy(sun->sun_path, ep->spec.target,
	       strnlen(ep->spec.target, sizeof(sun->sun_path) - 1));
}

static void connect_next(struct endpoint *ep);

static void on_connected(uv_poll_t *poll, int status, int events)
{
	struct endpoint *ep = poll->data;
	struct endpoint_connect *c = ep->connect;
	socklen_t len = sizeof(int);
	struct peer peer;
	int err = 0;
	int fd = c->wait.fd;

	(void)status;
	(void)events;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	if (err) {
		endpoint_socket_stop(&c->wait);
		if (c->next_addr)
			connect_next(ep);
		else
			endpoint_link_retry_later(ep, -err, "connect");
		return;
	}
	peer_look(&peer, fd, PEER_WAS_CALLED);
	if (!peer.is_trusted) {		/* another user's process */
		endpoint_socket_refuse(ep, &peer, ENDPOINT_STRANGER);
		endpoint_socket_stop(&c->wait);
		endpoint_link_retry_later(ep, -EACCES, "connect");
		return;
	}
	c->wait.fd = -1;			/* the endpoint owns it now */
	endpoint_socket_stop(&c->wait);
	forget_addrs(c);
	endpoint_socket_attach(ep, fd, &peer);
}

/* Try the resolved addresses one after the other. */
static void connect_next(struct endpoint *ep)
{
	struct endpoint_connect *c = ep->connect;
	int err = -EADDRNOTAVAIL;

	while (c->next_addr) {
		struct addrinfo *ai = c->next_addr;

		c->next_addr = ai->ai_next;
		c->wait.fd = err = endpoint_socket_new(ai->ai_family);
		if (err < 0)
			continue;
		endpoint_socket_tcp_options(ep, c->wait.fd);
		if (connect(c->wait.fd, ai->ai_addr, ai->ai_addrlen) == 0 ||
		    errno == EINPROGRESS) {
			err = endpoint_socket_wait(ep, &c->wait, UV_WRITABLE,
						   on_connected);
			if (err == 0)
				return;
		} else {
			err = -errno;
		}
		endpoint_socket_stop(&c->wait);
	}
	endpoint_link_retry_later(ep, err, "connect");
}

static void on_resolved(uv_getaddrinfo_t *req, int status,
			struct addrinfo *addrs)
{
	struct endpoint *ep = req->data;

	free(req);
	if (!ep->connect) {
		uv_freeaddrinfo(addrs);
	} else {
		ep->connect->resolving = NULL;
		forget_addrs(ep->connect);
		if (status < 0) {
			endpoint_link_retry_later(ep, status, ep->spec.target);
		} else {
			ep->connect->addrs = ep->connect->next_addr = addrs;
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
	err = uv_getaddrinfo(ep->set->uv, req, on_resolved, ep->spec.target,
			     ep->spec.port, &hints);
	if (err < 0) {
		free(req);
		endpoint_link_retry_later(ep, err, ep->spec.target);
		return;
	}
	ep->connect->resolving = req;
	ep->n_handles++;
}

static void connect_unix(struct endpoint *ep)
{
	struct sockaddr_un sun;
	int fd = endpoint_socket_new(AF_UNIX);
	struct peer peer;

	unix_address(ep, &sun);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0) {
		peer_look(&peer, fd, PEER_WAS_CALLED);
		endpoint_socket_attach(ep, fd, &peer);
		return;
	}
	if (fd >= 0) {
		int err = -errno;

		close(fd);
		fd = err;
	}
	endpoint_link_retry_later(ep, fd, ep->spec.target);
}

static void connect_start(struct endpoint *ep)
{
	if (ep->up || ep->connect->resolving || ep->connect->wait.poll)
		return;
	if (endpoint_socket_is_tcp(ep))
		connect_tcp(ep);
	else
		connect_unix(ep);
}

static int connect_open(struct endpoint *ep)
{
	ep->connect = calloc(1, sizeof(*ep->connect));
	if (!ep->connect)
		return -ENOMEM;
	ep->connect->wait.fd = -1;
	connect_start(ep);
	return 0;
}

const struct endpoint_ops endpoint_connect_ops = {
	.form = OUTQ_PLAIN,
	.open = connect_open,
	.read = endpoint_stream_read,
	.write = endpoint_stream_write,
	.retry = connect_start,
	.close = connect_close,
};
