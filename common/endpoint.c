/* SPDX-License-Identifier: ISC */
/*
 * Endpoints: opened and closed, and what there is to know of one. The other
 * endpoint_*.c are below this: a kind implements endpoint_ops and calls
 * endpoint_link.c when something happens.
 *
 * Reading: on readiness one large read, decoded in place into views, handed
 *          to the tool in batches. While endpoint_input_stop() is in force
 *          nothing is read: that is the back-pressure.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "endpoint_impl.h"
#include "endpoint_set.h"

static const struct endpoint_ops *ops_of(enum endpoint_kind kind)
{
	switch (kind) {
	case ENDPOINT_UNIX:
	case ENDPOINT_TCP:
		return &endpoint_connect_ops;
	case ENDPOINT_UNIX_LISTEN:
	case ENDPOINT_TCP_LISTEN:
		return &endpoint_listen_ops;
	case ENDPOINT_TAP:
		return &endpoint_tap_ops;
	case ENDPOINT_PACKET:
		return &endpoint_packet_ops;
	case ENDPOINT_PCAP:
		return &endpoint_pcap_ops;
	case ENDPOINT_NULL:
		return &endpoint_null_ops;
	default:
		return &endpoint_file_ops;
	}
}

/**
 * endpoint_open() - Bind, attach, or begin to connect
 * @out:	The endpoint, for endpoint_close()
 * @set:	Where it belongs; outlives it
 * @name:	What messages call it; copied
 * @spec:	Where to; copied
 * @mode:	Read frames, write frames, or both
 * @handler:	Callbacks; copied; both may be NULL
 *
 * Nothing is read before loop_run().
 *
 * Return: 0, -EINVAL for a combination that makes no sense, or another
 * negative errno; the reason is logged
 */
int endpoint_open(struct endpoint **out, struct endpoint_set *set,
		  const char *name, const struct endpoint_spec *spec,
		  enum endpoint_mode mode,
		  const struct endpoint_handler *handler)
{
	struct endpoint *ep = calloc(1, sizeof(*ep));
	int err;

	if (!ep || !(ep->retry = malloc(sizeof(*ep->retry))))
		abort();
	uv_timer_init(set->uv, ep->retry);
	endpoint_handle_opened(ep, (uv_handle_t *)ep->retry);
	snprintf(ep->name, sizeof(ep->name), "%s", name);
	ep->spec = *spec;
	ep->mode = mode;
	ep->handler = *handler;
	ep->ops = ops_of(spec->kind);
	ep->fd = ep->fd_flags = -1;
	frame_decoder_init(&ep->decoder, spec->vnet_len != 0);
	outq_init(&ep->outq, ep->ops->form == OUTQ_RAW ? OUTQ_RAW :
		  spec->vnet_len && !spec->plain_out ? OUTQ_VNET : OUTQ_PLAIN,
		  spec->plain_out ? 0 : spec->vnet_len);
	/* the set has it before open(): a kind looks for clashes there */
	endpoint_set_add(set, ep);
	err = ep->ops->open(ep);
	if (err < 0) {
		endpoint_close(ep);
		return err;
	}
	*out = ep;
	return 0;
}

/**
 * endpoint_close() - Close for good
 * @ep:		The endpoint, invalid from here on; NULL is legal
 *
 * What is queued is dropped and counted. Memory goes when libuv has let go of
 * the handles.
 */
void endpoint_close(struct endpoint *ep)
{
	if (!ep || ep->closing)
		return;
	ep->handler.on_event = NULL;
	ep->handler.on_frames = NULL;
	endpoint_watch_forget(ep);
	endpoint_told_end(ep);
	endpoint_output_set_full(ep, false);
	endpoint_link_settled(ep);
	if (ep->outq.form != OUTQ_RAW)
		ep->count.out += outq_rewind(&ep->outq);
	endpoint_set_remove(ep->set, ep);
	if (ep->ops->close)
		ep->ops->close(ep);
	endpoint_link_cut(ep);
	endpoint_handle_close((uv_handle_t *)ep->retry);
	ep->closing = true;
}

/**
 * endpoint_is_up() - Is a peer there?
 * @ep:		The endpoint
 */
bool endpoint_is_up(const struct endpoint *ep)
{
	return ep->up;
}

/**
 * endpoint_trouble() - Why do no frames pass?
 * @ep:		The endpoint
 *
 * A device may be there and pass nothing, see endpoint_carrier.c.
 *
 * Return: as said of its name, as in "is gone", or NULL when they pass
 */
const char *endpoint_trouble(const struct endpoint *ep)
{
	return ep->up ? endpoint_carrier_trouble(ep) : "is gone";
}

/**
 * endpoint_find() - The endpoint that has a name
 * @set:	Where
 * @name:	As its messages say it
 *
 * Return: the endpoint, or NULL
 */
struct endpoint *endpoint_find(const struct endpoint_set *set, const char *name)
{
	struct endpoint *ep = set->first;

	while (ep && strcmp(ep->name, name) != 0)
		ep = ep->next;
	return ep;
}

/**
 * endpoint_next() - Walk over the endpoints of a set
 * @ep:		The endpoint
 *
 * Return: the one that was opened before it, or NULL
 */
const struct endpoint *endpoint_next(const struct endpoint *ep)
{
	return ep->next;
}

/**
 * endpoint_name() - What messages call it
 * @ep:		The endpoint
 *
 * Return: borrowed text
 */
const char *endpoint_name(const struct endpoint *ep)
{
	return ep->name;
}

/**
 * endpoint_get_spec() - What it was opened with
 * @ep:		The endpoint
 *
 * Return: borrowed
 */
const struct endpoint_spec *endpoint_get_spec(const struct endpoint *ep)
{
	return &ep->spec;
}

/**
 * endpoint_counters() - Its account up to now
 * @ep:		The endpoint
 *
 * Return: a copy; in = delivered to the tool, out = taken by the kernel
 */
struct endpoint_counters endpoint_counters(const struct endpoint *ep)
{
	struct endpoint_counters c = ep->count;

	c.queued = ep->outq.frames;
	c.queued_bytes = ep->outq.bytes;
	return c;
}
