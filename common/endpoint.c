/* SPDX-License-Identifier: ISC */
/*
 * Endpoints, the part that all kinds share.
 *
 * Life:    open -> (down <-> up)* -> ended and/or dead -> closed. A listening
 *          or connecting endpoint goes between down and up for ever; a
 *          one-shot one (standard input, a file, fd:N, reconnect=0) is up
 *          from the start, its input ends once and its output dies once.
 * Reading: on readiness one large read, decoded in place into views, handed
 *          to the tool in batches. While endpoint_stop() is in force nothing
 *          is read: that is the back-pressure.
 */
#include "endpoint_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH 256		/* views a callback gets at most */

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

/**
 * endpoint_tell() - Tell the tool what has happened
 * @ep:		The endpoint
 * @ev:		What
 */
void endpoint_tell(struct endpoint *ep, enum endpoint_event ev)
{
	if (ep->handler.on_event)
		ep->handler.on_event(ep, ev, ep->handler.arg);
}

/**
 * endpoint_open() - Bind, attach, or begin to connect
 * @out:	The endpoint, for endpoint_close()
 * @loop:	Its loop; it also keeps a list of its endpoints
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
int endpoint_open(struct endpoint **out, struct loop *loop, const char *name,
		  const struct endpoint_spec *spec, enum endpoint_mode mode,
		  const struct endpoint_handler *handler)
{
	struct endpoint *ep = calloc(1, sizeof(*ep));
	int err;

	if (!ep || !(ep->retry = malloc(sizeof(*ep->retry))))
		abort();
	ep->loop = loop;
	uv_timer_init(&loop->uv, ep->retry);
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
	loop->n_unsettled++;
	/* the list has it before open(): a kind looks for clashes in it */
	ep->next = loop->endpoints;
	loop->endpoints = ep;
	err = ep->ops->open(ep);
	if (err < 0) {
		endpoint_close(ep);
		return err;
	}
	*out = ep;
	return 0;
}

static void forget(struct endpoint *ep)
{
	for (struct endpoint **at = &ep->loop->endpoints; *at;
	     at = &(*at)->next) {
		if (*at == ep) {
			*at = ep->next;
			break;
		}
	}
	for (struct endpoint *o = ep->loop->endpoints; o; o = o->next) {
		for (unsigned i = o->n_feeders; i-- > 0;) {
			if (o->feeders[i] == ep)
				o->feeders[i] = o->feeders[--o->n_feeders];
		}
	}
}

/* The account outlives an endpoint; what it had queued has been dropped. */
static void leave_counters(struct endpoint *ep)
{
	struct endpoint_counters *sum = &ep->loop->gone;
	struct endpoint_counters c;

	if (ep->outq.form != OUTQ_RAW)
		ep->count.out += outq_rewind(&ep->outq);
	c = endpoint_counters(ep);
	sum->in += c.in;
	sum->out += c.out;
	sum->segmented += c.segmented;
	sum->drop_down += c.drop_down + c.queued;
	sum->drop_full += c.drop_full;
	sum->drop_link += c.drop_link;
}

static void disconnect(struct endpoint *ep)
{
	if (ep->poll) {
		endpoint_handle_close((uv_handle_t *)ep->poll);
		ep->poll = NULL;
	}
	if (ep->fd_flags >= 0)
		fcntl(ep->fd, F_SETFL, ep->fd_flags);
	if (ep->fd > STDERR_FILENO)
		close(ep->fd);
	ep->fd_flags = -1;
	ep->fd = -1;
	ep->poll_events = 0;
	ep->want_write = false;
	ep->half_closed = false;
	ep->has_spoken = false;
	ep->write_err = 0;
	ep->up = false;
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
	endpoint_set_full(ep, false);
	endpoint_settled(ep);
	leave_counters(ep);
	forget(ep);
	if (ep->ops->close)
		ep->ops->close(ep);
	disconnect(ep);
	endpoint_handle_close((uv_handle_t *)ep->retry);
	ep->closing = true;
}

/**
 * endpoint_settled() - The first attempt of an endpoint is over
 * @ep:		The endpoint
 *
 * Inputs flow when all endpoints have settled: a file piped into a tool is
 * not over before its outputs had the chance to connect.
 */
void endpoint_settled(struct endpoint *ep)
{
	if (!ep->settled)
		loop_settle(ep->loop);
	ep->settled = true;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct endpoint *ep = poll->data;

	/* libuv reports an error condition as EBADF; the system calls tell
	 * which it is */
	if (status < 0)
		events = UV_READABLE | UV_WRITABLE;
	if (events & UV_WRITABLE) {
		ep->want_write = false;
		endpoint_flush(ep);
	}
	if ((events & UV_READABLE) && ep->poll == poll &&
	    (status < 0 || (ep->poll_events & UV_READABLE)))
		ep->ops->read(ep);
	if (ep->poll == poll) {
		if (status < 0)
			ep->poll_events = 0;
		endpoint_watch(ep);
	}
}

