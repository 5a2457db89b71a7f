/* SPDX-License-Identifier: ISC */
/*
 * The frames of a director: schedule/ says where each goes, and rows of frames
 * that go the same way are sent at once.
 *
 * A destination has a socket or two, those of its pair's hosts. It lives behind
 * the one that its frames came from last: a failover's announcement moves it. While
 * that one is down, or none has spoken, frames go to the first one that is up.
 *
 * Frames to a destination that is slow or gone are dropped and counted: the
 * others do not wait for it.
 */
#include "director_relay.h"

#include <string.h>

#include "schedule/answer.h"
#include "schedule/route.h"

static void send_to_net(struct director *d, const struct frame *v, unsigned n)
{
	if (d->net_out)
		endpoint_output_send(d->net_out, v, n);
	else
		d->n_no_net += n;
}

static void offer(struct director_dest *to, const struct frame *v, unsigned n)
{
	endpoint_output_offer(to->sockets[to->live], v, n);
}

static void flood(struct director *d, const struct frame *f)
{
	const struct dest_set *set = schedule_dests(d->schedule);
	unsigned n = 0;

	for (unsigned at = 0; at < set->n; at++) {
		uint16_t i = set->order[at];

		if (!set->v[i].is_up)
			continue;
		offer(&d->dests[i], f, 1);
		n++;
	}
	if (n)
		d->copied += n - 1;
	else
		d->n_no_net++;
}

static void answer(struct director *d, const struct frame *f, uint16_t service)
{
	const struct service_set *set = schedule_services(d->schedule);
	struct chunk *c = chunk_new(ANSWER_ROOM);
	struct frame reply = { .chunk = c, .data = c->bytes };

	reply.len = answer_write(reply.data, &set->v[service], frame_eth(f),
				 frame_eth_len(f));
	d->originated++;
	send_to_net(d, &reply, 1);
	chunk_unref(c);
}

/* A row of frames that go the same way. */
struct row {
	struct schedule_verdict way;
	struct frame *first;
	unsigned n;
};

static void row_send(struct director *d, const struct row *row)
{
	switch ((enum schedule_way)row->way.way) {
	case SCHEDULE_TO_DEST:
		offer(&d->dests[row->way.dest], row->first, row->n);
		break;
	case SCHEDULE_TO_NET:
		send_to_net(d, row->first, row->n);
		break;
	case SCHEDULE_FLOOD:
		for (unsigned i = 0; i < row->n; i++)
			flood(d, &row->first[i]);
		break;
	case SCHEDULE_ANSWER:
		for (unsigned i = 0; i < row->n; i++)
			answer(d, &row->first[i], row->way.dest);
		break;
	case SCHEDULE_DROP:
		break;
	}
}

static void row_add(struct director *d, struct row *row,
		    struct schedule_verdict way, struct frame *f)
{
	if (row->n && row->way.way == way.way && row->way.dest == way.dest) {
		row->n++;
		return;
	}
	row_send(d, row);
	*row = (struct row){ way, f, 1 };
}

/* The next frames of a row, as the scheduler takes them. Return: how many. */
static unsigned gather(struct route_frame *to, const struct frame *v,
		       unsigned n)
{
	unsigned k;

	for (k = 0; k < n && k < ROUTE_MAX; k++) {
		to[k].eth = frame_eth(&v[k]);
		to[k].len = v[k].len > v[k].vnet_len ? frame_eth_len(&v[k]) : 0;
	}
	return k;
}

/* Direct routing: the frame is for the guest of its destination. */
static void address(const struct director *d, const struct route_frame *f,
		    struct schedule_verdict way)
{
	const struct dest_set *set = schedule_dests(d->schedule);

	if (way.way == SCHEDULE_TO_DEST && set->v[way.dest].has_mac &&
	    f->len >= 12)
		memcpy(f->eth, set->v[way.dest].mac, 6);
}

/**
 * director_relay_net() - Frames came from the net
 * @ep:		its endpoint
 * @v:		the frames; those for direct routing get another MAC
 * @n:		how many
 * @arg:	the director
 */
void director_relay_net(struct endpoint *ep, struct frame *v, unsigned n,
			void *arg)
{
	struct director *d = arg;
	uint64_t now_ns = clock_now_ns(&d->loop.clock);
	struct route_frame f[ROUTE_MAX];
	struct schedule_verdict ways[ROUTE_MAX];
	struct row row = { 0 };

	(void)ep;
	while (n) {
		unsigned got = route_from_net(d->schedule, f,
					      gather(f, v, n), ways, now_ns);

		for (unsigned k = 0; k < got; k++) {
			address(d, &f[k], ways[k]);
			row_add(d, &row, ways[k], &v[k]);
		}
		v += got;
		n -= got;
	}
	row_send(d, &row);
}

/* Frames come from another host of the pair than before. */
static void move(struct director_dest *from, const struct endpoint *ep)
{
	const struct dest_set *set = schedule_dests(from->director->schedule);

	for (unsigned k = 0; k < from->n; k++)
		if (from->sockets[k] == ep)
			from->spoke = from->live = k;
	log_event("moved", "%s lives behind %s now", set->v[from->index].name,
		  endpoint_name(ep));
}

/**
 * director_relay_dest() - Frames came from a destination
 * @ep:		one of its sockets
 * @v:		the frames
 * @n:		how many
 * @arg:	the struct director_dest
 */
void director_relay_dest(struct endpoint *ep, struct frame *v, unsigned n,
			 void *arg)
{
	struct director_dest *from = arg;
	struct director *d = from->director;
	uint64_t now_ns = clock_now_ns(&d->loop.clock);
	struct route_frame f[ROUTE_MAX];
	struct schedule_verdict ways[ROUTE_MAX];
	struct row row = { 0 };

	if (from->sockets[from->spoke] != ep)
		move(from, ep);
	while (n) {
		unsigned got = route_from_dest(d->schedule, from->index, f,
					       gather(f, v, n), ways, now_ns);

		for (unsigned k = 0; k < got; k++)
			row_add(d, &row, ways[k], &v[k]);
		v += got;
		n -= got;
	}
	row_send(d, &row);
}
