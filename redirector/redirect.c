/* SPDX-License-Identifier: ISC */
/*
 * Routes of QEMU's filter-redirector, and two things that it has not:
 *
 * --exclusive	In COLO role the own net side is cut off both ways: the guest
 *		sees what the indev brings, its answers go to the outdev only.
 * --when-down	While the outdev has no peer QEMU loses the frames. Here they
 *		are held for a grace period, then passed on (or passed at once,
 *		or dropped): up -> holding -> passing -> up.
 *
 * --status off	Nothing is diverted, and the process does not read the indev.
 *
 * After a failover there are neither indev nor outdev: net and guest are
 * joined.
 */
#include "redirect.h"

static bool covers(enum endpoint_queue queue, enum redirect_from from)
{
	return queue == QUEUE_ALL ||
	       (queue == QUEUE_TX) == (from == REDIRECT_FROM_NET);
}

static struct redirect_route onward(const struct redirect *r,
				    enum redirect_from from)
{
	struct redirect_route route = { 0 };

	if (from == REDIRECT_FROM_NET)
		route.guest = true;
	else if (r->exclusive && r->role == ROLE_COLO)
		route.drop = DROP_ISOLATED;
	else
		route.net = true;
	return route;
}

static struct redirect_route divert(const struct redirect *r,
				    enum redirect_from from)
{
	struct redirect_route route = { 0 };

	switch (r->outdev) {
	case REDIRECT_UP:
	case REDIRECT_HOLDING:
		route.outdev = true;
		return route;
	case REDIRECT_PASSING:
		return onward(r, from);
	case REDIRECT_DROPPING:
		break;
	}
	route.drop = DROP_OUTDEV_DOWN;
	return route;
}

static struct redirect_route inject(const struct redirect *r)
{
	struct redirect_route route = { 0 };

	route.guest = r->indev_queue != QUEUE_RX;
	route.net = r->indev_queue != QUEUE_TX &&
		    !(r->exclusive && r->role == ROLE_COLO);
	if (!route.guest && !route.net)
		route.drop = DROP_ISOLATED;
	return route;
}

/**
 * redirect_route() - Where does a frame go?
 * @r:		The redirector's present state
 * @from:	Where it came from
 *
 * Return: its ways, none of them only with a reason to drop it
 */
struct redirect_route redirect_route(const struct redirect *r,
				     enum redirect_from from)
{
	if (from == REDIRECT_FROM_INDEV)
		return inject(r);
	if (from == REDIRECT_FROM_NET && r->exclusive &&
	    r->role == ROLE_COLO)
		return (struct redirect_route){ .drop = DROP_ISOLATED };
	return redirect_is_for_outdev(r, from) && !r->is_off ?
	       divert(r, from) : onward(r, from);
}

/**
 * redirect_is_for_outdev() - Would the outdev get a frame, were it there?
 * @r:		The redirector's present state
 * @from:	Where the frame came from
 */
bool redirect_is_for_outdev(const struct redirect *r, enum redirect_from from)
{
	return from != REDIRECT_FROM_INDEV && r->role == ROLE_COLO &&
	       r->has_outdev && covers(r->outdev_queue, from);
}

/**
 * redirect_outdev_down() - The outdev has lost its peer: what now?
 * @r:		The redirector
 *
 * Return: the state that --when-down asks for
 */
enum redirect_outdev redirect_outdev_down(const struct redirect *r)
{
	switch (r->when_down) {
	case REDIRECT_BLOCK:
		return REDIRECT_HOLDING;
	case REDIRECT_PASS:
		return REDIRECT_PASSING;
	case REDIRECT_DROP:
		break;
	}
	return REDIRECT_DROPPING;
}