/**
 * endpoint_is_reading() - May this endpoint be read now?
 * @ep:		The endpoint
 *
 * Return: true when it has an input that is neither over nor stopped
 */
bool endpoint_is_reading(const struct endpoint *ep)
{
	return (ep->mode & ENDPOINT_READ) && !ep->ended && !ep->n_stops &&
	       ep->up && ep->loop->started && !ep->loop->draining;
}

/**
 * endpoint_watch() - Tell the poll what to wait for
 * @ep:		The endpoint; its state may have changed in any way
 */
void endpoint_watch(struct endpoint *ep)
{
	int events = 0;

	if (!ep->poll)
		return;
	/* a side that is only written is read to see its peer go */
	if (endpoint_is_reading(ep) ||
	    (ep->mode == ENDPOINT_WRITE && !ep->half_closed))
		events |= UV_READABLE;
	if (ep->want_write)
		events |= UV_WRITABLE;
	if (events == ep->poll_events)
		return;
	ep->poll_events = events;
	if (events)
		uv_poll_start(ep->poll, events, on_poll);
	else
		uv_poll_stop(ep->poll);
}

/**
 * endpoint_attached() - A kind has its peer, device or file
 * @ep:		The endpoint
 * @fd:		Non-blocking; the endpoint takes it
 * @pollable:	false for regular files, which are always ready
 *
 * A kind whose output must not be read, not even to see the peer go, has set
 * half_closed before.
 *
 * Return: 0 or a negative errno; the fd is closed then
 */
int endpoint_attached(struct endpoint *ep, int fd, bool pollable)
{
	ep->fd = fd;
	ep->always_ready = !pollable;
	if (pollable) {
		uv_poll_t *poll = malloc(sizeof(*poll));
		int err = poll ? uv_poll_init(&ep->loop->uv, poll, fd) :
				 -ENOMEM;

		if (err < 0) {
			free(poll);
			disconnect(ep);
			return err;
		}
		ep->poll = poll;
		endpoint_handle_opened(ep, (uv_handle_t *)poll);
	}
	ep->up = true;
	ep->down_told = false;
	ep->count.n_up++;
	endpoint_settled(ep);
	endpoint_tell(ep, ENDPOINT_UP);
	endpoint_watch(ep);
	return 0;
}

static void drop_half_frame(struct endpoint *ep)
{
	size_t half = frame_decoder_reset(&ep->decoder);

	if (!half)
		return;
	ep->count.truncated++;
	log_warn(ep->name, "the stream ended inside a frame: %zu bytes dropped",
		 half);
	if (ep->one_shot)
		loop_fail(ep->loop);
}

/**
 * endpoint_lost() - The connection is gone
 * @ep:		The endpoint
 * @err:	Negative errno; 0 when the peer closed it
 * @what:	What failed, for the log
 *
 * The half frame at the end of its input is dropped and counted. Its output
 * is kept for the next connection, from the beginning of the frame that was
 * under way. A one-shot endpoint is over.
 */
void endpoint_lost(struct endpoint *ep, int err, const char *what)
{
	if (!ep->one_shot && ep->spec.reconnect_ms) {
		if (err < 0)
			log_warn(ep->name, "%s: %s", what, uv_strerror(err));
		else
			log_info(ep->name, "the peer closed the connection");
		drop_half_frame(ep);
		if (ep->outq.form != OUTQ_RAW)
			ep->count.out += outq_rewind(&ep->outq);
		disconnect(ep);
		endpoint_tell(ep, ENDPOINT_DOWN);
		if (ep->ops->retry && !ep->closing)
			endpoint_retry_later(ep, 0, NULL);
		return;
	}
	if (ep->mode & ENDPOINT_READ)
		endpoint_input_over(ep, err, what);
	if (ep->mode & ENDPOINT_WRITE)
		endpoint_output_dead(ep, err ? err : -EPIPE, what);
}

/**
 * endpoint_input_over() - A one-shot input has ended
 * @ep:		The endpoint
 * @err:	0 for its regular end, else a negative errno: the process fails
 * @what:	What failed, for the log
 */
void endpoint_input_over(struct endpoint *ep, int err, const char *what)
{
	if (ep->ended)
		return;
	ep->ended = true;
	if (err < 0) {
		log_error(ep->name, "%s: %s", what, uv_strerror(err));
		loop_fail(ep->loop);
	}
	drop_half_frame(ep);
	if (ep->mode == ENDPOINT_READ)
		disconnect(ep);
	endpoint_watch(ep);
	endpoint_tell(ep, ENDPOINT_END);
}

/**
 * endpoint_output_dead() - A one-shot output takes nothing any more
 * @ep:		The endpoint; what it had queued is dropped and counted
 * @err:	Negative errno
 * @what:	What failed, for the log
 */
