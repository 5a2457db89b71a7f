/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_ROSTER_H
#define COLO_COMPARE_ROSTER_H

#include <stdbool.h>
#include <stdint.h>

#include "../../common/flow_key.h"
#include "../../common/packet.h"

/*
 * Who is in two captures: connections, which end of each is the service, and
 * which services have other ports in the other capture. Pure.
 */
struct roster;

struct roster_place {
	bool is_from_service;	/* the service sends these packets */
	bool is_in_both;	/* the other capture has the same addresses and
				   ports, and they count */
	uint16_t port;		/* the service's, as the primary has it */
};

struct roster *roster_new(uint32_t max_connections, uint64_t seed);
void roster_free(struct roster *r);
void roster_map(struct roster *r, uint16_t primary, uint16_t secondary);
void roster_add(struct roster *r, unsigned side, const struct packet *p);
bool roster_settle(struct roster *r, uint16_t mapped[2]);
struct roster_place roster_find(struct roster *r, unsigned side,
				const struct flow_key *key,
				const struct packet *p);

#endif
