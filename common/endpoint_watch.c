/* SPDX-License-Identifier: ISC */
/*
 * Those who look on while frames pass an endpoint. They cannot change, stop or
 * delay a frame, but by the time that they take.
 */
#include "endpoint_impl.h"

/**
 * endpoint_watch_begin() - Show somebody all frames from now on
 * @ep:		The endpoint
 * @w:		Its on_frames is set; the caller's until endpoint_watch_end(). When
 *		the endpoint is closed its ep becomes NULL
 */
void endpoint_watch_begin(struct endpoint *ep, struct endpoint_watch *w)
{
	w->ep = ep;
	w->next = ep->watches;
	ep->watches = w;
}

/**
 * endpoint_watch_end() - Show no more
 * @w:		Who has looked on
 */
void endpoint_watch_end(struct endpoint_watch *w)
{
	struct endpoint_watch **link;

	if (!w->ep)
		return;
	link = &w->ep->watches;
	while (*link != w)
		link = &(*link)->next;
	*link = w->next;
	w->ep = NULL;
}

/**
 * endpoint_watch_show() - Frames pass
 * @ep:		The endpoint
 * @is_out:	They go out, else they come in
 * @v:		The frames; borrowed
 * @n:		How many
 */
void endpoint_watch_show(const struct endpoint *ep, bool is_out,
			 const struct frame *v, unsigned n)
{
	for (struct endpoint_watch *w = ep->watches; w; w = w->next)
		w->on_frames(w, is_out, v, n);
}

/**
 * endpoint_watch_forget() - The endpoint is closed: nobody looks on
 * @ep:		The endpoint
 */
void endpoint_watch_forget(struct endpoint *ep)
{
	while (ep->watches)
		endpoint_watch_end(ep->watches);
}
