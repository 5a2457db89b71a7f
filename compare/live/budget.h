/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_BUDGET_H
#define COLO_COMPARE_BUDGET_H

#include <stdint.h>

#include "../../common/time.h"

/*
 * How many checkpoints may be asked for: pure. Two purses, one of time and one
 * of requests, fill steadily, up to what ten seconds bring. A request needs
 * something in both. It takes one out of the second, and the time until it is
 * answered out of the first, which may leave a debt.
 */
#define BUDGET_BURST_NS (10 * NS_PER_S)
#define BUDGET_COST_MAX_NS (60 * NS_PER_S)

struct budget {
	uint64_t percent;	/* of time for checkpoints; 0: all */
	uint64_t per_minute;	/* requests; 0: any number */
	int64_t time_ns;	/* in the purse; below 0: a debt */
	int64_t requests_ns;	/* the same, as time in which they come */
	uint64_t at_ns;		/* when that was so */
};

void budget_init(struct budget *b, uint64_t percent, uint64_t per_minute,
		 uint64_t now_ns);
uint64_t budget_wait_ns(struct budget *b, uint64_t now_ns);
void budget_take(struct budget *b, uint64_t now_ns);
void budget_charge(struct budget *b, uint64_t took_ns, uint64_t now_ns);

#endif
