/* SPDX-License-Identifier: ISC */
#include "budget.h"

#include <stdbool.h>

#include "../../common/time.h"

#define MINUTE_NS (60 * NS_PER_S)

static bool limits_time(const struct budget *b)
{
	return b->percent && b->percent < 100;
}

static int64_t time_max(const struct budget *b)
{
	return (int64_t)(BUDGET_BURST_NS / 100 * b->percent);
}

/* The purse of requests holds time, too: so much of it is one request. */
static int64_t request_ns(const struct budget *b)
{
	return (int64_t)(MINUTE_NS / b->per_minute);
}

static int64_t requests_max(const struct budget *b)
{
	int64_t one = request_ns(b);

	return one > (int64_t)BUDGET_BURST_NS ? one :
						(int64_t)BUDGET_BURST_NS;
}

static int64_t capped(int64_t ns, int64_t max_ns)
{
	return ns < max_ns ? ns : max_ns;
}

static void fill(struct budget *b, uint64_t now_ns)
{
	uint64_t gone = now_ns - b->at_ns;

	if (gone > MINUTE_NS * 60)	/* both purses are full by then */
		gone = MINUTE_NS * 60;
	b->at_ns = now_ns;
	if (limits_time(b))
		b->time_ns = capped(b->time_ns +
				    (int64_t)(gone * b->percent / 100),
				    time_max(b));
	if (b->per_minute)
		b->requests_ns = capped(b->requests_ns + (int64_t)gone,
					requests_max(b));
}

/**
 * budget_init() - Begin with full purses
 * @b:		Filled
 * @percent:	How much of the time checkpoints may take; 0: all
 * @per_minute:	How many may be asked for; 0: any number
 * @now_ns:	The time
 */
void budget_init(struct budget *b, uint64_t percent, uint64_t per_minute,
		 uint64_t now_ns)
{
	*b = (struct budget){ .percent = percent, .per_minute = per_minute,
			      .at_ns = now_ns };
	if (limits_time(b))
		b->time_ns = time_max(b);
	if (per_minute)
		b->requests_ns = requests_max(b);
}

/**
 * budget_wait_ns() - How long does a request have to wait?
 * @b:		The budget
 * @now_ns:	The time; must not go back
 *
 * Return: nanoseconds, 0 when the request may go out now
 */
uint64_t budget_wait_ns(struct budget *b, uint64_t now_ns)
{
	uint64_t wait = 0;

	fill(b, now_ns);
	if (limits_time(b) && b->time_ns <= 0)
		wait = (uint64_t)(1 - b->time_ns) * 100 / b->percent + 1;
	if (b->per_minute && b->requests_ns < request_ns(b)) {
		uint64_t more = (uint64_t)(request_ns(b) - b->requests_ns);

		if (more > wait)
			wait = more;
	}
	return wait;
}

/**
 * budget_take() - A request goes out
 * @b:		The budget
 * @now_ns:	The time
 */
void budget_take(struct budget *b, uint64_t now_ns)
{
	fill(b, now_ns);
	if (b->per_minute)
		b->requests_ns -= request_ns(b);
}

/**
 * budget_charge() - A request was answered: take what it has cost
 * @b:		The budget
 * @took_ns:	How long that took. Whatever is over BUDGET_COST_MAX_NS is not
 *		taken: then somebody was waited for, not a checkpoint
 * @now_ns:	The time
 */
void budget_charge(struct budget *b, uint64_t took_ns, uint64_t now_ns)
{
	fill(b, now_ns);
	if (limits_time(b))
		b->time_ns -= (int64_t)(took_ns < BUDGET_COST_MAX_NS ? took_ns :
					BUDGET_COST_MAX_NS);
}
