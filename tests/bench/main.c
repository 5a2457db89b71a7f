/* SPDX-License-Identifier: ISC */
/*
 * The load generator: starts the programs under test, connects to their
 * sockets, sends, checks, and prints what it cost as NAME=VALUE pairs in one
 * line. Exit status 0 only when every byte that came out was right.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "drive.h"
#include "process.h"

#define ENDS_MAX 4u
#define CONNECT_MS 10000
#define WINDOW_BYTES (2u << 20)

struct bench {
	struct traffic_config traffic;
	struct drive_config drive;
	enum traffic_kind primary_kind, secondary_kind;
	uint64_t n_packets, n_warm, n_hold;
	uint32_t rate;			/* packets a second; 0: no paced run */
	bool closed;			/* paced by what has come out */
	bool handshake, unpinned, together;
	const char *primary, *secondary, *shake, *outs[ENDS_MAX];
	unsigned n_outs;
	int primary_fd, shake_fd, out_fd;
	struct process_group group;
};

enum option_code {
	OPT_SIZE = 1, OPT_FLOWS, OPT_PACKETS, OPT_WARM, OPT_WINDOW, OPT_LAG,
	OPT_HOLD, OPT_RATE, OPT_UDP, OPT_IN_TURN, OPT_VNET, OPT_ANY_ORDER,
	OPT_RESEGMENT, OPT_HANDSHAKE, OPT_UNPINNED, OPT_TOGETHER, OPT_CLOSED,
	OPT_PRIMARY, OPT_SECONDARY, OPT_SHAKE, OPT_OUT,
};

static const struct option options[] = {
	{ "size", required_argument, NULL, OPT_SIZE },
	{ "flows", required_argument, NULL, OPT_FLOWS },
	{ "packets", required_argument, NULL, OPT_PACKETS },
	{ "warm", required_argument, NULL, OPT_WARM },
	{ "window", required_argument, NULL, OPT_WINDOW },
	{ "lag", required_argument, NULL, OPT_LAG },
	{ "hold", required_argument, NULL, OPT_HOLD },
	{ "rate", required_argument, NULL, OPT_RATE },
	{ "udp", no_argument, NULL, OPT_UDP },
	{ "in-turn", no_argument, NULL, OPT_IN_TURN },
	{ "vnet", no_argument, NULL, OPT_VNET },
	{ "any-order", no_argument, NULL, OPT_ANY_ORDER },
	{ "resegment", no_argument, NULL, OPT_RESEGMENT },
	{ "handshake", no_argument, NULL, OPT_HANDSHAKE },
	{ "unpinned", no_argument, NULL, OPT_UNPINNED },
	{ "together", no_argument, NULL, OPT_TOGETHER },
	{ "closed", no_argument, NULL, OPT_CLOSED },
	{ "primary", required_argument, NULL, OPT_PRIMARY },
	{ "secondary", required_argument, NULL, OPT_SECONDARY },
	{ "shake", required_argument, NULL, OPT_SHAKE },
	{ "out", required_argument, NULL, OPT_OUT },
	{ 0 },
};

static const char usage[] =
"usage: bench --primary SOCKET [--secondary SOCKET] --out SOCKET... [OPTION...]\n"
"             -- PROGRAM [ARG...] [-- PROGRAM [ARG...]]...\n"
"  --size BYTES     of a frame (1400)\n"
"  --flows N        (100)\n"
"  --packets N      measured (1000000)\n"
"  --warm N         sent before that; at least one for each flow\n"
"  --window N       sent and not released yet (2 MiB of them)\n"
"  --lag N          the secondary is N packets behind (0)\n"
"  --hold N         then N packets of the primary alone: what they cost\n"
"  --rate N         then a paced run, N a second, for latency\n"
"  --closed         a run for latency, --window packets under way all the time\n"
"  --udp            datagrams; else TCP segments\n"
"  --in-turn        the flows send in the same order every time\n"
"  --vnet           vnet form, for the hardware to cut\n"
"  --any-order      only the order within a flow counts\n"
"  --resegment      the secondary cuts its stream elsewhere\n"
"  --handshake      a rewriter: the guest has numbers of its own\n"
"  --shake SOCKET   what the client says goes in here (the last --out)\n"
"  --unpinned       let the scheduler choose processors\n"
"  --together       all on the generator's processor\n";

