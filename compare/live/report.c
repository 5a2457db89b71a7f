/* SPDX-License-Identifier: ISC */
#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <pcap/dlt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "../../common/link_type.h"
#include "../../common/log.h"
#include "../../common/time.h"
#include "../core/roster.h"
#include "../diff/cut.h"
#include "../diff/mend.h"
#include "../diff/unwrap.h"

#define WRAPS_MAX 16u		/* tunnels in tunnels that are looked into */
#define LOOKS_PER_CLOCK 4096u	/* asking the time for each frame is too slow */

/**
 * report_init() - Begin with nothing found
 * @r:		Zeroed
 * @options:	Borrowed
 * @clock:	Borrowed
 * @wires:	Borrowed; the endpoints need not be open yet
 * @learn:	Borrowed: what was learnt; NULL for nothing
 * @is_learning: What is found is added to @learn, and told to nobody
 */
void report_init(struct report *r, const struct live_options *options,
		 const struct clock *clock, const struct wires *wires,
		 struct learn *learn, bool is_learning)
{
	r->options = options;
	r->clock = clock;
	r->wires = wires;
	r->is_on = options->dry_run || live_options_is_capture(options);
	r->diff.max_told = options->max_told;
	r->diff.from = options->service;
	r->diff.print.has_hex = options->has_hex;
	if (getrandom(&r->diff.flows.seed, sizeof(r->diff.flows.seed), 0) < 0)
		r->diff.flows.seed = 1;
	if (live_options_is_capture(options)) {
		r->diff.sums.file[COMPARE_PRIMARY] = options->primary_in.target;
		r->diff.sums.file[COMPARE_SECONDARY] =
			options->secondary_in.target;
	}
	r->diff.known = (struct diff_known){
		.ignore = options->noise,
		.learn = learn,
		.is_learning = is_learning,
	};
	if (options->primary_in.from_start)
		r->diff.clock.epoch_ns = NS_PER_S;
}

static int prepare_side(struct report *r, enum compare_side side,
			uint64_t *size)
{
	struct endpoint_capture capture = { .linktype = DLT_EN10MB };
	char text[512];
	int err;

	if (endpoint_pcap_look(r->wires->in[side], &capture)) {
		r->diff.clock.shift_ns[side] = capture.shift_ns;
		*size += capture.size;
	}
	err = ignore_compile(&r->diff.known.ignore, capture.linktype, text,
			     sizeof(text));
	if (err < 0)
		option_bad("--ignore: %s", text);
	return err;
}

/**
 * report_ready() - The inputs are open: look what kind of captures they are
 * @r:		The report
 *
 * Return: 0, or -EINVAL for a filter that does not go with them, told
 */
int report_ready(struct report *r)
{
	uint64_t size = 0;
	int err = prepare_side(r, COMPARE_PRIMARY, &size);

	if (err == 0)
		err = prepare_side(r, COMPARE_SECONDARY, &size);
	progress_begin(&r->progress, r->diff.known.is_learning ?
		       "colo-compare: learning" : "colo-compare", size);
	return err;
}

static bool is_ignored(struct report *r, enum compare_side side,
		       const struct frame *f)
{
	const struct endpoint *ep = r->wires->in[side];
	struct ignore *ignore = &r->diff.known.ignore;
	struct endpoint_captured raw = {
		.linktype = DLT_EN10MB,
		.bytes = frame_eth(f),
		.len = frame_eth_len(f),
		.wire_len = frame_eth_len(f),
	};

	if (!ignore->n_filters)
		return false;
	if (endpoint_get_spec(ep)->kind == ENDPOINT_PCAP)
		raw = endpoint_pcap_captured(ep);
	return ignore_frame(ignore, raw.linktype, raw.bytes, raw.len,
			    raw.wire_len);
}

static void replace(struct frame *seen, const struct frame *inner,
		    const struct frame *f)
{
	if (seen->chunk != f->chunk)
		chunk_unref(seen->chunk);
	*seen = *inner;
}

