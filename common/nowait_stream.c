/* SPDX-License-Identifier: ISC */
/*
 * A stdio stream over nowait.c, for reports. It is apart because it logs, and
 * the log itself is written by nowait.c.
 */
#include "nowait_stream.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "nowait.h"

#define LINE_ROOM (512u << 10)	/* a difference of two jumbo frames in hex */

struct stream {
	struct nowait to;
	const char *name;
	char room[LINE_ROOM];
};

static void tell_lost(struct stream *s)
{
	if (s->to.n_lost)
		log_warn(s->name, "%" PRIu64 " lines were lost: they were not "
			 "read in time", s->to.n_lost);
	s->to.n_lost = 0;
}

static ssize_t stream_write(void *cookie, const char *text, size_t len)
{
	struct stream *s = cookie;
	const char *end = text + len;

	while (text < end) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((nl ? nl + 1 : end) - text);

		if (nowait_write(&s->to, text, n))
			tell_lost(s);
		text += n;
	}
	errno = -s->to.err;
	return s->to.err ? 0 : (ssize_t)len;
}

static int stream_close(void *cookie)
{
	struct stream *s = cookie;
	int err = 0;

	if (!s->to.err)
		tell_lost(s);
	if (s->to.fd > STDERR_FILENO)
		err = close(s->to.fd);
	free(s);
	return err;
}

/**
 * nowait_stream() - A stdio stream that never waits
 * @fd:		where to; closed with the stream unless it is a standard one
 * @name:	what a warning about lost lines calls it; borrowed
 *
 * Each line is written when it ends. An error other than a slow reader is the
 * stream's, as usual: ferror().
 *
 * Return: the stream, for fclose()
 */
FILE *nowait_stream(int fd, const char *name)
{
	const cookie_io_functions_t io = { .write = stream_write,
					   .close = stream_close };
	struct stream *s = calloc(1, sizeof(*s));
	FILE *file = s ? fopencookie(s, "w", io) : NULL;

	if (!file)
		abort();
	s->to.fd = fd;
	s->name = name;
	setvbuf(file, s->room, _IOLBF, sizeof(s->room));
	return file;
}
