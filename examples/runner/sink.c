/* SPDX-License-Identifier: ISC */
#include "sink.h"

#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A pipe is writable when PIPE_BUF bytes fit: this line then does. */
static bool sink_put(const char *line, size_t len)
{
	struct pollfd pfd = { .fd = STDERR_FILENO, .events = POLLOUT };

	if (poll(&pfd, 1, 0) != 1 || !(pfd.revents & POLLOUT))
		return false;
	return write(STDERR_FILENO, line, len) == (ssize_t)len;
}

static bool sink_report_lost(struct sink *sink)
{
	char line[96];
	int n = snprintf(line, sizeof(line), "colo-run: warn: %lu lines lost, "
			 "standard error was full\n", sink->n_lost);

	if (!sink_put(line, (size_t)n))
		return false;
	sink->n_lost = 0;
	return true;
}

/**
 * sink_line() - Write one line of a process
 * @sink:	where
 * @name:	of the process, put before the line
 * @text:	the line without its end
 * @len:	bytes at @text; what goes beyond SINK_LINE_MAX is cut
 */
void sink_line(struct sink *sink, const char *name, const char *text,
	       size_t len)
{
	char line[SINK_LINE_MAX];
	size_t used = (size_t)snprintf(line, sizeof(line), "%s: ", name);

	if (len > sizeof(line) - used - 1)
		len = sizeof(line) - used - 1;
	memcpy(line + used, text, len);
	used += len;
	line[used++] = '\n';
	if ((sink->n_lost > 0 && !sink_report_lost(sink)) ||
	    !sink_put(line, used))
		sink->n_lost++;
}

/**
 * sink_say() - Write one line of the runner's own
 * @sink:	where
 * @level:	error, warn or info
 * @name:	of the process it is about, or NULL
 * @fmt:	the text, without a newline
 */
void sink_say(struct sink *sink, const char *level, const char *name,
	      const char *fmt, ...)
{
	char text[1024];
	size_t used;
	va_list ap;
	int n;

	n = snprintf(text, sizeof(text), "%s: %s%s", level, name ? name : "",
		     name ? ": " : "");
	used = (size_t)n;
	va_start(ap, fmt);
	n = vsnprintf(text + used, sizeof(text) - used, fmt, ap);
	va_end(ap);
	if (n > 0)
		used += (size_t)n;
	if (used >= sizeof(text))
		used = sizeof(text) - 1;
	sink_line(sink, "colo-run", text, used);
}
