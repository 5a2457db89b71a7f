/* SPDX-License-Identifier: ISC */
/*
 * Both ends of many connections: short ones at a rate, and long downloads, each
 * followed by another. Every byte is checked.
 *
 *	load serve PORT
 *	load fetch ADDRESS PORT RATE BYTES LONG LONG_BYTES LONG_SECONDS
 *
 * fetch opens RATE connections a second that download BYTES, and keeps LONG
 * downloads going, of LONG_BYTES in LONG_SECONDS each. With LONG_SECONDS 0 each
 * takes as long as it takes, and there is no other one. At each line on
 * standard input it prints what has been since the last one:
 *
 *	DONE LOST LONG_DONE LONG_LOST LONGEST_MS WHY
 *
 * LONGEST_MS is the longest time that a connection waited for its next byte, WHY
 * the end of the last one that was lost, or `none`. At the end of the input it
 * opens no more, waits for all that there are, and prints the last line.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BUF_LEN (64u << 10)
#define CONNECTIONS_MAX 1000
#define LOOK_MS 5		/* so often the time is looked at */
#define PATIENCE_MS 20000u	/* so much silence is the end */
#define RECEIVE_BUF (128 << 10)	/* so that a server's death is noticed */
#define GOLDEN UINT64_C(0x9e3779b97f4a7c15)

struct request {
	uint64_t seed, len;
};

struct connection {
	int fd;			/* -1: free */
	bool is_long;
	bool is_connected;
	struct request request;
	size_t request_len;	/* bytes of it that were read or written */
	uint64_t done;
	uint64_t began_ms, last_ms;
};

struct load {
	struct connection c[CONNECTIONS_MAX];
	struct sockaddr_in server;
	unsigned rate, n_long, long_s;
	uint64_t bytes, long_bytes;
	uint64_t began_ms, n_begun, seed;
	unsigned n_live[2];		/* short, long */
	bool is_ending;
	unsigned n_done[2], n_lost[2];
	uint64_t longest_ms;
	const char *why;
};

static uint8_t buf[BUF_LEN];

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void give_up(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint8_t byte_at(const struct request *r, uint64_t offset)
{
	return (uint8_t)(((r->seed + offset) * GOLDEN) >> 56);
}

static struct connection *find_free(struct load *l)
{
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		if (l->c[i].fd < 0)
			return &l->c[i];
	return NULL;
}

static int open_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		give_up("socket");
	return fd;
}

/* --- the server --- */

static void drop(struct connection *c)
{
	close(c->fd);
	c->fd = -1;
}

/* Behind the request only the end comes. */
static void serve_read(struct connection *c)
{
	uint8_t *to = (uint8_t *)&c->request;
	ssize_t n = recv(c->fd, to + c->request_len,
			 sizeof(c->request) - c->request_len, 0);

	if (n > 0)
		c->request_len += (size_t)n;
	else if (n == 0 || errno != EAGAIN)
		drop(c);
}

static void serve_write(struct connection *c)
{
	uint64_t left = c->request.len - c->done;
	size_t len = left < BUF_LEN ? (size_t)left : BUF_LEN;
	ssize_t n;

	for (size_t i = 0; i < len; i++)
		buf[i] = byte_at(&c->request, c->done + i);
	n = send(c->fd, buf, len, 0);
	if (n > 0)
		c->done += (uint64_t)n;
	else if (errno != EAGAIN)
		drop(c);
}

static short serve_events(const struct connection *c)
{
	if (c->request_len < sizeof(c->request))
		return POLLIN;
	return c->done < c->request.len ? POLLOUT : POLLIN;
}

static void serve_one(struct load *l, int listener)
{
	struct connection *c = find_free(l);
	int fd;

	if (!c)
		return;
	fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0)
		*c = (struct connection){ .fd = fd };
}

static void serve_turn(struct load *l, int listener)
{
	struct pollfd fds[CONNECTIONS_MAX + 1];

	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		fds[i] = (struct pollfd){ l->c[i].fd, serve_events(&l->c[i]), 0 };
	fds[CONNECTIONS_MAX] = (struct pollfd){ listener, POLLIN, 0 };
	if (poll(fds, CONNECTIONS_MAX + 1, -1) < 0)
		give_up("poll");
	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		if (fds[i].revents && (fds[i].events & POLLOUT))
			serve_write(&l->c[i]);
		else if (fds[i].revents)
			serve_read(&l->c[i]);
	}
	if (fds[CONNECTIONS_MAX].revents)
		serve_one(l, listener);
}

static void serve(struct load *l, const char *port)
{
	const struct sockaddr_in sin = { .sin_family = AF_INET,
					 .sin_port = htons((uint16_t)atoi(port)) };
	int fd = open_socket();

	if (bind(fd, (const struct sockaddr *)&sin, sizeof(sin)) ||
	    listen(fd, CONNECTIONS_MAX))
		give_up("listen");
	for (;;)
		serve_turn(l, fd);
}

/* --- the client --- */

/* @why: NULL when it has everything */
static void end(struct load *l, struct connection *c, const char *why)
{
	drop(c);
	l->n_live[c->is_long]--;
	if (why) {
		l->n_lost[c->is_long]++;
		l->why = why;
	} else {
		l->n_done[c->is_long]++;
	}
}

static void begin(struct load *l, bool is_long, uint64_t now)
{
	struct connection *c = find_free(l);
	const int receive_buf = RECEIVE_BUF;

	if (!c)
		return;
	*c = (struct connection){
		.fd = open_socket(), .is_long = is_long,
		.request = { l->seed += GOLDEN,
			     is_long ? l->long_bytes : l->bytes },
		.began_ms = now, .last_ms = now,
	};
	l->n_live[is_long]++;
	setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &receive_buf,
		   sizeof(receive_buf));
	if (connect(c->fd, (const struct sockaddr *)&l->server,
		    sizeof(l->server)) && errno != EINPROGRESS)
		end(l, c, strerror(errno));
}

