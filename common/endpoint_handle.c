/* SPDX-License-Identifier: ISC */
/*
 * The libuv handles and requests of an endpoint, which libuv closes when it
 * comes to it: the endpoint's memory goes with the last one, and nowhere else.
 */
#include <stdlib.h>

#include "endpoint_impl.h"

/**
 * endpoint_handle_gone() - One handle or request fewer
 * @ep:		The endpoint; freed when it is closing and this was the last
 */
void endpoint_handle_gone(struct endpoint *ep)
{
	ep->n_handles--;
	if (ep->closing && !ep->n_handles) {
		frame_decoder_fini(&ep->decoder);
		outq_fini(&ep->outq);
		free(ep->feeders);
		free(ep);
	}
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct endpoint *ep = handle->data;

	free(handle);
	endpoint_handle_gone(ep);
}

/**
 * endpoint_handle_opened() - Account for a libuv handle of an endpoint
 * @ep:		The endpoint; it lives until the handle is closed
 * @handle:	Initialised, on the heap
 */
void endpoint_handle_opened(struct endpoint *ep, uv_handle_t *handle)
{
	handle->data = ep;
	ep->n_handles++;
}

/**
 * endpoint_handle_close() - Close and free a handle of an endpoint
 * @handle:	Given to endpoint_handle_opened() before
 */
void endpoint_handle_close(uv_handle_t *handle)
{
	uv_close(handle, on_handle_closed);
}
