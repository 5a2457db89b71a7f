/* SPDX-License-Identifier: ISC */
/*
 * The client of the demo: it connects, copies what it receives to standard output
 * and measures pauses. On standard error it prints `mark BYTES` once, as soon as
 * that many bytes have come, and at the end
 *
 *	end BYTES LONGEST_MS REASON
 *
 * where LONGEST_MS is the longest time between two arrivals (the first counts
 * from the connection on), and REASON is why it ended: `closed` by the server's
 * FIN, or the error. A client that only waits does not notice a dead server, so
 * it also ends after PATIENCE seconds of silence.
 *
 * With a file as the last argument a line `MS BYTES` is written there when something
 * comes, at most one in SAMPLE_MS milliseconds, and one at the end: the time of day,
 * and what has come until then.
 *
 * After half as many bytes more it waits for a byte on standard input, so that
 * even on a fast machine the download does not end before the server is dead.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BUF_LEN (256u << 10)
#define SAMPLE_MS 5

struct fetch {
	int fd;
	uint64_t mark;		/* bytes */
	uint64_t bytes;
	uint64_t last_ns, longest_ns;
	bool may_end;
	FILE *samples;		/* or NULL */
	uint64_t sampled_ms;
};

static uint64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int parse_addr(struct sockaddr_in *sin, const char *addr,
		      const char *port)
{
	sin->sin_family = AF_INET;
	sin->sin_port = htons((uint16_t)atoi(port));
	return inet_pton(AF_INET, addr, &sin->sin_addr) == 1 ? 0 : -EINVAL;
}

static int fetch_connect(struct fetch *f, const struct sockaddr_in *from,
			 const struct sockaddr_in *to, time_t patience_s)
{
	const struct timeval tv = { .tv_sec = patience_s };
	const int one = 1;

	f->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (f->fd < 0 ||
	    setsockopt(f->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    setsockopt(f->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) ||
	    setsockopt(f->fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) ||
	    bind(f->fd, (const struct sockaddr *)from, sizeof(*from)) ||
	    connect(f->fd, (const struct sockaddr *)to, sizeof(*to)))
		return -errno;
	return 0;
}

static int write_all(const char *buf, size_t len)
{
	while (len > 0) {
		ssize_t n = write(STDOUT_FILENO, buf, len);

		if (n < 0)
			return -errno;
		buf += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Waits for the byte on standard input, when that many bytes have come. */
static void fetch_wait(struct fetch *f)
{
	char c;

	if (f->may_end || f->bytes < f->mark + f->mark / 2)
		return;
	f->may_end = true;
	if (read(STDIN_FILENO, &c, 1) < 0)
		perror("fetch: standard input");
}

/* In the time of day, as the shell has it for what else happens. */
static void fetch_sample(struct fetch *f, bool is_last)
{
	uint64_t ms = now_ns(CLOCK_REALTIME) / 1000000;

	if (!f->samples || (!is_last && ms < f->sampled_ms + SAMPLE_MS))
		return;
	f->sampled_ms = ms;
	fprintf(f->samples, "%llu %llu\n", (unsigned long long)ms,
		(unsigned long long)f->bytes);
}

static void fetch_count(struct fetch *f, size_t n)
{
	uint64_t now = now_ns(CLOCK_MONOTONIC), before = f->bytes;

	if (now - f->last_ns > f->longest_ns)
		f->longest_ns = now - f->last_ns;
	f->last_ns = now;
	f->bytes += n;
	fetch_sample(f, false);
	if (before < f->mark && f->bytes >= f->mark)
		fprintf(stderr, "mark %llu\n", (unsigned long long)f->bytes);
}

/* Receives until the end. Return: 0 at the server's FIN, or a negative errno. */
static int fetch_copy(struct fetch *f)
{
	static char buf[BUF_LEN];
	ssize_t n;
	int ret = 0;

	f->last_ns = now_ns(CLOCK_MONOTONIC);
	while (ret == 0 && (n = recv(f->fd, buf, sizeof(buf), 0)) != 0) {
		if (n < 0) {
			ret = -errno;
			fetch_count(f, 0);	/* this wait counts too */
			return ret;
		}
		fetch_count(f, (size_t)n);
		ret = write_all(buf, (size_t)n);
		fetch_wait(f);
	}
	return ret;
}

static const char *reason(int ret)
{
	if (ret == 0)
		return "closed";
	return ret == -EAGAIN || ret == -EINPROGRESS ? "silence" :
						       strerror(-ret);
}

int main(int argc, char **argv)
{
	struct sockaddr_in from = { .sin_family = AF_UNSPEC }, to = from;
	struct fetch f = { .fd = -1 };
	int ret;

	if (argc < 7 || argc > 8 || parse_addr(&from, argv[1], argv[2]) < 0 ||
	    parse_addr(&to, argv[3], argv[4]) < 0) {
		fputs("usage: fetch FROM-ADDRESS PORT ADDRESS PORT MARK-BYTES "
		      "PATIENCE-SECONDS [SAMPLES-FILE]\n", stderr);
		return 2;
	}
	if (argc == 8 && !(f.samples = fopen(argv[7], "w"))) {
		perror(argv[7]);
		return 2;
	}
	setvbuf(stderr, NULL, _IOLBF, 0);
	f.mark = strtoull(argv[5], NULL, 10);
	ret = fetch_connect(&f, &from, &to, atoi(argv[6]));
	if (ret == 0)
		ret = fetch_copy(&f);
	fprintf(stderr, "end %llu %llu %s\n", (unsigned long long)f.bytes,
		(unsigned long long)(f.longest_ns / 1000000), reason(ret));
	fetch_sample(&f, true);
	if (f.samples && fclose(f.samples))
		perror(argv[7]);
	return ret < 0;
}
