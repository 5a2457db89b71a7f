/* SPDX-License-Identifier: ISC */
/*
 * Each form of the stream is rendered once into a ring that is mapped twice in
 * a row, so that any part of it is one piece of memory. Senders write from it,
 * receivers compare with it: as long as the order is the primary's, checking
 * is one memcmp a read. Where only the order within a flow is promised, each
 * frame is compared with the one its flow has to send next.
 */
#include "drive.h"

#include <assert.h>
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../../common/time.h"

#define ENDS_MAX 4u
#define READ_MAX (256u * 1024u)
#define WRITE_MAX (256u * 1024u)
#define PATIENCE_MS 5000

struct lane {				/* one form of the stream */
	uint8_t *ring;			/* NULL: nobody sends it */
	uint64_t n_rendered;		/* packets */
};

struct sender {
	int fd;
	enum traffic_kind kind;
	bool lagging;
	uint64_t sent;			/* bytes */
};

struct receiver {
	int fd;
	const char *name;
	uint64_t got;			/* bytes, all of them right */
	uint32_t kept;			/* of a half frame, any_order only */
	uint32_t *rounds;		/* what each flow sends next, likewise */
	uint8_t buffer[READ_MAX];
};

struct drive {
	struct drive_config config;
	size_t frame_len;		/* of the primary's, on the wire */
	size_t ring_len;		/* power of two */
	struct lane lanes[TRAFFIC_KINDS];
	struct sender senders[ENDS_MAX];
	struct receiver *receivers[ENDS_MAX];
	unsigned n_senders, n_receivers;
	uint64_t n_wanted;		/* packets to be released by now */
	uint64_t n_lead;		/* that may have been sent by now */
	bool holding;			/* the lagging ones wait */
};

/**
 * drive_now_ns() - The time
 *
 * Return: nanoseconds, monotonic.
 */
