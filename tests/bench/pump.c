/* SPDX-License-Identifier: ISC */
/*
 * The floor: a program that moves the bytes a tool has to move and looks at
 * nothing. The first input is copied to every output, further inputs are read
 * and thrown away. What a tool costs above this is what it does.
 *
 *	pump [-w] [-b BYTES] [-f corrupt|swap|drop] IN... : OUT...
 *
 * IN and OUT are paths that are listened on; +PATH is connected to. -b is what the
 * kernel may keep for an output's reader (SO_SNDBUF).
 *
 * -w lets what the first input brings wait until the second has brought as many
 * bytes, as a packet waits for its twin: the floor of a tool that holds.
 *
 * -f makes it a bad one, for the test of the generator's checks: the frame
 * number FAULT_AT has a bit flipped, changes places with the next, is missing.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "../../common/bytes.h"

#define BUFFER (256u * 1024u)
#define ENDS_MAX 4u
#define FAULT_AT 1000u
#define CONNECT_TRIES 500u	/* ten milliseconds apart */

enum fault { FAULT_NONE, FAULT_CORRUPT, FAULT_SWAP, FAULT_DROP };

/* What waits, in the order in which it came. */
struct waiting {
	struct waiting *next;
	size_t begin, end;		/* of @bytes, what has not left */
	uint8_t bytes[BUFFER];
};

struct end {
	int fd;
	bool listens;			/* until somebody has come */
};

struct pump {
	struct end in[ENDS_MAX], out[ENDS_MAX];
	unsigned n_in, n_out;
	bool waits;			/* -w */
	int sndbuf;			/* -b, bytes; 0: the kernel's default */
	struct waiting *first, *last, *spare;
	size_t n_due;			/* bytes that the second input let go */
	enum fault fault;
	uint64_t n_frames;		/* seen by a faulty one */
	size_t kept;			/* a half frame of a faulty one */
	uint8_t buffer[BUFFER];
	uint8_t nobody[BUFFER];		/* where the other inputs go */
};

static void die(const char *what)
{
	fprintf(stderr, "pump: %s: %s\n", what, strerror(errno));
	exit(1);
}

static struct sockaddr_un address_of(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	size_t len = strlen(path);

	if (len >= sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		die(path);
	}
	memcpy(sun.sun_path, path, len);
	return sun;
}

static int listen_at(const char *path)
{
	struct sockaddr_un sun = address_of(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0 ||
	    listen(fd, 1) < 0)
		die(path);
	return fd;
}

/* As soon as somebody listens there. */
static int connect_to(const char *path)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	struct sockaddr_un sun = address_of(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	for (unsigned i = 0; i < CONNECT_TRIES; i++) {
		if (!connect(fd, (struct sockaddr *)&sun, sizeof(sun)))
			return fd;
		nanosleep(&pause, NULL);
	}
	die(path);
	return -1;
}

static int accept_one(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		die("accept");
	close(listener);
	return fd;
}

static void write_all(int fd, const uint8_t *at, size_t len)
{
	while (len) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EPIPE)
			exit(0);
		if (n < 0)
			die("write");
		at += n;
		len -= (size_t)n;
	}
}

static void write_out(const struct pump *p, const uint8_t *at, size_t len)
{
	for (unsigned i = 0; i < p->n_out; i++)
		write_all(p->out[i].fd, at, len);
}

/* The frame and the next one change places; both are there whole. */
static size_t swap_frames(const struct pump *p, const uint8_t *at,
			  size_t frame_len, size_t len)
{
	size_t next_len = 4 + bytes_get32(at + frame_len);

	if (frame_len + next_len > len)
		return 0;
	write_out(p, at + frame_len, next_len);
	write_out(p, at, frame_len);
	return frame_len + next_len;
}

/* Whole frames go out, one of them wrong; the rest is kept for the next read.
 * Return: bytes used. */
static size_t write_faulty(struct pump *p, uint8_t *at, size_t len)
{
	size_t used = 0;

	while (len - used >= 4) {
		size_t frame_len = 4 + bytes_get32(at + used), n = frame_len;

		if (len - used < frame_len)
			break;
		p->n_frames++;
		if (p->n_frames != FAULT_AT) {
			write_out(p, at + used, frame_len);
		} else if (p->fault == FAULT_CORRUPT) {
			at[used + frame_len - 1] ^= 1;
			write_out(p, at + used, frame_len);
		} else if (p->fault == FAULT_SWAP) {
			n = swap_frames(p, at + used, frame_len, len - used);
			if (!n) {
				p->n_frames--;
				break;
			}
		}
		used += n;
	}
	return used;
}

/* Where the next bytes that wait are read to: a whole buffer, one that was used
 * lately, so that it may be in the cache still. */
static struct waiting *room_to_wait(struct pump *p)
{
	struct waiting *w = p->spare;

