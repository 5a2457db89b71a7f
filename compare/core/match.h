/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_MATCH_H
#define COLO_COMPARE_MATCH_H

#include "core.h"

bool match_begin_late(struct compare *c, struct cmp_flow *fl);
void match_flow(struct compare *c, struct cmp_flow *fl,
		const struct packet *said);

#endif
