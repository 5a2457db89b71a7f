/* SPDX-License-Identifier: ISC */
#include "mirror.h"

#include <errno.h>
#include <string.h>

static bool is_copied(const struct mirror *m, enum filter_dir dir)
{
	unsigned queue = m->options->queue;

	return m->outdev && (queue == QUEUE_ALL ||
			     (queue == QUEUE_TX) == (dir == FILTER_TX));
}

/* A lost copy does not heal by itself: the secondary has missed input. */
static void end_episode(struct mirror *m)
{
	if (!m->n_lost)
		return;
	log_event("copies-lost", "%llu frames were not mirrored: a checkpoint "
		  "is wanted", (unsigned long long)m->n_lost);
	m->n_lost = 0;
}

static void copy(struct mirror *m, const struct frame *v, unsigned n)
{
	unsigned n_sent;

	m->copied += n;
	if (m->options->when_slow == MIRROR_BLOCK) {
		endpoint_send(m->outdev, v, n);
		return;
	}
	n_sent = endpoint_offer(m->outdev, v, n);
	if (n_sent)
		end_episode(m);
	m->n_lost += n - n_sent;
}

static void on_frames(void *arg, enum filter_dir dir, struct frame *v,
		      unsigned n)
{
	struct mirror *m = arg;

	if (is_copied(m, dir))
		copy(m, v, n);
	filter_forward(&m->filter, dir, v, n);
}

static void on_outdev_event(struct endpoint *ep, enum endpoint_event ev,
			    void *arg)
{
	struct mirror *m = arg;

	(void)ep;
	if (ev == ENDPOINT_UP || ev == ENDPOINT_DOWN)
		failover_peer(&m->failover, ev == ENDPOINT_UP);
	if (ev != ENDPOINT_DEAD || m->options->when_slow != MIRROR_BLOCK)
		return;
	loop_fail(&m->loop);
	loop_end(&m->loop);
}

/* The secondary is dead: nobody is left to mirror for. */
static void on_failover(void *arg)
{
	struct mirror *m = arg;

	endpoint_close(m->outdev);
	m->outdev = NULL;
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

static int open_outdev(struct mirror *m)
{
	const struct endpoint_handler handler = { NULL, on_outdev_event, m };
	int err;

	if (m->failover.role == ROLE_FAILOVER)
		return 0;
	err = endpoint_open(&m->outdev, &m->loop, "outdev",
			    &m->options->outdev, ENDPOINT_WRITE, &handler);
	if (err < 0 || m->options->when_slow != MIRROR_BLOCK)
		return err;
	for (int dir = FILTER_TX; dir <= FILTER_RX; dir++) {
		if (m->filter.in[dir] && is_copied(m, (enum filter_dir)dir))
			endpoint_feeds(m->filter.in[dir], m->outdev);
	}
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
		.arg = m,
	};
	int err;

	memset(m, 0, sizeof(*m));
	m->options = options;
	err = loop_init(&m->loop, &options->common, &handler);
	if (err < 0)
		return 1;
	err = failover_init(&m->failover, &m->loop, options->auto_failover_s,
			    on_failover, m);
	if (err == 0)
		err = filter_open(&m->filter, &m->loop, &options->filter,
				  on_frames, m);
	if (err == 0)
		err = open_outdev(m);
	if (err < 0) {
		loop_abandon(&m->loop);
		return err == -EINVAL ? 2 : 1;
	}
	return loop_run(&m->loop);
}
