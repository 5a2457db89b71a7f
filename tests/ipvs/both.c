/* SPDX-License-Identifier: ISC */
/*
 * Whatever is done is done to both directors, the kernel's IPVS and ours: services,
 * destinations, segments. Of a new connection each says where it went.
 *
 * The state is struct both. oracle.c decides what is done.
 */
#include "both.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../common/bytes.h"
#include "../../common/checksum.h"
#include "../../common/packet.h"
#include "../../common/time.h"
#include "../../redirector/schedule/route.h"
#include "../../redirector/schedule/schedule.h"

#define FRAME_MAX 74u
#define PORT_FIRST 8000u
#define FIN_S 120u		/* IPVS's, when nothing else was said */
#define SETTLE_S 20

static void put_order(struct both *b, struct oracle_order *order)
{
	order->port = b->port;
	order->ip_version = b->service.ip_version;
	order->flags = b->service.flags;
	snprintf(order->scheduler, sizeof(order->scheduler), "%s",
		 b->service.scheduler);
	errno = guest_order(&b->guest, order);
	if (errno)
		guest_give_up("IPVS refuses");
}

/* To the service at each of its addresses. */
static void tell_ipvs(struct both *b, enum oracle_op op, uint32_t dest,
		      struct both_dest d)
{
	for (uint32_t i = 0; i < b->service.n_addrs; i++) {
		struct oracle_order order = {
			.op = (uint16_t)op, .service = i, .dest = dest,
			.weight = d.weight, .max_conn = d.max_conn,
			.min_conn = d.min_conn };

		put_order(b, &order);
	}
}

static void serve(struct both *b, uint32_t i)
{
	const struct both_service *wanted = &b->service;
	char text[128], why[512];
	struct service svc;

	snprintf(text, sizeof(text), wanted->ip_version == 4 ?
		 "tcp:10.0.1.%u:%u,scheduler=%s%s" :
		 "tcp:[fd01::10.0.1.%u]:%u,scheduler=%s%s", i, b->port,
		 wanted->scheduler, wanted->options);
	if (!service_parse(&svc, text, why, sizeof(why)) ||
	    !schedule_add_service(b->s, &svc))
		guest_give_up(text);
}

/**
 * both_begin() - Another service, without destinations and connections
 * @b:		both; all zero but for the guest, the first time
 * @service:	copied
 *
 * The caller ends it with both_end().
 */
void both_begin(struct both *b, const struct both_service *service)
{
	struct schedule_config config = { .max_conns = 100000,
					  .unscheduled = SCHEDULE_UN_DROP };

	b->port = (uint16_t)(b->port ? b->port + 1u : PORT_FIRST);
	b->service = *service;
	b->now_ns = NS_PER_S;
	b->n_open = b->n_ipvs = 0;
	memset(b->is_member, 0, sizeof(b->is_member));
	memset(b->ours, 0xff, sizeof(b->ours));
	b->s = schedule_new(&config, b->now_ns);
	if (!b->s)
		guest_give_up("memory");
	schedule_set_timeout(b->s, STATE_ESTABLISHED, 31 * 86400);
	for (uint32_t i = 0; i < service->n_addrs; i++)
		serve(b, i);
	both_set_fin(b, FIN_S);
	tell_ipvs(b, ORACLE_ADD_SERVICE, 0, (struct both_dest){ 0 });
}

/**
 * both_end() - Ours is freed; IPVS's service stays, and is no matter any more
 * @b:	both
 */
void both_end(struct both *b)
{
	schedule_free(b->s);
}

/**
 * both_add() - Add a destination
 * @b:	both
 * @i:	its number
 * @d:	its weight and limits
 */
void both_add(struct both *b, uint32_t i, struct both_dest d)
{
	const char name[2] = { (char)('a' + i), 0 };

	tell_ipvs(b, ORACLE_ADD_DEST, i, d);
	b->ours[i] = schedule_add_dest(b->s, name, b->now_ns);
	schedule_set_weight(b->s, b->ours[i], d.weight);
	schedule_set_limits(b->s, b->ours[i], d.max_conn, d.min_conn);
	schedule_set_up(b->s, b->ours[i], true, b->now_ns);
	b->is_member[i] = true;
}

/**
 * both_weigh() - A destination without limits gets another weight
 * @b:		both
 * @i:		its number
 * @weight:	weight
 */
void both_weigh(struct both *b, uint32_t i, uint32_t weight)
{
	tell_ipvs(b, ORACLE_EDIT_DEST, i, (struct both_dest){ weight, 0, 0 });
	schedule_set_weight(b->s, b->ours[i], weight);
}

/**
 * both_remove() - Remove a destination
 * @b:	both
 * @i:	its number
 */
void both_remove(struct both *b, uint32_t i)
{
	tell_ipvs(b, ORACLE_DEL_DEST, i, (struct both_dest){ 0 });
	schedule_remove_dest(b->s, b->ours[i], b->now_ns);
	b->is_member[i] = false;
}

/* --- segments --- */

