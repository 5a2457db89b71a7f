/* SPDX-License-Identifier: ISC */
/*
 * The states of an endpoint, and who moves them: the kinds say that a peer is
 * there or gone, that an input is over, that an output is dead.
 *
 *	open -> (down <-> up)* -> ended and/or dead -> closed
 *
 * A listening or connecting endpoint goes between down and up for ever. A
 * one-shot one (standard input, a file, fd:N, reconnect=0) is up from the start,
 * its input ends once and its output dies once.
 *
 * A read ends here, too: what it has put into the decoder goes to the tool in
 * batches, and what is no frame ends the connection.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "endpoint_hint.h"
#include "endpoint_impl.h"
#include "endpoint_set.h"

#define BATCH 256		/* views a callback gets at most */

/**
 * endpoint_link_cut() - Let go of the descriptor and what belongs to it
 * @ep:		The endpoint; down from here on
 */
void endpoint_link_cut(struct endpoint *ep)
{
	endpoint_poll_close(ep);
	if (ep->fd_flags >= 0)
		fcntl(ep->fd, F_SETFL, ep->fd_flags);
	if (ep->fd > STDERR_FILENO)
		close(ep->fd);
	ep->fd_flags = -1;
	ep->fd = -1;
	ep->want_write = false;
	ep->half_closed = false;
	ep->has_spoken = false;
	ep->write_err = 0;
	ep->up = false;
}

/**
 * endpoint_link_settled() - The first attempt of an endpoint is over
 * @ep:		The endpoint
 */
void endpoint_link_settled(struct endpoint *ep)
{
	if (!ep->settled)
		endpoint_set_settle(ep->set);
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
		endpoint_output_flush(ep);
	}
	if ((events & UV_READABLE) && ep->poll == poll &&
	    (status < 0 || (ep->poll_events & UV_READABLE)))
		ep->ops->read(ep);
	if (ep->poll == poll) {
		if (status < 0)
			ep->poll_events = 0;
		endpoint_poll_update(ep);
	}
}

/**
 * endpoint_link_up() - A kind has its peer, device or file
 * @ep:		The endpoint
 * @fd:		Non-blocking; the endpoint takes it
 * @pollable:	false for regular files, which are always ready
 *
 * A kind whose output must not be read, not even to see the peer go, has set
 * half_closed before.
 *
 * Return: 0 or a negative errno; the fd is closed then
 */
int endpoint_link_up(struct endpoint *ep, int fd, bool pollable)
{
	ep->fd = fd;
	ep->always_ready = !pollable;
	if (pollable) {
		int err = endpoint_poll_open(ep, fd, on_poll);

		if (err < 0) {
			endpoint_link_cut(ep);
			return err;
		}
	}
	ep->up = true;
	ep->down_told = false;
	ep->count.n_up++;
	endpoint_link_settled(ep);
	endpoint_told_up(ep);
	endpoint_tell(ep, ENDPOINT_UP);
	endpoint_poll_update(ep);
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
		endpoint_set_fail(ep->set);
}

/**
 * endpoint_link_lost() - The connection is gone
 * @ep:		The endpoint
 * @err:	Negative errno; 0 when the peer closed it
 * @what:	What failed, or what has happened, for the event
 *
 * The half frame at the end of its input is dropped and counted. Its output
 * is kept for the next connection, from the beginning of the frame that was
 * under way. A one-shot endpoint is over.
 */
void endpoint_link_lost(struct endpoint *ep, int err, const char *what)
{
	endpoint_told_lost(ep, err, what);
	if (!ep->one_shot && ep->spec.reconnect_ms) {
		drop_half_frame(ep);
		if (ep->outq.form != OUTQ_RAW)
			ep->count.out += outq_rewind(&ep->outq);
		endpoint_link_cut(ep);
		endpoint_tell(ep, ENDPOINT_DOWN);
		if (ep->ops->retry && !ep->closing)
			endpoint_link_retry_later(ep, 0, NULL);
		return;
	}
	if (ep->mode & ENDPOINT_READ)
		endpoint_link_input_over(ep, err, what);
	if (ep->mode & ENDPOINT_WRITE)
		endpoint_link_output_dead(ep, err ? err : -EPIPE, what);
}

