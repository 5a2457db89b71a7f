/* SPDX-License-Identifier: ISC */
/*
 * The rewriter as a process: its two sides, its clock and its role around the
 * pure core of rewrite.c.
 */
#include "rewriter.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#define EXPIRE_MS 1000

static enum filter_dir dir_of(enum rewrite_side side)
{
	return side == REWRITE_TX ? FILTER_TX : FILTER_RX;
}

static void on_emit(void *arg, enum rewrite_side side, const struct frame *v,
		    unsigned n)
{
	struct rewriter *r = arg;

	filter_forward(&r->filter, dir_of(side), v, n);
}

static void on_event(void *arg, enum rewrite_event event, const char *flow)
{
	(void)arg;
	switch (event) {
	case REWRITE_SIGNED:
		log_warn(NULL, "%s: signed segments (MD5 or TCP-AO) cannot be "
			 "translated and pass as they are", flow);
		break;
	case REWRITE_STATE_LOST:
		log_event("state-lost", "connections go on of which no offset "
			  "is known: a checkpoint is needed");
		break;
	case REWRITE_NONE_LEFT:
		log_event("none-translated", "no connection is translated any "
			  "more");
		break;
	}
}

static void on_frames(void *arg, enum filter_dir dir, struct frame *v,
		      unsigned n)
{
	struct rewriter *r = arg;

	rewrite_input(r->rewrite, dir == FILTER_TX ? REWRITE_TX : REWRITE_RX,
		      v, n, loop_now_ns(&r->loop));
}

static void on_expiry(void *arg)
{
	struct rewriter *r = arg;

	rewrite_expire(r->rewrite, loop_now_ns(&r->loop));
}

static void on_failover(void *arg)
{
	struct rewriter *r = arg;

	log_event("translated", "%u connections go on with their offsets",
		  rewrite_translated(r->rewrite));
	rewrite_failover(r->rewrite);
}

static void on_failover_signal(void *arg)
{
	struct rewriter *r = arg;

	failover_now(&r->failover);
}

/* Behind a failover there is no primary whose copy the guest could become. */
static void on_checkpoint(void *arg)
{
	struct rewriter *r = arg;

	if (r->failover.role == ROLE_FAILOVER)
		log_warn(NULL, "no checkpoint after a failover: ignored");
	else
		rewrite_checkpoint(r->rewrite, loop_now_ns(&r->loop));
}

static void on_stats(void *arg, struct stats *s)
{
	struct rewriter *r = arg;

	rewrite_stats(r->rewrite, s);
	filter_stats(&r->filter, s);
}

static int open_core(struct rewriter *r)
{
	const struct rewriter_options *o = r->options;
	const struct rewrite_handler handler = { on_emit, on_event, r };
	struct rewrite_config config = {
		.max_flows = (uint32_t)o->max_flows,
		.max_held = o->max_held,
		.drop_unknown = o->unknown,
		.translate = o->translate,
		.table = r->table,
	};

	if (getrandom(&config.seed, sizeof(config.seed), 0) !=
	    (ssize_t)sizeof(config.seed))
		return -EIO;
	r->rewrite = rewrite_new(&config, &handler, loop_now_ns(&r->loop));
	return r->rewrite ? 0 : -ENOMEM;
}

/* What the process before this one knew. */
static int open_table(struct rewriter *r)
{
	const char *dir = r->options->common.state_dir;
	int err;

	if (!dir)
		return 0;
	err = rewrite_table_open(&r->table, dir,
				 (uint32_t)r->options->max_flows);
	if (err == -EWOULDBLOCK)
		log_error("state-dir", "%s: another process uses it", dir);
	else if (err < 0)
		log_error("state-dir", "%s: %s", dir, uv_strerror(err));
	return err;
}

static int open_all(struct rewriter *r)
{
	int err = open_table(r);

	if (err < 0)
		return err;
	err = open_core(r);
	if (err < 0) {
		log_error("table", "%s", uv_strerror(err));
		return err;
	}
	err = failover_init(&r->failover, &r->loop, 0, on_failover, r);
	if (err < 0)
		return err;
	if (r->failover.role == ROLE_FAILOVER)
		rewrite_failover(r->rewrite);
	loop_timer_init(&r->loop, &r->expiry, on_expiry, r);
	loop_timer_start(&r->expiry, EXPIRE_MS, EXPIRE_MS);
	return filter_open(&r->filter, &r->loop, &r->options->filter,
			   on_frames, r);
}

/**
 * rewriter_run() - Run a rewriter until it ends
 * @r:		To be filled in
 * @options:	Checked by main(); borrowed
 *
 * Return: the exit status
 */
int rewriter_run(struct rewriter *r, const struct rewriter_options *options)
{
	const struct loop_handler handler = {
		.on_stats = on_stats,
		.on_failover = on_failover_signal,
		.on_checkpoint = on_checkpoint,
		.arg = r,
	};
	int status, err;

	memset(r, 0, sizeof(*r));
	r->options = options;
	err = loop_init(&r->loop, &options->common, &handler);
	if (err < 0)
		return 1;
	err = open_all(r);
	if (err < 0)
		loop_abandon(&r->loop);
	status = err == -EINVAL ? 2 : 1;
	if (err == 0)
		status = loop_run(&r->loop);
	rewrite_free(r->rewrite);
	rewrite_table_close(r->table);
	return status;
}