static int set_number(struct bench *b, int code, uint64_t n)
{
	switch (code) {
	case OPT_SIZE:
		b->traffic.size = (uint32_t)n;
		break;
	case OPT_FLOWS:
		b->traffic.n_flows = (uint32_t)n;
		break;
	case OPT_PACKETS:
		b->n_packets = n;
		break;
	case OPT_WARM:
		b->n_warm = n;
		break;
	case OPT_WINDOW:
		b->drive.window = (uint32_t)n;
		break;
	case OPT_LAG:
		b->drive.lag = (uint32_t)n;
		break;
	case OPT_HOLD:
		b->n_hold = n;
		break;
	case OPT_RATE:
		b->rate = (uint32_t)n;
		break;
	default:
		return -EINVAL;
	}
	return 0;
}

static int set_flag(struct bench *b, int code)
{
	switch (code) {
	case OPT_UDP:
		b->traffic.udp = true;
		break;
	case OPT_IN_TURN:
		b->traffic.in_turn = true;
		break;
	case OPT_VNET:
		b->traffic.vnet = true;
		break;
	case OPT_ANY_ORDER:
		b->drive.any_order = true;
		break;
	case OPT_RESEGMENT:
		b->secondary_kind = TRAFFIC_RESEGMENTED;
		b->drive.any_order = true;
		break;
	case OPT_HANDSHAKE:
		b->handshake = true;
		b->primary_kind = TRAFFIC_FOREIGN;
		break;
	case OPT_UNPINNED:
		b->unpinned = true;
		break;
	case OPT_TOGETHER:
		b->together = true;
		break;
	case OPT_CLOSED:
		b->closed = true;
		break;
	default:
		return -EINVAL;
	}
	return 0;
}

static int set_path(struct bench *b, int code)
{
	if (code == OPT_PRIMARY)
		b->primary = optarg;
	else if (code == OPT_SECONDARY)
		b->secondary = optarg;
	else if (code == OPT_SHAKE)
		b->shake = optarg;
	else if (code == OPT_OUT && b->n_outs < ENDS_MAX)
		b->outs[b->n_outs++] = optarg;
	else
		return -EINVAL;
	return 0;
}

/* Whole pairs of rounds, so that resegmented bytes come out even. */
static uint64_t whole_rounds(const struct bench *b, uint64_t n)
{
	uint64_t pair = 2 * (uint64_t)b->traffic.n_flows;

	if (b->secondary_kind != TRAFFIC_RESEGMENTED)
		return n;
	return (n + pair - 1) / pair * pair;
}

static int finish_options(struct bench *b)
{
	uint32_t fit = WINDOW_BYTES / (b->traffic.size + 1);

	if (!b->primary || !b->n_outs || !b->traffic.n_flows ||
	    ((b->rate || b->closed) && !b->n_packets))
		return -EINVAL;
	if (!b->drive.window)
		b->drive.window = fit < 8 ? 8 : fit;
	if (b->secondary_kind == TRAFFIC_RESEGMENTED)
		b->drive.window += 2 * b->traffic.n_flows;
	if (b->n_warm < b->traffic.n_flows)
		b->n_warm = b->traffic.n_flows;
	b->n_warm = whole_rounds(b, b->n_warm);
	b->n_packets = whole_rounds(b, b->n_packets);
	b->n_hold = whole_rounds(b, b->n_hold);
	b->drive.hold = b->n_hold;
	b->drive.n_flows = b->traffic.n_flows;
	return 0;
}

static int parse(struct bench *b, int argc, char **argv)
{
	int code;

	while ((code = getopt_long(argc, argv, "+", options, NULL)) > 0) {
		char *end = NULL;
		uint64_t n = optarg ? strtoull(optarg, &end, 10) : 0;

		if (set_flag(b, code) == 0 || set_path(b, code) == 0)
			continue;
		if (!optarg || *end || set_number(b, code, n) < 0)
			return -EINVAL;
	}
	if (code != -1 || optind == argc)
		return -EINVAL;
	return finish_options(b);
}

