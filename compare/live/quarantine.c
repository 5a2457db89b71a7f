/* SPDX-License-Identifier: ISC */
#include "quarantine.h"

#include "../../common/log.h"
#include "../../common/time.h"

#define SPENT_EVENT_NS (60 * NS_PER_S)

/* No checkpoint has come. The flow differs still. */
static void on_late(void *arg)
{
	struct quarantine *q = arg;
	const struct quarantine_request *late = &q->late;

	blame_asked(&q->blame, &late->key, clock_now_ns(q->clock));
	checkpoint_ask(q->checkpoint, compare_reason_text(late->reason),
		       late->flow);
}

/**
 * quarantine_init() - Begin with no flow in quarantine
 * @q:		Zeroed
 * @clock:	Borrowed
 * @checkpoint:	Borrowed: gets the request of a flow that was refused
 * @is_on:	false: every flow may ask, and is only counted
 */
void quarantine_init(struct quarantine *q, struct clock *clock,
		     struct checkpoint *checkpoint, bool is_on)
{
	q->clock = clock;
	q->checkpoint = checkpoint;
	q->is_on = is_on;
	clock_timer_init(clock, &q->late.timer, on_late, q);
}

/**
 * quarantine_over() - A checkpoint was made, or none will be: no flow waits
 * @q:		Its late request is forgotten
 */
void quarantine_over(struct quarantine *q)
{
	q->late.is_waiting = false;
	clock_timer_stop(&q->late.timer);
}

static void ask_late(struct quarantine *q, const struct compare_difference *d)
{
	struct quarantine_request *late = &q->late;

	if (late->is_waiting)
		return;
	late->is_waiting = true;
	late->reason = d->reason;
	late->key = *d->flow;
	flow_key_text(d->flow, late->flow, sizeof(late->flow));
	clock_timer_start(&late->timer, QUARANTINE_MS, 0);
}

static void tell_new(const struct flow_key *key)
{
	char flow[FLOW_TEXT_MAX];

	flow_key_text(key, flow, sizeof(flow));
	log_event("quarantine", "%s: it has asked for %u checkpoints within "
		  "%llu s, and waits for one that others ask for", flow, BLAME_REQUESTS,
		  (unsigned long long)(BLAME_WINDOW_NS / NS_PER_S));
}

/**
 * quarantine_may_ask() - May a difference ask for a checkpoint?
 * @q:		Counts the request, or keeps it for later
 * @d:		The difference, borrowed
 *
 * Return: false when its flow is in quarantine; told once
 */
bool quarantine_may_ask(struct quarantine *q,
			const struct compare_difference *d)
{
	uint64_t now = clock_now_ns(q->clock);
	bool is_new;

	if (q->is_on && d->flow &&
	    blame_refuses(&q->blame, d->flow, now, &is_new)) {
		ask_late(q, d);
		if (is_new)
			tell_new(d->flow);
		return false;
	}
	blame_asked(&q->blame, d->flow, now);
	return true;
}

/**
 * quarantine_tell_spent() - Tell that a request waits because the budget of
 *			     checkpoints is spent, and who has spent it
 * @q:		Tells it once a minute
 */
void quarantine_tell_spent(struct quarantine *q)
{
	uint64_t now = clock_now_ns(q->clock);
	const struct blame_service *most = blame_most(&q->blame);

	if (q->spent_ns && now - q->spent_ns < SPENT_EVENT_NS)
		return;
	q->spent_ns = now;
	log_event("checkpoint-budget", "spent: flows that differ wait; most of the "
		  "requests were for %s (%llu)", most ? most->text : "no flow",
		  most ? (unsigned long long)most->n : 0);
}

static const struct stats_def refused = {
	"quarantine", "refused", "checkpoints", "Requests that --quarantine has "
	"kept back.", STATS_AT(struct blame, n_refused),
};

static const struct stats_def blamed = {
	"blame", NULL, "checkpoints", "Checkpoints that flows of this service have "
	"asked for. The first 32 services that ask have a counter; others is for "
	"all others together.", .label = "service",
};

/**
 * quarantine_stats() - Add up who has asked for checkpoints
 * @q:		The counters
 * @s:		Rows are appended
 */
void quarantine_stats(const struct quarantine *q, struct stats *s)
{
	const struct blame *b = &q->blame;

	stats_add(s, &refused, 1, NULL, b);
	for (unsigned i = 0; i < b->n_services; i++)
		stats_note(s, &blamed, b->services[i].text, b->services[i].n);
	stats_note(s, &blamed, "others", b->n_others);
}