/* How much a connection may have by now. */
static uint64_t allowed(const struct load *l, const struct connection *c,
			uint64_t now)
{
	if (!c->is_long || !l->long_s)
		return c->request.len;
	return (now - c->began_ms) * c->request.len / (l->long_s * 1000u);
}

static void ask(struct load *l, struct connection *c)
{
	int err = 0;
	socklen_t len = sizeof(err);

	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len);
	c->is_connected = true;
	if (err)
		end(l, c, strerror(err));
	else if (send(c->fd, &c->request, sizeof(c->request), 0) !=
		 (ssize_t)sizeof(c->request))
		end(l, c, "the request was not taken");
}

static void receive(struct load *l, struct connection *c, uint64_t now)
{
	uint64_t left = allowed(l, c, now) - c->done;
	ssize_t n = recv(c->fd, buf, left < BUF_LEN ? (size_t)left : BUF_LEN, 0);

	if (n < 0 && errno != EAGAIN)
		end(l, c, strerror(errno));
	if (n == 0)
		end(l, c, "closed early");
	for (ssize_t i = 0; i < n; i++) {
		if (buf[i] == byte_at(&c->request, c->done + (uint64_t)i))
			continue;
		end(l, c, "wrong bytes");
		return;
	}
	if (n <= 0)
		return;
	c->done += (uint64_t)n;
	c->last_ms = now;
	if (c->done == c->request.len)
		end(l, c, NULL);
}

/* Return: what it waits for */
static short look_at(struct load *l, struct connection *c, uint64_t now)
{
	if (c->is_connected && c->done >= allowed(l, c, now)) {
		c->last_ms = now;
		return 0;
	}
	if (now - c->last_ms > l->longest_ms)
		l->longest_ms = now - c->last_ms;
	if (now - c->last_ms > PATIENCE_MS)
		end(l, c, "silence");
	return c->is_connected ? POLLIN : POLLOUT;
}

static void begin_due(struct load *l, uint64_t now)
{
	if (l->is_ending)
		return;
	for (; l->n_begun < (now - l->began_ms) * l->rate / 1000; l->n_begun++)
		begin(l, false, now);
	while (l->long_s && l->n_live[1] < l->n_long)
		begin(l, true, now);
}

static void print_line(struct load *l)
{
	printf("%u %u %u %u %" PRIu64 " %s\n", l->n_done[0], l->n_lost[0],
	       l->n_done[1], l->n_lost[1], l->longest_ms, l->why);
	memset(l->n_done, 0, sizeof(l->n_done));
	memset(l->n_lost, 0, sizeof(l->n_lost));
	l->longest_ms = 0;
	l->why = "none";
}

static void hear(struct load *l)
{
	char line[64];
	ssize_t n = read(STDIN_FILENO, line, sizeof(line));

	if (n > 0)
		print_line(l);
	else
		l->is_ending = true;
}

static void fetch_turn(struct load *l)
{
	struct pollfd fds[CONNECTIONS_MAX + 1];
	uint64_t now = now_ms();

	begin_due(l, now);
	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		struct connection *c = &l->c[i];
		short events = 0;

		if (c->fd >= 0)
			events = look_at(l, c, now);
		fds[i] = (struct pollfd){ events ? c->fd : -1, events, 0 };
	}
	fds[CONNECTIONS_MAX] = (struct pollfd){
		l->is_ending ? -1 : STDIN_FILENO, POLLIN, 0 };
	if (poll(fds, CONNECTIONS_MAX + 1, LOOK_MS) < 0)
		give_up("poll");
	now = now_ms();
	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		if (fds[i].fd < 0 || !fds[i].revents)
			continue;
		if (l->c[i].is_connected)
			receive(l, &l->c[i], now);
		else
			ask(l, &l->c[i]);
	}
	if (fds[CONNECTIONS_MAX].revents)
		hear(l);
}

static uint64_t number(const char *text)
{
	return strtoull(text, NULL, 10);
}

static void fetch(struct load *l, char **argv)
{
	l->server = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)number(argv[1])) };
	if (inet_pton(AF_INET, argv[0], &l->server.sin_addr) != 1)
		give_up(argv[0]);
	l->rate = (unsigned)number(argv[2]);
	l->bytes = number(argv[3]);
	l->n_long = (unsigned)number(argv[4]);
	l->long_bytes = number(argv[5]);
	l->long_s = (unsigned)number(argv[6]);
	l->why = "none";
	l->began_ms = now_ms();
	while (l->n_live[1] < l->n_long)
		begin(l, true, l->began_ms);
	while (!l->is_ending || l->n_live[0] || l->n_live[1])
		fetch_turn(l);
	print_line(l);
}

int main(int argc, char **argv)
{
	static struct load l;

	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		l.c[i].fd = -1;
	if (argc == 3 && !strcmp(argv[1], "serve")) {
		serve(&l, argv[2]);
	} else if (argc == 9 && !strcmp(argv[1], "fetch") &&
		   number(argv[6]) < CONNECTIONS_MAX) {
		fetch(&l, argv + 2);
		return 0;
	}
	fputs("usage: load serve PORT\n"
	      "       load fetch ADDRESS PORT RATE BYTES LONG LONG_BYTES "
	      "LONG_SECONDS\n", stderr);
	return 2;
}