/* --- the programs and their sockets --- */

static int start_programs(struct bench *b, char **argv)
{
	if (b->together)	/* who is started stays where we are */
		process_pin_self();
	while (*argv) {
		char **end = argv;
		bool more;
		int err;

		while (*end && strcmp(*end, "--"))
			end++;
		more = *end;
		*end = NULL;
		err = process_start(&b->group, argv, !b->unpinned);
		if (err < 0)
			return err;
		argv = more ? end + 1 : end;
	}
	if (!b->unpinned)
		process_pin_self();
	return 0;
}

static int connect_to(const struct bench *b, const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct timespec pause = { 0, 2000000 };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t len = strlen(path);

	if (fd < 0 || len >= sizeof(sun.sun_path))
		return -1;
	memcpy(sun.sun_path, path, len);
	for (int ms = 0; ms < CONNECT_MS; ms += 2) {
		if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0)
			return fd;
		if (!process_is_alive(&b->group))
			break;
		nanosleep(&pause, NULL);
	}
	fprintf(stderr, "bench: %s: %s\n", path, strerror(errno));
	close(fd);
	return -1;
}

/* A connection that nobody has accepted yet looks like any other; who has
 * nothing left to do has accepted all. */
static int wait_until_idle(const struct bench *b)
{
	struct timespec pause = { 0, 5000000 };

	for (unsigned n = 0; n < 3;
	     n = process_is_asleep(&b->group) ? n + 1 : 0) {
		if (!process_is_alive(&b->group)) {
			fprintf(stderr, "bench: a program has ended\n");
			return -1;
		}
		nanosleep(&pause, NULL);
	}
	return 0;
}

static int connect_all(struct bench *b, struct drive *d)
{
	int fd;

	for (unsigned i = 0; i < b->n_outs; i++) {
		fd = connect_to(b, b->outs[i]);
		if (fd < 0)
			return -1;
		drive_receive_from(d, fd, b->outs[i]);
		b->out_fd = fd;
	}
	b->primary_fd = connect_to(b, b->primary);
	if (b->primary_fd < 0)
		return -1;
	drive_send_to(d, b->primary_fd, b->primary_kind, false);
	if (b->secondary) {
		fd = connect_to(b, b->secondary);
		if (fd < 0)
			return -1;
		drive_send_to(d, fd, b->secondary_kind, true);
	}
	b->shake_fd = b->shake ? connect_to(b, b->shake) : b->out_fd;
	if (b->shake_fd < 0)
		return -1;
	return wait_until_idle(b);
}

/* One frame into one side has to come out of the other. */
static int relay_one(const struct traffic *t, uint32_t flow,
		     enum traffic_handshake step, int in, int out)
{
	uint8_t sent[256], got[256];
	size_t len = traffic_handshake_put(t, flow, step, sent);

	if (send(in, sent, len, MSG_NOSIGNAL) != (ssize_t)len ||
	    recv(out, got, len, MSG_WAITALL) != (ssize_t)len) {
		fprintf(stderr, "bench: the handshake of flow %u is not "
			"passed on\n", flow);
		return -1;
	}
	return 0;
}

static int shake_hands(const struct bench *b)
{
	for (uint32_t i = 0; i < b->traffic.n_flows; i++) {
		if (relay_one(b->drive.traffic, i, TRAFFIC_SYN, b->shake_fd,
			      b->primary_fd) < 0 ||
		    relay_one(b->drive.traffic, i, TRAFFIC_SYN_ACK,
			      b->primary_fd, b->out_fd) < 0 ||
		    relay_one(b->drive.traffic, i, TRAFFIC_ACK, b->shake_fd,
			      b->primary_fd) < 0)
			return -1;
	}
	return 0;
}

/* --- what is measured --- */

static void print_cost(const char *name, uint64_t n, uint64_t cpu_ns)
{
	printf("%s=%.1f ", name, (double)cpu_ns / (double)n);
}

