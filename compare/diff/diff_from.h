/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_DIFF_FROM_H
#define COLO_COMPARE_DIFF_FROM_H

#include <stdbool.h>

#include "../../common/flow_filter.h"
#include "../../common/packet.h"

/* --from: the service whose packets are compared, and no others. Pure. */
struct diff_from {
	bool is_set;		/* else all packets are compared */
	struct flow_filter_end service;
};

int diff_from_parse(struct diff_from *from, const char *text);
bool diff_from_selects(const struct diff_from *from, const struct packet *p);

#endif
