/* SPDX-License-Identifier: ISC */
#ifndef COLO_IPVS_BOTH_H
#define COLO_IPVS_BOTH_H

#include <stdbool.h>

#include "guest.h"

#define CONNECTIONS_MAX 4096u

/* A service as both have it. */
struct both_service {
	const char *scheduler;
	const char *options;	/* ours, as in --service */
	uint32_t flags;		/* IPVS's */
	uint32_t n_addrs;	/* the service is there so many times */
	uint32_t ip_version;
};

struct connection {
	uint32_t client, service;
	uint16_t port;
	uint8_t dest;
};

/* Two directors that are told the same: the kernel's IPVS in the guest, and ours. */
struct both {
	struct guest guest;
	struct schedule *s;
	struct both_service service;
	uint16_t port;			/* of the service */
	uint64_t now_ns;		/* our clock */
	uint16_t ours[ORACLE_DESTS];	/* index of each */
	bool is_member[ORACLE_DESTS];
	struct connection open[CONNECTIONS_MAX];
	unsigned n_open;
	unsigned n_ipvs;		/* connections that IPVS has */
};

/* What a destination is given. */
struct both_dest {
	uint32_t weight, max_conn, min_conn;
};

/* Where a new connection went. */
struct both_where {
	uint8_t ipvs, ours;		/* or GUEST_NONE */
};

void both_begin(struct both *b, const struct both_service *service);
void both_end(struct both *b);
void both_add(struct both *b, uint32_t i, struct both_dest d);
void both_weigh(struct both *b, uint32_t i, uint32_t weight);
void both_remove(struct both *b, uint32_t i);
struct both_where both_syn(struct both *b, const struct connection *c);
void both_ack(struct both *b, const struct connection *c);
void both_fin(struct both *b, unsigned at);
void both_set_fin(struct both *b, uint32_t seconds);
bool both_settle(struct both *b);

#endif
