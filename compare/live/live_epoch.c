/* SPDX-License-Identifier: ISC */
#include "live_epoch.h"

#include "../../common/log.h"

static struct endpoint *secondary_in(const struct live_epoch *e)
{
	return e->wires->in[COMPARE_SECONDARY];
}

static void stop_secondary(struct live_epoch *e)
{
	if (!e->is_ahead)
		endpoint_input_stop(secondary_in(e));
	e->is_ahead = true;
}

static void let_secondary_go_on(struct live_epoch *e)
{
	if (e->is_ahead)
		endpoint_input_start(secondary_in(e));
	e->is_ahead = false;
}

static void feed_kept(struct live_epoch *e)
{
	struct frame *v;
	unsigned n = epoch_take(&e->epoch, &v);

	if (n)
		feed_input(e->feed, COMPARE_SECONDARY, v, n);
	for (unsigned i = 0; i < n; i++)
		chunk_unref(v[i].chunk);
}

static void on_marker_wait(void *arg)
{
	struct live_epoch *e = arg;

	if (e->epoch.fate != EPOCH_DISCARD)
		return;
	log_warn("secondary-in", "no marker has followed the checkpoint: "
		 "comparing without markers");
	epoch_forget(&e->epoch);
}

/**
 * live_epoch_init() - Begin, before anything is opened
 * @e:		Zeroed; its believes_markers and timeout_ms are set
 * @clock:	Borrowed
 * @feed:	Borrowed: gets the frames
 * @checkpoint:	Borrowed: the QEMU of the primary
 * @wires:	Borrowed; the endpoints need not be open yet
 */
void live_epoch_init(struct live_epoch *e, struct clock *clock,
		     struct feed *feed, struct checkpoint *checkpoint,
		     const struct wires *wires)
{
	e->feed = feed;
	e->checkpoint = checkpoint;
	e->wires = wires;
	clock_timer_init(clock, &e->marker_wait, on_marker_wait, e);
}

/**
 * live_epoch_primary() - Pass on frames of the primary
 * @e:		The state
 * @v:		The frames, borrowed; markers are taken out: a guest has sent
 *		them
 * @n:		How many
 */
void live_epoch_primary(struct live_epoch *e, struct frame *v, unsigned n)
{
	e->is_reading = true;
	if (e->epoch.is_stopped)
		checkpoint_look(e->checkpoint);
	n = marker_take_out(v, n, &e->n_markers);
	feed_input(e->feed, COMPARE_PRIMARY, v, n);
	e->is_reading = false;
}

static void take_marker(struct live_epoch *e, const struct frame *f)
{
	struct marker m;

	if (marker_read(&m, f) < 0) {
		log_warn("secondary-in", "ignored a marker of another "
			 "version");
		e->n_markers++;
		return;
	}
	/* the primary may stand still, and we do not know it yet */
	if (!e->epoch.is_stopped)
		checkpoint_look(e->checkpoint);
	if (m.kind == MARKER_WANTED) {
		e->n_markers++;
		/* the checkpoint under way may have begun too early for it */
		e->asks_again = e->epoch.is_stopped;
		checkpoint_interrupted(e->checkpoint, "secondary-in");
		return;
	}
	epoch_marker(&e->epoch, &m);
	if (e->epoch.fate == EPOCH_KEEP)
		stop_secondary(e);
}

/* Frames between two markers share a fate. */
static void input_secondary(struct live_epoch *e, struct frame *v, unsigned n)
{
	switch (e->epoch.fate) {
	case EPOCH_COMPARE:
		feed_input(e->feed, COMPARE_SECONDARY, v, n);
		break;
	case EPOCH_DISCARD:
		e->epoch.n_discarded += n;
		break;
	case EPOCH_KEEP:
		epoch_keep(&e->epoch, v, n);
		break;
	}
}

/* With --markers off a marker is taken for the guest's. A rewriter may have
 * sent it although nobody has told us: the first one is an event. */
