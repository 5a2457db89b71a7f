/* SPDX-License-Identifier: ISC */
#ifndef COLO_DIRECTOR_SPEC_H
#define COLO_DIRECTOR_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schedule/types.h"

#define DIRECTOR_TEXT_MAX 512u
#define DIRECTOR_WEIGHT_MAX 65535u	/* IPVS's */

/* The argument of --dest: what one socket of a destination is. */
struct director_spec {
	char name[DEST_NAME_MAX];
	char endpoint[DIRECTOR_TEXT_MAX];	/* what is left of the text */
	bool has_weight, has_mac, learns_mac;
	uint32_t weight;
	bool has_limits;
	uint32_t max_conn, min_conn;
	uint8_t mac[6];
};

struct director_timeout {
	enum state state;
	uint32_t seconds;
};

bool director_spec_parse(struct director_spec *spec, const char *text,
			 char *why, size_t size);
bool director_spec_timeout(struct director_timeout *t, const char *text);

#endif
