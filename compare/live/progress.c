/* SPDX-License-Identifier: ISC */
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "../../common/nowait.h"
#include "../../common/time.h"

#define LARGE (UINT64_C(16) << 20)	/* bytes: fewer are read in no time */
#define SHOW_NS (NS_PER_S / 5)
#define LINE_LEN 160
#define MIB (UINT64_C(1) << 20)

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/**
 * progress_text() - Say how far it is, how fast it goes, and how long it takes
 * @buf:	Gets the text
 * @len:	Bytes of room
 * @done:	Bytes read
 * @size:	Bytes to read in all
 * @elapsed_ns:	How long it has taken
 */
void progress_text(char *buf, size_t len, uint64_t done, uint64_t size,
		   uint64_t elapsed_ns)
{
	double seconds = (double)elapsed_ns / (double)NS_PER_S;
	double rate = seconds > 0 ? (double)done / seconds : 0;
	uint64_t left_s;

	if (done > size)	/* a capture may grow while it is read */
		done = size;
	if (!done || rate < 1) {
		snprintf(buf, len, "0 %% of %" PRIu64 " MiB", size / MIB);
		return;
	}
	left_s = (uint64_t)((double)(size - done) / rate + 0.999);
	snprintf(buf, len, "%" PRIu64 " %% of %" PRIu64 " MiB, %.0f MiB/s, "
		 "%" PRIu64 ":%02" PRIu64 " left", done * 100 / size,
		 size / MIB, rate / (double)MIB, left_s / 60, left_s % 60);
}

/**
 * progress_begin() - Begin to read
 * @p:		On if standard error is a terminal and there is much to read
 * @what:	The words that the line begins with; borrowed
 * @size:	Bytes to read; 0 if that is not known
 */
void progress_begin(struct progress *p, const char *what, uint64_t size)
{
	*p = (struct progress){
		.is_on = size >= LARGE && isatty(STDERR_FILENO),
		.what = what,
		.size = size,
	};
	if (p->is_on)
		p->begin_ns = now_ns();
}

/**
 * progress_is_due() - Is it time to show the line again?
 * @p:		The line
 *
 * Return: true five times a second, if the line is on
 */
bool progress_is_due(struct progress *p)
{
	uint64_t now;

	if (!p->is_on)
		return false;
	now = now_ns();
	if (p->last_ns && now - p->last_ns < SHOW_NS)
		return false;
	p->last_ns = now;
	return true;
}

static void put(const char *text, size_t len)
{
	struct nowait terminal = { .fd = STDERR_FILENO };

	/* a terminal that takes no more has nobody who looks at it */
	nowait_write(&terminal, text, len);
}

/**
 * progress_show() - Show the line
 * @p:		The line; progress_is_due() has said so
 * @done:	Bytes read
 *
 * The cursor goes back to the beginning of the line, so that the next text on
 * the terminal overwrites it.
 */
void progress_show(struct progress *p, uint64_t done)
{
	char text[LINE_LEN], line[LINE_LEN + 64];
	int len;

	progress_text(text, sizeof(text), done, p->size,
		      p->last_ns - p->begin_ns);
	len = snprintf(line, sizeof(line), "%s: %s\033[K\r", p->what, text);
	put(line, (size_t)len);
	p->is_shown = true;
}

/**
 * progress_clear() - Take the line off the terminal
 * @p:		The line; it is shown again when it is due
 */
void progress_clear(struct progress *p)
{
	static const char clear[] = "\r\033[K";

	if (p->is_shown)
		put(clear, sizeof(clear) - 1);
	p->is_shown = false;
}
