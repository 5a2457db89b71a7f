/* SPDX-License-Identifier: ISC */
#ifndef COLO_SCHEDULE_PICK_H
#define COLO_SCHEDULE_PICK_H

#include "core.h"

/* What became of a new connection's choice. */
struct pick {
	uint16_t dest;		/* or DEST_NONE */
	enum schedule_reason reason;	/* without one */
	struct conn *template;	/* that the connection follows, or NULL */
};

struct pick pick_dest(struct schedule *s, uint16_t service,
		      const struct flow_key *key, uint64_t now_ns);

#endif