static unsigned take_out_markers(struct live_epoch *e, struct frame *v,
				 unsigned n)
{
	uint64_t before = e->n_markers;

	n = marker_take_out(v, n, &e->n_markers);
	if (!before && e->n_markers)
		log_event("marker", "secondary-in sends markers, and they are "
			  "dropped: if a colo-rewriter makes them, say "
			  "--markers on");
	return n;
}

/**
 * live_epoch_secondary() - Pass on frames of the secondary, or keep or discard
 *			    them
 * @e:		The state
 * @v:		The frames, borrowed
 * @n:		How many
 */
void live_epoch_secondary(struct live_epoch *e, struct frame *v, unsigned n)
{
	unsigned first = 0;

	e->is_reading = true;
	if (!e->believes_markers)
		n = take_out_markers(e, v, n);
	for (unsigned i = 0; i < n; i++) {
		if (!marker_is(&v[i]))
			continue;
		if (i > first)
			input_secondary(e, v + first, i - first);
		take_marker(e, &v[i]);
		first = i + 1;
	}
	if (n > first)
		input_secondary(e, v + first, n - first);
	e->is_reading = false;
}

/**
 * live_epoch_stop() - The primary stands still, perhaps for a checkpoint
 * @e:		The state
 */
void live_epoch_stop(struct live_epoch *e)
{
	epoch_stop(&e->epoch);
	feed_set_standing(e->feed, true);
	feed_apply_pressure(e->feed);
	if (e->is_reading)		/* an input is in the middle of it */
		return;
	endpoint_input_read_rest(secondary_in(e));
	endpoint_input_read_rest(e->wires->in[COMPARE_PRIMARY]);
}

/**
 * live_epoch_continue() - The primary goes on as it was
 * @e:		The state
 */
void live_epoch_continue(struct live_epoch *e)
{
	e->asks_again = false;
	epoch_continue(&e->epoch);
	feed_set_standing(e->feed, false);
	let_secondary_go_on(e);
	feed_kept(e);
	feed_apply_pressure(e->feed);
}

/**
 * live_epoch_checkpoint() - The primary goes on after a checkpoint
 * @e:		The state. What was held has left already
 *
 * A secondary that sends no markers may still have frames of before on their
 * way: these get as long to find their equal as a marker would have to come.
 */
void live_epoch_checkpoint(struct live_epoch *e)
{
	epoch_checkpoint(&e->epoch);
	feed_set_standing(e->feed, false);
	let_secondary_go_on(e);
	if (e->epoch.fate == EPOCH_DISCARD)
		clock_timer_start(&e->marker_wait, e->timeout_ms, 0);
	else if (!e->epoch.has_marker)
		feed_grace(e->feed, e->timeout_ms);
	feed_kept(e);
	feed_apply_pressure(e->feed);
	if (e->asks_again) {
		e->asks_again = false;
		checkpoint_interrupted(e->checkpoint, "secondary-in");
	}
}

/**
 * live_epoch_end() - There are no more epochs: a failover, or the end
 * @e:		What was kept is discarded
 */
void live_epoch_end(struct live_epoch *e)
{
	epoch_drop(&e->epoch);
	e->epoch.fate = EPOCH_COMPARE;
	e->epoch.is_stopped = false;
	feed_set_standing(e->feed, false);
	let_secondary_go_on(e);
}

/**
 * live_epoch_begin() - There are epochs again, after live_epoch_end()
 * @e:		The state; a secondary that has never sent a marker is not waited for
 */
void live_epoch_begin(struct live_epoch *e)
{
	e->epoch.has_marker = false;
	e->asks_again = false;
}

/**
 * live_epoch_stats() - Add up frames that were kept, discarded, or markers
 * @e:		The counters
 * @s:		Gets them
 */
void live_epoch_stats(const struct live_epoch *e, struct stats *s)
{
	s->held += e->epoch.n_kept;
	stats_drop(s, DROP_MARKER, e->n_markers + e->epoch.n_markers);
	stats_drop(s, DROP_EPOCH, e->epoch.n_discarded);
}

/**
 * live_epoch_fini() - Free what was kept
 * @e:		Used, or zeroed
 */
void live_epoch_fini(struct live_epoch *e)
{
	epoch_fini(&e->epoch);
}
