/* SPDX-License-Identifier: ISC */
/*
 * A listening endpoint has one place. When a second peer comes it waits, and
 * its bytes with it, while this looks at the first:
 *
 *	gone meanwhile				the second gets the place
 *	an input that never said a word, while	the second gets the place
 *	the second has something to say
 *	TCP, not heard of for SILENT_MS		the second gets the place: the
 *						first one's host is dead
 *	a sign of life				the second is refused
 *	an input, alive, both say nothing	both wait
 *
 * A host that lives answers the probe that is sent to it at once; one that has
 * been started anew resets the connection. A third peer takes the place of the
 * second one. On UNIX sockets the kernel tells when a peer dies.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint_impl.h"
#include "peer.h"

#define LOOK_MS 200u		/* between two looks */
#define SILENT_MS 3000u
#define CLOCK_MS 20u		/* the kernel's are no more exact than that */

struct endpoint_rival {
	int fd;
	uint64_t came_ms;
	uv_timer_t *timer;
	struct peer peer;
};

enum verdict { WAIT, TAKE, REFUSE };

static bool has_bytes(int fd)
{
	int n = 0;

	return ioctl(fd, FIONREAD, &n) == 0 && n > 0;
}

/* Has the first one said a word? Of an output nobody waits for one. */
static bool has_spoken(const struct endpoint *ep)
{
	return ep->mode != ENDPOINT_READ || ep->has_spoken || has_bytes(ep->fd);
}

/* A connection without traffic is probed as soon as it is a second old. */
static void probe(const struct endpoint *ep)
{
	int on = 1;

	setsockopt(ep->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(ep->fd, IPPROTO_TCP, TCP_KEEPINTVL, &on, sizeof(on));
	setsockopt(ep->fd, IPPROTO_TCP, TCP_KEEPIDLE, &on, sizeof(on));
}

/* How long ago was the first one's host heard of? */
static uint64_t silence_ms(const struct endpoint *ep)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	if (getsockopt(ep->fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0 ||
	    info.tcpi_state == TCP_CLOSE)
		return UINT64_MAX;
	return info.tcpi_last_ack_recv < info.tcpi_last_data_recv ?
	       info.tcpi_last_ack_recv : info.tcpi_last_data_recv;
}

static enum verdict judge_host(const struct endpoint *ep, uint64_t waited_ms)
{
	uint64_t silent_ms = silence_ms(ep);

	if (silent_ms == UINT64_MAX)
		return TAKE;
	if (silent_ms + CLOCK_MS < waited_ms)
		return REFUSE;
	return waited_ms < SILENT_MS ? WAIT : TAKE;
}

static enum verdict judge(const struct endpoint *ep)
{
	const struct endpoint_rival *r = ep->rival;
	uint64_t waited_ms = uv_now(ep->set->uv) - r->came_ms;
	bool is_mute = !has_spoken(ep);
	enum verdict verdict = REFUSE;

	if (!ep->up || (is_mute && has_bytes(r->fd)))
		return TAKE;
	if (endpoint_socket_is_tcp(ep))
		verdict = judge_host(ep, waited_ms);
	return verdict == REFUSE && is_mute ? WAIT : verdict;
}

static bool is_gone(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLRDHUP };

	return poll(&p, 1, 0) == 1 && !has_bytes(fd);
}

/**
 * endpoint_rival_end() - Nobody waits for the place any more
 * @ep:		The endpoint; one that waits is sent away
 */
void endpoint_rival_end(struct endpoint *ep)
{
	struct endpoint_rival *r = ep->rival;

	if (!r)
		return;
	ep->rival = NULL;
	if (r->fd >= 0)
		close(r->fd);
	endpoint_handle_close((uv_handle_t *)r->timer);
	free(r);
}

static void give_place(struct endpoint *ep)
{
	const struct peer peer = ep->rival->peer;
	int fd = ep->rival->fd;

	ep->rival->fd = -1;
	if (ep->up) {
		log_warn(ep->name, "%s replaces the peer that %s", peer.text,
			 has_spoken(ep) ? "is silent" : "has said nothing");
		endpoint_input_read_rest(ep);		/* what came before */
	}
	endpoint_rival_end(ep);
	if (ep->up)
		endpoint_link_lost(ep, 0, "replaced");
	endpoint_socket_attach(ep, fd, &peer);
}

static void on_look(uv_timer_t *timer)
{
	struct endpoint *ep = timer->data;

	if (is_gone(ep->rival->fd)) {
		endpoint_rival_end(ep);
		return;
	}
	switch (judge(ep)) {
	case TAKE:
		give_place(ep);
		break;
	case REFUSE:
		endpoint_socket_refuse(ep, &ep->rival->peer, "a peer is there");
		endpoint_rival_end(ep);
		endpoint_socket_options(ep);	/* no more probes than asked for */
		break;
	case WAIT:
		break;
	}
}

/* Return: false when only the one that is there can have the place */
static bool may_wait(const struct endpoint *ep)
{
	return endpoint_socket_is_tcp(ep) || !has_spoken(ep);
}

/**
 * endpoint_rival_came() - A peer has come while there is one
 * @ep:		The endpoint, up
 * @fd:		The second peer's; taken
 * @peer:	Who it is
 */
void endpoint_rival_came(struct endpoint *ep, int fd, const struct peer *peer)
{
	struct endpoint_rival *r = ep->rival;

	if (!may_wait(ep)) {
		endpoint_socket_refuse(ep, peer, "a peer is there");
		close(fd);
		return;
	}
	if (r) {
		endpoint_socket_refuse(ep, &r->peer, "another one came");
		close(r->fd);
	} else {
		r = calloc(1, sizeof(*r));
		if (!r || !(r->timer = malloc(sizeof(*r->timer))))
			abort();
		ep->rival = r;
		r->came_ms = uv_now(ep->set->uv);
		uv_timer_init(ep->set->uv, r->timer);
		endpoint_handle_opened(ep, (uv_handle_t *)r->timer);
		uv_timer_start(r->timer, on_look, LOOK_MS, LOOK_MS);
		if (endpoint_socket_is_tcp(ep))
			probe(ep);
	}
	r->fd = fd;
	r->peer = *peer;
}
