/* SPDX-License-Identifier: ISC */
#include "feed.h"

#include <errno.h>

#include "../../common/log.h"
#include "../../common/time.h"

#define STANDING_BYTES_MAX (64u << 20)	/* read although there is no room */

static uint64_t now_ns(const struct feed *f)
{
	return clock_now_ns(f->parts.clock);
}

/* The timer calls the comparison when it has something to do. Never at once:
 * between two frames of captures there would be no time for it. */
static void arm_due(struct feed *f)
{
	uint64_t now = now_ns(f), due = compare_due_ns(f->compare);

	if (due >= f->due_ns || due == COMPARE_NEVER)
		return;
	f->due_ns = due;
	clock_timer_start(&f->due, due <= now ? 1 :
			 (due - now + NS_PER_MS - 1) / NS_PER_MS, 0);
}

/* While the primary stands still, all that it has sent before is read, even if
 * there is no room for it: later frames belong to another epoch. */
static bool may_be_overfull(const struct feed *f)
{
	const struct endpoint *in = f->wires.in[COMPARE_PRIMARY];

	return f->is_standing &&
	       endpoint_counters(in).in_bytes - f->standing_bytes <
	       STANDING_BYTES_MAX;
}

/* In a report the packets that have waited longest are given up. */
static void make_room(struct feed *f)
{
	enum diff_cause before = f->cause;

	f->cause = DIFF_CAUSE_ROOM;
	compare_expire(f->compare, now_ns(f) + f->timeout_ns);
	f->cause = before;
}

/**
 * feed_apply_pressure() - While the comparison is full, primary-in waits
 * @f:		Something has changed that may have made it full, or no longer
 *
 * The inputs of a report wait for each other already: there room is made.
 */
void feed_apply_pressure(struct feed *f)
{
	struct endpoint *in = f->wires.in[COMPARE_PRIMARY];
	bool is_full = compare_is_full(f->compare) && !may_be_overfull(f);

	if (is_full && f->parts.report->is_on) {
		make_room(f);
		return;
	}
	if (is_full == f->is_stopped)
		return;
	f->is_stopped = is_full;
	if (is_full)
		endpoint_input_stop(in);
	else
		endpoint_input_start(in);
}

/* Which of two captures is read first? They are read by time. But two that were
 * not recorded at the same pace would have one side wait for the other with
 * much to hold: then the side that holds less goes first. */
static void balance(struct feed *f)
{
	bool primary, secondary;

	if (!report_is_untimed(f->parts.report))
		return;
	primary = compare_is_half_full(f->compare, COMPARE_PRIMARY);
	secondary = compare_is_half_full(f->compare, COMPARE_SECONDARY);
	endpoint_pcap_yield(f->wires.in[COMPARE_PRIMARY],
			    primary && !secondary);
	endpoint_pcap_yield(f->wires.in[COMPARE_SECONDARY],
			    secondary && !primary);
}

/* After a call of the comparison: do what it has asked for. */
static void settle(struct feed *f)
{
	struct feed_wanted *w = &f->wanted;

	if (w->is_wanted) {
		w->is_wanted = false;
		checkpoint_ask(f->parts.checkpoint,
			       compare_reason_text(w->reason), w->flow);
	}
	feed_apply_pressure(f);
	if (f->parts.report->is_on)
		balance(f);
	arm_due(f);
}

static void on_scan(void *arg)
{
	struct feed *f = arg;

	compare_expire(f->compare, now_ns(f));
	settle(f);
	tell_pending(&f->tell, now_ns(f));
}

static void on_due(void *arg)
{
	struct feed *f = arg;

	f->due_ns = COMPARE_NEVER;
	on_scan(f);
}

static void on_release(void *arg, const struct frame *frame)
{
	struct feed *f = arg;

	endpoint_output_send(f->wires.outdev, f->passing ? f->passing : frame,
			     1);
}

/* Without a timeout nothing is late in captures: what a full side gives up is
 * not there. */
static enum diff_cause cause_of(const struct feed *f)
{
	return f->cause == DIFF_CAUSE_TIME &&
	       report_is_untimed(f->parts.report) ? DIFF_CAUSE_END : f->cause;
}

