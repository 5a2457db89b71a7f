/* SPDX-License-Identifier: ISC */
/*
 * The mirror: it relays frames between two sides and sends copies to the outdev. It
 * owns the endpoints and counts the copies that were lost; an event says so at the
 * end of each episode, because a lost copy does not heal by itself.
 *
 * What comes in by the indev goes to the net: colo-compare releases to it without
 * waking the redirector again. It is read in both roles. A failover reaches the
 * processes in any order, and until it has reached the redirector all that the
 * guest sends comes this way.
 */
#include "mirror.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool is_copied(const struct mirror *m, enum filter_dir dir)
{
	unsigned queue = m->options->queue;

	return queue == QUEUE_ALL || (queue == QUEUE_TX) == (dir == FILTER_TX);
}

static uint64_t count_lost(const struct mirror *m)
{
	struct endpoint_counters c = endpoint_counters(m->outdev);

	return c.drop_down + c.drop_full + c.drop_link;
}

/* A lost copy does not heal by itself: the secondary has missed input. */
static void end_episode(struct mirror *m)
{
	uint64_t n_lost;

	if (!m->outdev || !(m->is_losing || m->was_cut))
		return;
	n_lost = count_lost(m) - m->n_told;
	if (n_lost == 0)
		log_event("copies-lost", "those on their way when the connection "
			  "broke: a checkpoint is wanted");
	else
		log_event("copies-lost", "%llu frames were not mirrored%s: a "
			  "checkpoint is wanted", (unsigned long long)n_lost,
			  m->was_cut ? ", nor those on their way when the "
				       "connection broke" : "");
	m->n_told += n_lost;
	m->is_losing = false;
	m->was_cut = false;
}

static void copy(struct mirror *m, const struct frame *v, unsigned n)
{
	m->copied += n;
	if (m->options->when_slow == MIRROR_BLOCK)
		endpoint_output_send(m->outdev, v, n);
	else if (endpoint_output_offer(m->outdev, v, n) < n)
		m->is_losing = true;
	else if (m->is_losing)
		end_episode(m);
}

static void on_frames(void *arg, enum filter_dir dir, struct frame *v,
		      unsigned n)
{
	struct mirror *m = arg;

	if (m->outdev && is_copied(m, dir)) {
		if (m->is_off)
			m->n_skipped += n;
		else
			copy(m, v, n);
	}
	filter_forward(&m->filter, dir, v, n);
}

/* What colo-compare releases. It was compared, so it is no copy's business. */
static void on_indev_frames(struct endpoint *ep, struct frame *v, unsigned n,
			    void *arg)
{
	struct mirror *m = arg;

	(void)ep;
	filter_forward(&m->filter, FILTER_RX, v, n);
}

/* As with tee(1): a copy that can never be written makes the exit status 1,
 * but the wire goes on unless it was told to wait for the copies. */
static void on_outdev_dead(struct mirror *m)
{
	m->is_losing = true;
	end_episode(m);
	loop_fail(&m->loop);
	if (m->options->when_slow == MIRROR_BLOCK)
		loop_end(&m->loop);
}

static void on_outdev_event(struct endpoint *ep, enum endpoint_event ev,
			    void *arg)
{
	struct mirror *m = arg;

	(void)ep;
	if (ev == ENDPOINT_UP || ev == ENDPOINT_DOWN)
		failover_peer(&m->failover, ev == ENDPOINT_UP);
	if (ev == ENDPOINT_DOWN)
		m->was_cut = true;	/* what the kernel had is gone */
	else if (ev == ENDPOINT_UP)
		end_episode(m);
	else if (ev == ENDPOINT_DEAD)
		on_outdev_dead(m);
}

/* The secondary is dead: nobody is left to mirror for. */
static void on_failover(void *arg, struct failover_done *done)
{
	struct mirror *m = arg;

	endpoint_close(m->outdev);
	m->outdev = NULL;
	m->is_off = false;
	snprintf(done->text, sizeof(done->text), "outdev is closed");
}

static void on_failover_signal(void *arg)
{
	struct mirror *m = arg;

	failover_now(&m->failover);
}

static void on_stats(void *arg, struct stats *s)
{
	struct mirror *m = arg;

	s->copied += m->copied;
	filter_stats(&m->filter, s);
}

static void on_end(void *arg)
{
	end_episode(arg);
}

static void on_close(void *arg)
{
	struct mirror *m = arg;

	control_process_close(&m->control);
}

/* A copy that waited for a peer is none: the wire does not wait for it. */
static void on_taken_back(void *arg, const struct frame *f)
{
	struct mirror *m = arg;

	(void)f;
	m->copied--;
	m->n_skipped++;
}

