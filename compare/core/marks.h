/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_MARKS_H
#define COLO_COMPARE_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../common/flow_key.h"

/* A set of what a side has said somewhere; of each a hash of 64 bits is kept. Pure. */
struct mark {
	struct flow_key key;
	uint32_t connection;	/* the n-th of the flow */
	uint64_t hash;		/* of the bytes, or what they are */
	uint32_t seq, len;
	uint32_t what;		/* any number that the caller gives it */
	uint32_t side;
};

struct marks;

struct marks *marks_new(uint64_t seed);
void marks_free(struct marks *m);
uint64_t marks_hash(const struct marks *m, const void *bytes, size_t len);
void marks_add(struct marks *m, const struct mark *mark);
bool marks_has(const struct marks *m, const struct mark *mark);

#endif
