/* SPDX-License-Identifier: ISC */
#include "capture_pipe.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES (256u << 10)	/* that much room is made for each read */
#define ASKED_MAX (32u << 20)	/* more is not waited for: the reader will say
				   what is wrong with it */

struct capture_pipe {
	int fd;			/* borrowed, non-blocking */
	FILE *file;
	uint8_t *bytes;
	size_t begin, end, cap;	/* what has come, and was not read yet */
	bool is_over;		/* nothing more will come */
};

static void make_room(struct capture_pipe *p)
{
	if (p->begin) {
		memmove(p->bytes, p->bytes + p->begin, p->end - p->begin);
		p->end -= p->begin;
		p->begin = 0;
	}
	if (p->cap - p->end >= READ_BYTES)
		return;
	p->cap = p->end + 2 * READ_BYTES;
	p->bytes = realloc(p->bytes, p->cap);
	if (!p->bytes)
		abort();
}

/**
 * capture_pipe_fill() - Read what is there, once
 * @p:		The pipe
 *
 * Return: false when nothing is there now. The end, and an error, are something
 */
bool capture_pipe_fill(struct capture_pipe *p)
{
	ssize_t n;

	if (p->is_over)
		return true;
	make_room(p);
	n = read(p->fd, p->bytes + p->end, p->cap - p->end);
	if (n > 0)
		p->end += (size_t)n;
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		p->is_over = true;
	return n > 0 || p->is_over;
}

/* It waits only where nobody has asked capture_pipe_has() before. */
static ssize_t on_read(void *cookie, char *buf, size_t size)
{
	struct capture_pipe *p = cookie;
	struct pollfd fd = { .fd = p->fd, .events = POLLIN };
	size_t n;

	while (p->begin == p->end && !p->is_over)
		if (poll(&fd, 1, -1) >= 0 || errno != EINTR)
			capture_pipe_fill(p);
	n = p->end - p->begin;
	if (n > size)
		n = size;
	if (n)
		memcpy(buf, p->bytes + p->begin, n);
	p->begin += n;
	return (ssize_t)n;
}

static int on_close(void *cookie)
{
	struct capture_pipe *p = cookie;

	free(p->bytes);
	free(p);
	return 0;
}

/**
 * capture_pipe_new() - Begin to read a pipe
 * @fd:		Non-blocking; borrowed until capture_pipe_file() is closed
 *
 * Return: what fclose(3) of capture_pipe_file() frees
 */
struct capture_pipe *capture_pipe_new(int fd)
{
	static const cookie_io_functions_t io = {
		.read = on_read, .close = on_close,
	};
	struct capture_pipe *p = calloc(1, sizeof(*p));

	if (!p)
		abort();
	p->fd = fd;
	p->file = fopencookie(p, "r", io);
	if (!p->file)
		abort();
	/* else bytes would be in the FILE that nobody can ask for */
	setvbuf(p->file, NULL, _IONBF, 0);
	return p;
}

/** capture_pipe_file() - The file to read from */
FILE *capture_pipe_file(struct capture_pipe *p)
{
	return p->file;
}

/**
 * capture_pipe_has() - Can so many bytes be read without waiting?
 * @p:		The pipe
 * @len:	Bytes
 *
 * Return: true, too, when no more will come
 */
bool capture_pipe_has(const struct capture_pipe *p, size_t len)
{
	return p->is_over || p->end - p->begin >= len || len > ASKED_MAX;
}

/**
 * capture_pipe_peek() - Look at the next bytes
 * @p:		The pipe
 * @len:	Bytes
 *
 * Return: them, until something is read; NULL when there are fewer
 */
const uint8_t *capture_pipe_peek(const struct capture_pipe *p, size_t len)
{
	return p->end - p->begin >= len ? p->bytes + p->begin : NULL;
}

/**
 * capture_pipe_clear() - Make some of the next bytes 0
 * @p:		The pipe
 * @begin:	The first of them, from the next byte on
 * @end:	Behind the last one
 */
void capture_pipe_clear(struct capture_pipe *p, size_t begin, size_t end)
{
	if (p->end - p->begin >= end)
		memset(p->bytes + p->begin + begin, 0, end - begin);
}
