/* SPDX-License-Identifier: ISC */
/*
 * Byte streams: how every stream is read and written, and the kinds `-` and
 * fd:N, which are open already.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "endpoint_impl.h"

#define N_IOV 256

/* A peer that stopped sending may still be receiving (shutdown(2)); on a
 * UNIX socket or a pipe the kernel says which, TCP looks the same. */
static bool peer_is_gone(const struct endpoint *ep)
{
	struct pollfd p = { .fd = ep->fd, .events = POLLOUT };

	if (ep->spec.kind == ENDPOINT_TCP ||
	    ep->spec.kind == ENDPOINT_TCP_LISTEN)
		return true;
	return poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR));
}

/* An output's peer has nothing to say; its end of file is all we want. */
static void read_and_ignore(struct endpoint *ep)
{
	uint8_t nothing[4096];
	ssize_t n = read(ep->fd, nothing, sizeof(nothing));

	if (n > 0)
		log_warn(ep->name, "the peer of an output sends: ignored");
	else if (n < 0 && errno == EBADF)	/* a pipe without a reader */
		endpoint_lost(ep, -EPIPE, "write");
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		endpoint_lost(ep, -errno, "read");
	else if (n == 0 && peer_is_gone(ep))
		endpoint_lost(ep, 0, "connection closed");
	else if (n == 0)
		ep->half_closed = true;
}

static void on_end_of_file(struct endpoint *ep)
{
	if (ep->one_shot)
		endpoint_input_over(ep, 0, "read");
	else
		endpoint_lost(ep, 0, "connection closed");
}

/**
 * endpoint_stream_read() - One large read of a byte stream
 * @ep:		The endpoint, readable
 */
void endpoint_stream_read(struct endpoint *ep)
{
	uint8_t *room;
	size_t len;
	ssize_t n;

	if (!(ep->mode & ENDPOINT_READ)) {
		read_and_ignore(ep);
		return;
	}
	room = frame_decoder_room(&ep->decoder, &len);
	n = read(ep->fd, room, len);
	if (n > 0) {
		ep->has_spoken = true;
		frame_decoder_filled(&ep->decoder, (size_t)n);
		endpoint_deliver(ep);
	} else if (n == 0) {
		on_end_of_file(ep);
	} else if (errno != EAGAIN && errno != EINTR) {
		endpoint_lost(ep, -errno, "read");
	}
}

/* A write is often the first to find that the peer has gone. What it said before
 * is read when nobody is in the middle of anything: endpoint_last_words(). */
static void on_write_error(struct endpoint *ep, int err)
{
	if ((ep->mode & ENDPOINT_READ) && !ep->ended && ep->poll &&
	    peer_is_gone(ep))
		ep->write_err = err;
	else
		endpoint_lost(ep, err, "write");
}

/**
 * endpoint_stream_write() - Write the queue as far as the kernel takes it
 * @ep:		The endpoint, up
 */
void endpoint_stream_write(struct endpoint *ep)
{
	struct iovec iov[N_IOV];

	while (ep->outq.count) {
		unsigned n_iov = outq_iov(&ep->outq, iov, N_IOV);
		ssize_t n = writev(ep->fd, iov, (int)n_iov);

		if (n >= 0) {
			ep->count.out += outq_sent(&ep->outq, (size_t)n);
			ep->count.out_bytes += (size_t)n;
		} else if (errno == EAGAIN) {
			ep->want_write = true;
			return;
		} else if (errno != EINTR) {
			on_write_error(ep, -errno);
			return;
		}
	}
}

/* Standard input and output are often one socket (socat's EXEC, inetd). */
static struct endpoint *same_socket(const struct endpoint *ep, int fd)
{
	struct stat mine, st;

	if (fstat(fd, &mine) || !S_ISSOCK(mine.st_mode))
		return NULL;
	for (struct endpoint *o = ep->loop->endpoints; o; o = o->next) {
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
			endpoint_watch(other);
		}
		ep->fd_flags = other->fd_flags;
		other->fd_flags = -1;
	} else {
		ep->fd_flags = flags;
	}
	return endpoint_attached(ep, fd, true);
}

/* Two endpoints on one descriptor would tear each other's frames apart. */
static bool is_taken(const struct endpoint *ep, int fd)
{
	for (struct endpoint *o = ep->loop->endpoints; o; o = o->next) {
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
		return endpoint_attached(ep, fd, false);
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

static int null_open(struct endpoint *ep)
{
	ep->one_shot = true;
	ep->up = true;
	ep->ended = true;
	endpoint_settled(ep);
	return 0;
}

static void null_read(struct endpoint *ep)
{
	(void)ep;
}

static void null_write(struct endpoint *ep)
{
	(void)ep;
}

static void null_send(struct endpoint *ep, const struct frame *f)
{
	ep->count.out++;
	ep->count.out_bytes += f->len;
}

const struct endpoint_ops endpoint_null_ops = {
	.form = OUTQ_PLAIN,
	.open = null_open,
	.read = null_read,
	.write = null_write,
	.send = null_send,
};
