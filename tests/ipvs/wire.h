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

/* Real servers have these addresses of Ethernet and IPv4, with their number last. */
#define ORACLE_DEST_MAC "\x52\x54\x00\xc0\x11\x00"
#define ORACLE_DEST_ADDR 0x0a000064u	/* 10.0.0.100 */
#define ORACLE_DESTS 8u
#define ORACLE_SERVICE_ADDR 0x0a000100u	/* 10.0.1.0 */
#define ORACLE_SERVICES 32u		/* addresses, for dh */

enum oracle_op {
	ORACLE_PING, ORACLE_ADD_SERVICE, ORACLE_ADD_DEST, ORACLE_EDIT_DEST,
	ORACLE_DEL_DEST,
};

/* Numbers are the host's: both ends run on one processor. */
struct oracle_order {
	uint8_t ether[14];
	uint16_t op;
	uint32_t number;	/* of this order */
	int32_t error;		/* of the answer */
	uint32_t service;	/* of ORACLE_SERVICES */
	uint32_t port;
	uint32_t flags;		/* of the service */
	uint32_t dest;
	int32_t weight;
	char scheduler[16];
};

#endif