/* Return: where the header of TCP begins. */
static uint8_t *make_ipv4(uint8_t *ip, uint32_t client, uint32_t service)
{
	ip[0] = 0x45;
	bytes_put16(ip + 2, 40);
	ip[8] = 64;
	ip[9] = PACKET_TCP;
	bytes_put32(ip + 12, client);
	bytes_put32(ip + 16, service);
	bytes_put16(ip + 10, checksum_fold(checksum_add(0, ip, 20)));
	return ip + 20;
}

static uint8_t *make_ipv6(uint8_t *ip, uint32_t client, uint32_t service)
{
	ip[0] = 0x60;
	bytes_put16(ip + 4, 20);
	ip[6] = PACKET_TCP;
	ip[7] = 64;
	memcpy(ip + 8, "\x20\x01\x0d\xb8", 4);
	bytes_put32(ip + 12, client * 2654435761u);	/* all of it counts */
	bytes_put32(ip + 20, client);
	memcpy(ip + 24, ORACLE_SERVICE_PREFIX, 12);
	bytes_put32(ip + 36, service);
	return ip + 40;
}

/* Return: its length. */
static size_t make(uint8_t *frame, const struct both *b,
		   const struct connection *c, uint8_t flags)
{
	bool is_ipv4 = b->service.ip_version == 4;
	uint32_t service = ORACLE_SERVICE_ADDR + c->service, sum;
	uint8_t *tcp;

	memset(frame, 0, FRAME_MAX);
	memcpy(frame, ORACLE_GUEST_MAC ORACLE_MAC, 12);
	bytes_put16(frame + 12, is_ipv4 ? 0x0800 : 0x86dd);
	tcp = (is_ipv4 ? make_ipv4 : make_ipv6)(frame + 14, c->client, service);
	bytes_put16(tcp, c->port);
	bytes_put16(tcp + 2, b->port);
	tcp[12] = 0x50;
	tcp[13] = flags;
	bytes_put16(tcp + 14, 1000);
	sum = checksum_pseudo((uint8_t)b->service.ip_version,
			      is_ipv4 ? frame + 26 : frame + 22,
			      is_ipv4 ? frame + 30 : frame + 38, PACKET_TCP, 20);
	bytes_put16(tcp + 16, checksum_fold(checksum_add(sum, tcp, 20)));
	return (size_t)(tcp + 20 - frame);
}

/* Return: where ours sends it. */
static uint8_t put(struct both *b, const struct connection *c, uint8_t flags)
{
	uint8_t frame[FRAME_MAX];
	const struct route_frame f = { frame, make(frame, b, c, flags) };
	struct schedule_verdict way;

	guest_send(&b->guest, frame, f.len);
	route_from_net(b->s, &f, 1, &way, b->now_ns);
	for (uint8_t i = 0; way.way == SCHEDULE_TO_DEST && i < ORACLE_DESTS; i++)
		if (b->ours[i] == way.dest)
			return i;
	return GUEST_NONE;
}

/**
 * both_syn() - A client connects
 * @b:	both
 * @c:	the connection; its dest says nothing
 *
 * Return: where either sends it
 */
struct both_where both_syn(struct both *b, const struct connection *c)
{
	struct both_where where;

	where.ours = put(b, c, TCP_SYN);
	where.ipvs = guest_where(&b->guest);
	b->n_ipvs += where.ipvs != GUEST_NONE;
	return where;
}

/**
 * both_ack() - A connection is established, and is one of @b->open
 * @b:	both
 * @c:	that both_syn() sent to one place; copied
 */
void both_ack(struct both *b, const struct connection *c)
{
	put(b, c, TCP_ACK);
	if (b->n_open < CONNECTIONS_MAX)
		b->open[b->n_open++] = *c;
}

/**
 * both_fin() - The client closes a connection
 * @b:	both
 * @at:	which of @b->open
 */
void both_fin(struct both *b, unsigned at)
{
	put(b, &b->open[at], TCP_FIN | TCP_ACK);
	b->open[at] = b->open[--b->n_open];
	b->n_ipvs--;
}

/* --- time --- */

/**
 * both_set_fin() - Say how long closed connections live
 * @b:		both
 * @seconds:	how long
 */
void both_set_fin(struct both *b, uint32_t seconds)
{
	struct oracle_order order = { .op = ORACLE_SET_FIN,
				      .seconds = seconds };

	put_order(b, &order);
	schedule_set_timeout(b->s, STATE_CLOSE_WAIT, seconds);
}

/**
 * both_settle() - Wait until both have forgotten what was closed
 * @b:	both; what is closed lives for a second
 *
 * Return: false when IPVS has others than it should.
 */
bool both_settle(struct both *b)
{
	time_t end = time(NULL) + SETTLE_S;
	struct oracle_order order = { .op = ORACLE_COUNT };

	b->now_ns += 3 * NS_PER_S;
	schedule_expire(b->s, b->now_ns);
	do {
		put_order(b, &order);
		if (order.n_conns == b->n_ipvs)
			return true;
		usleep(20000);
		order.op = ORACLE_COUNT;
	} while (time(NULL) < end);
	return false;
}
