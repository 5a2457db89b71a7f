/* SPDX-License-Identifier: ISC */
#ifndef COLO_LAST_DROP_H
#define COLO_LAST_DROP_H

#include <stddef.h>
#include <stdint.h>

/*
 * Why a packet of a flow was dropped last: for who asks. Flows share a fixed
 * number of places, so what was dropped long ago may be forgotten.
 */
#define LAST_DROPS 1024u	/* power of two */

struct last_drop {
	uint64_t at_ns;
	uint32_t flow;		/* index in a flow table, + 1; 0: none */
	unsigned why;		/* whatever the caller puts there */
};

struct last_drops {		/* zeroed to begin with */
	struct last_drop v[LAST_DROPS];
};

/** last_drop_note() - A packet of the flow with an index is dropped */
static inline void last_drop_note(struct last_drops *d, uint32_t flow,
				  unsigned why, uint64_t now_ns)
{
	d->v[flow & (LAST_DROPS - 1)] =
		(struct last_drop){ now_ns, flow + 1, why };
}

/** last_drop_forget() - The index is another flow's from now on */
static inline void last_drop_forget(struct last_drops *d, uint32_t flow)
{
	struct last_drop *at = &d->v[flow & (LAST_DROPS - 1)];

	if (at->flow == flow + 1)
		at->flow = 0;
}

/** last_drop_of() - What is known of the flow with an index, or NULL */
static inline const struct last_drop *last_drop_of(const struct last_drops *d,
						   uint32_t flow)
{
	const struct last_drop *at = &d->v[flow & (LAST_DROPS - 1)];

	return at->flow == flow + 1 ? at : NULL;
}

#endif
