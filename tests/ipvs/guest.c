/* SPDX-License-Identifier: ISC */
/*
 * The wire to the guest: frames for IPVS, orders for the agent, and what comes
 * back. The state is struct guest. Where the guest fails, the program ends.
 */
#include "guest.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "../../common/bytes.h"
#include "../../common/packet.h"

#define READY_S 120		/* for a guest without KVM to boot */
#define SILENCE_MS 120000
#define FRAME_MAX 2048u

/**
 * guest_give_up() - End the program: it could not be played
 * @what:	what failed, as errno says
 */
void guest_give_up(const char *what)
{
	fprintf(stderr, "oracle: %s: %s\n", what, strerror(errno));
	exit(2);
}

/**
 * guest_send() - A frame goes to the guest
 * @g:		guest
 * @frame:	bytes of it
 * @len:	how many
 */
void guest_send(const struct guest *g, const void *frame, size_t len)
{
	uint8_t buf[4 + 256];

	bytes_put32(buf, (uint32_t)len);
	memcpy(buf + 4, frame, len);
	if (send(g->fd, buf, 4 + len, MSG_NOSIGNAL) != (ssize_t)(4 + len))
		guest_give_up("send");
}

static void read_all(const struct guest *g, void *to, size_t len)
{
	if (len && recv(g->fd, to, len, MSG_WAITALL) != (ssize_t)len)
		guest_give_up("the guest is gone");
}

static bool is_readable(const struct guest *g, int ms)
{
	struct pollfd p = { g->fd, POLLIN, 0 };

	return poll(&p, 1, ms) > 0;
}

/* One frame of the guest, of which @size bytes are kept. */
static void receive(const struct guest *g, void *frame, uint32_t size)
{
	uint8_t all[FRAME_MAX] = { 0 };
	uint32_t len;

	read_all(g, all, 4);
	len = bytes_get32(all);
	if (len > sizeof(all))
		guest_give_up("frame");
	memset(all, 0, sizeof(all));
	read_all(g, all, len);
	memcpy(frame, all, size);
}

/* The real server that a SYN goes to, if this is one. */
static uint8_t dest_of(const uint8_t *frame)
{
	bool is_ipv4 = bytes_get16(frame + 12) == 0x0800;
	uint8_t flags = frame[14 + (is_ipv4 ? 20 : 40) + 13];

	return !memcmp(frame, ORACLE_DEST_MAC, 5) && flags & TCP_SYN ?
						frame[5] : GUEST_NONE;
}

static void post(struct guest *g, struct oracle_order *order)
{
	memcpy(order->ether, ORACLE_GUEST_MAC ORACLE_MAC, 12);
	bytes_put16(order->ether + 12, ORACLE_TYPE);
	order->number = ++g->n_orders;
	guest_send(g, order, sizeof(*order));
}

/* Reads up to the answer to the last order, which is set. Return: the real server
 * that a SYN went to on the way, or GUEST_NONE. */
static uint8_t wait_for_answer(const struct guest *g, struct oracle_order *answer)
{
	uint8_t dest = GUEST_NONE, frame[sizeof(*answer)];

	for (;;) {
		if (!is_readable(g, SILENCE_MS))
			guest_give_up("the guest is silent");
		receive(g, frame, sizeof(frame));
		if (dest_of(frame) != GUEST_NONE)
			dest = dest_of(frame);
		memcpy(answer, frame, sizeof(*answer));
		if (bytes_get16(frame + 12) == ORACLE_TYPE &&
		    answer->number == g->n_orders)
			return dest;
	}
}

/**
 * guest_order() - The agent does something
 * @g:		guest
 * @order:	what; set to the answer
 *
 * Return: what the kernel said: 0 or an errno.
 */
int guest_order(struct guest *g, struct oracle_order *order)
{
	post(g, order);
	wait_for_answer(g, order);
	return order->error;
}

/**
 * guest_where() - Where the SYN that was sent last went to
 * @g:	guest
 *
 * Return: number of the real server, or GUEST_NONE
 */
uint8_t guest_where(struct guest *g)
{
	struct oracle_order ping = { .op = ORACLE_PING };

	post(g, &ping);
	return wait_for_answer(g, &ping);
}

/* Return: the agent has said something, within 200 ms of silence. */
static bool is_agent_there(const struct guest *g)
{
	uint8_t frame[60];

	while (is_readable(g, 200)) {
		receive(g, frame, sizeof(frame));
		if (bytes_get16(frame + 12) == ORACLE_TYPE)
			return true;
	}
	return false;
}

/* The guest boots: asked again and again, until its agent answers. */
static void wait_until_ready(struct guest *g)
{
	time_t end = time(NULL) + READY_S;
	struct oracle_order ping = { .op = ORACLE_PING };

	do {
		if (time(NULL) > end)
			guest_give_up("the guest does not come up");
		post(g, &ping);
	} while (!is_agent_there(g));
	guest_order(g, &ping);
}

/**
 * guest_connect() - Dial the guest, and wait until its agent answers
 * @g:		set
 * @path:	of the socket
 */
void guest_connect(struct guest *g, const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	time_t end = time(NULL) + READY_S;

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	g->n_orders = 0;
	g->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	while (connect(g->fd, (const struct sockaddr *)&sun, sizeof(sun))) {
		if (time(NULL) > end)
			guest_give_up(path);
		usleep(50000);
	}
	wait_until_ready(g);
}
