/* SPDX-License-Identifier: ISC */
/*
 * Checkpoints of a QEMU, seen from the two inputs: epoch.c decides what becomes
 * of the secondary's frames, this does it.
 *
 * While the primary stands still its input is read to its end, even when the
 * comparison is full, and compared as always; what is held when it goes on was sent before.
 * That it goes on may be known over QMP only after its first new frame is
 * there to be read: QMP is looked at first.
 */
#include "live.h"

#include "../../common/log.h"
#include "../../common/time.h"

static void let_go_on(struct live *l)
{
	if (l->is_ahead)
		endpoint_start(l->secondary_in);
	l->is_ahead = false;
}

static void feed_kept(struct live *l)
{
	struct frame *v;
	unsigned n = epoch_take(&l->epoch, &v);

	if (n)
		live_compare(l, COMPARE_SECONDARY, v, n);
	for (unsigned i = 0; i < n; i++)
		chunk_unref(v[i].chunk);
}

static void on_marker_wait(void *arg)
{
	struct live *l = arg;

	if (l->epoch.fate != EPOCH_DISCARD)
		return;
	log_warn("secondary-in", "no marker has followed the checkpoint: "
		 "comparing without");
	epoch_forget(&l->epoch);
}

/**
 * live_epoch_init - before anything is opened
 * @l:		the process
 */
void live_epoch_init(struct live *l)
{
	clock_timer_init(&l->loop.clock, &l->marker_wait, on_marker_wait, l);
}

/**
 * live_epoch_primary - frames from primary-in
 * @l:		the process
 * @v:		the frames
 * @n:		how many
 */
void live_epoch_primary(struct live *l, struct frame *v, unsigned n)
{
	l->is_reading = true;
	if (l->epoch.is_stopped)
		qemu_read(&l->checkpoint.qemu);
	n = marker_take_out(v, n, &l->n_markers);
	live_compare(l, COMPARE_PRIMARY, v, n);
	l->is_reading = false;
}

static void take_marker(struct live *l, const struct frame *f)
{
	struct marker m;

	if (marker_read(&m, f) < 0) {
		log_warn("secondary-in", "a marker of another version: "
			 "ignored");
		l->n_markers++;
		return;
	}
	/* the primary may stand still, and we do not know it yet */
	if (!l->epoch.is_stopped)
		qemu_read(&l->checkpoint.qemu);
	if (m.kind == MARKER_WANTED) {
		l->n_markers++;
		/* of the one under way its sender may have heard nothing */
		l->asks_again = l->epoch.is_stopped;
		checkpoint_interrupted(&l->checkpoint, "secondary-in");
		return;
	}
	epoch_marker(&l->epoch, &m);
	if (l->epoch.fate != EPOCH_KEEP || l->is_ahead)
		return;
	l->is_ahead = true;
	endpoint_stop(l->secondary_in);
}

static void input_secondary(struct live *l, struct frame *v, unsigned n)
{
	switch (l->epoch.fate) {
	case EPOCH_COMPARE:
		live_compare(l, COMPARE_SECONDARY, v, n);
		break;
	case EPOCH_DISCARD:
		l->epoch.n_discarded += n;
		break;
	case EPOCH_KEEP:
		epoch_keep(&l->epoch, v, n);
		break;
	}
}

/* The guest's own, or those of a rewriter that nobody has told us of. */
static unsigned take_out_markers(struct live *l, struct frame *v, unsigned n)
{
	uint64_t before = l->n_markers;

	n = marker_take_out(v, n, &l->n_markers);
	if (!before && l->n_markers)
		log_event("marker", "from secondary-in, dropped as all that "
			  "follow: if a colo-rewriter sends them, say "
			  "--markers on");
	return n;
}

/**
 * live_epoch_secondary - frames from secondary-in
 * @l:		the process
 * @v:		the frames; what stands between two markers goes one way
 * @n:		how many
 */
void live_epoch_secondary(struct live *l, struct frame *v, unsigned n)
{
	unsigned first = 0;

	l->is_reading = true;
	if (l->options->markers == LIVE_MARKERS_OFF)
		n = take_out_markers(l, v, n);
	for (unsigned i = 0; i < n; i++) {
		if (!marker_is(&v[i]))
			continue;
		if (i > first)
			input_secondary(l, v + first, i - first);
		take_marker(l, &v[i]);
		first = i + 1;
	}
	if (n > first)
		input_secondary(l, v + first, n - first);
	l->is_reading = false;
}

/**
 * live_epoch_stop - the primary stands still, perhaps for a checkpoint
 * @arg:	the process
 */
void live_epoch_stop(void *arg)
{
	struct live *l = arg;

	epoch_stop(&l->epoch);
	l->stop_bytes = endpoint_counters(l->primary_in).in_bytes;
	live_apply_pressure(l);
	if (l->is_reading)		/* an endpoint is in the middle of it */
		return;
	endpoint_read_rest(l->secondary_in);
	endpoint_read_rest(l->primary_in);
}

/**
 * live_epoch_continue - it goes on as it was
 * @arg:	the process
 */
void live_epoch_continue(void *arg)
{
	struct live *l = arg;

	l->asks_again = false;
	epoch_continue(&l->epoch);
	let_go_on(l);
	feed_kept(l);
	live_apply_pressure(l);
}

/**
 * live_epoch_checkpoint - it goes on, and what was held has been let go
 * @l:		the process
 */
void live_epoch_checkpoint(struct live *l)
{
	uint64_t timeout_ms = l->options->timeout_ms;

	epoch_checkpoint(&l->epoch);
	let_go_on(l);
	if (l->epoch.fate == EPOCH_DISCARD)
		clock_timer_start(&l->marker_wait, timeout_ms, 0);
	else if (!l->epoch.has_marker)
		compare_grace(l->compare, clock_now_ns(&l->loop.clock) +
					  timeout_ms * NS_PER_MS);
	feed_kept(l);
	live_apply_pressure(l);
	if (l->asks_again) {
		l->asks_again = false;
		checkpoint_interrupted(&l->checkpoint, "secondary-in");
	}
}

/**
 * live_epoch_end - a failover, or the end: there are no epochs any more
 * @l:		the process
 */
void live_epoch_end(struct live *l)
{
	epoch_drop(&l->epoch);
	l->epoch.fate = EPOCH_COMPARE;
	l->epoch.is_stopped = false;
	let_go_on(l);
}
