/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_BLAME_H
#define COLO_COMPARE_BLAME_H

#include <stdbool.h>
#include <stdint.h>

#include "../../common/flow_key.h"
#include "../../common/time.h"

/*
 * Who asks for checkpoints: pure. Each request is counted for the service whose
 * flow it was. A flow that has asked BLAME_REQUESTS times within
 * BLAME_WINDOW_NS is in quarantine: it asks no more of itself, until the first
 * of these is so long ago.
 *
 * Both tables are bounded. A service that finds no place is one of the others.
 * Of the flows that meet in a place the one that asked last has it.
 */
#define BLAME_REQUESTS 3u
#define BLAME_WINDOW_NS (60 * NS_PER_S)
#define BLAME_FLOWS 1024u	/* power of two */
#define BLAME_SERVICES 32u
#define BLAME_TEXT_MAX 64u

struct blame_flow {
	struct flow_key key;
	uint64_t asked_ns[BLAME_REQUESTS];	/* the last ones, in a ring */
	uint8_t next;
	bool is_told;		/* of its quarantine */
};

struct blame_service {
	struct flow_key key;	/* of the client nothing */
	uint64_t n;
	char text[BLAME_TEXT_MAX];
};

struct blame {
	struct blame_flow flows[BLAME_FLOWS];
	struct blame_service services[BLAME_SERVICES];
	unsigned n_services;
	uint64_t n_others;
	uint64_t n_refused;
};

bool blame_refuses(struct blame *b, const struct flow_key *key, uint64_t now_ns,
		   bool *is_new);
void blame_asked(struct blame *b, const struct flow_key *key, uint64_t now_ns);
const struct blame_service *blame_most(const struct blame *b);

#endif
