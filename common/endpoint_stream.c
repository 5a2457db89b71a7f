/* SPDX-License-Identifier: ISC */
/*
 * Byte streams: how every stream is read and written.
 */
#include <errno.h>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#include "endpoint_impl.h"

#define N_IOV 256

/* A peer that stopped sending may still be receiving (shutdown(2)); on a
 * UNIX socket or a pipe the kernel says which, TCP looks the same. */
static bool peer_is_gone(const struct endpoint *ep)
{
	struct pollfd p = { .fd = ep->fd, .events = POLLOUT };

	if (ep->spec.kind == ENDPOINT_TCP ||
	    ep->spec.kind == ENDPOINT_TCP_LISTEN)
		return true;
	return poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR));
}

/* Read from the peer of an output, only to see it go. */
static void read_and_ignore(struct endpoint *ep)
{
	uint8_t nothing[4096];
	ssize_t n = read(ep->fd, nothing, sizeof(nothing));

	if (n > 0)
		log_warn(ep->name, "the peer of an output sends: ignored");
	else if (n < 0 && errno == EBADF)	/* a pipe without a reader */
		endpoint_link_lost(ep, -EPIPE, "write");
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		endpoint_link_lost(ep, -errno, "read");
	else if (n == 0 && peer_is_gone(ep))
		endpoint_link_lost(ep, 0, "it closed the connection");
	else if (n == 0)
		ep->half_closed = true;
}

static void on_end_of_file(struct endpoint *ep)
{
	if (ep->one_shot)
		endpoint_link_input_over(ep, 0, "read");
	else
		endpoint_link_lost(ep, 0, "it closed the connection");
}

/**
 * endpoint_stream_read() - One large read of a byte stream
 * @ep:		The endpoint, readable
 */
void endpoint_stream_read(struct endpoint *ep)
{
	uint8_t *room;
	size_t len;
	ssize_t n;

	if (!(ep->mode & ENDPOINT_READ)) {
		read_and_ignore(ep);
		return;
	}
	room = frame_decoder_room(&ep->decoder, &len);
	n = read(ep->fd, room, len);
	if (n > 0) {
		ep->has_spoken = true;
		frame_decoder_filled(&ep->decoder, (size_t)n);
		endpoint_link_deliver(ep);
	} else if (n == 0) {
		on_end_of_file(ep);
	} else if (errno != EAGAIN && errno != EINTR) {
		endpoint_link_lost(ep, -errno, "read");
	}
}

/* A write is often the first to find that the peer has gone. What the peer sent
 * before is not read here, where a tool may be handling frames, but by
 * endpoint_link_last_words(). */
static void on_write_error(struct endpoint *ep, int err)
{
	if ((ep->mode & ENDPOINT_READ) && !ep->ended && ep->poll &&
	    peer_is_gone(ep))
		ep->write_err = err;
	else
		endpoint_link_lost(ep, err, "write");
}

/**
 * endpoint_stream_write() - Write the queue as far as the kernel takes it
 * @ep:		The endpoint, up
 */
void endpoint_stream_write(struct endpoint *ep)
{
	struct iovec iov[N_IOV];

	while (ep->outq.count) {
		unsigned n_iov = outq_iov(&ep->outq, iov, N_IOV);
		ssize_t n = writev(ep->fd, iov, (int)n_iov);

		if (n >= 0) {
			ep->count.out += outq_sent(&ep->outq, (size_t)n);
			ep->count.out_bytes += (size_t)n;
		} else if (errno == EAGAIN) {
			ep->want_write = true;
			return;
		} else if (errno != EINTR) {
			on_write_error(ep, -errno);
			return;
		}
	}
}
