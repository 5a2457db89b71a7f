/* SPDX-License-Identifier: ISC */
/*
 * What a redirector does when it fails over, and when it is protected again. Net
 * and guest are joined, the indev and the outdev are closed, and with --exclusive the
 * net is told where the guest lives: announce.c says with which frames.
 *
 * The state is struct redirector's rounds and farewell.
 */
#include "redirector_failover.h"

#include <errno.h>
#include <stdio.h>

#include "redirector_devs.h"

#define FAREWELL_MS 1000

/* QEMU's announce-self: 50, 150, 250, ... ms behind each other, 550 at most. */
#define ANNOUNCE_FIRST_MS 50
#define ANNOUNCE_STEP_MS 100
#define ANNOUNCE_MAX_MS 550

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
		redirector_devs_close_indev(r);
	else if (r->indev)
		clock_timer_start(&r->farewell, FAREWELL_MS, 0);
	r->redirect.role = ROLE_FAILOVER;
	redirector_devs_close_outdev(r);
	done->released = r->n_released - n_before;
	if (r->options->exclusive)
		done->announced = announce_round(r);
	say_done(r, done);
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
	bool had_indev = r->indev != NULL;
	int err;

	if (once) {
		snprintf(text, size, "%s cannot be opened again", once);
		return -EOPNOTSUPP;
	}
	redirector_devs_reset(r);
	r->is_uncompared = false;
	r->n_uncompared = 0;
	err = redirector_devs_open(r);
	if (err < 0) {
		snprintf(text, size, "indev or outdev: %s: the log says which",
			 uv_strerror(err));
		if (!had_indev)
			redirector_devs_close_indev(r);
		r->redirect.role = ROLE_FAILOVER;
		return err;
	}
	clock_timer_stop(&r->farewell);
	clock_timer_stop(&r->rounds);
	r->n_rounds = 0;
	snprintf(text, size, "indev and outdev are open again");
	return 0;
}

/**
 * redirector_failover_open() - Take the role that was kept
 * @r:	redirector with a loop
 *
 * Return: as failover_init()
 */
int redirector_failover_open(struct redirector *r)
{
	const struct failover_handler handler = { on_failover, on_protect, r };

	clock_timer_init(&r->loop.clock, &r->rounds, on_round, r);
	return failover_init(&r->failover, &r->loop,
			     r->options->auto_failover_s, &handler);
}
