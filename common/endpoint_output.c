/* SPDX-License-Identifier: ISC */
/*
 * Endpoints: what is on its way out, and back-pressure.
 *
 * Writing: endpoint_output_send() queues references; the loop flushes every
 *          endpoint before and after it polls, so one turn's frames share a
 *          writev().
 * Bound:   when more than send-buffer bytes wait, the endpoints that feed this
 *          one stop; at half of it they start again. What was read before the
 *          stop is still queued: the bound is overrun by at most one chunk a
 *          feeder.
 */
#include <stdlib.h>

#include "endpoint_impl.h"
#include "vnet.h"

/**
 * endpoint_output_set_full() - Stop or start who feeds an output
 * @ep:		The output
 * @full:	Whether its queue is over the bound
 */
void endpoint_output_set_full(struct endpoint *ep, bool full)
{
	if (ep->full == full)
		return;
	ep->full = full;
	for (unsigned i = 0; i < ep->n_feeders; i++) {
		if (full)
			endpoint_input_stop(ep->feeders[i]);
		else
			endpoint_input_start(ep->feeders[i]);
	}
	if (!full)
		endpoint_tell(ep, ENDPOINT_DRAINED);
}

static void queue_plain(void *arg, const struct frame *f)
{
	struct endpoint *ep = arg;

	outq_add(&ep->outq, f);
}

/* The wire has no virtio-net headers and the frame's asks for something: the frame
 * is finished, or cut into several, before it is queued. */
static void queue_completed(struct endpoint *ep, const struct frame *f)
{
	uint64_t before = ep->outq.frames;

	if (vnet_to_plain(f, queue_plain, ep) < 0)
		ep->count.drop_link++;
	else
		ep->count.segmented += ep->outq.frames - before - 1;
}

static void queue_one(struct endpoint *ep, const struct frame *f)
{
	if (ep->ops->send)
		ep->ops->send(ep, f);
	else if (f->vnet_len && !ep->outq.vnet_len && !vnet_is_trivial(f))
		queue_completed(ep, f);
	else
		outq_add(&ep->outq, f);
}

/**
 * endpoint_output_send() - Queue frames
 * @ep:		The endpoint
 * @v:		The frames; their chunks are referenced, not copied
 * @n:		How many
 *
 * Never refuses: the inputs that endpoint_output_couple() has coupled to it stop
 * while it is full. Frames for an output that has died are dropped and counted.
 */
void endpoint_output_send(struct endpoint *ep, const struct frame *v,
			  unsigned n)
{
	if (ep->dead) {
		ep->count.drop_link += n;
		return;
	}
	endpoint_show(ep, true, v, n);
	for (unsigned i = 0; i < n; i++)
		queue_one(ep, &v[i]);
	if (ep->outq.bytes > ep->spec.send_buffer)
		endpoint_output_flush(ep);
}

/**
 * endpoint_output_offer() - Queue what fits and drop the rest
 * @ep:		The endpoint
 * @v:		The frames
 * @n:		How many
 *
 * For copies that may be lost: nothing is queued while no peer is there or
 * the queue is at its bound. Drops are counted by reason.
 *
 * Return: frames queued; those are the first ones of @v
 */
unsigned endpoint_output_offer(struct endpoint *ep, const struct frame *v,
			       unsigned n)
{
	unsigned i;

	ep->lossy = true;
	if (!ep->up) {
		ep->count.drop_down += n;
		return 0;
	}
	for (i = 0; i < n; i++) {
		if (ep->outq.bytes > ep->spec.send_buffer) {
			endpoint_output_flush(ep);
			if (ep->full || !ep->up)
				break;
		}
		queue_one(ep, &v[i]);
	}
	endpoint_show(ep, true, v, i);
	if (ep->up)
		ep->count.drop_full += n - i;
	else
		ep->count.drop_down += n - i;
	return i;
}

/**
 * endpoint_output_flush() - Write what is queued, as far as the kernel takes it
 * @ep:		The endpoint
 */
void endpoint_output_flush(struct endpoint *ep)
{
	if (ep->up && !ep->want_write && !ep->write_err &&
	    (ep->mode & ENDPOINT_WRITE) && (ep->outq.count || ep->ops->send))
		ep->ops->write(ep);
	if (ep->want_write)
		endpoint_poll_update(ep);
	if (!ep->full && ep->outq.bytes > ep->spec.send_buffer)
		endpoint_output_set_full(ep, true);
	else if (ep->full && ep->outq.bytes <= ep->spec.send_buffer / 2)
		endpoint_output_set_full(ep, false);
}

/**
 * endpoint_output_couple() - Couple an input to an output: back-pressure
 * @in:		Stops being read while @out is full
 * @out:	The output
 */
void endpoint_output_couple(struct endpoint *in, struct endpoint *out)
{
	struct endpoint **v = realloc(out->feeders,
				      (out->n_feeders + 1) * sizeof(*v));

	if (!v)
		abort();
	v[out->n_feeders++] = in;
	out->feeders = v;
	if (out->full)
		endpoint_input_stop(in);
}

/**
 * endpoint_output_take_back() - Take back what is queued: it goes another way
 * @ep:		A stream endpoint
 * @frame:	Gets each frame in order, borrowed for the call
 * @arg:	For @frame
 */
void endpoint_output_take_back(struct endpoint *ep,
			       void (*frame)(void *arg, const struct frame *f),
			       void *arg)
{
	if (ep->outq.form != OUTQ_RAW)
		ep->count.out += outq_take(&ep->outq, frame, arg);
	endpoint_output_set_full(ep, false);
}