uint64_t drive_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static uint8_t *ring_map(size_t len)
{
	int fd = memfd_create("ring", MFD_CLOEXEC);
	uint8_t *at = mmap(NULL, 2 * len, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (fd < 0 || at == MAP_FAILED || ftruncate(fd, (off_t)len) < 0)
		abort();
	for (unsigned i = 0; i < 2; i++) {
		if (mmap(at + i * len, len, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED | MAP_POPULATE, fd, 0) ==
		    MAP_FAILED)
			abort();
	}
	close(fd);
	return at;
}

static uint8_t *ring_at(const struct drive *d, enum traffic_kind kind,
			uint64_t position)
{
	return d->lanes[kind].ring + (position & (d->ring_len - 1));
}

/**
 * drive_new() - A drive with neither senders nor receivers
 * @config:	copied
 *
 * Return: it, for drive_free().
 */
struct drive *drive_new(const struct drive_config *config)
{
	struct drive *d = calloc(1, sizeof(*d));
	size_t need;

	if (!d)
		abort();
	d->config = *config;
	d->frame_len = traffic_position(config->traffic, TRAFFIC_PRIMARY, 1);
	need = d->frame_len * (2 * ((size_t)config->window + config->lag) +
			       config->hold) + 4 * TRAFFIC_PACKET_MAX;
	d->ring_len = 1u << 20;
	while (d->ring_len < need)
		d->ring_len *= 2;
	d->lanes[TRAFFIC_PRIMARY].ring = ring_map(d->ring_len);
	return d;
}

/**
 * drive_free() - Free a drive; its descriptors stay open
 * @d:	drive
 */
void drive_free(struct drive *d)
{
	for (unsigned i = 0; i < d->n_receivers; i++) {
		free(d->receivers[i]->rounds);
		free(d->receivers[i]);
	}
	for (unsigned i = 0; i < TRAFFIC_KINDS; i++) {
		if (d->lanes[i].ring)
			munmap(d->lanes[i].ring, 2 * d->ring_len);
	}
	free(d);
}

/**
 * drive_send_to() - Send the stream here
 * @d:		drive
 * @fd:		connected stream socket; borrowed
 * @kind:	in this form
 * @lagging:	this is the secondary: it comes second, config.lag behind
 */
void drive_send_to(struct drive *d, int fd, enum traffic_kind kind,
		   bool lagging)
{
	assert(d->n_senders < ENDS_MAX);
	if (!d->lanes[kind].ring)
		d->lanes[kind].ring = ring_map(d->ring_len);
	d->senders[d->n_senders++] = (struct sender){
		.fd = fd, .kind = kind, .lagging = lagging,
	};
}

/**
 * drive_receive_from() - Expect the whole primary stream here
 * @d:		drive
 * @fd:		connected stream socket; borrowed
 * @name:	for messages; borrowed
 */
void drive_receive_from(struct drive *d, int fd, const char *name)
{
	struct receiver *r = calloc(1, sizeof(*r));

	assert(d->n_receivers < ENDS_MAX);
	if (!r)
		abort();
	r->fd = fd;
	r->name = name;
	if (d->config.any_order) {
		r->rounds = calloc(d->config.n_flows, sizeof(*r->rounds));
		if (!r->rounds)
			abort();
	}
	d->receivers[d->n_receivers++] = r;
}

/* --- sending --- */

static void render(struct drive *d, enum traffic_kind kind, uint64_t n)
{
	struct lane *lane = &d->lanes[kind];
	const struct traffic *t = d->config.traffic;

	for (; lane->n_rendered < n; lane->n_rendered++) {
		uint64_t at = traffic_position(t, kind, lane->n_rendered);

		traffic_put(t, kind, lane->n_rendered, ring_at(d, kind, at));
	}
}

static uint64_t min64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t n_released(const struct drive *d)
{
	uint64_t n = UINT64_MAX;

	for (unsigned i = 0; i < d->n_receivers; i++)
		n = min64(n, d->receivers[i]->got / d->frame_len);
	return n;
}

/* Whole packets that the slowest of the leading senders has sent. */
static uint64_t n_led(const struct drive *d)
{
	uint64_t n = UINT64_MAX;

	for (unsigned i = 0; i < d->n_senders; i++) {
		if (!d->senders[i].lagging)
			n = min64(n, d->senders[i].sent / d->frame_len);
	}
	return n;
}

/* The window is filled when half of it is empty: bursts, not dribbles. */
static uint64_t lead(struct drive *d)
{
	uint64_t n = n_released(d) + d->config.window + d->config.lag;

	if (d->holding || n >= d->n_wanted)
		d->n_lead = d->n_wanted;
	else if (n - d->n_lead > d->config.window / 2)
		d->n_lead = n;
	return d->n_lead;
}

/* How many packets a sender may have sent by now. */
static uint64_t n_allowed(struct drive *d, const struct sender *s)
{
	uint64_t led;

	if (!s->lagging)
		return lead(d);
	if (d->holding)
		return 0;
	led = n_led(d);
	if (led < d->n_wanted)
		led = led < d->config.lag ? 0 : led - d->config.lag;
	return min64(led, n_released(d) + d->config.window);
}

/* Bytes that a sender may send now, rendered. */
static size_t sendable(struct drive *d, const struct sender *s)
{
	uint64_t n = n_allowed(d, s);
	uint64_t end = traffic_position(d->config.traffic, s->kind, n);

	if (end <= s->sent)
		return 0;
	render(d, s->kind, n);
	render(d, TRAFFIC_PRIMARY, n);
	return (size_t)min64(end - s->sent, WRITE_MAX);
}

/* Return: bytes sent, 0 when there is nothing to send or no room. */
static ssize_t send_some(struct drive *d, struct sender *s)
{
	size_t len = sendable(d, s);
	ssize_t n;

	if (!len)
		return 0;
	n = send(s->fd, ring_at(d, s->kind, s->sent), len,
		 MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n < 0) {
		fprintf(stderr, "bench: send: %s\n", strerror(errno));
		return -1;
	}
	s->sent += (uint64_t)n;
	return n;
}

/* --- receiving --- */

static int wrong(const struct receiver *r, uint64_t packet, const char *what)
{
	fprintf(stderr, "bench: %s: packet %llu: %s\n", r->name,
		(unsigned long long)packet, what);
	return -1;
}

static int check_ordered(const struct drive *d, struct receiver *r, size_t len)
{
	const uint8_t *want = ring_at(d, TRAFFIC_PRIMARY, r->got);
	size_t at = 0;

	if (r->got + len > d->lanes[TRAFFIC_PRIMARY].n_rendered * d->frame_len)
		return wrong(r, r->got / d->frame_len,
			     "more comes out than went in");
	if (memcmp(r->buffer, want, len)) {
		while (r->buffer[at] == want[at])
			at++;
		return wrong(r, (r->got + at) / d->frame_len,
			     "not the bytes that have to come next");
	}
	r->got += len;
	return 0;
}

static int check_frame(const struct drive *d, struct receiver *r,
		       const uint8_t *frame)
{
	static uint8_t want[TRAFFIC_FRAME_MAX];
	uint64_t number = r->got / d->frame_len;
	uint32_t flow;

	if (traffic_flow_of(d->config.traffic, frame, &flow) < 0)
		return wrong(r, number, "of no flow");
	traffic_frame(d->config.traffic, flow, r->rounds[flow], want);
	if (memcmp(frame, want, d->frame_len))
		return wrong(r, number,
			     "not the bytes its flow has to send next");
	r->rounds[flow]++;
	r->got += d->frame_len;
	return 0;
}

static int check_any_order(const struct drive *d, struct receiver *r,
			   size_t len)
{
	size_t at = 0;

	len += r->kept;
	for (; len - at >= d->frame_len; at += d->frame_len) {
		if (check_frame(d, r, r->buffer + at) < 0)
			return -1;
	}
	r->kept = (uint32_t)(len - at);
	memmove(r->buffer, r->buffer + at, r->kept);
	return 0;
}

/* Return: bytes received and found right, 0 for none, -1. */
static ssize_t receive_some(struct drive *d, struct receiver *r)
{
	ssize_t n = recv(r->fd, r->buffer + r->kept, READ_MAX - r->kept,
			 MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n <= 0) {
		fprintf(stderr, "bench: %s: %s\n", r->name,
			n ? strerror(errno) : "closed");
		return -1;
	}
	if ((d->config.any_order ? check_any_order(d, r, (size_t)n) :
				   check_ordered(d, r, (size_t)n)) < 0)
		return -1;
	return n;
}

/* --- running --- */

/* Return: bytes moved, or -1. */
static ssize_t turn(struct drive *d)
{
	ssize_t moved = 0, n;

	for (unsigned i = 0; i < d->n_senders; i++) {
		n = send_some(d, &d->senders[i]);
		if (n < 0)
			return -1;
		moved += n;
	}
	for (unsigned i = 0; i < d->n_receivers; i++) {
		n = receive_some(d, d->receivers[i]);
		if (n < 0)
			return -1;
		moved += n;
	}
	return moved;
}

static int wait_for_room(struct drive *d)
{
	struct pollfd v[2 * ENDS_MAX];
	unsigned n = 0;

	for (unsigned i = 0; i < d->n_senders; i++) {
		if (sendable(d, &d->senders[i]))
			v[n++] = (struct pollfd){ .fd = d->senders[i].fd,
						  .events = POLLOUT };
	}
	for (unsigned i = 0; i < d->n_receivers; i++)
		v[n++] = (struct pollfd){ .fd = d->receivers[i]->fd,
					  .events = POLLIN };
	if (poll(v, n, PATIENCE_MS) > 0)
		return 0;
	for (unsigned i = 0; i < d->n_receivers; i++)
		fprintf(stderr, "bench: %s: nothing comes any more; %llu of "
			"%llu packets are missing\n", d->receivers[i]->name,
			(unsigned long long)(d->n_wanted -
			d->receivers[i]->got / d->frame_len),
			(unsigned long long)d->n_wanted);
	return -1;
}

/**
 * drive_run() - Send packets, and wait until they have come out everywhere
 * @d:		drive
 * @n:		how many; 0 brings what drive_hold() kept back to its end
 *
 * Return: 0, or -1 when something came out that should not, or nothing; the
 *	   reason is on standard error.
 */
int drive_run(struct drive *d, uint64_t n)
{
	d->n_wanted += n;
	d->holding = false;
	while (n_released(d) < d->n_wanted) {
		ssize_t moved = turn(d);

		if (moved < 0 || (!moved && wait_for_room(d) < 0))
			return -1;
	}
	return turn(d) < 0 ? -1 : 0;
}

/**
 * drive_hold() - Send packets of the primary only
 * @d:		drive
 * @n:		how many
 *
 * Return: 0 when the programs have read them, or -1. To be followed by
 *	   drive_run().
 */
int drive_hold(struct drive *d, uint64_t n)
{
	d->n_wanted += n;
	d->holding = true;
	while (n_led(d) < d->n_wanted) {
		ssize_t moved = turn(d);

		if (moved < 0 || (!moved && wait_for_room(d) < 0))
			return -1;
	}
	for (unsigned i = 0; i < d->n_senders; i++) {
		int queued = 1;

		while (queued && ioctl(d->senders[i].fd, SIOCOUTQ,
				       &queued) == 0)
			;
	}
	return 0;
}

/* Return: 0 or -1; what has come out since the last call got its latency. */
static int receive_timed(struct drive *d, const uint64_t *sent_ns,
			 uint64_t *n_timed, uint32_t *ns)
{
	ssize_t n = receive_some(d, d->receivers[0]);
	uint64_t now;

	if (n <= 0)
		return (int)n;
	now = drive_now_ns();
	while (*n_timed < d->receivers[0]->got / d->frame_len - d->n_wanted) {
		ns[*n_timed] = (uint32_t)min64(now - sent_ns[*n_timed],
					       UINT32_MAX);
		(*n_timed)++;
	}
	return 0;
}

/* One packet to every sender, the lagging one last. */
static int send_one(struct drive *d, uint64_t number, uint64_t *sent_ns)
{
	for (unsigned i = 0; i < d->n_senders; i++) {
		struct sender *s = &d->senders[i];
		uint64_t end = traffic_position(d->config.traffic, s->kind,
						number + 1);

		render(d, s->kind, number + 1);
		render(d, TRAFFIC_PRIMARY, number + 1);
		*sent_ns = drive_now_ns();
		while (s->sent < end) {
			ssize_t n = send(s->fd, ring_at(d, s->kind, s->sent),
					 (size_t)(end - s->sent),
					 MSG_NOSIGNAL);

			if (n < 0) {
				fprintf(stderr, "bench: send: %s\n",
					strerror(errno));
				return -1;
			}
			s->sent += (uint64_t)n;
		}
	}
	return 0;
}

/* Sleeps until something comes or the time is there, whichever is first. */
static void sleep_until(const struct drive *d, uint64_t deadline_ns)
{
	struct pollfd v = { .fd = d->receivers[0]->fd, .events = POLLIN };
	uint64_t now = drive_now_ns();
	uint64_t left = deadline_ns > now ? deadline_ns - now : 0;
	struct timespec ts = { .tv_sec = (time_t)(left / NS_PER_S),
			       .tv_nsec = (long)(left % NS_PER_S) };

	ppoll(&v, 1, &ts, NULL);
}

/* A paced run under way. */
struct pace {
	uint64_t start_ns, progress_ns;	/* when it began, when it last moved */
	uint64_t n, n_sent, n_timed;	/* packets: all, sent, come out */
	uint32_t rate;			/* a second; 0: whenever there is room */
	uint64_t *sent_ns;		/* by packet */
};

/* Send what is due, or sleep until something happens. Return: 0 or -1 */
static int pace_send(struct drive *d, struct pace *p)
{
	uint64_t due = p->rate ? p->start_ns + p->n_sent * NS_PER_S / p->rate :
				 0;
	bool may_send = p->n_sent < p->n &&
			p->n_sent < p->n_timed + d->config.window;

	if (!may_send || drive_now_ns() < due) {
		sleep_until(d, may_send ? due :
			    p->progress_ns + PATIENCE_MS * 1000000ull);
		return 0;
	}
	p->progress_ns = drive_now_ns();
	p->n_sent++;
	return send_one(d, d->n_wanted + p->n_sent - 1,
			&p->sent_ns[p->n_sent - 1]);
}

/* Return: 0, or -1 when something wrong came, or nothing for too long */
static int pace_receive(struct drive *d, struct pace *p, uint32_t *ns)
{
	uint64_t n_before = p->n_timed, now;

	if (receive_timed(d, p->sent_ns, &p->n_timed, ns) < 0)
		return -1;
	now = drive_now_ns();
	if (p->n_timed > n_before)
		p->progress_ns = now;
	if (p->n_timed == p->n ||
	    now <= p->progress_ns + PATIENCE_MS * 1000000ull)
		return 0;
	fprintf(stderr, "bench: %llu of %llu paced packets are missing\n",
		(unsigned long long)(p->n - p->n_timed),
		(unsigned long long)p->n);
	return -1;
}

/**
 * drive_paced() - Send packets at a rate and take their latency
 * @d:		drive with one receiver, everything released
 * @n:		how many
 * @rate:	packets a second; 0: each as soon as the window has room
 * @ns:		set: from the last copy's send to its release, n of them
 *
 * Packet k has its deadline at start + k / rate, however late the one before
 * it was. It sleeps in between: one that spins is put off the processor when
 * others want it, and its own absence is then the tail.
 *
 * Return: 0 or -1, as drive_run().
 */
int drive_paced(struct drive *d, uint64_t n, uint32_t rate, uint32_t *ns)
{
	uint64_t *sent_ns = calloc(n, sizeof(*sent_ns));
	struct pace p = { .start_ns = drive_now_ns(), .n = n, .rate = rate,
			  .sent_ns = sent_ns };
	int err = 0;

	if (!sent_ns)
		abort();
	p.progress_ns = p.start_ns;
	prctl(PR_SET_TIMERSLACK, 1);
	while (p.n_timed < n && !err) {
		err = pace_send(d, &p);
		if (!err)
			err = pace_receive(d, &p, ns);
	}
	free(sent_ns);
	d->n_wanted += n;
	return err;
}
