/* SPDX-License-Identifier: ISC */
/*
 * What the unit tests of the scheduler as a whole share: frames and the time go in,
 * verdicts come out. There are three destinations, A, B and C; rr begins with C.
 */
#ifndef COLO_SCHEDULE_KIT_H
#define COLO_SCHEDULE_KIT_H

#include "../../common/checksum.h"
#include "../../redirector/schedule/answer.h"
#include "../../redirector/schedule/conn.h"
#include "../../redirector/schedule/dest.h"
#include "../../redirector/schedule/lasting.h"
#include "../../redirector/schedule/route.h"
#include "../../redirector/schedule/schedule.h"
#include "../../redirector/schedule/state.h"
#include "../../redirector/schedule/wheel.h"
#include "craft.h"
#include "test.h"

#define S UINT64_C(1000000000)
#define SERVICE "tcp:10.0.0.2:80,scheduler=rr"
#define UDP_SERVICE "udp:10.0.0.2:53,scheduler=rr"
#define SYN TCP_SYN
#define ACK TCP_ACK
#define FIN TCP_FIN
#define RST TCP_RST

static struct schedule *s;
static struct schedule_config config;
static uint64_t now;
static uint16_t A, B, C;
static struct craft frame;

static inline void serve(const char *text)
{
	struct service svc;
	char why[512];

	CHECK(service_parse(&svc, text, why, sizeof(why)));
	CHECK(schedule_add_service(s, &svc));
}

static inline void begin_with(const char *service)
{
	schedule_free(s);
	if (!config.max_conns)
		config.max_conns = 1000;
	s = schedule_new(&config, now);
	CHECK(s);
	A = schedule_add_dest(s, "A", now);
	B = schedule_add_dest(s, "B", now);
	C = schedule_add_dest(s, "C", now);
	for (uint16_t i = 0; i < 3; i++)
		schedule_set_up(s, i, true, now);
	serve(service);
}

static inline void begin(const char *service)
{
	config = (struct schedule_config){ .linger_ns = 300 * S };
	now = 1000 * S;
	begin_with(service);
}

static inline const struct dest *dest(uint16_t i)
{
	return &schedule_dests(s)->v[i];
}

/* A client 10.0.0.1:port and the service 10.0.0.2:80, from either side. */
static inline void segment(uint16_t port, uint8_t flags, bool from_guest)
{
	uint8_t *ip, *tcp;

	craft_ether(&frame, 0x0800);
	ip = craft_ipv4(&frame, 6, 0, 20);
	tcp = craft_tcp(&frame, flags, 0);
	bytes_put16(tcp, from_guest ? 80 : port);
	bytes_put16(tcp + 2, from_guest ? port : 80);
	if (from_guest)
		memcpy(ip + 12, "\x0a\0\0\2\x0a\0\0\1", 8);
}

static inline void datagram(uint16_t port, bool from_guest)
{
	uint8_t *ip, *udp;

	craft_ether(&frame, 0x0800);
	ip = craft_ipv4(&frame, 17, 0, 8);
	udp = craft_udp(&frame, 0);
	bytes_put16(udp, from_guest ? 53 : port);
	bytes_put16(udp + 2, from_guest ? port : 53);
	if (from_guest)
		memcpy(ip + 12, "\x0a\0\0\2\x0a\0\0\1", 8);
}

static inline void query(uint8_t type, uint16_t id, bool from_guest)
{
	uint8_t *ip, *icmp;

	craft_ether(&frame, 0x0800);
	ip = craft_ipv4(&frame, 1, 0, 8);
	icmp = craft_bytes(&frame, 8);
	icmp[0] = type;
	bytes_put16(icmp + 4, id);
	if (from_guest)
		memcpy(ip + 12, "\x0a\0\0\2\x0a\0\0\1", 8);
}

static inline void fragment(uint16_t port, uint16_t id, uint16_t off, bool more)
{
	datagram(port, false);
	bytes_put16(frame.b + 18, id);
	bytes_put16(frame.b + 20, (uint16_t)(off / 8 | (more ? 0x2000 : 0)));
}

static inline struct schedule_verdict from_net(void)
{
	const struct route_frame f = { frame.b, frame.len };
	struct schedule_verdict way;

	route_from_net(s, &f, 1, &way, now);
	return way;
}

static inline struct schedule_verdict from_dest(uint16_t i)
{
	const struct route_frame f = { frame.b, frame.len };
	struct schedule_verdict way;

	route_from_dest(s, i, &f, 1, &way, now);
	return way;
}

static inline struct schedule_verdict in(uint16_t port, uint8_t flags)
{
	segment(port, flags, false);
	return from_net();
}

static inline struct schedule_verdict out(uint16_t port, uint8_t flags, uint16_t i)
{
	segment(port, flags, true);
	return from_dest(i);
}

static inline void open_conn(uint16_t port, uint16_t i)
{
	CHECK_EQ(in(port, SYN).dest, i);
	CHECK_EQ(out(port, SYN | ACK, i).way, SCHEDULE_TO_NET);
	CHECK_EQ(in(port, ACK).dest, i);
}

static inline struct conn *conn_of(uint16_t port)
{
	struct flow_key key = { .src = { 10, 0, 0, 1 }, .dst = { 10, 0, 0, 2 },
				.sport = port, .dport = 80, .proto = 6,
				.ip_version = 4 };

	return conn_find(schedule_conns(s), &key);
}

#define IS(verdict, w, r, d)                                \
	do {                                                \
		struct schedule_verdict v_ = (verdict);     \
		CHECK_EQ(v_.reason, r);                     \
		CHECK_EQ(v_.way, w);                        \
		if (v_.way == SCHEDULE_TO_DEST)             \
			CHECK_EQ(v_.dest, d);               \
	} while (0)
#define IS_DROPPED(verdict, r) IS(verdict, SCHEDULE_DROP, r, DEST_NONE)

#endif
