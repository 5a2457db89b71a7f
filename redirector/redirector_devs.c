/* SPDX-License-Identifier: ISC */
/*
 * The indev and the outdev of a redirector: opened, lost, found again and closed, and
 * turned off and on by --status. While the outdev is away frames wait for it, then
 * pass uncompared, until a checkpoint makes the replicas equal.
 *
 * The state is struct redirector's: the two endpoints, the grace and the episode
 * of uncompared frames.
 */
#include "redirector_devs.h"

#include "redirector_relay.h"

/* --- the outdev comes and goes --- */

static void start_passing(struct redirector *r)
{
	r->redirect.outdev = REDIRECT_PASSING;
	/* nothing gets past a net that is cut off both ways */
	r->is_uncompared = !r->redirect.exclusive;
	log_event("uncompared", "outdev is down: %s", r->is_uncompared ?
		  "frames pass uncompared" :
		  "frames are dropped, for the net is cut off");
	endpoint_output_take_back(r->outdev, redirector_relay_held, r);
}

static void on_grace_over(void *arg)
{
	start_passing(arg);
}

/* The outdev is down, since down_ns: what --when-down says of its frames. */
static void heed_when_down(struct redirector *r)
{
	uint64_t down_ms = (clock_now_ns(&r->loop.clock) - r->down_ns) / NS_PER_MS;
	uint64_t grace_ms = r->options->grace_s * 1000;
	enum redirect_outdev wanted = redirect_outdev_down(&r->redirect);

	if (wanted == REDIRECT_HOLDING && down_ms >= grace_ms)
		wanted = REDIRECT_PASSING;
	clock_timer_stop(&r->grace);
	if (wanted == REDIRECT_HOLDING)
		clock_timer_start(&r->grace, grace_ms - down_ms, 0);
	if (wanted == REDIRECT_PASSING && r->redirect.outdev != wanted)
		start_passing(r);
	r->redirect.outdev = wanted;
}

static void on_outdev_down(struct redirector *r)
{
	r->down_ns = clock_now_ns(&r->loop.clock);
	heed_when_down(r);
}

/**
 * redirector_devs_set_when_down() - --when-down or its grace may have changed
 * @r:	redirector; if its outdev is down the frames that it holds are held to that
 */
void redirector_devs_set_when_down(struct redirector *r)
{
	r->redirect.when_down = (enum redirect_when_down)r->options->when_down;
	if (r->outdev && !endpoint_is_up(r->outdev))
		heed_when_down(r);
}

/* Only what has passed makes a checkpoint necessary. */
static void tell_uncompared(struct redirector *r)
{
	r->is_uncompared = r->n_uncompared > 0;
	if (r->is_uncompared)
		log_event("outdev-back", "%llu frames passed uncompared: a "
			  "checkpoint is wanted",
			  (unsigned long long)r->n_uncompared);
	else
		log_event("outdev-back", "no frame has passed uncompared");
}

static void on_outdev_up(struct redirector *r)
{
	clock_timer_stop(&r->grace);
	if (r->redirect.outdev == REDIRECT_PASSING)
		tell_uncompared(r);
	r->redirect.outdev = REDIRECT_UP;
}

static void on_outdev_event(struct endpoint *ep, enum endpoint_event ev,
			    void *arg)
{
	struct redirector *r = arg;

	if (ev == ENDPOINT_UP) {
		on_outdev_up(r);
	} else if (ev == ENDPOINT_DOWN) {
		on_outdev_down(r);
	} else if (ev == ENDPOINT_DEAD) {
		loop_fail(&r->loop);
		loop_end(&r->loop);
	}
	if (!r->options->indev.kind)
		failover_peer(&r->failover, endpoint_is_up(ep));
}

static void on_indev_event(struct endpoint *ep, enum endpoint_event ev,
			   void *arg)
{
	struct redirector *r = arg;

	(void)ep;
	if (ev == ENDPOINT_UP || ev == ENDPOINT_DOWN)
		failover_peer(&r->failover, ev == ENDPOINT_UP);
}

/**
 * redirector_devs_checkpoint() - A checkpoint was made: the replicas are equal again
 * @arg:	the redirector
 */
void redirector_devs_checkpoint(void *arg)
{
	struct redirector *r = arg;

	if (!r->is_uncompared || r->redirect.outdev == REDIRECT_PASSING)
		return;
	r->is_uncompared = false;
	r->n_uncompared = 0;
	log_event("compared", "a checkpoint has ended the uncompared time");
}

/* --- status on and off --- */

static void set_off(struct redirector *r)
{
	r->redirect.is_off = true;
	if (r->indev)
		endpoint_input_stop(r->indev);
	/* what waits for a peer that is not there goes on like the rest */
	if (r->outdev && !endpoint_is_up(r->outdev))
		endpoint_output_take_back(r->outdev, redirector_relay_held, r);
	log_event("status", "off: nothing is diverted, indev is not read");
}

