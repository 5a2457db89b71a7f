/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_RELIEVE_H
#define COLO_COMPARE_RELIEVE_H

#include "core.h"

/* Does a side hold too much, that cannot be told to stop? The primary can,
 * except in a report. */
static inline bool relieve_is_due(const struct compare *c,
				  enum compare_side side)
{
	return c->pool.bytes[side] > c->config.max_bytes / 2 &&
	       (side == COMPARE_SECONDARY || c->config.report_only);
}

void relieve_side(struct compare *c, enum compare_side side);

#endif
