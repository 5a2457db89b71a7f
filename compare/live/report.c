/* SPDX-License-Identifier: ISC */
/*
 * With captures, and with --dry-run: what is compared at all, what is told,
 * and in which order captures are read.
 */
#include <errno.h>
#include <pcap/dlt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../common/file.h"
#include "../../common/log.h"
#include "../../common/nowait_stream.h"
#include "../../common/time.h"
#include "live.h"

#define LOOK_FRAMES 4096u	/* so often the clock is looked at */

/* Live, frames do not wait for whoever reads the report. */
static int open_json(struct live *l, const char *path)
{
	int fd = file_create(path);

	if (fd < 0) {
		log_error("report", "%s: %s", path, strerror(-fd));
		return -EIO;
	}
	l->diff.print.json = live_is_capture(l->options) ? fdopen(fd, "w") :
						     nowait_stream(fd, "report");
	if (!l->diff.print.json)
		abort();
	return 0;
}

static void open_text(struct live *l)
{
	bool is_stdout = l->options->outdev.kind != ENDPOINT_STDIO;

	l->diff.print.text = is_stdout ? stdout : stderr;
	if (l->is_report && !live_is_capture(l->options))
		l->diff.print.text = nowait_stream(is_stdout ? STDOUT_FILENO :
					     STDERR_FILENO, "report");
}

static int open_pcap(struct live *l)
{
	const char *path = l->options->diff_pcap;
	int err = path ? diff_pcap_open(&l->diff.pcap, path) : 0;

	if (err < 0)
		log_error("diff-pcap", "%s: %s", path, strerror(-err));
	return err < 0 ? -EIO : 0;
}

/**
 * live_report_open - where differences are told
 * @l:		its is_report and diff are set; text goes to standard output,
 *		unless frames do
 *
 * Return: 0 or -EIO, logged
 */
int live_report_open(struct live *l)
{
	const struct live_options *o = l->options;
	int err = 0;

	l->is_report = o->dry_run || live_is_capture(o);
	open_text(l);
	if (o->primary_in.from_start)
		l->diff.clock.epoch_ns = NS_PER_S;
	if (o->report)
		err = open_json(l, o->report);
	return err < 0 ? err : open_pcap(l);
}

static int prepare_side(struct live *l, enum compare_side side,
			const struct endpoint *ep, uint64_t *size)
{
	struct endpoint_capture capture = { .linktype = DLT_EN10MB };
	char text[512];
	int err;

	if (endpoint_capture(ep, &capture)) {
		l->diff.clock.shift_ns[side] = capture.shift_ns;
		*size += capture.size;
	}
	err = ignore_compile(&l->diff.known.ignore, side, capture.linktype, text,
			     sizeof(text));
	if (err < 0)
		option_bad("--ignore: %s", text);
	return err;
}

/**
 * live_report_ready - the inputs are open
 * @l:		they may say what kind of captures they are
 *
 * Return: 0, or -EINVAL for a filter that does not go with them, told
 */
int live_report_ready(struct live *l)
{
	uint64_t size = 0;
	int err = prepare_side(l, COMPARE_PRIMARY, l->primary_in, &size);

	if (err == 0)
		err = prepare_side(l, COMPARE_SECONDARY, l->secondary_in,
				   &size);
	progress_begin(&l->progress, l->diff.known.is_learning ?
		       "colo-compare: learning" : "colo-compare", size);
	return err;
}

static bool is_ignored(const struct live *l, enum compare_side side,
		       const struct frame *f)
{
	const struct endpoint *ep = side == COMPARE_PRIMARY ?
				    l->primary_in : l->secondary_in;
	struct endpoint_captured raw = {
		.bytes = frame_eth(f),
		.len = frame_eth_len(f),
		.wire_len = frame_eth_len(f),
	};

	if (!l->diff.known.ignore.n_filters)
		return false;
	if (endpoint_spec(ep)->kind == ENDPOINT_PCAP)
		raw = endpoint_captured(ep);
	return ignore_frame(&l->diff.known.ignore, side, raw.bytes, raw.len,
			    raw.wire_len);
}

/* Captured so short that even the headers, or a fragment, are not whole. */
static bool is_too_short(const struct packet *p)
{
	return p->truncated &&
	       (p->fragment ||
		(p->level == PACKET_IP &&
		 (p->proto == PACKET_TCP || p->proto == PACKET_UDP ||
		  p->proto == PACKET_ICMP || p->proto == PACKET_ICMP6)));
}

