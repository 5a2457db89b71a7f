/* SPDX-License-Identifier: ISC */
/*
 * Two replicas and what stands around a comparison: sends the two streams to
 * whatever listens on DIR/p.sock and DIR/s.sock, reads what DIR/out.sock
 * releases, and answers every DO_CHECKPOINT on DIR/notify.sock. Prints what
 * came out, so that two comparisons can be compared. Only what QEMU gets right:
 * segments in order, a slow sender, a difference now and then.
 *
 * usage: replicas DIR SEED N
 */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FRAME_MAX 2048u
#define WAIT_MS 10000
#define RETRY_MS 100
#define ISN 1000u
#define FNV_BASIS 14695981039346656037u
#define FNV_PRIME 1099511628211u

enum { OUT, NOTIFY, N_READERS };

struct reader {
	int fd;
	size_t len;
	uint8_t bytes[1 << 16];
};

static struct reader readers[N_READERS];
static int primary, secondary;
static unsigned n_out, n_asked;
static size_t last_len;			/* of what came out */
static uint64_t state, sum;		/* FNV-1a of what came out */

static void die(const char *what)
{
	fprintf(stderr, "replicas: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint32_t below(uint32_t n)
{
	assert(n);
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) % n;
}

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
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

static void send_frame(int fd, const void *data, size_t len)
{
	uint8_t wire[4 + FRAME_MAX];

	put32(wire, (uint32_t)len);
	memcpy(wire + 4, data, len);
	if (write(fd, wire, 4 + len) != (ssize_t)(4 + len))
		die("write");
}

static uint8_t *put_ip(uint8_t *at, unsigned proto, unsigned len)
{
	memcpy(at, "\x52\x54\0\0\0\1\x52\x54\0\0\0\2\x08\0\x45\0", 16);
	at += 14;
	put16(at + 2, 20 + len);
	put32(at + 4, 0);
	at[8] = 64;
	at[9] = (uint8_t)proto;
	put16(at + 10, 0);
	memcpy(at + 12, "\x0a\0\0\1\x0a\0\0\2", 8);
	return at + 20;
}

static void send_udp(int fd, unsigned port, const void *data, unsigned len)
{
	uint8_t frame[FRAME_MAX], *at = put_ip(frame, 17, 8 + len);

	put16(at, 53);
	put16(at + 2, port);
	put16(at + 4, 8 + len);
	put16(at + 6, 0);
	memcpy(at + 8, data, len);
	send_frame(fd, frame, (size_t)(at + 8 - frame) + len);
}

static void send_tcp(int fd, unsigned port, uint32_t seq, unsigned flags,
		     const void *data, unsigned len)
{
	uint8_t frame[FRAME_MAX], *at = put_ip(frame, 6, 20 + len);

	memset(at, 0, 20);
	put16(at, 80);
	put16(at + 2, port);
	put32(at + 4, seq);
	put32(at + 8, 500);
	at[12] = 0x50;
	at[13] = (uint8_t)flags;
	put16(at + 14, 64000);
	memcpy(at + 20, data, len);
	send_frame(fd, frame, (size_t)(at + 20 - frame) + len);
}

static void take(unsigned which, const uint8_t *data, size_t len)
{
	if (which == OUT) {
		n_out++;
		last_len = len;
		for (size_t i = 0; i < len; i++)
			sum = (sum ^ data[i]) * FNV_PRIME;
	} else if (len == 13 && !memcmp(data, "DO_CHECKPOINT", 13)) {
		n_asked++;
		send_frame(readers[NOTIFY].fd, "COLO_CHECKPOINT", 15);
	}
}

static void read_some(unsigned which)
{
	struct reader *r = &readers[which];
	ssize_t n = read(r->fd, r->bytes + r->len, sizeof(r->bytes) - r->len);

	if (n <= 0)
		die("the comparison has gone");
	r->len += (size_t)n;
	for (;;) {
		size_t len = (size_t)r->bytes[2] << 8 | r->bytes[3];

		if (r->len < 4 || r->len < 4 + len)
			return;
		take(which, r->bytes + 4, len);
		r->len -= 4 + len;
		memmove(r->bytes, r->bytes + 4 + len, r->len);
	}
}

static bool poll_all(int ms)
{
	struct pollfd p[N_READERS] = {
		{ .fd = readers[OUT].fd, .events = POLLIN },
		{ .fd = readers[NOTIFY].fd, .events = POLLIN },
	};

	if (poll(p, N_READERS, ms) < 1)
		return false;
	for (unsigned i = 0; i < N_READERS; i++)
		if (p[i].revents)
			read_some(i);
	return true;
}

static void wait_for_out(unsigned n)
{
	while (n_out < n) {
		if (poll_all(WAIT_MS))
			continue;
		fprintf(stderr, "replicas: %u of %u came out\n", n_out, n);
		exit(1);
	}
}

static void random_bytes(uint8_t *p, unsigned len)
{
	for (unsigned i = 0; i < len; i++)
		p[i] = (uint8_t)below(256);
}

static void one_udp(unsigned port)
{
	unsigned len = 1 + below(500), n = n_out;
	uint8_t data[500];

	random_bytes(data, len);
	send_udp(primary, port, data, len);
	if (!below(4))
		data[below(len)] ^= 1;
	send_udp(secondary, port, data, len);
	wait_for_out(n + 1);
}

static unsigned send_cut(int fd, unsigned port, const uint8_t *data,
			 unsigned len, bool may_cut)
{
	unsigned n = 0;

	for (unsigned at = 0; at < len; n++) {
		unsigned part = may_cut ? 1 + below(len - at) : len - at;

		send_tcp(fd, port, ISN + 1 + at, 0x18, data + at, part);
		at += part;
	}
	return n;
}

static void one_tcp(unsigned port)
{
	unsigned len = 2 + below(1000), n = n_out, n_cut;
	bool is_cut = below(2), differs = !is_cut && !below(3);
	uint8_t data[1002];

	random_bytes(data, len);
	send_tcp(primary, port, ISN, 0x12, "", 0);
	send_tcp(secondary, port, ISN, 0x12, "", 0);
	wait_for_out(n + 1);
	n_cut = send_cut(primary, port, data, len, is_cut);
	if (differs)
		data[below(len)] ^= 1;
	send_cut(secondary, port, data, len, is_cut);
	wait_for_out(n + 1 + n_cut);
}

/* QEMU loses what it would send before it has seen us connect. */
static void warm_up(void)
{
	for (unsigned i = 0; !n_out && i < WAIT_MS / RETRY_MS; i++) {
		send_udp(primary, 1, "?", 1);
		send_udp(secondary, 1, "?", 1);
		poll_all(RETRY_MS);
	}
	send_udp(primary, 2, "ready", 5);
	send_udp(secondary, 2, "ready", 5);
	while (last_len != 14 + 20 + 8 + 5)
		wait_for_out(n_out + 1);
	n_out = n_asked = 0;
	sum = FNV_BASIS;
}

int main(int argc, char **argv)
{
	unsigned n, first_port;

	if (argc != 4)
		return 2;
	state = strtoull(argv[2], NULL, 0);
	n = (unsigned)strtoul(argv[3], NULL, 0);
	/* QEMU takes a port that is used again for the old connection */
	first_port = 2000 + (unsigned)(state % 16) * 2000;
	readers[OUT].fd = dial(argv[1], "out");
	readers[NOTIFY].fd = dial(argv[1], "notify");
	primary = dial(argv[1], "p");
	secondary = dial(argv[1], "s");
	warm_up();
	for (unsigned i = 0; i < n; i++) {
		if (below(2))
			one_udp(1000 + below(5));
		else
			one_tcp(first_port + i);
	}
	printf("released %u hash %016llx asked %u\n", n_out,
	       (unsigned long long)sum, n_asked);
	return 0;
}