void endpoint_output_dead(struct endpoint *ep, int err, const char *what)
{
	if (ep->dead)
		return;
	ep->dead = true;
	log_error(ep->name, "%s: %s", what, uv_strerror(err));
	if (ep->outq.form != OUTQ_RAW)
		ep->count.out += outq_rewind(&ep->outq);
	ep->count.drop_link += ep->outq.frames;
	outq_fini(&ep->outq);
	disconnect(ep);
	endpoint_tell(ep, ENDPOINT_DEAD);
	if (!ep->ended && (ep->mode & ENDPOINT_READ))
		endpoint_input_over(ep, 0, what);
	endpoint_set_full(ep, false);
}

static void on_retry(uv_timer_t *timer)
{
	struct endpoint *ep = timer->data;

	ep->ops->retry(ep);
}

/**
 * endpoint_retry_later() - Try again after the endpoint's reconnect time
 * @ep:		The endpoint, down
 * @err:	Why this attempt failed, negative errno; 0 to say nothing
 * @what:	What failed, for the log
 *
 * With reconnect=0 the endpoint is over instead.
 */
void endpoint_retry_later(struct endpoint *ep, int err, const char *what)
{
	unsigned ms = ep->spec.reconnect_ms;

	endpoint_settled(ep);
	if (!ms) {
		endpoint_lost(ep, err, what);
		return;
	}
	if (err < 0 && !ep->down_told) {
		log_warn(ep->name, "%s: %s (trying again every %g s)", what,
			 uv_strerror(err), ms / 1000.0);
		ep->down_told = true;
	}
	uv_timer_start(ep->retry, on_retry, ms, 0);
}

/**
 * endpoint_deliver() - Hand over what the decoder holds, in batches
 * @ep:		The endpoint, its decoder just filled
 *
 * A bad length closes the connection: one line that names it.
 */
void endpoint_deliver(struct endpoint *ep)
{
	struct frame v[BATCH];
	uint32_t bad_len;
	int n;

	while ((n = frame_decoder_batch(&ep->decoder, v, BATCH,
					&bad_len)) > 0) {
		ep->count.in += (unsigned)n;
		for (int i = 0; i < n; i++)
			ep->count.in_bytes += v[i].len;
		if (ep->handler.on_frames)
			ep->handler.on_frames(ep, v, (unsigned)n,
					      ep->handler.arg);
		if (ep->fd < 0)		/* closed by the tool meanwhile */
			return;
	}
	if (n < 0) {
		ep->count.bad++;
		log_warn(ep->name, "bad frame header, length %u: "
			 "connection closed", bad_len);
		if (ep->one_shot)
			loop_fail(ep->loop);
		frame_decoder_reset(&ep->decoder);
		endpoint_lost(ep, 0, "bad frame header");
	}
}

/**
 * endpoint_last_words() - Read what a peer said before it went, and close
 * @ep:		The endpoint; nothing is done unless a write found the peer gone
 *
 * Back-pressure does not count here: it is no more than the kernel's buffer.
 */
void endpoint_last_words(struct endpoint *ep)
{
	if (!ep->write_err)
		return;
	if (!ep->loop->draining)
		endpoint_read_rest(ep);
	if (ep->write_err)	/* no end of file has closed it */
		endpoint_lost(ep, ep->write_err, "write");
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
 * endpoint_has_ended() - Is the input over for good?
 * @ep:		The endpoint
 */
bool endpoint_has_ended(const struct endpoint *ep)
{
	return ep->ended;
}

/**
 * endpoint_stop() - Read nothing until endpoint_start()
 * @ep:		The endpoint; calls nest
 */
void endpoint_stop(struct endpoint *ep)
{
	ep->n_stops++;
	endpoint_watch(ep);
}

/**
 * endpoint_start() - Take one endpoint_stop() back
 * @ep:		The endpoint
 */
void endpoint_start(struct endpoint *ep)
{
	ep->n_stops--;
	endpoint_watch(ep);
}

/**
 * endpoint_read_rest() - Read what has already arrived, now
 * @ep:		The endpoint, stopped or not; not to be called while it delivers
 *
 * Reads until the kernel has nothing more, at most 64 MiB: a peer that never
 * stops sending cannot hold the process.
 */
void endpoint_read_rest(struct endpoint *ep)
{
	uint64_t stop_at = ep->count.in_bytes + (64u << 20);

	while (ep->poll && !ep->ended && ep->count.in_bytes < stop_at) {
		struct pollfd p = { .fd = ep->fd, .events = POLLIN };

		if (poll(&p, 1, 0) != 1 || !(p.revents & POLLIN))
			break;
		ep->ops->read(ep);
	}
}

/**
 * endpoint_next() - Walk over the endpoints of a loop
 * @ep:	The endpoint
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
 * endpoint_spec() - What it was opened with
 * @ep:		The endpoint
 *
 * Return: borrowed
 */
const struct endpoint_spec *endpoint_spec(const struct endpoint *ep)
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
