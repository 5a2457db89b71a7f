/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_FLOWS_H
#define COLO_COMPARE_FLOWS_H

#include "core.h"

/* Does a flow hold a packet? A header that waits in its gate is none, and can
 * be thrown away. */
static inline bool flows_holds(const struct cmp_flow *fl)
{
	return fl->q[COMPARE_PRIMARY].n || fl->q[COMPARE_SECONDARY].n ||
	       (fl->gate.flags & GATE_PACKET);
}

unsigned flows_home_list(const struct cmp_flow *fl);
void flows_touch(struct compare *c, struct cmp_flow *fl);
void flows_clear_marks(struct compare *c);
struct cmp_flow *flows_of(const struct compare *c, const struct hold *h);

#endif
