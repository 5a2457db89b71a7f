/* SPDX-License-Identifier: ISC */
/*
 * The redirector as a process: its endpoints, timers and events. redirect.c says
 * which way a frame goes, announce.c what the net is told after a failover.
 */
#include "redirector.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../common/marker.h"

#define FAREWELL_MS 1000

/* QEMU's announce-self: 50, 150, 250, ... ms behind each other, 550 at most. */
#define ANNOUNCE_FIRST_MS 50
#define ANNOUNCE_STEP_MS 100
#define ANNOUNCE_MAX_MS 550

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

static void on_frames(void *arg, enum filter_dir dir, struct frame *v,
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

static void on_indev_frames(struct endpoint *ep, struct frame *v, unsigned n,
			    void *arg)
{
	struct redirector *r = arg;
	struct redirect_route route =
		redirect_route(&r->redirect, REDIRECT_FROM_INDEV);

	(void)ep;
	send_routed(r, route, v, keep_markers_off_net(r, route, v, n));
}

/* --- the outdev comes and goes --- */

/*
 * A frame that waited for the outdev goes on instead. With queue=all nothing
 * tells which way it was going, and back to where it came from is a loop.
 */
static void pass_held(void *arg, const struct frame *f)
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

static void start_passing(struct redirector *r)
{
	r->redirect.outdev = REDIRECT_PASSING;
	r->is_uncompared = true;
	log_event("uncompared", "outdev is down: frames pass uncompared");
	endpoint_output_take_back(r->outdev, pass_held, r);
}

static void on_grace_over(void *arg)
{
	start_passing(arg);
}

static void on_outdev_down(struct redirector *r)
{
	r->redirect.outdev = redirect_outdev_down(&r->redirect);
	if (r->redirect.outdev == REDIRECT_HOLDING)
		clock_timer_start(&r->grace, r->options->grace_s * 1000, 0);
	else if (r->redirect.outdev == REDIRECT_PASSING)
		start_passing(r);
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

static void on_checkpoint(void *arg)
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
		endpoint_output_take_back(r->outdev, pass_held, r);
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

static void look_at_status(struct redirector *r)
{
	bool is_off = r->options->status == FILTER_OFF;

	if (r->redirect.role == ROLE_FAILOVER || is_off == r->redirect.is_off)
		return;
	if (is_off)
		set_off(r);
	else
		set_on(r);
}

/* --- failover --- */

static void emit_announcement(void *arg, const struct frame *f)
{
	struct redirector *r = arg;

	r->originated++;
	filter_forward(&r->filter, FILTER_RX, f, 1);
}

/* Return: how many frames this round has */
static unsigned announce_round(struct redirector *r)
{
	uint64_t delay_ms = ANNOUNCE_FIRST_MS + r->n_rounds * ANNOUNCE_STEP_MS;
	unsigned n_sent;

	if (r->n_rounds == r->options->announce)
		return 0;
	n_sent = announce_emit(&r->announce, emit_announcement, r);
	r->n_rounds++;
	uv_update_time(&r->loop.uv);	/* from when this round left */
	clock_timer_start(&r->rounds, delay_ms < ANNOUNCE_MAX_MS ?
				     delay_ms : ANNOUNCE_MAX_MS, 0);
	return n_sent;
}

static void on_round(void *arg)
{
	announce_round(arg);
}

static void close_indev(void *arg)
{
	struct redirector *r = arg;

	if (!r->indev)
		return;
	endpoint_input_read_rest(r->indev);
	endpoint_close(r->indev);
	r->indev = NULL;
}

static void close_outdev(struct redirector *r)
{
	struct endpoint *outdev = r->outdev;

	if (!outdev)
		return;
	r->outdev = NULL;
	endpoint_output_take_back(outdev, pass_held, r);
	endpoint_close(outdev);
}

static void say_done(const struct redirector *r, struct failover_done *done)
{
	int len = snprintf(done->text, sizeof(done->text), "guest and net are "
			   "joined, %llu frames released",
			   (unsigned long long)done->released);

	if (r->options->exclusive)
		snprintf(done->text + len, sizeof(done->text) - (size_t)len,
			 ", %llu announced, round %u of %u",
			 (unsigned long long)done->announced,
			 (unsigned)r->n_rounds,
			 (unsigned)r->options->announce);
}

/*
 * What has already arrived from the dead peer is still delivered: the client may
 * have been told that it arrived. On the primary the peer of indev is our own
 * colo-compare, which now releases what it held: indev stays open for FAREWELL_MS.
 */
static void on_failover(void *arg, struct failover_done *done)
{
	struct redirector *r = arg;
	uint64_t n_before = r->n_released;

	clock_timer_stop(&r->grace);
	if (r->redirect.is_off && r->indev)
		endpoint_input_start(r->indev);
	r->redirect.is_off = false;
	if (r->indev && r->options->exclusive)
		close_indev(r);
	else if (r->indev)
		clock_timer_start(&r->farewell, FAREWELL_MS, 0);
	r->redirect.role = ROLE_FAILOVER;
	close_outdev(r);
	done->released = r->n_released - n_before;
	if (r->options->exclusive)
		done->announced = announce_round(r);
	say_done(r, done);
}

static void on_failover_signal(void *arg)
{
	struct redirector *r = arg;

	failover_now(&r->failover);
}

/* --- start --- */

static const struct stats_def uncompared = {
	"redirector", "uncompared", "frames", "Frames that went onward instead of "
	"to the outdev since the last checkpoint.", .is_gauge = true,
	STATS_AT(struct redirector, n_uncompared),
};

static void on_stats(void *arg, struct stats *s)
{
	struct redirector *r = arg;

	s->copied += r->copied;
	s->originated += r->originated;
	for (enum drop i = DROP_ISOLATED; i <= DROP_OUTDEV_DOWN; i++)
		stats_drop(s, i, r->dropped[i]);
	stats_drop(s, DROP_MARKER, r->n_markers);
	filter_stats(&r->filter, s);
	stats_add(s, &uncompared, 1, NULL, r);
}

static void on_close(void *arg)
{
	struct redirector *r = arg;

	control_process_close(&r->control);
}

/* What --when-down says counts from the next time on that outdev goes. */
static void on_set(void *arg)
{
	struct redirector *r = arg;

	r->redirect.when_down = (enum redirect_when_down)r->options->when_down;
	look_at_status(r);
	failover_set_auto(&r->failover, r->options->auto_failover_s);
}

static void on_verdict(void *arg, struct verdict *v)
{
	const struct redirector *r = arg;
	const char *down = filter_down(&r->filter);

	if (down)
		verdict_set(v, VERDICT_UNPROTECTED, "%s is gone", down);
	else if (r->outdev && !endpoint_is_up(r->outdev))
		verdict_set(v, VERDICT_UNPROTECTED, r->is_uncompared ?
			    "outdev is gone: frames pass uncompared" :
			    "outdev is gone");
	else if (r->indev && !endpoint_is_up(r->indev))
		verdict_set(v, VERDICT_UNPROTECTED, "indev is gone");
	else if (r->redirect.is_off)
		verdict_set(v, VERDICT_UNPROTECTED, "status is off: nothing is "
			    "diverted");
	else if (r->is_uncompared)
		verdict_set(v, VERDICT_SYNCING, "frames have passed "
			    "uncompared: a checkpoint is wanted");
}

static void init_redirect(struct redirector *r)
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
	const struct endpoint_handler handler = { on_indev_frames,
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

static int open_devs(struct redirector *r)
{
	int err = 0;

	if (r->redirect.has_indev && !r->indev)
		err = open_indev(r);
	if (err == 0 && r->redirect.has_outdev)
		err = open_outdev(r);
	if (err == 0)
		look_at_status(r);
	return err;
}

/* Not lasting: it cannot be opened again. Return: its text, or NULL */
static const char *not_lasting(const struct redirector_options *o)
{
	if (!endpoint_spec_is_lasting(&o->indev))
		return o->indev.text;
	return endpoint_spec_is_lasting(&o->outdev) ? NULL : o->outdev.text;
}

/*
 * There is a peer again. Frames that have passed meanwhile are no matter: the
 * replicas will be equal after the checkpoint that the comparison asks for. An indev
 * that is still in its farewell goes on.
 */
static int on_protect(void *arg, char *text, size_t size)
{
	struct redirector *r = arg;
	const char *once = not_lasting(r->options);
	int err = once ? -EOPNOTSUPP : 0;

	if (err == 0) {
		clock_timer_stop(&r->farewell);
		clock_timer_stop(&r->rounds);
		r->n_rounds = 0;
		init_redirect(r);
		r->is_uncompared = false;
		r->n_uncompared = 0;
		err = open_devs(r);
	}
	if (err < 0) {
		if (once)
			snprintf(text, size, "%s cannot be opened again", once);
		else
			snprintf(text, size, "indev or outdev: %s: the log "
				 "says which", uv_strerror(err));
		close_indev(r);
		r->redirect.role = ROLE_FAILOVER;
		return err;
	}
	snprintf(text, size, "indev and outdev are open again");
	return 0;
}

static int open_all(struct redirector *r)
{
	const struct failover_handler handler = { on_failover, on_protect, r };
	int err = failover_init(&r->failover, &r->loop,
				r->options->auto_failover_s, &handler);

	if (err < 0)
		return err;
	clock_timer_init(&r->loop.clock, &r->grace, on_grace_over, r);
	clock_timer_init(&r->loop.clock, &r->rounds, on_round, r);
	clock_timer_init(&r->loop.clock, &r->farewell, close_indev, r);
	init_redirect(r);
	err = filter_open(&r->filter, &r->loop, &r->options->filter, on_frames,
			  r);
	if (err < 0 || r->failover.role == ROLE_FAILOVER)
		return err;
	return open_devs(r);
}

/**
 * redirector_run() - Run a redirector until it ends
 * @r:		To be filled in
 * @options:	Checked by main(); borrowed
 *
 * Return: the exit status
 */
int redirector_run(struct redirector *r,
		   const struct redirector_options *options)
{
	const struct loop_handler handler = {
		.on_stats = on_stats,
		.on_failover = on_failover_signal,
		.on_checkpoint = on_checkpoint,
		.on_close = on_close,
		.arg = r,
	};
	const struct control_process_handler control = {
		.on_verdict = on_verdict,
		.on_set = on_set,
		.arg = r,
	};
	int err;

	memset(r, 0, sizeof(*r));
	r->options = options;
	err = loop_init(&r->loop, &options->common, &handler);
	if (err < 0)
		return 1;
	err = open_all(r);
	if (err == 0)
		err = control_process_open(&r->control, &r->loop, &r->failover,
					   &control);
	if (err < 0) {
		loop_abandon(&r->loop);
		return err == -EINVAL ? 2 : 1;
	}
	return loop_run(&r->loop);
}
