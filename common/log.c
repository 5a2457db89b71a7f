/* SPDX-License-Identifier: ISC */
/*
 * Lines on standard error. This owns the program's name, the level and what is known
 * of standard error; with the rate limits of the call sites these are the mutable
 * globals of a process. It never waits for the reader of the lines.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "nowait.h"
#include "stamp.h"

#define LINE_MAX_LEN 1024u	/* bytes of a line, its newline included */
#define SITE_LINES 5u		/* lines a call site may write in ... */
#define SITE_MS 5000u		/* ... this time */

static const char *log_name = "colo";
static enum log_level log_max = LOG_INFO;
static struct nowait out = { .fd = STDERR_FILENO };
static enum stamp stamp = STAMP_NONE;

static struct {			/* who else is told of events */
	void (*on_event)(void *arg, const char *name, const char *text);
	void *arg;
} watcher;

static const char *const level_names[] = {
	[LOG_ERROR] = "error",
	[LOG_WARN] = "warn",
	[LOG_INFO] = "info",
	[LOG_DEBUG] = "debug",
};

/* The numbers of syslog(3), some of whose names ours are. */
enum { PRIORITY_EVENT = 5, PRIORITY_STATS = 6 };

static const int level_priorities[] = {
	[LOG_ERROR] = 3,
	[LOG_WARN] = 4,
	[LOG_INFO] = 6,
	[LOG_DEBUG] = 7,
};

/* A line being put together. */
struct line {
	size_t len;
	char text[LINE_MAX_LEN];
};

/**
 * log_init() - Say who writes, and how much
 * @program:	borrowed: the first word of every line
 * @level:	lines of a later level are not written
 */
void log_init(const char *program, enum log_level level)
{
	log_name = program;
	log_max = level;
}

/**
 * log_open() - A process begins, whose lines are to be put in order with others
 *
 * From here on lines have a time and the process number, unless a terminal reads
 * them or systemd's journal.
 */
void log_open(void)
{
	stamp = stamp_for(STDERR_FILENO);
}

/**
 * log_shows() - Are lines of a level written?
 * @level:	level
 */
bool log_shows(enum log_level level)
{
	return level <= log_max;
}

static void line_vadd(struct line *l, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));
static void line_add(struct line *l, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Append; what does not fit is cut, and one byte is left for the newline. */
static void line_vadd(struct line *l, const char *fmt, va_list ap)
{
	size_t room = sizeof(l->text) - l->len;
	int n = vsnprintf(l->text + l->len, room, fmt, ap);

	if (n < 0)
		return;
	l->len += (size_t)n < room ? (size_t)n : room - 1;
}

static void line_add(struct line *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line_vadd(l, fmt, ap);
	va_end(ap);
}

static void line_begin(struct line *l, int priority)
{
	size_t n = stamp_head(stamp, priority, log_name, l->text,
			      sizeof(l->text));

	l->len = n < sizeof(l->text) ? n : sizeof(l->text) - 1;
}

/*
 * Bytes that came from a peer may be in the text: no control character of
 * theirs, C1 in UTF-8 (0xc2 0x80..0x9f) included, reaches a terminal.
 */
static void line_clean(struct line *l)
{
	for (size_t i = 0; i < l->len; i++) {
		unsigned char c = (unsigned char)l->text[i];
		unsigned char last = i ? (unsigned char)l->text[i - 1] : 0;

		if (c < 0x20 || c == 0x7f ||
		    (last == 0xc2 && c >= 0x80 && c < 0xa0))
			l->text[i] = '?';
	}
}

/* One write(2): lines of several processes on one pipe do not mix. */
static bool line_end(struct line *l)
{
	line_clean(l);
	l->text[l->len++] = '\n';
	return nowait_write(&out, l->text, l->len);
}

/* Lines were lost while the reader was slow: say how many, if it reads again.
 * Return: false when it does not */
static bool tell_lost(void)
{
	uint64_t n_lost = out.n_lost;
	struct line l;

	if (!n_lost)
		return true;
	line_begin(&l, level_priorities[LOG_WARN]);
	line_add(&l, "warn: log: %" PRIu64 " lines were lost: standard "
		 "error was full", n_lost);
	out.n_lost = 0;
	if (line_end(&l))
		return true;
	out.n_lost = n_lost;
	return false;
}

static void line_write(struct line *l)
{
	if (tell_lost())
		line_end(l);
	else
		out.n_lost++;
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* May the site write a line now? n_lost: lines it lost before this one. */
static bool site_may(struct log_site *site, uint32_t *n_lost)
{
	uint64_t now = now_ms();

	if (!site->n_lines || now - site->since_ms >= SITE_MS) {
		site->since_ms = now;
		site->n_lines = 0;
	}
	if (site->n_lines >= SITE_LINES) {
		site->n_lost++;
		return false;
	}
	site->n_lines++;
	*n_lost = site->n_lost;
	site->n_lost = 0;
	return true;
}

/**
 * log_line() - Write one line, if its level and its call site's rate allow
 * @site:	the call site's rate limit; NULL for none
 * @level:	level
 * @where:	what it is about: an endpoint's or module's name; or NULL
 * @fmt:	printf's, without a newline
 *
 * A site that speaks again after it was silenced says how often it was. errno
 * is left alone.
 */
void log_line(struct log_site *site, enum log_level level, const char *where,
	      const char *fmt, ...)
{
	int saved_errno = errno;
	uint32_t n_lost = 0;
	struct line l;
	va_list ap;

	if (!log_shows(level) || (site && !site_may(site, &n_lost)))
		goto out;
	line_begin(&l, level_priorities[level]);
	line_add(&l, "%s: ", level_names[level]);
	if (where)
		line_add(&l, "%s: ", where);
	va_start(ap, fmt);
	line_vadd(&l, fmt, ap);
	va_end(ap);
	if (n_lost)
		line_add(&l, " (%u more like this not shown)", n_lost);
	line_write(&l);
out:
	errno = saved_errno;
}

/**
 * log_program() - Who writes
 *
 * Return: as given to log_init()
 */
const char *log_program(void)
{
	return log_name;
}

/**
 * log_watch() - Have somebody told of events, too
 * @on_event:	called with each; its texts are borrowed for the call. It must
 *		not write an event itself. NULL: nobody any more
 * @arg:	for @on_event
 */
void log_watch(void (*on_event)(void *arg, const char *name, const char *text),
	       void *arg)
{
	watcher.on_event = on_event;
	watcher.arg = arg;
}

/**
 * log_event() - Write an event for whoever watches the process
 * @name:	its name, one word
 * @fmt:	printf's, without a newline
 */
void log_event(const char *name, const char *fmt, ...)
{
	int saved_errno = errno;
	size_t head;
	struct line l;
	va_list ap;

	line_begin(&l, PRIORITY_EVENT);
	line_add(&l, "event: %s: ", name);
	head = l.len;
	va_start(ap, fmt);
	line_vadd(&l, fmt, ap);
	va_end(ap);
	line_clean(&l);
	if (watcher.on_event)
		watcher.on_event(watcher.arg, name, l.text + head);
	line_write(&l);
	errno = saved_errno;
}

/**
 * log_stats() - Write a line of an account
 * @fmt:	printf's, without a newline
 */
void log_stats(const char *fmt, ...)
{
	struct line l;
	va_list ap;

	line_begin(&l, PRIORITY_STATS);
	line_add(&l, "stats: ");
	va_start(ap, fmt);
	line_vadd(&l, fmt, ap);
	va_end(ap);
	line_write(&l);
}
