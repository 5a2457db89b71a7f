/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_QUARANTINE_H
#define COLO_COMPARE_QUARANTINE_H

#include "../../common/clock.h"
#include "../core/compare.h"
#include "blame.h"
#include "checkpoint.h"

/*
 * May a difference ask for a checkpoint? A flow that has asked too often may
 * not (blame.c says which): it waits in quarantine for a checkpoint that another
 * flow asks for. If none does, the first flow that was refused asks after
 * QUARANTINE_MS. feed.c passes on what the comparison asks.
 */
#define QUARANTINE_MS 10000

/* The request of the first flow that was refused. */
struct quarantine_request {
	struct clock_timer timer;
	bool is_waiting;	/* else no more is set */
	enum compare_reason reason;
	struct flow_key key;
	char flow[FLOW_TEXT_MAX];
};

struct quarantine {		/* zeroed to begin with */
	const struct clock *clock;	/* borrowed */
	struct checkpoint *checkpoint;	/* borrowed: gets the late request */
	bool is_on;		/* else every flow may ask */
	struct blame blame;
	struct quarantine_request late;
	uint64_t spent_ns;	/* when the last checkpoint-budget event was */
};

void quarantine_init(struct quarantine *q, struct clock *clock,
		     struct checkpoint *checkpoint, bool is_on);
bool quarantine_may_ask(struct quarantine *q,
			const struct compare_difference *d);
void quarantine_over(struct quarantine *q);
void quarantine_tell_spent(struct quarantine *q);
void quarantine_stats(const struct quarantine *q, struct stats *s);

#endif
