/* SPDX-License-Identifier: ISC */
/*
 * Both ends of many TCP connections that are to outlive their server: every
 * byte is checked, and the longest time in which a connection did not go on is
 * measured.
 *
 *	serve [-c CONGESTION] PORT DOWN UP
 *			sends DOWN bytes over every connection, takes UP bytes, and
 *			ends it with a FIN when all were right, else with a RST
 *	fetch [-c CONGESTION] [-b FIRST_PORT] ADDRESS PORT COUNT DOWN UP MARK PATIENCE
 *			the other end, of COUNT connections, bound to FIRST_PORT and
 *			the ports behind it
 *	can CONGESTION	exit status 0 if the kernel has it
 *
 * CONGESTION is the name of a congestion control for what this end sends; one
 * that the kernel does not have is an error. fetch says `mark BYTES` once,
 * when so many bytes of all connections have been done (received, or sent
 * and acknowledged; MARK 0: never).
 *
 * So that no connection is over before a guest's death however slow the rest of the
 * machine is, fetch sends three quarters of UP only until its standard input has a
 * byte, and serve three quarters of DOWN only until it has got more than that of UP
 * (where UP is not 0). At the end fetch says
 *
 *	end WHOLE LONGEST_MS REASON
 *
 * WHOLE is how many connections were right to the FIN, LONGEST_MS the longest
 * time since the mark in which one of them did not go on, and REASON `whole` or
 * what became of the last one that failed. PATIENCE seconds without a byte, once
 * nothing is kept back, are its end, too.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BUF_LEN (64u << 10)	/* a multiple of a word */
#define CONNECTIONS_MAX 256
#define LOOK_MS 2		/* so often progress is looked at */
#define GOLDEN UINT64_C(0x9e3779b97f4a7c15)

struct connection {
	int fd;			/* -1 = over */
	uint64_t seed;
	uint64_t sent, to_send;
	uint64_t received, to_receive;
	uint64_t done;		/* received, or sent and acknowledged */
	uint64_t last_ms;	/* when that last grew */
	bool is_shut;		/* the server has sent its FIN */
	const char *why;	/* it ended */
};

struct transfer {
	bool is_server;
	bool may_end;		/* fetch keeps nothing back */
	uint64_t told_ms;	/* since then */
	uint16_t first_port;	/* that fetch binds to; 0 = any */
	struct connection c[CONNECTIONS_MAX];
	size_t n;
	uint64_t down, up, mark, patience_ms;
	uint64_t looked_ms, longest_ms;
	const char *congestion;
};

