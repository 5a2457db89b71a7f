/* SPDX-License-Identifier: ISC */
#include "live_wires.h"

static void on_primary(struct endpoint *ep, struct frame *v, unsigned n,
		       void *arg)
{
	struct live_wires *lw = arg;

	(void)ep;
	live_epoch_primary(lw->epoch, v, n);
}

static void on_secondary(struct endpoint *ep, struct frame *v, unsigned n,
			 void *arg)
{
	struct live_wires *lw = arg;

	(void)ep;
	live_epoch_secondary(lw->epoch, v, n);
}

/* An input whose peer was gone may have lost frames meanwhile. */
static void input_event(struct live_wires *lw, enum compare_side side,
			const struct endpoint *ep, enum endpoint_event ev)
{
	if (ev == ENDPOINT_UP && lw->has_lost[side])
		checkpoint_interrupted(lw->checkpoint, endpoint_name(ep));
	if (ev == ENDPOINT_UP || ev == ENDPOINT_DOWN)
		lw->has_lost[side] = ev == ENDPOINT_DOWN;
}

static void on_primary_event(struct endpoint *ep, enum endpoint_event ev,
			     void *arg)
{
	input_event(arg, COMPARE_PRIMARY, ep, ev);
}

static void on_secondary_event(struct endpoint *ep, enum endpoint_event ev,
			       void *arg)
{
	struct live_wires *lw = arg;

	input_event(lw, COMPARE_SECONDARY, ep, ev);
	if (ev == ENDPOINT_UP || ev == ENDPOINT_DOWN)
		failover_peer(lw->failover, ev == ENDPOINT_UP);
}

static void on_outdev_event(struct endpoint *ep, enum endpoint_event ev,
			    void *arg)
{
	struct live_wires *lw = arg;

	(void)ep;
	if (ev != ENDPOINT_DEAD)
		return;
	loop_fail(lw->loop);
	loop_end(lw->loop);
}

/**
 * live_wires_open() - Open the endpoints
 * @lw:		Its wires get them; the loop closes them
 * @o:		The options
 *
 * Return: 0 or a negative errno, logged
 */
int live_wires_open(struct live_wires *lw, const struct live_options *o)
{
	struct endpoint_set *set = &lw->loop->endpoints;
	struct wires *w = lw->wires;
	const struct endpoint_handler primary = { on_primary,
						  on_primary_event, lw };
	const struct endpoint_handler secondary = { on_secondary,
						    on_secondary_event, lw };
	const struct endpoint_handler outdev = { NULL, on_outdev_event, lw };
	int err;

	err = endpoint_open(&w->outdev, set, "outdev",
			    &o->outdev, ENDPOINT_WRITE, &outdev);
	if (err == 0)
		err = endpoint_open(&w->in[COMPARE_PRIMARY], set,
				    "primary-in", &o->primary_in,
				    ENDPOINT_READ, &primary);
	if (err == 0)
		err = endpoint_open(&w->in[COMPARE_SECONDARY], set,
				    o->secondary_name, &o->secondary_in,
				    ENDPOINT_READ, &secondary);
	if (err == 0)
		endpoint_output_couple(w->in[COMPARE_PRIMARY], w->outdev);
	return err;
}

/**
 * live_wires_distrust() - Frames that wait in the inputs may be older than the
 *			   checkpoint that was asked for
 * @lw:		Another one is asked for when an input has its peer
 */
void live_wires_distrust(struct live_wires *lw)
{
	lw->has_lost[COMPARE_PRIMARY] = true;
	lw->has_lost[COMPARE_SECONDARY] = true;
}
