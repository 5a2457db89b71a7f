/* SPDX-License-Identifier: ISC */
/*
 * What an endpoint waits for: the one place that says whether it may be read
 * now, and tells libuv. Regular files and captures have no poll; endpoint_pump.c
 * reads them.
 */
#include <stdlib.h>

#include "endpoint_impl.h"

/**
 * endpoint_poll_reads() - May this endpoint be read now?
 * @ep:		The endpoint
 *
 * Return: true when it has an input that is neither over nor stopped
 */
bool endpoint_poll_reads(const struct endpoint *ep)
{
	return (ep->mode & ENDPOINT_READ) && !ep->ended && !ep->n_stops &&
	       ep->up && ep->set->state == ENDPOINT_SET_FLOWS;
}

/**
 * endpoint_poll_update() - Tell the poll what to wait for
 * @ep:		The endpoint; its state may have changed in any way
 */
void endpoint_poll_update(struct endpoint *ep)
{
	int events = 0;

	if (!ep->poll)
		return;
	/* a side that is only written is read to see its peer go */
	if ((endpoint_poll_reads(ep) && !ep->is_ahead) ||
	    (ep->mode == ENDPOINT_WRITE && !ep->half_closed))
		events |= UV_READABLE;
	if (ep->want_write)
		events |= UV_WRITABLE;
	if (events == ep->poll_events)
		return;
	ep->poll_events = events;
	if (events)
		uv_poll_start(ep->poll, events, ep->on_poll);
	else
		uv_poll_stop(ep->poll);
}

/**
 * endpoint_poll_open() - Begin to poll
 * @ep:		The endpoint
 * @fd:		What it reads and writes, non-blocking; it waits for nothing yet
 * @on_poll:	Called when it is ready; the poll's data is the endpoint
 *
 * Return: 0 or a negative errno
 */
int endpoint_poll_open(struct endpoint *ep, int fd, uv_poll_cb on_poll)
{
	uv_poll_t *poll = malloc(sizeof(*poll));
	int err = poll ? uv_poll_init(ep->set->uv, poll, fd) : -ENOMEM;

	if (err < 0) {
		free(poll);
		return err;
	}
	ep->poll = poll;
	ep->on_poll = on_poll;
	endpoint_handle_opened(ep, (uv_handle_t *)poll);
	return 0;
}

/**
 * endpoint_poll_close() - Poll no more
 * @ep:		The endpoint, with or without a poll
 */
void endpoint_poll_close(struct endpoint *ep)
{
	if (ep->poll)
		endpoint_handle_close((uv_handle_t *)ep->poll);
	ep->poll = NULL;
	ep->poll_events = 0;
}