static const char whole[] = "whole";

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void give_up(const char *what)
{
	fprintf(stderr, "transfer: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* The bytes of a connection from @offset on. */
static void fill(uint8_t *buf, uint64_t seed, uint64_t offset, size_t len)
{
	for (size_t i = 0; i < len; i++, offset++) {
		uint64_t word = (offset / 8 + seed + 1) * GOLDEN;

		if (offset % 8 == 0 && len - i >= sizeof(word)) {
			memcpy(buf + i, &word, sizeof(word));
			i += sizeof(word) - 1;
			offset += sizeof(word) - 1;
		} else {
			buf[i] = (uint8_t)(word >> offset % 8 * 8);
		}
	}
}

static void set_congestion(int fd, const char *name)
{
	if (name && setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name,
			       (socklen_t)strlen(name)))
		give_up(name);
}

/* --- one connection --- */

static void end(struct connection *c, const char *why)
{
	const struct linger reset = { .l_onoff = 1 };

	if (why != whole)
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(c->fd);
	c->fd = -1;
	c->why = why;
}

static uint64_t three_quarters(uint64_t total)
{
	return total / 4 * 3;
}

static bool keeps_back(const struct transfer *t, const struct connection *c)
{
	if (t->is_server)
		return c->to_receive &&
		       c->received <= three_quarters(c->to_receive);
	return !t->may_end;
}

/* How many bytes may have been sent now. */
static uint64_t allowed(const struct transfer *t, const struct connection *c)
{
	return keeps_back(t, c) ? three_quarters(c->to_send) : c->to_send;
}

static void send_some(const struct transfer *t, struct connection *c)
{
	static uint8_t buf[BUF_LEN];
	uint64_t left = allowed(t, c) - c->sent;
	ssize_t n;

	fill(buf, c->seed, c->sent, BUF_LEN);
	n = send(c->fd, buf, left < BUF_LEN ? (size_t)left : BUF_LEN, 0);
	if (n >= 0)
		c->sent += (uint64_t)n;
	else if (errno != EAGAIN)
		end(c, strerror(errno));
}

static void on_fin(struct connection *c, bool is_server)
{
	if (c->received < c->to_receive || (!is_server && c->sent < c->to_send))
		end(c, "closed early");
	else
		end(c, whole);
}

static void receive_some(struct connection *c, bool is_server)
{
	static uint8_t got[BUF_LEN], want[BUF_LEN];
	ssize_t n = recv(c->fd, got, sizeof(got), 0);

	if (n == 0)
		on_fin(c, is_server);
	if (n < 0 && errno != EAGAIN)
		end(c, strerror(errno));
	if (n <= 0)
		return;
	fill(want, c->seed, c->received, (size_t)n);
	c->received += (uint64_t)n;
	if (memcmp(got, want, (size_t)n) || c->received > c->to_receive)
		end(c, "wrong bytes");
}

static bool is_silent(const struct transfer *t, const struct connection *c,
		      uint64_t now)
{
	uint64_t since = c->last_ms > t->told_ms ? c->last_ms : t->told_ms;

	return t->may_end && now - since > t->patience_ms;
}

static void look_at(struct transfer *t, struct connection *c, uint64_t now)
{
	uint64_t done;
	int unsent = 0;

	if (ioctl(c->fd, SIOCOUTQ, &unsent))
		give_up("SIOCOUTQ");
	done = c->received + c->sent - (uint64_t)unsent;
	if (now - c->last_ms > t->longest_ms)
		t->longest_ms = now - c->last_ms;
	if (done != c->done)
		c->last_ms = now;
	else if (is_silent(t, c, now))
		end(c, "silence");
	c->done = done;
}

/* --- all of them --- */

static void add(struct transfer *t, int fd, const struct sockaddr_in *client)
{
	struct connection *c = &t->c[t->n++];

	set_congestion(fd, t->congestion);
	*c = (struct connection){
		.fd = fd,
		.seed = (uint64_t)client->sin_port << 32,
		.to_send = t->is_server ? t->down : t->up,
		.to_receive = t->is_server ? t->up : t->down,
		.last_ms = now_ms(),
	};
}

static void work(const struct transfer *t, struct connection *c, short events)
{
	if (events & (POLLIN | POLLHUP | POLLERR))
		receive_some(c, t->is_server);
	if (c->fd >= 0 && (events & POLLOUT))
		send_some(t, c);
	if (c->fd >= 0 && t->is_server && !c->is_shut &&
	    c->sent == c->to_send && c->received == c->to_receive) {
		shutdown(c->fd, SHUT_WR);
		c->is_shut = true;
	}
}

static void look(struct transfer *t)
{
	uint64_t now = now_ms(), total = 0;

	if (now - t->looked_ms < LOOK_MS)
		return;
	t->looked_ms = now;
	for (size_t i = 0; i < t->n; i++) {
		if (t->c[i].fd >= 0)
			look_at(t, &t->c[i], now);
		total += t->c[i].done;
	}
	if (t->mark && total >= t->mark) {
		printf("mark %" PRIu64 "\n", total);
		t->mark = 0;
		t->longest_ms = 0;
	}
}

static void accept_one(struct transfer *t, int listener)
{
	struct sockaddr_in client = { .sin_family = AF_UNSPEC };
	socklen_t len = sizeof(client);
	int fd = accept4(listener, (struct sockaddr *)&client, &len,
			 SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0)
		add(t, fd, &client);
}

static short wanted(const struct transfer *t, const struct connection *c)
{
	return (short)(POLLIN | (c->sent < allowed(t, c) ? POLLOUT : 0));
}

/* Waits for what can go on; @other: the server's listener, the client's
 * standard input, -1 for none. Return: how many connections live. */
static size_t turn(struct transfer *t, int other)
{
	struct pollfd fds[CONNECTIONS_MAX + 1];
	size_t n = t->n, n_alive = 0;

	for (size_t i = 0; i < n; i++) {
		fds[i] = (struct pollfd){ t->c[i].fd, wanted(t, &t->c[i]), 0 };
		n_alive += t->c[i].fd >= 0;
	}
	fds[n] = (struct pollfd){ other, POLLIN, 0 };
	if (poll(fds, n + 1, LOOK_MS) < 0)
		give_up("poll");
	for (size_t i = 0; i < n; i++)
		if (fds[i].fd >= 0)
			work(t, &t->c[i], fds[i].revents);
	if (fds[n].revents && t->is_server) {
		accept_one(t, other);
	} else if (fds[n].revents) {
		t->may_end = true;
		t->told_ms = now_ms();
	}
	return n_alive;
}

static int open_socket(void)
{
	const int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)))
		give_up("socket");
	return fd;
}

