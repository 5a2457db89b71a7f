/* SPDX-License-Identifier: ISC */
/*
 * What the kinds tap: and packet: share: one read or write is one frame. What
 * is read gets its wire prefix in place and goes through the decoder like a
 * stream, so that it can leave on a stream without being touched again.
 */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <unistd.h>

#include "endpoint_impl.h"
#include "netns.h"

#define FRAMES_A_TURN 64	/* read before others get their turn */
#define ROOM_NEEDED (FRAME_PREFIX_MAX + FRAME_LEN_MAX)

/* Errors that concern one frame, or a link that is down for now. */
static bool is_link_trouble(int err)
{
	return err == -EIO || err == -ENETDOWN || err == -EMSGSIZE ||
	       err == -EINVAL || err == -ENOBUFS;
}

static void lost(struct endpoint *ep, int err, const char *what)
{
	endpoint_carrier_close(ep);
	/* what a tap says whose interface was deleted */
	endpoint_link_lost(ep, err == -EBADFD ? -ENODEV : err, what);
}

/**
 * endpoint_dev_write() - Write the queue, a frame with each call of the kernel
 * @ep:		The endpoint, up
 *
 * A frame that the link refuses is dropped and counted.
 */
void endpoint_dev_write(struct endpoint *ep)
{
	struct iovec iov[2];

	while (ep->outq.count) {
		int n_iov = (int)outq_iov(&ep->outq, iov, 2);
		ssize_t n = writev(ep->fd, iov, n_iov);

		if (n >= 0) {
			ep->count.out_bytes += ep->outq.bytes;
			ep->count.out += outq_sent(&ep->outq,
				iov[0].iov_len + (n_iov > 1 ?
						  iov[1].iov_len : 0));
			ep->count.out_bytes -= ep->outq.bytes;
		} else if (errno == EAGAIN) {
			ep->want_write = true;
			return;
		} else if (is_link_trouble(-errno)) {
			log_warn(ep->name, "a frame was refused: %s",
				 uv_strerror(-errno));
			ep->count.drop_link += outq_drop_first(&ep->outq);
		} else if (errno != EINTR) {
			lost(ep, -errno, "write");
			return;
		}
	}
}

/**
 * endpoint_dev_read_error() - A read of a device has failed, says errno
 * @ep:		The endpoint; it is lost unless the reason passes
 */
void endpoint_dev_read_error(struct endpoint *ep)
{
	if (errno == EINVAL) {	/* glued in a way that has no virtio header */
		ep->count.in++;
		ep->count.drop_link++;
	} else if (errno != EAGAIN && errno != EINTR && errno != ENETDOWN &&
		   errno != EIO)
		lost(ep, -errno, "read");
}

/**
 * endpoint_dev_retry() - Look whether the device is there again
 * @ep:		The endpoint
 */
void endpoint_dev_retry(struct endpoint *ep)
{
	int err = ep->up ? 0 : ep->ops->open(ep);

	if (err < 0)
		endpoint_link_retry_later(ep, err, ep->spec.text);
}

/* The device first: an interface that is not there is no trouble of its carrier. */
static int open_with_carrier(struct endpoint *ep,
			     int (*open_here)(struct endpoint *))
{
	int fd = open_here(ep);
	int err = fd < 0 ? fd : endpoint_carrier_open(ep,
					if_nametoindex(ep->spec.target));

	if (err == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return err;
}

/* Open something in the namespace that the endpoint names; set @what to where
 * it failed. */
static int open_in_netns(struct endpoint *ep, int (*open_here)(struct endpoint *),
			 const char **what)
{
	int back, fd;

	if (!ep->spec.netns[0])
		return open_with_carrier(ep, open_here);
	back = netns_enter(ep->spec.netns);
	if (back < 0) {
		*what = "its network namespace: ";
		return back;
	}
	fd = open_with_carrier(ep, open_here);
	if (netns_leave(back) < 0)	/* anything else would be elsewhere */
		abort();
	return fd;
}

/**
 * endpoint_dev_open() - Open a device in the namespace that the endpoint names
 * @ep:		The endpoint, down
 * @open_here:	Returns a non-blocking descriptor or a negative errno
 *
 * Return: 0 or a negative errno; the first one is logged
 */
int endpoint_dev_open(struct endpoint *ep, int (*open_here)(struct endpoint *ep))
{
	const char *what = "";
	int fd = open_in_netns(ep, open_here, &what);

	if (fd < 0) {
		if (!ep->count.n_up)
			log_error(ep->name, "%s: %s%s", ep->spec.text, what,
				  uv_strerror(fd));
		return fd;
	}
	/* what a link brings belongs to whoever reads it, not to an output */
	ep->half_closed = ep->mode == ENDPOINT_WRITE;
	endpoint_told_peer(ep, ep->spec.text);
	return endpoint_link_up(ep, fd, true);
}

/**
 * endpoint_dev_read() - Read a turn's worth of frames and hand them over
 * @ep:		The endpoint, readable
 * @read_one:	Reads a frame to @room, behind its wire prefix; returns the bytes
 *		used with the prefix, 0 when there is nothing more for now
 */
void endpoint_dev_read(struct endpoint *ep,
		       size_t (*read_one)(struct endpoint *ep, uint8_t *room))
{
	size_t len, used;
	uint8_t *room = frame_decoder_room(&ep->decoder, &len);

	for (int i = 0; i < FRAMES_A_TURN && len >= ROOM_NEEDED; i++) {
		used = read_one(ep, room);
		if (!used)
			break;
		frame_decoder_filled(&ep->decoder, used);
		room += used;
		len -= used;
	}
	if (ep->fd >= 0)
		endpoint_link_deliver(ep);
}
