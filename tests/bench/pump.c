/* SPDX-License-Identifier: ISC */
/*
 * The floor: a program that moves the bytes a tool has to move and looks at
 * nothing. The first input is copied to every output, further inputs are read
 * and thrown away. What a tool costs above this is what it does.
 *
 *	pump [-f corrupt|swap|drop] IN... : OUT...	(paths, listened on)
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
#include <unistd.h>

#include "../../common/bytes.h"

#define BUFFER (256u * 1024u)
#define ENDS_MAX 4u
#define FAULT_AT 1000u

enum fault { FAULT_NONE, FAULT_CORRUPT, FAULT_SWAP, FAULT_DROP };

struct pump {
	int in[ENDS_MAX], out[ENDS_MAX];
	unsigned n_in, n_out;
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

static int listen_at(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t len = strlen(path);

	if (len >= sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		die(path);
	}
	memcpy(sun.sun_path, path, len);
	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0 ||
	    listen(fd, 1) < 0)
		die(path);
	return fd;
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
		write_all(p->out[i], at, len);
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

/* Return: false at the end of the input. */
static bool move(struct pump *p, unsigned i)
{
	size_t kept = i == 0 ? p->kept : 0;
	ssize_t n = read(p->in[i], i == 0 ? p->buffer + kept : p->nobody,
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

		if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, p->in[i], &ev) < 0)
			die("epoll_ctl");
	}
	while (n_open) {
		struct epoll_event v[ENDS_MAX];
		int n = epoll_wait(poll_fd, v, ENDS_MAX, -1);

		for (int i = 0; i < n; i++) {
			if (!move(p, v[i].data.u32)) {
				epoll_ctl(poll_fd, EPOLL_CTL_DEL,
					  p->in[v[i].data.u32], NULL);
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

int main(int argc, char **argv)
{
	static struct pump p;
	bool is_out = false;
	int i = 1;

	signal(SIGPIPE, SIG_IGN);
	if (argc > 2 && !strcmp(argv[1], "-f")) {
		p.fault = fault_of(argv[2]);
		i = 3;
	}
	for (; i < argc; i++) {
		if (!strcmp(argv[i], ":"))
			is_out = true;
		else if (is_out && p.n_out < ENDS_MAX)
			p.out[p.n_out++] = listen_at(argv[i]);
		else if (!is_out && p.n_in < ENDS_MAX)
			p.in[p.n_in++] = listen_at(argv[i]);
	}
	if (!p.n_in || !p.n_out) {
		fprintf(stderr, "usage: pump [-f corrupt|swap|drop] "
			"IN... : OUT...\n");
		return 2;
	}
	for (unsigned k = 0; k < p.n_in; k++)
		p.in[k] = accept_one(p.in[k]);
	for (unsigned k = 0; k < p.n_out; k++)
		p.out[k] = accept_one(p.out[k]);
	run(&p);
	return 0;
}