static void on_differ(void *arg, const struct compare_difference *d)
{
	struct feed *f = arg;
	struct feed_wanted *w = &f->wanted;

	if (f->parts.report->is_on)
		report_differ(f->parts.report, d, cause_of(f));
	if (!d->asks)
		return;
	if (!f->parts.report->is_on)
		report_ring(f->parts.report, d);
	w->is_wanted = true;
	w->reason = d->reason;
	*w->flow = '\0';
	if (d->flow)
		flow_key_text(d->flow, w->flow, sizeof(w->flow));
	history_place_of(&w->place, d);
}

static void on_midstream(void *arg, const struct compare_midstream *m)
{
	struct feed *f = arg;

	report_midstream(f->parts.report, m);
}

static bool on_may_ask(void *arg, const struct compare_difference *d)
{
	struct feed *f = arg;

	return quarantine_may_ask(f->parts.quarantine, d);
}

static void on_over_share(void *arg, const struct compare_over_share *s)
{
	(void)arg;
	tell_over_share(s);
}

static void on_waits(void *arg, const struct compare_wait *w)
{
	struct feed *f = arg;

	tell_wait(&f->tell, w, now_ns(f));
}

/**
 * feed_open() - Make the comparison
 * @f:		Zeroed; feed_close() frees it
 * @config:	Of the comparison; copied
 * @parts:	What it works with; the struct is copied
 *
 * Return: 0, or -ENOMEM, logged
 */
int feed_open(struct feed *f, const struct compare_config *config,
	      const struct feed_parts *parts)
{
	const struct compare_handler handler = {
		.release = on_release,
		.differ = on_differ,
		.midstream = on_midstream,
		.may_ask = on_may_ask,
		.over_share = on_over_share,
		.waits = on_waits,
		.arg = f,
	};

	f->parts = *parts;
	f->timeout_ns = config->timeout_ns;
	f->due_ns = COMPARE_NEVER;
	f->compare = compare_new(config, &handler);
	if (!f->compare) {
		log_error("compare", "not enough memory for %u flows",
			  config->max_flows);
		return -ENOMEM;
	}
	clock_timer_init(parts->clock, &f->scan, on_scan, f);
	clock_timer_init(parts->clock, &f->due, on_due, f);
	return 0;
}

/**
 * feed_set_config() - The configuration is another one now
 * @f:		The feed
 * @config:	As for compare_set_config()
 */
void feed_set_config(struct feed *f, const struct compare_config *config)
{
	f->timeout_ns = config->timeout_ns;
	compare_set_config(f->compare, config);
	f->due_ns = COMPARE_NEVER;
	settle(f);
}

/**
 * feed_start() - The endpoints are open: frames may come
 * @f:		The feed
 * @wires:	The endpoints; the struct is copied
 * @scan_ms:	How often idle flows are looked for
 */
void feed_start(struct feed *f, const struct wires *wires, uint64_t scan_ms)
{
	f->wires = *wires;
	clock_timer_start(&f->scan, scan_ms, scan_ms);
}

/* What is inside of the frame is compared, the frame passes. So does one that is
 * not compared, if the primary has sent it. */
static void input_reported(struct feed *f, enum compare_side side,
			   struct frame *v)
{
	struct report *r = f->parts.report;
	struct frame seen;

	bool is_unwrapped = report_unwrap(r, &seen, v);
	bool is_selected = report_selects(r, side, &seen, is_unwrapped);

	if (is_selected && !report_enters(r, side, &seen)) {
		f->passing = v;
		compare_input(f->compare, side, &seen, 1,
			      report_time_ns(r, v));
		f->passing = NULL;
	} else if (!is_selected && side == COMPARE_PRIMARY) {
		endpoint_output_send(f->wires.outdev, v, 1);
	}
	if (seen.chunk != v->chunk)
		chunk_unref(seen.chunk);
}

static void input_report(struct feed *f, enum compare_side side,
			 struct frame *v, unsigned n)
{
	report_look_at_clock(f->parts.report);
	for (unsigned i = 0; i < n; i++)
		input_reported(f, side, &v[i]);
}