/**
 * report_unwrap() - What of a frame is compared?
 * @r:		The report
 * @seen:	Set: the frame, or what of it is inside of tunnels, with whole
 *		headers. If that is a chunk of its own, the caller gives the
 *		reference on it back
 * @f:		The frame; borrowed
 *
 * Live, what is compared is what clients get.
 *
 * Return: whether it is what is inside of the frame
 */
bool report_unwrap(const struct report *r, struct frame *seen,
		   const struct frame *f)
{
	struct frame inner;
	struct packet p;
	unsigned n = 0;

	*seen = *f;
	if (!live_options_is_capture(r->options))
		return false;
	packet_parse(&p, frame_eth(f), frame_eth_len(f));
	while (n < WRAPS_MAX && unwrap_frame(&inner, seen, &p)) {
		replace(seen, &inner, f);
		packet_parse(&p, frame_eth(seen), frame_eth_len(seen));
		n++;
	}
	if (mend_length(&inner, seen, &p)) {
		replace(seen, &inner, f);
		packet_parse(&p, frame_eth(seen), frame_eth_len(seen));
	}
	if (mend_frame(&inner, seen, &p))
		replace(seen, &inner, f);
	return n;
}

/**
 * report_selects() - Is a frame compared?
 * @r:		Counts it as what it is
 * @side:	The side that has sent it
 * @f:		The frame, from report_unwrap()
 * @is_unwrapped: It is what was inside of another frame
 *
 * Return: true, unless --from or --ignore leave it out
 */
bool report_selects(struct report *r, enum compare_side side,
		    const struct frame *f, bool is_unwrapped)
{
	struct diff_sums *sums = &r->diff.sums;
	struct packet p;

	packet_parse(&p, frame_eth(f), frame_eth_len(f));
	if (!diff_from_selects(&r->diff.from, &p)) {
		sums->n_other[side]++;
	} else if (is_ignored(r, side, f)) {
		sums->n_ignored[side]++;
	} else if (compare_is_housekeeping(&p) &&
		   r->options->non_ip != LIVE_NON_IP_COMPARE) {
		sums->n_housekeeping[side]++;
		return true;	/* the comparison leaves it out */
	} else {
		sums->n_packets[side]++;
		sums->n_cut[side] += cut_is_short(f, &p);
		sums->n_short[side] += cut_is_in_headers(f, &p);
		sums->n_undecoded[side] += p.ethertype == LINK_TYPE_RESERVED;
		sums->n_unwrapped[side] += is_unwrapped;
		return true;
	}
	r->n_unselected += side == COMPARE_SECONDARY;
	return false;
}

/**
 * report_enters() - Is a frame only entered in the roster?
 * @r:		The report
 * @side:	The side that has sent it
 * @f:		The frame, for which report_selects()
 *
 * Return: whether it was, and is not compared
 */
bool report_enters(struct report *r, enum compare_side side,
		   const struct frame *f)
{
	struct packet p;

	if (!r->roster)
		return false;
	packet_parse(&p, frame_eth(f), frame_eth_len(f));
	roster_add(r->roster, side, &p);
	return true;
}

static uint64_t done_of(const struct endpoint *ep)
{
	struct endpoint_capture capture;

	return endpoint_pcap_look(ep, &capture) ? capture.at : 0;
}

/**
 * report_look_at_clock() - Frames have come in: what time is it?
 * @r:		Live, differences get that time; with captures the progress is
 *		shown when it is time for that
 */
void report_look_at_clock(struct report *r)
{
	const struct wires *w = r->wires;
	struct timespec ts;

	if (!r->clock->is_virtual) {
		clock_gettime(CLOCK_REALTIME, &ts);
		r->diff.clock.now_ns = (uint64_t)ts.tv_sec * NS_PER_S +
				       (uint64_t)ts.tv_nsec;
		return;
	}
	if (r->n_looks++ % LOOKS_PER_CLOCK || !progress_is_due(&r->progress))
		return;
	progress_show(&r->progress, done_of(w->in[COMPARE_PRIMARY]) +
				    done_of(w->in[COMPARE_SECONDARY]));
}

