/* SPDX-License-Identifier: ISC */
/*
 * Which destination gets each new connection, says the kernel's IPVS in a guest, and
 * says our scheduler: the same opens, closes, weights, additions and removals, from a
 * seed.
 *
 *	oracle SOCKET [CONNECTIONS [SEED]]
 *
 * Each SYN is followed by its ACK before the next one: on purpose ours counts
 * half-open connections otherwise (load.c). Connections of a removed destination say
 * nothing more: on purpose ours goes on with them. Nothing expires.
 */
#include <errno.h>
#include <linux/ip_vs.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "../../common/bytes.h"
#include "../../common/checksum.h"
#include "../../common/packet.h"
#include "../../redirector/schedule/dest.h"
#include "../../redirector/schedule/route.h"
#include "../../redirector/schedule/schedule.h"
#include "wire.h"

#define FRAME_LEN 54u
#define CONNECTIONS_MAX 4096u
#define NONE 255u
#define READY_S 120		/* for a guest without KVM to boot */
#define SILENCE_MS 120000
#define SHOWN 5u		/* differences of a scheduler */

struct run {
	const char *name;	/* IPVS's, and ours with the rest */
	const char *options;
	uint32_t flags;
	uint32_t n_services;
};

static const struct run runs[] = {
	{ "rr", "", 0, 1 }, { "wrr", "", 0, 1 }, { "lc", "", 0, 1 },
	{ "wlc", "", 0, 1 }, { "sed", "", 0, 1 }, { "nq", "", 0, 1 },
	{ "fo", "", 0, 1 }, { "ovf", "", 0, 1 },
	{ "sh", ",strict", 0, 1 },
	{ "sh", "", IP_VS_SVC_F_SCHED_SH_FALLBACK, 1 },
	{ "sh", ",hash-port", IP_VS_SVC_F_SCHED_SH_FALLBACK |
			      IP_VS_SVC_F_SCHED_SH_PORT, 1 },
	{ "dh", ",strict", 0, ORACLE_SERVICES },
};

struct connection {
	uint32_t client, service;
	uint16_t port;
	uint8_t dest;
};

struct oracle {
	const struct run *run;
	int fd;
	uint64_t random;
	uint16_t port;			/* of the services of this run */
	uint32_t n_orders;
	struct schedule *s;
	uint16_t ours[ORACLE_DESTS];	/* index of each */
	bool is_member[ORACLE_DESTS];
	struct connection open[CONNECTIONS_MAX];
	unsigned n_open, n_compared, n_different;
};

static uint32_t roll(struct oracle *o, uint32_t below)
{
	o->random = o->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((o->random >> 33) % below);
}

