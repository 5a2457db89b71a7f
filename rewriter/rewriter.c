/* SPDX-License-Identifier: ISC */
/*
 * The rewriter as a process: its two sides, its clock, its role and its
 * guest's QEMU around the pure core of rewrite.c. It hands frames and the time
 * in, sends what comes out, and tells of events. It never looks into a frame.
 *
 * At a checkpoint the guest stands still while it becomes a copy of the
 * primary. With --qmp the line between the former guest and the copy is drawn
 * exactly. QEMU has written all that the former guest sent when STOP is read.
 * That is read to its end and translated with the old offsets; then neither
 * side is read until RESUME. vmstate.c decides whether the stop was a
 * checkpoint, that is, whether the offsets become 0.
 *
 * struct rewriter is the state. The loop, the filter and QEMU's link call in.
 */
#include "rewriter.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "../common/marker.h"
#include "../common/state_dir.h"
#include "rewrite_record.h"
#include "rewriter_flows.h"

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
	const struct rewriter *r = arg;

	switch (event) {
	case REWRITE_SIGNED:
		log_warn(NULL, "%s: signed segments (MD5 or TCP-AO) cannot be "
			 "translated and pass as they are", flow);
		break;
	case REWRITE_STATE_LOST:
		log_event("state-lost", "connections go on whose offsets are "
			  "not known: a checkpoint is needed");
		break;
	case REWRITE_NONE_LEFT:
		log_event("none-translated", "no connection is translated any "
			  "more");
		break;
	case REWRITE_UNSAVED:
		log_event("state-unsaved", "%s/flows lacks %u connections, "
			  "which a restart would lose: the disk is full, or "
			  "somebody cut the file short or removed it",
			  r->options->common.state_dir,
			  rewrite_behind(r->rewrite));
		break;
	case REWRITE_SAVED:
		log_event("state-saved", "%s/flows has %u connections that it "
			  "lacked", r->options->common.state_dir,
			  rewrite_behind(r->rewrite));
		break;
	}
}

static void on_frames(void *arg, enum filter_dir dir, struct frame *v,
		      unsigned n)
{
	struct rewriter *r = arg;

	/* true markers begin here: one that comes in is a forgery */
	n = marker_take_out(v, n, &r->n_markers_dropped);
	rewrite_input(r->rewrite, dir == FILTER_TX ? REWRITE_TX : REWRITE_RX,
		      v, n, clock_now_ns(&r->loop.clock));
}

static void on_expiry(void *arg)
{
	struct rewriter *r = arg;

	rewrite_expire(r->rewrite, clock_now_ns(&r->loop.clock));
}

/* Tell the comparison which epoch begins. Not after a failover: then nobody
 * compares, and the frame would go to the clients' network. */
static void send_marker(struct rewriter *r, enum marker_kind kind)
{
	const struct marker m = { kind, rewrite_epoch(r->rewrite) };
	struct chunk *chunk;
	struct frame f;

	if (!r->options->qmp || r->failover.role == ROLE_FAILOVER)
		return;
	chunk = marker_make(&m, &f);
	r->n_markers++;
	filter_forward(&r->filter, FILTER_RX, &f, 1);
	chunk_unref(chunk);
}

/* --- what the guest's QEMU says --- */

static void for_both_inputs(struct rewriter *r, void (*f)(struct endpoint *ep))
{
	for (int dir = FILTER_TX; dir <= FILTER_RX; dir++) {
		if (r->filter.in[dir])
			f(r->filter.in[dir]);
	}
}

static void on_guest_stop(void *arg)
{
	struct rewriter *r = arg;

	if (r->is_paused)
		return;
	r->is_paused = true;
	if (r->filter.in[FILTER_RX])
		endpoint_input_read_rest(r->filter.in[FILTER_RX]);
	for_both_inputs(r, endpoint_input_stop);
}

static void on_guest_continue(void *arg)
{
	struct rewriter *r = arg;

	if (!r->is_paused)
		return;
	r->is_paused = false;
	for_both_inputs(r, endpoint_input_start);
}

static void checkpoint(struct rewriter *r)
{
	rewrite_checkpoint(r->rewrite, clock_now_ns(&r->loop.clock));
	send_marker(r, MARKER_EPOCH);
}

static void on_guest_checkpoint(void *arg, uint64_t stopped_ms)
{
	struct rewriter *r = arg;

	log_info("qmp", "checkpoint: the guest stood still for %llu ms",
		 (unsigned long long)stopped_ms);
	if (r->failover.role == ROLE_COLO)
		checkpoint(r);
	on_guest_continue(r);
}

static void on_missed(void *arg)
{
	struct rewriter *r = arg;

	if (rewrite_translated(r->rewrite))
		log_event("checkpoint-missed", "there may have been one while "
			  "QMP was not connected: offsets may be old, a "
			  "checkpoint is wanted");
	send_marker(r, MARKER_WANTED);
}

/* --- what the loop says --- */

/* Tell how many bytes clients have that nobody compared. */
static void tell_uncompared(const struct rewriter *r)
{
	uint32_t n_flows;
	uint64_t bytes = rewrite_uncompared(r->rewrite, &n_flows);

	if (bytes)
		log_event("uncompared-at-failover", "%llu bytes, of %u "
			  "connections: clients have them from the primary, "
			  "and the secondary had not sent them",
			  (unsigned long long)bytes, n_flows);
}

