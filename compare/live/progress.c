/* SPDX-License-Identifier: ISC */
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "../../common/nowait.h"
#include "../../common/time.h"

#define LARGE (UINT64_C(16) << 20)	/* bytes; less is read in no time */
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
 * progress_text - how far, how fast, how long yet
 * @buf:	gets the text
 * @len:	room there
 * @done:	bytes read
 * @size:	of so many
 * @elapsed_ns:	since the beginning
 */
void progress_text(char *buf, size_t len, uint64_t done, uint64_t size,
		   uint64_t elapsed_ns)
{
	double seconds = (double)elapsed_ns / (double)NS_PER_S;
	double rate = seconds > 0 ? (double)done / seconds : 0;
	uint64_t left_s;

	if (done > size)	/* it grows while it is read */
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
 * progress_begin - shall there be a line?
 * @p:		begun if standard error is a terminal and there is much to read
 * @what:	in front of the line; borrowed
 * @size:	bytes there are to read
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
 * progress_is_due - is it time to say something?
 * @p:		the line
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

	/* a terminal that does not take it has nobody who looks */
	nowait_write(&terminal, text, len);
}

/**
 * progress_show - say how far it is
 * @p:		the line, which progress_is_due()
 * @done:	bytes read
 *
 * The cursor goes back to the beginning: what is written next takes its place.
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
 * progress_clear - make the line disappear
 * @p:		the line; shown again when it is due
 */
void progress_clear(struct progress *p)
{
	static const char clear[] = "\r\033[K";

	if (p->is_shown)
		put(clear, sizeof(clear) - 1);
	p->is_shown = false;
}
