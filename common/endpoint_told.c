/* SPDX-License-Identifier: ISC */
/*
 * The events `connected` and `lost` of an endpoint. A peer can come and go as often
 * as it likes; the log is told N_A_SECOND times in a second at most. What was left
 * out is counted, and when the second is over an event tells how things stand, so
 * that the last event of an endpoint is always true.
 */
#include <stdio.h>
#include <stdlib.h>

#include "endpoint_impl.h"

#define N_A_SECOND 8u
#define SECOND_MS 1000u

static void print(struct endpoint *ep)
{
	struct endpoint_told *t = &ep->told;
	char more[32] = "";

	if (t->n_left_out)
		snprintf(more, sizeof(more), " (%u more not shown)",
			 t->n_left_out);
	if (t->is_up)
		log_event("connected", "%s: %s%s", ep->name, t->peer, more);
	else
		log_event("lost", "%s: %s: %s%s", ep->name, t->peer, t->why,
			  more);
	t->n_left_out = 0;
	t->n++;
}

static void on_second_over(uv_timer_t *timer)
{
	struct endpoint *ep = timer->data;

	ep->told.since_ms = uv_now(ep->set->uv);
	ep->told.n = 0;
	/* print() tells of one of them */
	ep->told.n_left_out--;
	print(ep);
}

static void leave_out(struct endpoint *ep)
{
	struct endpoint_told *t = &ep->told;
	uint64_t age_ms = uv_now(ep->set->uv) - t->since_ms;

	t->n_left_out++;
	if (!t->timer) {
		t->timer = malloc(sizeof(*t->timer));
		if (!t->timer)
			abort();
		uv_timer_init(ep->set->uv, t->timer);
		endpoint_handle_opened(ep, (uv_handle_t *)t->timer);
	}
	if (!uv_is_active((uv_handle_t *)t->timer))
		uv_timer_start(t->timer, on_second_over, SECOND_MS - age_ms, 0);
}

static void tell(struct endpoint *ep)
{
	struct endpoint_told *t = &ep->told;
	uint64_t now_ms = uv_now(ep->set->uv);

	if (!t->n_left_out && now_ms - t->since_ms >= SECOND_MS) {
		t->since_ms = now_ms;
		t->n = 0;
	}
	if (t->n_left_out || t->n >= N_A_SECOND)
		leave_out(ep);
	else
		print(ep);
}

/**
 * endpoint_told_peer() - Say who is about to get the place
 * @ep:		The endpoint; one of which this is never said has no events
 * @text:	Its address, process or device; copied
 */
void endpoint_told_peer(struct endpoint *ep, const char *text)
{
	snprintf(ep->told.peer, sizeof(ep->told.peer), "%s", text);
}

/**
 * endpoint_told_up() - Tell that the peer is there
 * @ep:		The endpoint, up
 */
void endpoint_told_up(struct endpoint *ep)
{
	if (!*ep->told.peer)
		return;
	ep->told.is_up = true;
	tell(ep);
}

/**
 * endpoint_told_lost() - Tell that the peer is gone, if it was there
 * @ep:		The endpoint
 * @err:	Negative errno; 0 when no system call failed
 * @what:	What failed, or what has happened
 */
void endpoint_told_lost(struct endpoint *ep, int err, const char *what)
{
	struct endpoint_told *t = &ep->told;

	if (!t->is_up)
		return;
	t->is_up = false;
	snprintf(t->why, sizeof(t->why), "%s%s%s", what, err ? ": " : "",
		 err ? uv_strerror(err) : "");
	tell(ep);
}

/**
 * endpoint_told_end() - The endpoint is closed: nothing more is told
 * @ep:		The endpoint
 */
void endpoint_told_end(struct endpoint *ep)
{
	if (ep->told.timer)
		endpoint_handle_close((uv_handle_t *)ep->told.timer);
	ep->told.timer = NULL;
}
