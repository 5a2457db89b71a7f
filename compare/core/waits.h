/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_WAITS_H
#define COLO_COMPARE_WAITS_H

#include "core.h"

enum compare_wait_for waits_for(const struct cmp_flow *fl,
				const struct hold *h);
void waits_look(struct compare *c);
void waits_forget(struct compare *c);

#endif
