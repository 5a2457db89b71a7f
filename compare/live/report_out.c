/* SPDX-License-Identifier: ISC */
/* Where a report goes: standard output, --report, --diff-pcap. */
#include "report_out.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../common/file.h"
#include "../../common/log.h"
#include "../../common/nowait_stream.h"

#define RING_BYTES (16u << 20)	/* of --diff-pcap where frames are released */

/* Live, no frame waits for whoever reads the report. */
static int open_json(struct report *r, const char *path)
{
	FILE **json = &r->diff.print.json;
	int fd = strcmp(path, "-") ? file_create(path) : STDOUT_FILENO;

	if (fd < 0) {
		log_error("report", "%s: %s", path, strerror(-fd));
		return -EIO;
	}
	*json = live_options_is_capture(r->options) ?
		fdopen(fd, "w") : nowait_stream(fd, "report");
	if (!*json)
		abort();
	return 0;
}

/* NO_COLOR is what https://no-color.org asks programs to look at. */
static bool wants_color(const struct live_options *o, int fd)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (o->color != LIVE_COLOR_AUTO)
		return o->color == LIVE_COLOR_ALWAYS;
	return isatty(fd) && !(no && *no) && !(term && !strcmp(term, "dumb"));
}

/* Text goes to standard output, unless frames or lines of JSON do. */
static void open_text(struct report *r)
{
	const struct live_options *o = r->options;
	bool is_stdout = o->outdev.kind != ENDPOINT_STDIO &&
			 !(o->report && !strcmp(o->report, "-"));
	FILE **text = &r->diff.print.text;

	if (o->is_quiet)
		return;
	*text = is_stdout ? stdout : stderr;
	if (r->is_on && !live_options_is_capture(r->options))
		*text = nowait_stream(is_stdout ? STDOUT_FILENO :
						  STDERR_FILENO, "report");
	r->diff.print.has_color = wants_color(o, is_stdout ? STDOUT_FILENO :
							     STDERR_FILENO);
}

static int open_pcap(struct report *r)
{
	const char *path = r->options->diff_pcap;
	int err = path ? diff_pcap_open(&r->diff.pcap, path,
					r->is_on ? 0 : RING_BYTES) : 0;

	if (err < 0)
		log_error("diff-pcap", "%s: %s", path, strerror(-err));
	return err < 0 ? -EIO : 0;
}

/**
 * report_out_open() - Open the files that differences are told in
 * @r:		The report; report_out_close() closes them, after an error too
 *
 * Return: 0 or -EIO, logged
 */
int report_out_open(struct report *r)
{
	int err = 0;

	open_text(r);
	if (r->options->report)
		err = open_json(r, r->options->report);
	return err < 0 ? err : open_pcap(r);
}

/* A pipe whose reader had enough, as head(1) has, is no error. */
static bool is_unread(FILE *file)
{
	struct pollfd p = { fileno(file), POLLOUT, 0 };

	return p.fd >= 0 && poll(&p, 1, 0) == 1 && (p.revents & POLLERR);
}

/* Return: 0, or the error of this file, whenever it was */
static int finish(FILE *file)
{
	bool bad = ferror(file);
	int err;

	errno = 0;
	if (fflush(file))
		bad = true;
	err = bad ? (errno ? -errno : -EIO) : 0;
	if (bad && is_unread(file))
		err = 0;
	if (file != stdout && file != stderr)
		fclose(file);
	return err;
}

static int complain(int err, const char *option, const char *what)
{
	if (err < 0)
		log_error(option, "%s: %s", what, strerror(-err));
	return err;
}

/**
 * report_out_close() - Close the files
 * @r:		The report, opened or only initialised
 *
 * Return: 0, or -EIO when something could not be written, logged
 */
int report_out_close(struct report *r)
{
	const struct live_options *o = r->options;
	struct diff *d = &r->diff;
	int err = 0;

	if (d->print.json && complain(finish(d->print.json), "report", o->report) < 0)
		err = -EIO;
	if (complain(diff_pcap_close(d->pcap), "diff-pcap", o->diff_pcap) < 0)
		err = -EIO;
	if (d->print.text && !d->known.is_learning &&
	    complain(finish(d->print.text), "report", "standard output") < 0)
		err = -EIO;
	ignore_fini(&d->known.ignore);
	diff_flows_fini(&d->flows);
	return err;
}
