/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_BUDGET_H
#define COLO_COMPARE_BUDGET_H

#include <stdint.h>

#include "../../common/time.h"

/*
 * How many checkpoints may be asked for: pure. There are two purses, one of time
 * and one of requests. Both fill steadily, up to what ten seconds bring. A
 * request may go out when there is something in both. It takes one request out
 * of the second purse, and when it is answered, the time that this took out of
 * the first, which may leave a debt. checkpoint.c calls it, with the time.
 */
#define BUDGET_BURST_NS (10 * NS_PER_S)
#define BUDGET_COST_MAX_NS (60 * NS_PER_S)

struct budget {
	uint64_t percent;	/* of the time is for checkpoints; 0: all */
	uint64_t per_minute;	/* requests; 0: any number */
	int64_t time_ns;	/* in the purse of time; below 0: a debt */
	int64_t requests_ns;	/* in the purse of requests, as the time in
				   which they come */
	uint64_t at_ns;		/* when the purses were filled last */
};

void budget_init(struct budget *b, uint64_t percent, uint64_t per_minute,
		 uint64_t now_ns);
uint64_t budget_wait_ns(struct budget *b, uint64_t now_ns);
void budget_take(struct budget *b, uint64_t now_ns);
void budget_charge(struct budget *b, uint64_t took_ns, uint64_t now_ns);

#endif