static void look_at_status(struct mirror *m)
{
	bool is_off = m->options->status == FILTER_OFF;

	if (!m->outdev || is_off == m->is_off)
		return;
	m->is_off = is_off;
	if (!is_off) {
		log_event("status", "on: %llu frames were not mirrored%s",
			  (unsigned long long)m->n_skipped, m->n_skipped ?
			  ": a checkpoint is wanted" : "");
		return;
	}
	m->n_skipped = 0;
	if (!endpoint_is_up(m->outdev))
		endpoint_output_take_back(m->outdev, on_taken_back, m);
	log_event("status", "off: nothing is mirrored");
}

static void on_set(void *arg)
{
	struct mirror *m = arg;

	look_at_status(m);
	failover_set_auto(&m->failover, m->options->auto_failover_s);
}

/* A secondary that has missed frames cannot take over before the next checkpoint.
 * The mirror is not told of checkpoints: it says what is so now. */
static void on_verdict(void *arg, struct verdict *v)
{
	const struct mirror *m = arg;

	if (filter_verdict(&m->filter, v))
		return;
	if (m->indev && !endpoint_is_up(m->indev))
		verdict_set(v, VERDICT_UNPROTECTED, "indev is gone");
	else if (m->is_off)
		verdict_set(v, VERDICT_UNPROTECTED, "status is off: nothing is "
			    "mirrored");
	else if (!endpoint_is_up(m->outdev))
		verdict_set(v, VERDICT_UNPROTECTED, "nobody takes the copies");
	else if (m->is_losing)
		verdict_set(v, VERDICT_UNPROTECTED, "copies are lost: the "
			    "outdev is slow");
}

static int open_outdev(struct mirror *m)
{
	const struct endpoint_handler handler = { NULL, on_outdev_event, m };
	int err;

	err = endpoint_open(&m->outdev, &m->loop.endpoints, "outdev",
			    &m->options->outdev, ENDPOINT_WRITE, &handler);
	if (err == 0)
		look_at_status(m);
	if (err < 0 || m->options->when_slow != MIRROR_BLOCK)
		return err;
	for (int dir = FILTER_TX; dir <= FILTER_RX; dir++) {
		if (m->filter.in[dir] && is_copied(m, (enum filter_dir)dir))
			endpoint_output_couple(m->filter.in[dir], m->outdev);
	}
	return 0;
}

static int open_indev(struct mirror *m)
{
	const struct endpoint_handler handler = { on_indev_frames, NULL, m };
	int err;

	if (m->options->indev.kind == ENDPOINT_UNSET)
		return 0;
	err = endpoint_open(&m->indev, &m->loop.endpoints, "indev",
			    &m->options->indev, ENDPOINT_READ, &handler);
	if (err == 0 && m->filter.out[FILTER_RX])
		endpoint_output_couple(m->indev, m->filter.out[FILTER_RX]);
	return err;
}

/* There is a secondary again. It has missed all input: whoever says so has a
 * checkpoint made. */
static int on_protect(void *arg, char *text, size_t size)
{
	struct mirror *m = arg;
	int err;

	if (!endpoint_spec_is_lasting(&m->options->outdev)) {
		snprintf(text, size, "%s cannot be opened again",
			 m->options->outdev.text);
		return -EOPNOTSUPP;
	}
	err = open_outdev(m);
	if (err < 0) {
		snprintf(text, size, "outdev: %s", uv_strerror(err));
		return err;
	}
	m->n_told = 0;
	m->is_losing = m->was_cut = false;
	snprintf(text, size, "outdev is open again");
	return 0;
}

/**
 * mirror_run() - Run a mirror until it ends
 * @m:		To be filled in
 * @options:	Checked by main(); borrowed
 *
 * Return: the exit status
 */
int mirror_run(struct mirror *m, const struct mirror_options *options)
{
	const struct loop_handler handler = {
		.on_stats = on_stats,
		.on_failover = on_failover_signal,
		.on_end = on_end,
		.on_close = on_close,
		.arg = m,
	};
	const struct control_process_handler control = {
		.on_verdict = on_verdict,
		.on_set = on_set,
		.arg = m,
	};
	const struct failover_handler failover = { on_failover, on_protect, m };
	int err;

	memset(m, 0, sizeof(*m));
	m->options = options;
	err = loop_init(&m->loop, &options->common, &handler);
	if (err < 0)
		return 1;
	err = failover_init(&m->failover, &m->loop, options->auto_failover_s,
			    &failover);
	if (err == 0)
		err = filter_open(&m->filter, &m->loop, &options->filter,
				  on_frames, m);
	if (err == 0 && m->failover.role == ROLE_COLO)
		err = open_outdev(m);
	if (err == 0)
		err = open_indev(m);
	if (err == 0)
		err = control_process_open(&m->control, &m->loop, &m->failover,
					   &control);
	if (err < 0) {
		loop_abandon(&m->loop);
		return err == -EINVAL ? 2 : 1;
	}
	return loop_run(&m->loop);
}
