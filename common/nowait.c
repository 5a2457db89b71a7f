/* SPDX-License-Identifier: ISC */
/*
 * Writes a line at once or not at all, and sets no flag that other processes would
 * see. The log, reports and the progress line are written with it.
 */
#include "nowait.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * A second way to the same pipe or terminal, with flags of its own. O_NONBLOCK
 * on the first one would be seen by every process that shares it.
 *
 * Return: a descriptor, or -1: a file or socket, or opening is not allowed
 */
static int own_way_to(int fd)
{
	char path[32];
	struct stat st;

	if (fstat(fd, &st) || !(S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)))
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* A pipe that is ready takes PIPE_BUF bytes without waiting, also where it
 * could not be opened again. */
static ssize_t write_if_ready(int fd, const char *text, size_t len)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	ssize_t n;

	if (poll(&p, 1, 0) == 0)
		return 0;
	n = send(fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && errno == ENOTSOCK)
		n = write(fd, text, len);
	return n >= 0 ? n : errno == EAGAIN ? 0 : -errno;
}

/* Return: bytes written, or a negative errno */
static ssize_t write_now(int fd, const char *text, size_t len)
{
	int own = own_way_to(fd);
	ssize_t n = write_if_ready(own < 0 ? fd : own, text, len);

	if (own >= 0)
		close(own);
	return n;
}

/**
 * nowait_write() - Write a line if that needs no waiting
 * @w:		where to
 * @text:	the line, its newline included
 * @len:	bytes of it
 *
 * Return: true when it was written; else it is counted as lost
 */
bool nowait_write(struct nowait *w, const char *text, size_t len)
{
	ssize_t n;

	if (w->is_torn && write_now(w->fd, "\n", 1) != 1) {
		w->n_lost++;
		return false;
	}
	w->is_torn = false;
	n = write_now(w->fd, text, len);
	if (n == (ssize_t)len)
		return true;
	if (n < 0)
		w->err = (int)n;
	w->is_torn = n > 0;
	w->n_lost++;
	return false;
}