/**
 * endpoint_link_input_over() - A one-shot input has ended
 * @ep:		The endpoint
 * @err:	0 for its regular end, else a negative errno: the process fails
 * @what:	What failed, for the log
 */
void endpoint_link_input_over(struct endpoint *ep, int err, const char *what)
{
	if (ep->ended)
		return;
	ep->ended = true;
	if (err < 0) {
		log_error(ep->name, "%s: %s", what, uv_strerror(err));
		endpoint_set_fail(ep->set);
	}
	drop_half_frame(ep);
	if (ep->mode == ENDPOINT_READ)
		endpoint_link_cut(ep);
	endpoint_poll_update(ep);
	endpoint_tell(ep, ENDPOINT_END);
}

/**
 * endpoint_link_output_dead() - A one-shot output takes nothing any more
 * @ep:		The endpoint; what it had queued is dropped and counted
 * @err:	Negative errno
 * @what:	What failed, for the log
 */
void endpoint_link_output_dead(struct endpoint *ep, int err, const char *what)
{
	if (ep->dead)
		return;
	ep->dead = true;
	log_error(ep->name, "%s: %s", what, uv_strerror(err));
	if (ep->outq.form != OUTQ_RAW)
		ep->count.out += outq_rewind(&ep->outq);
	ep->count.drop_link += ep->outq.frames;
	outq_fini(&ep->outq);
	endpoint_link_cut(ep);
	endpoint_tell(ep, ENDPOINT_DEAD);
	if (!ep->ended && (ep->mode & ENDPOINT_READ))
		endpoint_link_input_over(ep, 0, what);
	endpoint_output_set_full(ep, false);
}

static void on_retry(uv_timer_t *timer)
{
	struct endpoint *ep = timer->data;

	ep->ops->retry(ep);
}

/**
 * endpoint_link_retry_later() - Try again after the endpoint's reconnect time
 * @ep:		The endpoint, down
 * @err:	Why this attempt failed, negative errno; 0 to say nothing
 * @what:	What failed, for the log
 *
 * With reconnect=0 the endpoint is over instead.
 */
void endpoint_link_retry_later(struct endpoint *ep, int err, const char *what)
{
	unsigned ms = ep->spec.reconnect_ms;

	endpoint_link_settled(ep);
	if (!ms) {
		endpoint_link_lost(ep, err, what);
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
 * endpoint_link_deliver() - Hand over what the decoder holds, in batches
 * @ep:		The endpoint, its decoder just filled
 *
 * A bad length closes the connection: one line that names it.
 */
void endpoint_link_deliver(struct endpoint *ep)
{
	struct frame v[BATCH];
	uint32_t bad_len, mark = 0;
	int n;

	while ((n = frame_decoder_batch(&ep->decoder, v, BATCH,
					&bad_len)) > 0) {
		ep->count.in += (unsigned)n;
		for (int i = 0; i < n; i++)
			ep->count.in_bytes += v[i].len;
		mark = endpoint_hint_mark(&v[n - 1]);
		endpoint_show(ep, false, v, (unsigned)n);
		if (ep->handler.on_frames)
			ep->handler.on_frames(ep, v, (unsigned)n,
					      ep->handler.arg);
		if (ep->fd < 0)		/* closed by the tool meanwhile */
			return;
	}
	if (n < 0) {
		ep->count.bad++;
		log_warn(ep->name, "bad frame header, length %u: "
			 "connection closed%s", bad_len,
			 endpoint_hint_bytes(&ep->decoder, mark));
		if (ep->one_shot)
			endpoint_set_fail(ep->set);
		frame_decoder_reset(&ep->decoder);
		endpoint_link_lost(ep, 0, "bad frame header");
	}
}

/**
 * endpoint_link_last_words() - Read what a peer said before it went, and close
 * @ep:		The endpoint; nothing is done unless a write found the peer gone
 *
 * Back-pressure does not count here: it is no more than the kernel's buffer.
 */
void endpoint_link_last_words(struct endpoint *ep)
{
	if (!ep->write_err)
		return;
	if (ep->set->state != ENDPOINT_SET_OVER)
		endpoint_input_read_rest(ep);
	if (ep->write_err)	/* no end of file has closed it */
		endpoint_link_lost(ep, ep->write_err, "write");
}
