/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_BLAME_H
#define COLO_COMPARE_BLAME_H

#include <stdbool.h>
#include <stdint.h>

#include "../../common/flow_key.h"
#include "../../common/time.h"

/*
 * Who asks for checkpoints: pure. Each request is counted for the service that
 * its flow belongs to. A flow that has asked BLAME_REQUESTS times within
 * BLAME_WINDOW_NS is in quarantine: it may not ask again until the oldest of
 * these requests is that long ago.
 *
 * quarantine.c calls it, with the time. Both tables are bounded: a service that
 * comes when the table is full is counted among the others; a flow takes the
 * place of another flow with the same hash.
 */
#define BLAME_REQUESTS 3u
#define BLAME_WINDOW_NS (60 * NS_PER_S)
#define BLAME_FLOWS 1024u	/* power of two */
#define BLAME_SERVICES 32u
#define BLAME_TEXT_MAX 64u

struct blame_flow {
	struct flow_key key;
	uint64_t asked_ns[BLAME_REQUESTS];	/* its last requests, a ring */
	uint8_t next;		/* the oldest of them: replaced next */
	bool is_told;		/* its quarantine was told */
};

struct blame_service {
	struct flow_key key;	/* without the client */
	uint64_t n;		/* requests */
	char text[BLAME_TEXT_MAX];
};

struct blame {
	struct blame_flow flows[BLAME_FLOWS];
	struct blame_service services[BLAME_SERVICES];
	unsigned n_services;
	uint64_t n_others;	/* requests of no service in the table */
	uint64_t n_refused;	/* requests of flows in quarantine */
};

bool blame_refuses(struct blame *b, const struct flow_key *key, uint64_t now_ns,
		   bool *is_new);
void blame_asked(struct blame *b, const struct flow_key *key, uint64_t now_ns);
const struct blame_service *blame_most(const struct blame *b);

#endif
