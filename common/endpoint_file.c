/* SPDX-License-Identifier: ISC */
/*
 * The kinds `-` and fd:N, which are open already: a stream or a regular file.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "endpoint_impl.h"

/* Standard input and output are often one socket (socat's EXEC, inetd). */
static struct endpoint *same_socket(const struct endpoint *ep, int fd)
{
	struct stat mine, st;

	if (fstat(fd, &mine) || !S_ISSOCK(mine.st_mode))
		return NULL;
	for (struct endpoint *o = ep->set->first; o; o = o->next) {
		if (o != ep && o->fd >= 0 && !fstat(o->fd, &st) &&
		    st.st_dev == mine.st_dev && st.st_ino == mine.st_ino)
			return o;
	}
	return NULL;
}

/* Would reading an output take what is meant for an input? */
static bool is_readers_too(const struct endpoint *ep, int fd)
{
	struct stat st;

	return same_socket(ep, fd) ||
	       (!fstat(fd, &st) && S_ISFIFO(st.st_mode) &&
		(fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR);
}

/* The flags are those of the socket, not of the descriptor: the first endpoint
 * on it finds them, the newest one, which is closed first, puts them back. */
static int attach_pollable(struct endpoint *ep, int fd)
{
	struct endpoint *other = same_socket(ep, fd);
	int flags = fcntl(fd, F_GETFL);

	ep->half_closed = ep->mode == ENDPOINT_WRITE && is_readers_too(ep, fd);
	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	if (other) {
		if (other->mode == ENDPOINT_WRITE) {
			other->half_closed = true;
			endpoint_poll_update(other);
		}
		ep->fd_flags = other->fd_flags;
		other->fd_flags = -1;
	} else {
		ep->fd_flags = flags;
	}
	return endpoint_link_up(ep, fd, true);
}

/* Two endpoints on one descriptor would tear each other's frames apart. */
static bool is_taken(const struct endpoint *ep, int fd)
{
	for (struct endpoint *o = ep->set->first; o; o = o->next) {
		if (o != ep && o->fd == fd) {
			log_error(ep->name, "%s is in use by %s already",
				  fd == STDIN_FILENO ? "standard input" :
				  fd == STDOUT_FILENO ? "standard output" :
				  "this descriptor", o->name);
			return true;
		}
	}
	return false;
}

static int check_access(const struct endpoint *ep, int fd)
{
	int flags = fcntl(fd, F_GETFL);
	int access = flags & O_ACCMODE;

	if (flags < 0) {
		log_error(ep->name, "%s: %s", ep->spec.text,
			  uv_strerror(-errno));
		return -errno;
	}
	if ((ep->mode & ENDPOINT_READ) && access == O_WRONLY) {
		log_error(ep->name, "%s: not open for reading", ep->spec.text);
		return -EINVAL;
	}
	if ((ep->mode & ENDPOINT_WRITE) && access == O_RDONLY) {
		log_error(ep->name, "%s: not open for writing", ep->spec.text);
		return -EINVAL;
	}
	return 0;
}

static int file_open(struct endpoint *ep)
{
	bool is_stdio = ep->spec.kind == ENDPOINT_STDIO;
	int fd = !is_stdio ? ep->spec.fd :
		 ep->mode == ENDPOINT_READ ? STDIN_FILENO : STDOUT_FILENO;
	int err;

	if (is_stdio && ep->mode == ENDPOINT_DUPLEX) {
		log_error(ep->name, "- is one direction: standard input or "
			  "standard output");
		return -EINVAL;
	}
	if (is_taken(ep, fd))
		return -EINVAL;
	err = check_access(ep, fd);
	if (err < 0)
		return err;
	ep->one_shot = true;
	switch (uv_guess_handle(fd)) {
	case UV_TTY:
		log_error(ep->name, "%s is a terminal; frames are binary",
			  fd == STDIN_FILENO ? "standard input" :
			  fd == STDOUT_FILENO ? "standard output" :
			  ep->spec.text);
		return -EINVAL;
	case UV_FILE:		/* /dev/null too: always ready, no poll */
		return endpoint_link_up(ep, fd, false);
	case UV_NAMED_PIPE:
	case UV_TCP:
		return attach_pollable(ep, fd);
	default:
		log_error(ep->name, "%s: neither a stream nor a file",
			  ep->spec.text);
		return -EINVAL;
	}
}

const struct endpoint_ops endpoint_file_ops = {
	.form = OUTQ_PLAIN,
	.open = file_open,
	.read = endpoint_stream_read,
	.write = endpoint_stream_write,
};