static bool is_compared(struct live *l, enum compare_side side,
			const struct frame *f)
{
	struct diff *d = &l->diff;
	struct packet p;

	packet_parse(&p, frame_eth(f), frame_eth_len(f));
	if (!diff_from_selects(&d->from, &p)) {
		d->sums.n_other[side]++;
		return false;
	}
	if (is_ignored(l, side, f)) {
		d->sums.n_ignored[side]++;
		return false;
	}
	if (is_too_short(&p) && live_is_capture(l->options)) {
		d->sums.n_short[side]++;
		return false;
	}
	d->sums.n_packets[side]++;
	d->sums.n_cut[side] += p.truncated;
	return true;
}

static uint64_t done_of(const struct endpoint *ep)
{
	struct endpoint_capture capture;

	return endpoint_capture(ep, &capture) ? capture.at : 0;
}

static void look_at_clock(struct live *l)
{
	struct timespec ts;

	if (!l->loop.clock.is_virtual) {
		clock_gettime(CLOCK_REALTIME, &ts);
		l->diff.clock.now_ns = (uint64_t)ts.tv_sec * NS_PER_S +
				 (uint64_t)ts.tv_nsec;
		return;
	}
	if (l->n_looks++ % LOOK_FRAMES || !progress_is_due(&l->progress))
		return;
	progress_show(&l->progress,
		      done_of(l->primary_in) + done_of(l->secondary_in));
}

/* Captures that are not read in the order of time have their own. */
static uint64_t time_of(const struct live *l, const struct frame *f,
			uint64_t now_ns)
{
	return l->loop.clock.is_virtual && !l->options->timeout_is_set ? f->time_ns :
								   now_ns;
}

/**
 * live_report_input - compare those of some frames that count
 * @l:		the process
 * @side:	whose they are
 * @v:		the frames; those of the primary are released in any case
 * @n:		how many
 * @now_ns:	the time
 */
void live_report_input(struct live *l, enum compare_side side, struct frame *v,
		       unsigned n, uint64_t now_ns)
{
	look_at_clock(l);
	for (unsigned i = 0; i < n; i++) {
		if (is_compared(l, side, &v[i]))
			compare_input(l->compare, side, &v[i], 1,
				      time_of(l, &v[i], now_ns));
		else if (side == COMPARE_PRIMARY)
			endpoint_send(l->outdev, &v[i], 1);
		else
			l->n_uncompared++;
	}
}

/**
 * live_report_balance - which of two captures is read first?
 * @l:		the process, before the next frame is read
 *
 * By time; but two recordings that were not made at the same pace would have
 * one wait for the other with much to hold.
 */
void live_report_balance(struct live *l)
{
	bool primary, secondary;

	if (!l->loop.clock.is_virtual || l->options->timeout_is_set)
		return;
	primary = compare_is_half_full(l->compare, COMPARE_PRIMARY);
	secondary = compare_is_half_full(l->compare, COMPARE_SECONDARY);
	endpoint_yield(l->primary_in, primary && !secondary);
	endpoint_yield(l->secondary_in, secondary && !primary);
}

/**
 * live_report_differ - the comparison has found a difference
 * @l:		the process
 * @d:		the difference
 */
void live_report_differ(struct live *l, const struct compare_difference *d)
{
	progress_clear(&l->progress);
	diff_differ(&l->diff, d, l->cause);
}

/**
 * live_report_midstream - a flow is compared from its middle on
 * @l:		the process
 * @m:		which, and from where on
 */
void live_report_midstream(struct live *l, const struct compare_midstream *m)
{
	progress_clear(&l->progress);
	diff_midstream(&l->diff, m);
}

/**
 * live_report_end - nothing more will be compared
 * @l:		the process
 */
void live_report_end(struct live *l)
{
	progress_clear(&l->progress);
	if (!l->diff.known.is_learning)
		diff_sums_print(&l->diff.sums, l->diff.print.text);
}

static int finish(FILE *file)
{
	bool bad = ferror(file);
	int err;

	errno = 0;
	if (fflush(file))
		bad = true;
	err = bad ? (errno ? -errno : -EIO) : 0;
	if (file != stdout && file != stderr)
		fclose(file);
	return err;
}

static int complain(int err, const char *what)
{
	if (err < 0)
		log_error("report", "%s: %s", what, strerror(-err));
	return err;
}

/**
 * live_report_close - all has been told
 * @l:		the process; its report's files are closed
 *
 * Return: 0, or -EIO when something could not be written, logged
 */
int live_report_close(struct live *l)
{
	const struct live_options *o = l->options;
	struct diff *d = &l->diff;
	int err = 0;

	if (d->print.json && complain(finish(d->print.json), o->report) < 0)
		err = -EIO;
	if (complain(diff_pcap_close(d->pcap), o->diff_pcap) < 0)
		err = -EIO;
	if (d->print.text && !d->known.is_learning &&
	    complain(finish(d->print.text), "standard output") < 0)
		err = -EIO;
	ignore_fini(&d->known.ignore);
	return err;
}
