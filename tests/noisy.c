/* SPDX-License-Identifier: ISC */
/*
 * One flow whose replicas never agree, beside one whose replicas always do:
 * sends RATE datagrams a second of the first and 1000 of the second to
 * whatever listens on DIR/p.sock and DIR/s.sock, reads DIR/out.sock, and prints
 * how long the second flow's took. A datagram of it carries the time when it
 * was sent. A frame of the first has 60 bytes, or BYTES. Exit status 1 when
 * nothing has come out for 10 seconds.
 *
 * usage: noisy DIR RATE SECONDS [BYTES]
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../common/bytes.h"

#define FRAME_LEN 60u
#define FRAME_MAX 1514u
#define PAYLOAD_AT (4 + 14 + 20 + 8)
#define PORT_AT (4 + 14 + 20 + 2)	/* the client's */
#define NOISE_PORT 9u
#define PROBE_PORT 7u
#define PROBES_A_SECOND 1000u
#define WAIT_MS 10000

static void die(const char *what)
{
	fprintf(stderr, "noisy: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int dial(const char *dir, const char *name)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/%s.sock", dir, name);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0)
		die(sun.sun_path);
	return fd;
}

/* A datagram: whose, and a number. Return: bytes on the wire. */
static size_t put(uint8_t *at, unsigned len, unsigned port, uint8_t whose,
		  uint64_t number)
{
	memset(at, 0, 4 + len);
	bytes_put32(at, len);
	memcpy(at + 4, "\x52\x54\0\0\0\1\x52\x54\0\0\0\2\x08\0\x45\0", 16);
	bytes_put16(at + 4 + 14 + 2, (uint16_t)(len - 14));
	memcpy(at + 4 + 14 + 8, "\x40\x11\0\0\x0a\0\0\1\x0a\0\0\2", 12);
	bytes_put16(at + PORT_AT - 2, 53);
	bytes_put16(at + PORT_AT, (uint16_t)port);
	bytes_put16(at + PORT_AT + 2, (uint16_t)(len - 34));
	at[PAYLOAD_AT] = whose;
	memcpy(at + PAYLOAD_AT + 1, &number, sizeof(number));
	return 4 + len;
}

static void write_all(int fd, const uint8_t *p, size_t len)
{
	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0)
			die("write");
		p += n;
		len -= (size_t)n;
	}
}

/* Noise and one probe every millisecond, by deadlines that do not move. */
static void send_all(const char *dir, unsigned rate, unsigned n_probes,
		     unsigned noise_len)
{
	int fd[2] = { dial(dir, "p"), dial(dir, "s") };
	uint8_t *wire = malloc((rate / PROBES_A_SECOND + 2) * (4 + FRAME_MAX));
	uint64_t start = now_ns(), n_noise = 0;

	if (!wire)
		die("malloc");
	for (unsigned i = 0; i < n_probes; i++) {
		uint64_t due = start + i * UINT64_C(1000000);
		uint64_t until = (i + UINT64_C(1)) * rate / PROBES_A_SECOND;
		struct timespec ts = { .tv_sec = (time_t)(due / 1000000000),
				       .tv_nsec = (long)(due % 1000000000) };
		uint64_t probe;

		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
		probe = now_ns();
		for (uint8_t side = 0; side < 2; side++) {
			size_t len = 0;

			for (uint64_t n = n_noise; n < until; n++)
				len += put(wire + len, noise_len, NOISE_PORT,
					   side, n);
			len += put(wire + len, FRAME_LEN, PROBE_PORT, 2,
				   probe);
			write_all(fd[side], wire, len);
		}
		n_noise = until;
	}
	printf("noise %llu a second, ", (unsigned long long)
	       (n_noise * 1000000000 / (now_ns() - start + 1)));
	fflush(stdout);
	free(wire);
}

static int by_size(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static unsigned take(const uint8_t *wire, uint64_t *latency, unsigned n)
{
	uint64_t sent;

	if (bytes_get16(wire + PORT_AT) != PROBE_PORT)
		return n;
	memcpy(&sent, wire + PAYLOAD_AT + 1, sizeof(sent));
	latency[n] = now_ns() - sent;
	return n + 1;
}

/* Until all probes are there; false when nothing comes any more. */
static bool receive_probes(int fd, uint64_t *latency, unsigned n_probes)
{
	struct pollfd out = { .fd = fd, .events = POLLIN };
	static uint8_t buf[1 << 20];
	unsigned n = 0;
	size_t len = 0;

	while (n < n_probes) {
		ssize_t got;
		size_t at = 0;

		if (poll(&out, 1, WAIT_MS) < 1)
			return false;
		got = read(fd, buf + len, sizeof(buf) - len);
		if (got <= 0)
			return false;
		len += (size_t)got;
		while (n < n_probes && len - at >= 4 &&
		       len - at >= 4 + bytes_get32(buf + at)) {
			n = take(buf + at, latency, n);
			at += 4 + bytes_get32(buf + at);
		}
		len -= at;
		memmove(buf, buf + at, len);
	}
	return true;
}

static int receive(const char *dir, unsigned n_probes)
{
	uint64_t *latency = calloc(n_probes, sizeof(*latency));
	bool is_done;

	if (!latency)
		die("calloc");
	is_done = receive_probes(dial(dir, "out"), latency, n_probes);
	if (is_done) {
		qsort(latency, n_probes, sizeof(*latency), by_size);
		printf("%u probes, median %llu us, p99 %llu us\n", n_probes,
		       (unsigned long long)latency[n_probes / 2] / 1000,
		       (unsigned long long)latency[n_probes / 100 * 99] / 1000);
	}
	free(latency);
	return is_done ? 0 : 1;
}

int main(int argc, char **argv)
{
	unsigned n_probes, noise_len;
	int status = 1;
	pid_t reader;

	if (argc < 4 || argc > 5)
		return 2;
	noise_len = argc > 4 ? (unsigned)atoi(argv[4]) : FRAME_LEN;
	if (noise_len < FRAME_LEN || noise_len > FRAME_MAX)
		return 2;
	n_probes = (unsigned)atoi(argv[3]) * PROBES_A_SECOND;
	reader = fork();
	if (reader == 0) {
		status = receive(argv[1], n_probes);
		return status;
	}
	send_all(argv[1], (unsigned)atoi(argv[2]), n_probes, noise_len);
	waitpid(reader, &status, 0);
	return status ? 1 : 0;
}
