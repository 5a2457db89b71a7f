/* SPDX-License-Identifier: ISC */
/*
 * How fast connections are scheduled: the core alone, on one processor, with
 * frames of 64 bytes, 16 at once. Prints NAME=VALUE, as the load generator does:
 *
 *	schedule [CONNECTIONS [HALF-OPEN]]
 *
 * new_s		new connections a second, a SYN each
 * new_ns		the same: time for one
 * established_ns	a frame of an established connection, a random one
 * near_ns		the same of 100 connections, whose entries are in the cache
 * lookup_ns		the difference: what finding one of so many costs
 * parse_ns		of these what looking at the headers costs
 * bytes		of memory for a connection, its buckets included
 * flood_ns		a SYN of a flood in a table that is full
 * kept			established connections after the flood
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../common/bytes.h"
#include "../../common/packet.h"
#include "../../redirector/schedule/route.h"
#include "../../redirector/schedule/schedule.h"

#define ROOM 1100000u
#define NEAR 100u
#define ROUNDS 2000000u

static struct schedule *s;
static uint8_t frames[ROUTE_MAX][64];
static uint64_t now_ns = 1000000000;

static uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static size_t rss_bytes(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long pages = 0;

	if (!f || fscanf(f, "%*u %lu", &pages) != 1)
		abort();
	fclose(f);
	return pages * 4096;
}

/* A segment of connection n, 60000 for each client. */
static void make(uint8_t *frame, uint32_t n, uint8_t flags, bool from_guest)
{
	uint32_t client = 0x0b000000 + n / 60000, service = 0x0a000001;
	uint16_t port = (uint16_t)(1024 + n % 60000);

	bytes_put16(frame + 12, 0x0800);
	frame[14] = 0x45;
	bytes_put16(frame + 16, 50);
	frame[22] = 64;
	frame[23] = PACKET_TCP;
	bytes_put32(frame + 26, from_guest ? service : client);
	bytes_put32(frame + 30, from_guest ? client : service);
	bytes_put16(frame + 34, from_guest ? 80 : port);
	bytes_put16(frame + 36, from_guest ? port : 80);
	frame[46] = 0x50;
	frame[47] = flags;
}

/* The frames that were made, as they come from a socket: several at once. */
static void route(unsigned n, struct schedule_verdict *ways)
{
	struct route_frame f[ROUTE_MAX] = { { NULL, 0 } };

	for (unsigned k = 0; k < n; k++)
		f[k] = (struct route_frame){ frames[k], sizeof(frames[k]) };
	route_from_net(s, f, n, ways, now_ns);
	for (unsigned k = 0; k < n; k++)
		if (ways[k].way == SCHEDULE_DROP)
			abort();
}

static struct schedule_verdict in(uint32_t n, uint8_t flags)
{
	struct schedule_verdict way;

	make(frames[0], n, flags, false);
	route(1, &way);
	return way;
}

/* SYNs of connections that there are not yet. */
static void in_new(uint32_t first, uint32_t n_syns)
{
	struct schedule_verdict ways[ROUTE_MAX];

	for (uint32_t i = 0; i < n_syns;) {
		unsigned n = 0;

		for (; n < ROUTE_MAX && i < n_syns; n++, i++)
			make(frames[n], first + i, TCP_SYN, false);
		route(n, ways);
	}
}

static void answer(uint32_t n, uint16_t dest)
{
	const struct route_frame f = { frames[0], sizeof(frames[0]) };
	struct schedule_verdict way;

	make(frames[0], n, TCP_SYN | TCP_ACK, true);
	route_from_dest(s, dest, &f, 1, &way, now_ns);
	if (way.way != SCHEDULE_TO_NET)
		abort();
}

static void begin(void)
{
	struct schedule_config config = { .max_conns = ROOM, .seed = 1 };
	static const char *const names[] = { "a", "b", "c", "d" };
	struct service svc;
	char why[512];

	s = schedule_new(&config, now_ns);
	if (!s || !service_parse(&svc, "tcp:10.0.0.1:80,scheduler=wrr", why,
				 sizeof(why)) ||
	    !schedule_add_service(s, &svc))
		abort();
	for (unsigned i = 0; i < 4; i++)
		schedule_set_up(s, schedule_add_dest(s, names[i], now_ns), true,
				now_ns);
}

static void open_all(uint32_t n_conns)
{
	size_t before = rss_bytes();
	uint64_t begin_ns = clock_ns();

	in_new(0, n_conns);
	begin_ns = clock_ns() - begin_ns;
	printf("new_s=%.0f\n", n_conns * 1e9 / (double)begin_ns);
	printf("new_ns=%.1f\n", (double)begin_ns / n_conns);
	printf("bytes=%zu\n", (rss_bytes() - before) / n_conns);
	for (uint32_t n = 0; n < n_conns; n++) {
		answer(n, in(n, TCP_ACK).dest);
		in(n, TCP_ACK);
	}
}

static double measure_frames(const char *name, uint32_t among)
{
	struct schedule_verdict ways[ROUTE_MAX];
	uint64_t begin_ns = clock_ns();
	uint32_t n = 1;
	double ns;

	for (uint32_t i = 0; i < ROUNDS; i += ROUTE_MAX) {
		for (unsigned k = 0; k < ROUTE_MAX; k++) {
			n = n * 1664525 + 1013904223;
			make(frames[k], (uint32_t)((uint64_t)n * among >> 32),
			     TCP_ACK, false);
		}
		route(ROUTE_MAX, ways);
	}
	ns = (double)(clock_ns() - begin_ns) / ROUNDS;
	printf("%s=%.1f\n", name, ns);
	return ns;
}

static void measure_parse(void)
{
	uint64_t begin_ns = clock_ns();
	volatile uint32_t sum = 0;

	for (uint32_t i = 0; i < ROUNDS; i++) {
		struct packet p;

		make(frames[0], i, TCP_ACK, false);
		packet_parse(&p, frames[0], sizeof(frames[0]));
		sum += p.payload_off;
	}
	printf("parse_ns=%.1f\n", (double)(clock_ns() - begin_ns) / ROUNDS);
}

static void flood(uint32_t n_conns, uint32_t n_syns)
{
	uint64_t begin_ns = clock_ns();
	uint32_t n_active = 0;

	in_new(0x10000000, n_syns);
	printf("flood_ns=%.1f\n", (double)(clock_ns() - begin_ns) / n_syns);
	for (unsigned i = 0; i < 4; i++)
		n_active += schedule_dests(s)->v[i].n_active;
	printf("kept=%u\nestablished=%u\n", n_active, n_conns);
}

int main(int argc, char **argv)
{
	uint32_t n_conns = argc > 1 ? (uint32_t)atol(argv[1]) : 1000000;
	uint32_t n_syns = argc > 2 ? (uint32_t)atol(argv[2]) : 2000000;
	double far, near;

	if (!n_conns || n_conns >= ROOM || !n_syns) {
		fprintf(stderr, "usage: schedule [CONNECTIONS [HALF-OPEN]]\n");
		return 2;
	}
	begin();
	open_all(n_conns);
	far = measure_frames("established_ns", n_conns);
	near = measure_frames("near_ns", n_conns < NEAR ? n_conns : NEAR);
	printf("lookup_ns=%.1f\n", far > near ? far - near : 0);
	measure_parse();
	flood(n_conns, n_syns);
	schedule_free(s);
	return 0;
}
