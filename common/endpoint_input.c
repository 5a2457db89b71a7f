/* SPDX-License-Identifier: ISC */
/*
 * Back-pressure on an input, and what has already arrived.
 */
#include <poll.h>

#include "endpoint_impl.h"

/**
 * endpoint_input_stop() - Read nothing until endpoint_input_start()
 * @ep:		The endpoint; calls nest
 */
void endpoint_input_stop(struct endpoint *ep)
{
	ep->n_stops++;
	endpoint_poll_update(ep);
}

/**
 * endpoint_input_start() - Take one endpoint_input_stop() back
 * @ep:		The endpoint
 */
void endpoint_input_start(struct endpoint *ep)
{
	ep->n_stops--;
	endpoint_poll_update(ep);
}

/**
 * endpoint_input_read_rest() - Read what has already arrived, now
 * @ep:		The endpoint, stopped or not; not to be called while it delivers
 *
 * Reads until the kernel has nothing more, at most 64 MiB: a peer that never
 * stops sending cannot hold the process.
 */
void endpoint_input_read_rest(struct endpoint *ep)
{
	uint64_t stop_at = ep->count.in_bytes + (64u << 20);

	while (ep->poll && !ep->ended && ep->count.in_bytes < stop_at) {
		struct pollfd p = { .fd = ep->fd, .events = POLLIN };

		if (poll(&p, 1, 0) != 1 || !(p.revents & POLLIN))
			break;
		ep->ops->read(ep);
	}
}
