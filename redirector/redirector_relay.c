/* SPDX-License-Identifier: ISC */
/*
 * The frames of a redirector: redirect.c says which way each goes, here they are
 * sent there and counted. The state is struct redirector's counters.
 */
#include "redirector_relay.h"

#include "../common/marker.h"

static void send_routed(struct redirector *r, struct redirect_route route,
			const struct frame *v, unsigned n)
{
	unsigned n_ways = (unsigned)route.net + route.guest + route.outdev;

	if (!n_ways)
		r->dropped[route.drop] += n;
	else
		r->copied += (uint64_t)n * (n_ways - 1);
	if (route.guest)
		filter_forward(&r->filter, FILTER_TX, v, n);
	if (route.net)
		filter_forward(&r->filter, FILTER_RX, v, n);
	if (route.outdev)
		endpoint_output_send(r->outdev, v, n);
}

/* Markers are for the comparison: none may reach the net. */
static unsigned keep_markers_off_net(struct redirector *r,
				     struct redirect_route route,
				     struct frame *v, unsigned n)
{
	return route.net ? marker_take_out(v, n, &r->n_markers) : n;
}

/**
 * redirector_relay_frames() - Frames came from the net or the guest
 * @arg:	the redirector
 * @dir:	FILTER_RX: from the guest
 * @v:		the frames
 * @n:		how many
 */
void redirector_relay_frames(void *arg, enum filter_dir dir, struct frame *v,
			     unsigned n)
{
	struct redirector *r = arg;
	bool from_guest = dir == FILTER_RX;
	enum redirect_from from = from_guest ? REDIRECT_FROM_GUEST :
					       REDIRECT_FROM_NET;
	struct redirect_route route = redirect_route(&r->redirect, from);

	if (from_guest && r->options->exclusive) {
		for (unsigned i = 0; i < n; i++)
			announce_learn(&r->announce, &v[i]);
	}
	n = keep_markers_off_net(r, route, v, n);
	if (redirect_is_for_outdev(&r->redirect, from) && !route.outdev &&
	    !route.drop)
		r->n_uncompared += n;
	send_routed(r, route, v, n);
}

/**
 * redirector_relay_indev() - Frames came from the indev
 * @ep:		its endpoint
 * @v:		the frames
 * @n:		how many
 * @arg:	the redirector
 */
void redirector_relay_indev(struct endpoint *ep, struct frame *v, unsigned n,
			    void *arg)
{
	struct redirector *r = arg;
	struct redirect_route route =
		redirect_route(&r->redirect, REDIRECT_FROM_INDEV);

	(void)ep;
	send_routed(r, route, v, keep_markers_off_net(r, route, v, n));
}

/**
 * redirector_relay_held() - A frame that waited for the outdev goes on instead
 * @arg:	the redirector
 * @f:		the frame
 *
 * With queue=all nothing tells which way it was going, and back to where it came
 * from is a loop.
 */
void redirector_relay_held(void *arg, const struct frame *f)
{
	struct redirector *r = arg;
	enum redirect_from from = r->redirect.outdev_queue == QUEUE_TX ?
				  REDIRECT_FROM_NET : REDIRECT_FROM_GUEST;
	struct redirect_route route = redirect_route(&r->redirect, from);

	if (r->redirect.outdev_queue == QUEUE_ALL)
		route = (struct redirect_route){ .drop = DROP_OUTDEV_DOWN };
	if (route.net && marker_is(f)) {
		r->n_markers++;
		return;
	}
	r->n_uncompared += r->redirect.role == ROLE_COLO && !route.drop;
	r->n_released += !route.drop;
	send_routed(r, route, f, 1);
}