static int measure_load(struct bench *b, struct drive *d)
{
	uint64_t cpu = process_cpu_ns(&b->group), start, base;

	base = process_rss_kib(&b->group, "VmRSS");
	if (drive_run(d, b->n_warm) < 0)
		return -1;
	print_cost("first_ns", b->n_warm, process_cpu_ns(&b->group) - cpu);
	printf("rss_base_kib=%llu rss_kib=%llu ", (unsigned long long)base,
	       (unsigned long long)process_rss_kib(&b->group, "VmRSS"));
	if (!b->n_packets)
		return 0;
	cpu = process_cpu_ns(&b->group);
	start = drive_now_ns();
	if (drive_run(d, b->n_packets) < 0)
		return -1;
	start = drive_now_ns() - start;
	print_cost("ns", b->n_packets, process_cpu_ns(&b->group) - cpu);
	printf("pps=%.0f gbps=%.3f ", (double)b->n_packets * 1e9 / (double)start,
	       (double)b->n_packets * b->traffic.size * 8 / (double)start);
	return 0;
}

/* What a held packet costs beyond its bytes. */
static int measure_hold(struct bench *b, struct drive *d)
{
	double before = (double)process_rss_kib(&b->group, "VmRSS"), after;

	if (drive_hold(d, b->n_hold) < 0)
		return -1;
	after = (double)process_rss_kib(&b->group, "VmRSS");
	printf("held_bytes=%.1f ", (after - before) * 1024 / (double)b->n_hold -
				   b->traffic.size);
	return drive_run(d, 0);
}

static int by_size(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double quantile_us(const uint32_t *sorted_ns, uint64_t n,
			  uint64_t per_mille)
{
	uint64_t i = n * per_mille / 1000;

	return sorted_ns[i] / 1e3;
}

static int measure_latency(struct bench *b, struct drive *d)
{
	uint64_t n = b->n_packets, cpu, start;
	uint32_t *ns = calloc(n, sizeof(*ns));

	if (!ns)
		abort();
	cpu = process_cpu_ns(&b->group);
	start = drive_now_ns();
	if (drive_paced(d, n, b->rate, ns) < 0) {
		free(ns);
		return -1;
	}
	start = drive_now_ns() - start;
	print_cost("paced_ns", n, process_cpu_ns(&b->group) - cpu);
	qsort(ns, n, sizeof(*ns), by_size);
	printf("pps=%.0f ", (double)n * 1e9 / (double)start);
	printf("p50_us=%.1f p99_us=%.1f p999_us=%.1f ",
	       quantile_us(ns, n, 500), quantile_us(ns, n, 990),
	       quantile_us(ns, n, 999));
	free(ns);
	return 0;
}

static int measure(struct bench *b, struct drive *d)
{
	if (b->handshake && shake_hands(b) < 0)
		return -1;
	if (b->rate || b->closed) {
		if (drive_run(d, b->n_warm) < 0 || measure_latency(b, d) < 0)
			return -1;
	} else if (measure_load(b, d) < 0) {
		return -1;
	}
	if (b->n_hold && measure_hold(b, d) < 0)
		return -1;
	printf("hwm_kib=%llu\n",
	       (unsigned long long)process_rss_kib(&b->group, "VmHWM"));
	return 0;
}

int main(int argc, char **argv)
{
	struct bench b = {
		.traffic = { .size = 1400, .n_flows = 100 },
		.n_packets = 1000000,
	};
	struct traffic *t;
	struct drive *d;
	int err, status;

	if (parse(&b, argc, argv) < 0 ||
	    !(t = traffic_new(&b.traffic))) {
		fputs(usage, stderr);
		return 2;
	}
	b.drive.traffic = t;
	d = drive_new(&b.drive);
	err = start_programs(&b, argv + optind);
	if (!err)
		err = connect_all(&b, d);
	if (!err)
		err = measure(&b, d);
	status = process_stop(&b.group);
	if (status && !err)
		fprintf(stderr, "bench: the program ended with %d\n", status);
	drive_free(d);
	traffic_free(t);
	return err || status;
}