static void set_on(struct redirector *r)
{
	r->redirect.is_off = false;
	if (r->indev)
		endpoint_input_start(r->indev);
	if (r->n_uncompared && r->redirect.outdev != REDIRECT_PASSING)
		r->is_uncompared = true;
	log_event("status", "on: %llu frames passed uncompared%s",
		  (unsigned long long)r->n_uncompared, r->n_uncompared ?
		  ": a checkpoint is wanted" : "");
}

/**
 * redirector_devs_set_status() - Turn diverting on or off, as --status says now
 * @r:	redirector
 */
void redirector_devs_set_status(struct redirector *r)
{
	bool is_off = r->options->status == FILTER_OFF;

	if (r->redirect.role == ROLE_FAILOVER || is_off == r->redirect.is_off)
		return;
	if (is_off)
		set_off(r);
	else
		set_on(r);
}

/* --- opened and closed --- */

/**
 * redirector_devs_close_indev() - Close the indev when what has arrived is read
 * @arg:	the redirector
 */
void redirector_devs_close_indev(void *arg)
{
	struct redirector *r = arg;

	if (!r->indev)
		return;
	endpoint_input_read_rest(r->indev);
	endpoint_close(r->indev);
	r->indev = NULL;
}

/**
 * redirector_devs_close_outdev() - Close the outdev; what waited for it goes on
 * @r:	redirector
 */
void redirector_devs_close_outdev(struct redirector *r)
{
	struct endpoint *outdev = r->outdev;

	if (!outdev)
		return;
	r->outdev = NULL;
	endpoint_output_take_back(outdev, redirector_relay_held, r);
	endpoint_close(outdev);
}

/**
 * redirector_devs_init() - Make their timers
 * @r:	redirector with a loop
 */
void redirector_devs_init(struct redirector *r)
{
	clock_timer_init(&r->loop.clock, &r->grace, on_grace_over, r);
	clock_timer_init(&r->loop.clock, &r->farewell,
			 redirector_devs_close_indev, r);
}

/**
 * redirector_devs_reset() - What the options and the role say about the ways
 * @r:	redirector, before redirector_devs_open()
 */
void redirector_devs_reset(struct redirector *r)
{
	const struct redirector_options *o = r->options;

	r->redirect = (struct redirect){
		.has_indev = o->indev.kind != ENDPOINT_UNSET,
		.has_outdev = o->outdev.kind != ENDPOINT_UNSET,
		.indev_queue = o->indev.queue ? o->indev.queue :
			       (enum endpoint_queue)o->queue,
		.outdev_queue = o->outdev.queue ? o->outdev.queue :
				(enum endpoint_queue)o->queue,
		.exclusive = o->exclusive,
		.when_down = (enum redirect_when_down)o->when_down,
		.role = r->failover.role,
		.outdev = REDIRECT_UP,
	};
}

static int open_indev(struct redirector *r)
{
	const struct endpoint_handler handler = { redirector_relay_indev,
						  on_indev_event, r };
	int err = endpoint_open(&r->indev, &r->loop.endpoints, "indev",
				&r->options->indev, ENDPOINT_READ, &handler);

	if (err < 0)
		return err;
	for (int dir = FILTER_TX; dir <= FILTER_RX; dir++) {
		enum endpoint_queue queue = dir == FILTER_TX ? QUEUE_TX :
							       QUEUE_RX;

		if (r->filter.out[dir] &&
		    (r->redirect.indev_queue == QUEUE_ALL ||
		     r->redirect.indev_queue == queue))
			endpoint_output_couple(r->indev, r->filter.out[dir]);
	}
	return 0;
}

static int open_outdev(struct redirector *r)
{
	const struct endpoint_handler handler = { NULL, on_outdev_event, r };
	int err = endpoint_open(&r->outdev, &r->loop.endpoints, "outdev",
				&r->options->outdev, ENDPOINT_WRITE, &handler);

	if (err < 0)
		return err;
	if (r->filter.in[FILTER_TX] && r->redirect.outdev_queue != QUEUE_RX)
		endpoint_output_couple(r->filter.in[FILTER_TX], r->outdev);
	if (r->filter.in[FILTER_RX] && r->redirect.outdev_queue != QUEUE_TX)
		endpoint_output_couple(r->filter.in[FILTER_RX], r->outdev);
	if (!endpoint_is_up(r->outdev))
		on_outdev_down(r);
	return 0;
}

/**
 * redirector_devs_open() - Open indev and outdev, if they were given
 * @r:	redirector with its filter; an indev that is open stays so
 *
 * Return: 0 or a negative errno
 */
int redirector_devs_open(struct redirector *r)
{
	int err = 0;

	if (r->redirect.has_indev && !r->indev)
		err = open_indev(r);
	if (err == 0 && r->redirect.has_outdev)
		err = open_outdev(r);
	if (err == 0)
		redirector_devs_set_status(r);
	return err;
}