static void on_failover(void *arg, struct failover_done *done)
{
	struct rewriter *r = arg;

	qemu_freeze(&r->qemu);
	qemu_close(&r->qemu);		/* no checkpoint can follow */
	snprintf(done->text, sizeof(done->text), "%u connections go on with "
		 "their offsets", rewrite_translated(r->rewrite));
	log_event("translated", "%s", done->text);
	tell_uncompared(r);
	rewrite_failover(r->rewrite);
}

static void on_failover_signal(void *arg)
{
	struct rewriter *r = arg;

	failover_now(&r->failover);
}

/* After a failover there is no primary of which the guest could be a copy. */
static void on_checkpoint(void *arg)
{
	struct rewriter *r = arg;

	if (r->failover.role == ROLE_FAILOVER)
		log_warn(NULL, "no checkpoint after a failover: ignored");
	else
		checkpoint(r);
}

static void on_stats(void *arg, struct stats *s)
{
	struct rewriter *r = arg;

	s->originated += r->n_markers;
	stats_drop(s, DROP_MARKER, r->n_markers_dropped);
	rewrite_stats(r->rewrite, s);
	filter_stats(&r->filter, s);
	qemu_stats(&r->qemu, s);
}

static void on_end(void *arg)
{
	struct rewriter *r = arg;

	qemu_close(&r->qemu);
}

static void on_close(void *arg)
{
	struct rewriter *r = arg;

	control_process_close(&r->control);
}

static void on_set(void *arg)
{
	struct rewriter *r = arg;

	rewrite_set(r->rewrite, r->options->max_held, r->options->unknown);
}

static void on_verdict(void *arg, struct verdict *v)
{
	const struct rewriter *r = arg;

	filter_verdict(&r->filter, v);
}

/* --- the start --- */

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
	r->rewrite = rewrite_new(&config, &handler,
				 clock_now_ns(&r->loop.clock));
	return r->rewrite ? 0 : -ENOMEM;
}

/* Open the table with the connections that the process before this one knew. */
static int open_table(struct rewriter *r)
{
	const char *dir = r->options->common.state_dir;
	int err;

	if (!dir)
		return 0;
	err = rewrite_record_open(&r->table, dir,
				  (uint32_t)r->options->max_flows);
	if (err < 0)
		state_dir_refuse(dir, "flows", err);
	return err;
}

static void open_qemu(struct rewriter *r)
{
	const struct qemu_handler handler = {
		.side = "secondary",
		.on_stop = on_guest_stop,
		.on_checkpoint = on_guest_checkpoint,
		.on_continue = on_guest_continue,
		.on_missed = on_missed,
		.arg = r,
	};

	qemu_open(&r->qemu, &r->loop, r->options->qmp, &handler);
	send_marker(r, MARKER_START);
}

/* There is a primary again, and the guest is to become its copy. */
static int on_protect(void *arg, char *text, size_t size)
{
	struct rewriter *r = arg;

	rewrite_protect(r->rewrite, clock_now_ns(&r->loop.clock));
	if (r->qemu.link.loop) {
		qemu_reopen(&r->qemu);
		send_marker(r, MARKER_START);
	} else if (r->options->qmp) {
		open_qemu(r);
	}
	snprintf(text, size, "connections are tracked again, all offsets are 0");
	return 0;
}

static int open_all(struct rewriter *r)
{
	const struct failover_handler failover = { on_failover, on_protect, r };
	int err = open_table(r);

	if (err < 0)
		return err;
	err = open_core(r);
	if (err < 0) {
		log_error("table", "%s", uv_strerror(err));
		return err;
	}
	err = failover_init(&r->failover, &r->loop, 0, &failover);
	if (err < 0)
		return err;
	if (r->failover.role == ROLE_FAILOVER)
		rewrite_failover(r->rewrite);
	clock_timer_init(&r->loop.clock, &r->expiry, on_expiry, r);
	clock_timer_start(&r->expiry, EXPIRE_MS, EXPIRE_MS);
	err = filter_open(&r->filter, &r->loop, &r->options->filter,
			  on_frames, r);
	if (err == 0 && r->options->qmp &&
	    r->failover.role == ROLE_COLO)
		open_qemu(r);
	return err;
}

/* The last one to be opened: it may be asked at once. */
static int open_control(struct rewriter *r)
{
	const struct control_process_handler handler = {
		.on_verdict = on_verdict,
		.on_set = on_set,
		.arg = r,
		.flows = &r->flows,
	};

	r->flows = rewriter_flows_of(r);
	return control_process_open(&r->control, &r->loop, &r->failover,
				    &handler);
}

/**
 * rewriter_run() - Run a rewriter until it ends
 * @r:		set, all of it
 * @options:	checked by main(); borrowed
 *
 * Return: the exit status of the process.
 */
int rewriter_run(struct rewriter *r, const struct rewriter_options *options)
{
	const struct loop_handler handler = {
		.on_stats = on_stats,
		.on_failover = on_failover_signal,
		.on_checkpoint = on_checkpoint,
		.on_end = on_end,
		.on_close = on_close,
		.arg = r,
	};
	int status, err;

	memset(r, 0, sizeof(*r));
	r->options = options;
	err = loop_init(&r->loop, &options->common, &handler);
	if (err < 0)
		return 1;
	err = open_all(r);
	if (err == 0)
		err = open_control(r);
	if (err < 0)
		loop_abandon(&r->loop);
	status = err == -EINVAL ? 2 : 1;
	if (err == 0)
		status = loop_run(&r->loop);
	rewrite_free(r->rewrite);
	record_table_close(r->table);
	return status;
}
