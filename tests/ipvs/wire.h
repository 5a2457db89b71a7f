/* SPDX-License-Identifier: ISC */
#ifndef COLO_IPVS_WIRE_H
#define COLO_IPVS_WIRE_H

#include <stdint.h>

/*
 * What the oracle tells the agent in the guest, in frames of a type of their own,
 * between the frames that IPVS schedules. The agent sends each back, with what the
 * kernel said to it.
 */
#define ORACLE_TYPE 0x88b5		/* IEEE: for experiments */
#define ORACLE_GUEST_MAC "\x52\x54\x00\xc0\x10\x05"
#define ORACLE_MAC "\x52\x54\x00\xc0\x10\x06"

/* Of IPv4 and of IPv6: the last four bytes of an address are the same in both. What
 * stands before them in IPv6 is a prefix for the guest and the destinations, one for
 * the services and one for the clients. */
#define ORACLE_DEST_MAC "\x52\x54\x00\xc0\x11\x00"	/* last: its number */
#define ORACLE_DEST_ADDR 0x0a000064u			/* 10.0.0.100 and on */
#define ORACLE_DEST_PREFIX "\xfd\0\0\0\0\0\0\0\0\0\0\0"
#define ORACLE_DESTS 8u
#define ORACLE_SERVICE_ADDR 0x0a000100u			/* 10.0.1.0 and on */
#define ORACLE_SERVICE_PREFIX "\xfd\x01\0\0\0\0\0\0\0\0\0\0"
#define ORACLE_SERVICES 32u				/* addresses, for dh */

enum oracle_op {
	ORACLE_PING, ORACLE_ADD_SERVICE, ORACLE_ADD_DEST, ORACLE_EDIT_DEST,
	ORACLE_DEL_DEST,
	ORACLE_SET_FIN,		/* seconds that a closed connection lives */
	ORACLE_COUNT,		/* connections to a port */
};

/* Numbers are the host's: both ends run on one processor. */
struct oracle_order {
	uint8_t ether[14];
	uint16_t op;
	uint32_t number;	/* of this order */
	int32_t error;		/* of the answer */
	uint32_t ip_version;	/* of service and destination */
	uint32_t service;	/* of ORACLE_SERVICES */
	uint32_t port;
	uint32_t flags;		/* of the service */
	uint32_t dest;
	uint32_t weight;
	uint32_t max_conn, min_conn;	/* IPVS's upper and lower threshold */
	uint32_t seconds;
	uint32_t n_conns;	/* of the answer */
	char scheduler[16];
};

#endif