/**
 * feed_input() - Compare frames
 * @f:		The feed
 * @side:	The side that has sent them
 * @v:		The frames, borrowed; the comparison may change their bytes
 * @n:		How many
 */
void feed_input(struct feed *f, enum compare_side side, struct frame *v,
		unsigned n)
{
	if (f->parts.report->is_on)
		input_report(f, side, v, n);
	else
		compare_input(f->compare, side, v, n, now_ns(f));
	settle(f);
}

/**
 * feed_set_standing() - The primary stands still, or goes on
 * @f:		The feed; feed_apply_pressure() is to be called
 * @is_standing: It stands still: what it has sent before will be read, room or
 *		no room
 */
void feed_set_standing(struct feed *f, bool is_standing)
{
	f->is_standing = is_standing;
	if (is_standing)
		f->standing_bytes =
			endpoint_counters(f->wires.in[COMPARE_PRIMARY]).in_bytes;
}

static struct compare_left flush(struct feed *f)
{
	struct compare_left left = compare_flush(f->compare, now_ns(f));

	quarantine_over(f->parts.quarantine);
	return left;
}

/**
 * feed_checkpoint() - A checkpoint was made: the replicas are equal
 * @f:		What is held of the primary leaves
 *
 * Return: how much has left
 */
struct compare_left feed_checkpoint(struct feed *f)
{
	struct compare_left left;

	compare_copied(f->compare);
	left = flush(f);
	feed_apply_pressure(f);
	return left;
}

/**
 * feed_release() - No checkpoint was made, but packets have to leave
 * @f:		What is held of the primary leaves, and that is told
 * @why:	Static text; NULL for the reason of the last difference
 *
 * Return: how much has left
 */
struct compare_left feed_release(struct feed *f, const char *why)
{
	const struct feed_wanted *w = &f->wanted;
	struct compare_left left = flush(f);

	tell_left(&f->tell, &left, why ? why : compare_reason_text(w->reason),
		  w->flow, now_ns(f));
	feed_apply_pressure(f);
	return left;
}

/**
 * feed_grace() - For a while no packet waits for too long
 * @f:		The feed
 * @grace_ms:	How long from now on
 */
void feed_grace(struct feed *f, uint64_t grace_ms)
{
	compare_grace(f->compare, now_ns(f) + grace_ms * NS_PER_MS);
}

/**
 * feed_failover() - The secondary is gone, or not needed: compare no more
 * @f:		What is held of the primary leaves
 *
 * Return: how much has left
 */
struct compare_left feed_failover(struct feed *f)
{
	struct compare_left left;

	quarantine_over(f->parts.quarantine);
	left = compare_failover(f->compare, now_ns(f));
	feed_apply_pressure(f);
	return left;
}

/**
 * feed_protect() - There is a secondary again: compare from now on
 * @f:		After feed_failover()
 */
void feed_protect(struct feed *f)
{
	compare_protect(f->compare, now_ns(f));
}

/**
 * feed_end() - The captures are at their end
 * @f:		What still waits for its equal will find none
 */
void feed_end(struct feed *f)
{
	f->cause = DIFF_CAUSE_END;
	compare_end(f->compare);
	for (unsigned side = 0; side < 2; side++)
		report_unknown(f->parts.report, side,
			       compare_n_unknown(f->compare, side));
	settle(f);
}

/**
 * feed_stats() - Add up what the comparison holds and has done
 * @f:		The feed
 * @s:		Gets the comparison's own account. Frames that came in and went
 *		out are not for the process's account: the endpoints count them
 */
void feed_stats(const struct feed *f, struct stats *s)
{
	compare_stats(f->compare, s);
}

/**
 * feed_is_holding() - Are packets held?
 * @f:		The feed
 */
bool feed_is_holding(const struct feed *f)
{
	return compare_is_holding(f->compare);
}

/**
 * feed_close() - Free the comparison
 * @f:		Opened, or zeroed
 */
void feed_close(struct feed *f)
{
	compare_free(f->compare);
	f->compare = NULL;
}