static void give_up(const char *what)
{
	fprintf(stderr, "oracle: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* --- the wire --- */

static void send_frame(const struct oracle *o, const void *frame, size_t len)
{
	uint8_t buf[4 + 256];

	bytes_put32(buf, (uint32_t)len);
	memcpy(buf + 4, frame, len);
	if (send(o->fd, buf, 4 + len, MSG_NOSIGNAL) != (ssize_t)(4 + len))
		give_up("send");
}

static void read_all(const struct oracle *o, void *to, size_t len)
{
	if (len && recv(o->fd, to, len, MSG_WAITALL) != (ssize_t)len)
		give_up("the guest is gone");
}

static bool is_readable(const struct oracle *o, int ms)
{
	struct pollfd p = { o->fd, POLLIN, 0 };

	return poll(&p, 1, ms) > 0;
}

/* One frame of the guest; longer ones are none of ours. Return: its bytes. */
static uint32_t receive(const struct oracle *o, uint8_t *frame, uint32_t size)
{
	uint8_t rest[2048] = { 0 };
	uint32_t len;

	read_all(o, rest, 4);
	len = bytes_get32(rest);
	if (len > size + sizeof(rest))
		give_up("frame");
	read_all(o, frame, len < size ? len : size);
	if (len > size)
		read_all(o, rest, len - size);
	return len;
}

/* Reads up to the answer to the last order. Return: the real server that a frame
 * went to on the way, or NONE. */
static uint8_t wait_for_answer(const struct oracle *o, int32_t *error)
{
	struct oracle_order answer = { 0 };
	uint8_t dest = NONE;

	for (;;) {
		uint8_t *frame = (uint8_t *)&answer;

		if (!is_readable(o, SILENCE_MS))
			give_up("the guest is silent");
		if (receive(o, frame, sizeof(answer)) < FRAME_LEN)
			continue;
		if (!memcmp(frame, ORACLE_DEST_MAC, 5) &&
		    (frame[47] & TCP_SYN))
			dest = frame[5];
		if (bytes_get16(frame + 12) != ORACLE_TYPE ||
		    answer.number != o->n_orders)
			continue;
		*error = answer.error;
		return dest;
	}
}

static void give_order(struct oracle *o, struct oracle_order *order)
{
	memcpy(order->ether, ORACLE_GUEST_MAC ORACLE_MAC, 12);
	bytes_put16(order->ether + 12, ORACLE_TYPE);
	order->number = ++o->n_orders;
	order->port = o->port;
	if (o->run) {
		order->flags = o->run->flags;
		snprintf(order->scheduler, sizeof(order->scheduler), "%s",
			 o->run->name);
	}
	send_frame(o, order, sizeof(*order));
}

/* An order to every service. */
static void tell_ipvs(struct oracle *o, enum oracle_op op, uint32_t dest,
		      uint32_t weight)
{
	int32_t error;

	for (uint32_t i = 0; i < o->run->n_services; i++) {
		struct oracle_order order = { .op = (uint16_t)op, .service = i,
					      .dest = dest,
					      .weight = (int32_t)weight };

		give_order(o, &order);
		wait_for_answer(o, &error);
		errno = error;
		if (error)
			give_up("IPVS refuses");
	}
}

static void connect_to(struct oracle *o, const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	time_t end = time(NULL) + READY_S;

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	o->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	while (connect(o->fd, (const struct sockaddr *)&sun, sizeof(sun))) {
		if (time(NULL) > end)
			give_up(path);
		usleep(50000);
	}
}

/* The guest boots: asked again and again, until it answers. */
static void wait_until_ready(struct oracle *o)
{
	time_t end = time(NULL) + READY_S;
	int32_t error;

	do {
		struct oracle_order order = { .op = ORACLE_PING };
		uint8_t frame[sizeof(order)] = { 0 };

		if (time(NULL) > end)
			give_up("the guest does not come up");
		give_order(o, &order);
		while (is_readable(o, 200)) {
			receive(o, frame, sizeof(frame));
			if (bytes_get16(frame + 12) != ORACLE_TYPE)
				continue;
			give_order(o, &order);
			wait_for_answer(o, &error);
			return;
		}
	} while (true);
}

/* --- connections --- */

static void make(uint8_t *frame, const struct connection *c, uint16_t port,
		 uint8_t flags)
{
	uint32_t sum;

	memset(frame, 0, FRAME_LEN);
	memcpy(frame, ORACLE_GUEST_MAC ORACLE_MAC, 12);
	bytes_put16(frame + 12, 0x0800);
	frame[14] = 0x45;
	bytes_put16(frame + 16, 40);
	frame[22] = 64;
	frame[23] = PACKET_TCP;
	bytes_put32(frame + 26, c->client);
	bytes_put32(frame + 30, ORACLE_SERVICE_ADDR + c->service);
	bytes_put16(frame + 24, checksum_fold(checksum_add(0, frame + 14, 20)));
	bytes_put16(frame + 34, c->port);
	bytes_put16(frame + 36, port);
	frame[46] = 0x50;
	frame[47] = flags;
	bytes_put16(frame + 48, 1000);
	sum = checksum_pseudo(4, frame + 26, frame + 30, PACKET_TCP, 20);
	bytes_put16(frame + 50, checksum_fold(checksum_add(sum, frame + 34, 20)));
}

/* To the guest and to ours. Return: where ours sends it. */
static uint8_t put(struct oracle *o, const struct connection *c, uint8_t flags)
{
	uint8_t frame[FRAME_LEN];
	const struct route_frame f = { frame, sizeof(frame) };
	struct schedule_verdict way;

	make(frame, c, o->port, flags);
	send_frame(o, frame, sizeof(frame));
	route_from_net(o->s, &f, 1, &way, 1);
	for (uint8_t i = 0; way.way == SCHEDULE_TO_DEST && i < ORACLE_DESTS; i++)
		if (o->ours[i] == way.dest)
			return i;
	return NONE;
}

static void open_one(struct oracle *o)
{
	struct oracle_order ping = { .op = ORACLE_PING };
	struct connection c = { .client = 0x0b000000 + roll(o, 1u << 24),
				.service = roll(o, o->run->n_services),
				.port = (uint16_t)(1024 + roll(o, 60000)) };
	uint8_t ours = put(o, &c, TCP_SYN);
	int32_t error;

	give_order(o, &ping);
	c.dest = wait_for_answer(o, &error);
	o->n_compared++;
	if (ours != c.dest && o->n_different++ < SHOWN)
		printf("%s%s: connection %u: IPVS %d, ours %d\n", o->run->name,
		       o->run->options, o->n_compared,
		       c.dest == NONE ? -1 : c.dest, ours == NONE ? -1 : ours);
	if (ours != c.dest || c.dest == NONE)
		return;
	put(o, &c, TCP_ACK);
	if (o->n_open < CONNECTIONS_MAX)
		o->open[o->n_open++] = c;
}

static void close_one(struct oracle *o)
{
	unsigned i;

	if (!o->n_open)
		return;
	i = roll(o, o->n_open);
	if (!o->is_member[o->open[i].dest])
		return;
	put(o, &o->open[i], TCP_FIN | TCP_ACK);
	o->open[i] = o->open[--o->n_open];
}

/* --- destinations --- */

static uint32_t any_weight(struct oracle *o)
{
	static const uint32_t weights[] = { 0, 1, 1, 2, 3, 4, 6, 10, 100, 250 };

	return weights[roll(o, sizeof(weights) / sizeof(*weights))];
}

static void add_dest(struct oracle *o, uint32_t i)
{
	const char name[2] = { (char)('a' + i), 0 };
	uint32_t weight = any_weight(o);

	tell_ipvs(o, ORACLE_ADD_DEST, i, weight);
	o->ours[i] = schedule_add_dest(o->s, name, 1);
	schedule_set_weight(o->s, o->ours[i], weight);
	schedule_set_up(o->s, o->ours[i], true, 1);
	o->is_member[i] = true;
}

static void change_dest(struct oracle *o)
{
	uint32_t i = roll(o, ORACLE_DESTS), kind = roll(o, 4);
	uint32_t weight;

	if (!o->is_member[i]) {
		add_dest(o, i);
	} else if (!kind) {
		tell_ipvs(o, ORACLE_DEL_DEST, i, 0);
		schedule_remove_dest(o->s, o->ours[i], 1);
		o->is_member[i] = false;
	} else {
		weight = any_weight(o);
		tell_ipvs(o, ORACLE_EDIT_DEST, i, weight);
		schedule_set_weight(o->s, o->ours[i], weight);
	}
}

/* --- a run --- */

static void begin(struct oracle *o, const struct run *run, uint16_t port)
{
	struct schedule_config config = { .max_conns = 100000,
					  .unscheduled = SCHEDULE_UN_DROP };
	char text[128], why[512];
	struct service svc;

	o->run = run;
	o->port = port;
	o->n_open = o->n_compared = o->n_different = 0;
	memset(o->is_member, 0, sizeof(o->is_member));
	memset(o->ours, 0xff, sizeof(o->ours));
	o->s = schedule_new(&config, 1);
	for (uint32_t i = 0; i < run->n_services; i++) {
		snprintf(text, sizeof(text), "tcp:10.0.1.%u:%u,scheduler=%s%s",
			 i, port, run->name, run->options);
		if (!o->s || !service_parse(&svc, text, why, sizeof(why)) ||
		    !schedule_add_service(o->s, &svc))
			give_up(text);
	}
	tell_ipvs(o, ORACLE_ADD_SERVICE, 0, 0);
	for (uint32_t i = 0; i < 4; i++)
		add_dest(o, i);
}

static void play(struct oracle *o, unsigned n_connections)
{
	while (o->n_compared < n_connections) {
		uint32_t what = roll(o, 100);

		if (what < 65)
			open_one(o);
		else if (what < 96)
			close_one(o);
		else
			change_dest(o);
	}
	schedule_free(o->s);
	printf("%s%s: %u connections, %u different\n", o->run->name,
	       o->run->options, o->n_compared, o->n_different);
}

int main(int argc, char **argv)
{
	static struct oracle o;
	unsigned n = argc > 2 ? (unsigned)atoi(argv[2]) : 2000, n_different = 0;

	o.random = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
	if (argc < 2 || argc > 4 || !n) {
		fputs("usage: oracle SOCKET [CONNECTIONS [SEED]]\n", stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	connect_to(&o, argv[1]);
	wait_until_ready(&o);
	for (unsigned i = 0; i < sizeof(runs) / sizeof(*runs); i++) {
		begin(&o, &runs[i], (uint16_t)(8000 + i));
		play(&o, n);
		n_different += o.n_different;
	}
	close(o.fd);
	return n_different ? 1 : 0;
}