static void bind_to(int fd, uint16_t port)
{
	const struct sockaddr_in sin = { .sin_family = AF_INET,
					 .sin_port = htons(port) };

	if (bind(fd, (const struct sockaddr *)&sin, sizeof(sin)))
		give_up("bind");
}

static void serve(struct transfer *t, const char *port)
{
	int fd = open_socket();

	set_congestion(fd, t->congestion);
	bind_to(fd, (uint16_t)atoi(port));
	if (listen(fd, CONNECTIONS_MAX))
		give_up("listen");
	while (t->n < CONNECTIONS_MAX)
		turn(t, fd);
	while (turn(t, -1))
		;
}

static void dial(struct transfer *t, const char *address, const char *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_port = htons((uint16_t)atoi(port)) };
	socklen_t len = sizeof(sin);
	int fd = open_socket(), on = 1;

	if (t->first_port)
		bind_to(fd, (uint16_t)(t->first_port + t->n));
	if (inet_pton(AF_INET, address, &sin.sin_addr) != 1 ||
	    connect(fd, (const struct sockaddr *)&sin, len) ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) ||
	    ioctl(fd, FIONBIO, &on))
		give_up(address);
	add(t, fd, &sin);
}

static int fetch(struct transfer *t, const char *address, const char *port,
		 size_t count)
{
	const char *why = whole;
	size_t n_whole = 0;

	while (t->n < count)
		dial(t, address, port);
	while (turn(t, t->may_end ? -1 : STDIN_FILENO))
		look(t);
	for (size_t i = 0; i < t->n; i++) {
		if (t->c[i].why == whole)
			n_whole++;
		else
			why = t->c[i].why;
	}
	printf("end %zu %" PRIu64 " %s\n", n_whole, t->longest_ms, why);
	return n_whole < count;
}

static uint64_t number(const char *text)
{
	return strtoull(text, NULL, 10);
}

static int usage(void)
{
	fputs("usage: transfer serve|fetch|can ...\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	static struct transfer t;
	const char *what = argc > 1 ? argv[1] : "";
	int opt;

	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 3 && !strcmp(what, "can")) {
		set_congestion(open_socket(), argv[2]);
		return 0;
	}
	optind = 2;
	while ((opt = getopt(argc, argv, "b:c:")) != -1) {
		if (opt == 'b')
			t.first_port = (uint16_t)number(optarg);
		else if (opt == 'c')
			t.congestion = optarg;
		else
			return usage();
	}
	argc -= optind;
	argv += optind;
	if (argc == 3 && !strcmp(what, "serve")) {
		t.is_server = true;
		t.down = number(argv[1]);
		t.up = number(argv[2]);
		serve(&t, argv[0]);
		return 0;
	}
	if (argc == 7 && !strcmp(what, "fetch") &&
	    number(argv[2]) <= CONNECTIONS_MAX) {
		t.down = number(argv[3]);
		t.up = number(argv[4]);
		t.mark = number(argv[5]);
		t.patience_ms = number(argv[6]) * 1000;
		return fetch(&t, argv[0], argv[1], number(argv[2]));
	}
	return usage();
}