/**
 * report_is_untimed() - Does each packet wait to the end of the captures?
 * @r:		The report
 *
 * Return: true for captures without --compare-timeout. They need not be read in
 * the order of time
 */
bool report_is_untimed(const struct report *r)
{
	return r->clock->is_virtual && !r->options->timeout_is_set;
}

/**
 * report_time_ns() - When was a frame sent?
 * @r:		The report
 * @f:		The frame
 *
 * Return: the time on the clock that the comparison goes by
 */
uint64_t report_time_ns(const struct report *r, const struct frame *f)
{
	return report_is_untimed(r) ? f->time_ns : clock_now_ns(r->clock);
}

/**
 * report_differ() - Tell of a difference
 * @r:		The report
 * @d:		What the comparison says, borrowed
 * @cause:	Why a packet that has no equal waits no longer
 */
void report_differ(struct report *r, const struct compare_difference *d,
		   enum diff_cause cause)
{
	progress_clear(&r->progress);
	diff_differ(&r->diff, d, cause);
}

/**
 * report_ring() - Frames are released, not reported on: keep what differs
 * @r:		The report; with --diff-pcap its ring gets the packets
 * @d:		What the comparison says, borrowed
 */
void report_ring(struct report *r, const struct compare_difference *d)
{
	struct diff_found found;
	int err;

	if (!r->diff.pcap)
		return;
	report_look_at_clock(r);
	diff_found_make(&found, d, DIFF_CAUSE_TIME);
	err = diff_pcap_add(r->diff.pcap, &r->diff.clock, &found);
	if (err < 0)
		log_error("diff-pcap", "%s: %s: nothing more is written",
			  r->options->diff_pcap, strerror(-err));
}

/**
 * report_midstream() - Tell that a flow's beginning was not captured
 * @r:		The report
 * @m:		What the comparison says, borrowed
 */
void report_midstream(struct report *r, const struct compare_midstream *m)
{
	progress_clear(&r->progress);
	diff_midstream(&r->diff, m);
}

/**
 * report_unknown() - Tell how many segments were not compared after all
 * @r:		The report
 * @side:	The side
 * @n:		From compare_n_unknown()
 */
void report_unknown(struct report *r, enum compare_side side, uint64_t n)
{
	r->diff.sums.n_unknown[side] = n;
}

static void print_end(const struct diff *d)
{
	uint64_t n = diff_sums_total(&d->sums) - d->n_told;

	if (n)
		fprintf(d->print.text, "and %" PRIu64 " more difference%s\n", n,
			n == 1 ? "" : "s");
	diff_sums_print(&d->sums, d->print.text);
	diff_flows_print(&d->flows, d->print.text);
}

/**
 * report_end() - Nothing more will be compared: print the sums
 * @r:		The report
 */
void report_end(struct report *r)
{
	struct diff_sums *s = &r->diff.sums;

	progress_clear(&r->progress);
	for (unsigned side = 0; side < 2; side++)
		s->n_unread[side] =
			endpoint_counters(r->wires->in[side]).bad;
	if (!r->diff.known.is_learning && r->diff.print.text)
		print_end(&r->diff);
}

/**
 * report_is_whole() - Was every packet compared, or asked to be left out?
 * @r:		The report, at its end
 *
 * Return: false when not, logged
 */
bool report_is_whole(const struct report *r)
{
	const char *why;

	if (r->diff.known.is_learning ||
	    diff_sums_is_whole(&r->diff.sums, &why))
		return true;
	log_error("report", "%s", why);
	return false;
}

/**
 * report_is_different() - Was a difference told?
 * @r:		The report
 *
 * Return: false when there was none, or all were known noise
 */
bool report_is_different(const struct report *r)
{
	return diff_sums_total(&r->diff.sums) > 0;
}