	if (w)
		p->spare = w->next;
	else
		w = malloc(sizeof(*w));
	if (!w)
		die("malloc");
	w->next = NULL;
	w->begin = w->end = 0;
	if (p->first)
		p->last->next = w;
	else
		p->first = w;
	p->last = w;
	return w;
}

static void write_due(struct pump *p)
{
	while (p->first && p->n_due) {
		struct waiting *w = p->first;
		size_t n = w->end - w->begin;

		if (n > p->n_due)
			n = p->n_due;
		write_out(p, w->bytes + w->begin, n);
		p->n_due -= n;
		w->begin += n;
		if (w->begin < w->end)
			break;
		p->first = w->next;
		w->next = p->spare;
		p->spare = w;
	}
}

/* Return: false at the end of the input. */
static bool move_waiting(struct pump *p, unsigned i)
{
	struct waiting *w = i == 0 ? room_to_wait(p) : NULL;
	ssize_t n = read(p->in[i].fd, w ? w->bytes : p->nobody, BUFFER);

	if (n > 0 && w)
		w->end = (size_t)n;
	else if (n > 0)
		p->n_due += (size_t)n;
	if (n < 0)
		die("read");
	write_due(p);
	return n;
}

/* Return: false at the end of the input. */
static bool move(struct pump *p, unsigned i)
{
	size_t kept = i == 0 ? p->kept : 0;
	ssize_t n = read(p->in[i].fd, i == 0 ? p->buffer + kept : p->nobody,
			 BUFFER - kept);

	if (n < 0)
		die("read");
	if (i > 0 || !n)
		return n;
	if (p->fault) {
		size_t len = kept + (size_t)n;
		size_t used = write_faulty(p, p->buffer, len);

		p->kept = len - used;
		memmove(p->buffer, p->buffer + used, p->kept);
	} else {
		write_out(p, p->buffer, (size_t)n);
	}
	return true;
}

static void run(struct pump *p)
{
	int poll_fd = epoll_create1(EPOLL_CLOEXEC);
	unsigned n_open = p->n_in;

	for (unsigned i = 0; i < p->n_in; i++) {
		struct epoll_event ev = { .events = EPOLLIN, .data.u32 = i };

		if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, p->in[i].fd, &ev) < 0)
			die("epoll_ctl");
	}
	while (n_open) {
		struct epoll_event v[ENDS_MAX];
		int n = epoll_wait(poll_fd, v, ENDS_MAX, -1);

		for (int i = 0; i < n; i++) {
			if (p->waits ? !move_waiting(p, v[i].data.u32) :
				       !move(p, v[i].data.u32)) {
				epoll_ctl(poll_fd, EPOLL_CTL_DEL,
					  p->in[v[i].data.u32].fd, NULL);
				n_open--;
			}
		}
	}
}

static enum fault fault_of(const char *text)
{
	static const char *const names[] = { "", "corrupt", "swap", "drop" };

	for (int i = FAULT_CORRUPT; i <= FAULT_DROP; i++) {
		if (!strcmp(text, names[i]))
			return (enum fault)i;
	}
	return FAULT_NONE;
}

static struct end open_end(const char *path)
{
	if (*path == '+')
		return (struct end){ .fd = connect_to(path + 1) };
	return (struct end){ .fd = listen_at(path), .listens = true };
}

/* Return: whether there are ends of both kinds. */
static bool open_ends(struct pump *p, char **argv)
{
	bool is_out = false;

	for (; *argv; argv++) {
		if (!strcmp(*argv, ":"))
			is_out = true;
		else if (is_out && p->n_out < ENDS_MAX)
			p->out[p->n_out++] = open_end(*argv);
		else if (!is_out && p->n_in < ENDS_MAX)
			p->in[p->n_in++] = open_end(*argv);
	}
	return p->n_in && p->n_out;
}

static void accept_all(struct end *v, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (v[i].listens)
			v[i] = (struct end){ .fd = accept_one(v[i].fd) };
	}
}

int main(int argc, char **argv)
{
	static struct pump p;
	int code;

	signal(SIGPIPE, SIG_IGN);
	while ((code = getopt(argc, argv, "wb:f:")) > 0) {
		if (code == 'w')
			p.waits = true;
		else if (code == 'b')
			p.sndbuf = atoi(optarg);
		else if (code == 'f')
			p.fault = fault_of(optarg);
	}
	if (!open_ends(&p, argv + optind)) {
		fprintf(stderr, "usage: pump [-w] [-b BYTES] "
			"[-f corrupt|swap|drop] IN... : OUT...\n");
		return 2;
	}
	accept_all(p.in, p.n_in);
	accept_all(p.out, p.n_out);
	for (unsigned i = 0; p.sndbuf && i < p.n_out; i++)
		setsockopt(p.out[i].fd, SOL_SOCKET, SO_SNDBUF, &p.sndbuf,
			   sizeof(p.sndbuf));
	run(&p);
	return 0;
}
