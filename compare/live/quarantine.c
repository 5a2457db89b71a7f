/* SPDX-License-Identifier: ISC */
/*
 * Who asks for checkpoints, and who asks too often.
 */
#include "live.h"

#include "../../common/log.h"
#include "../../common/time.h"

#define PUT_OFF_EVENT_NS (60 * NS_PER_S)

/* The flow differs still, or nobody has to be asked any more. */
static void on_quarantine_end(void *arg)
{
	struct live *l = arg;
	const struct live_deferred *d = &l->deferred;

	blame_asked(&l->blame, &d->key, clock_now_ns(&l->loop.clock));
	checkpoint_ask(&l->checkpoint, compare_reason_text(d->reason), d->flow);
}

/**
 * live_quarantine_init - before anything is opened
 * @l:		the process
 */
void live_quarantine_init(struct live *l)
{
	clock_timer_init(&l->loop.clock, &l->deferred.timer, on_quarantine_end, l);
}

/**
 * live_quarantine_over - a checkpoint was made, or none will be
 * @l:		the process: nothing waits to be asked any more
 */
void live_quarantine_over(struct live *l)
{
	l->deferred.is_armed = false;
	clock_timer_stop(&l->deferred.timer);
}

/* The first one that is refused is asked for when no other checkpoint comes. */
static void defer(struct live *l, const struct compare_difference *d)
{
	struct live_deferred *later = &l->deferred;

	if (later->is_armed)
		return;
	later->is_armed = true;
	later->reason = d->reason;
	later->key = *d->flow;
	flow_key_text(d->flow, later->flow, sizeof(later->flow));
	clock_timer_start(&later->timer, LIVE_QUARANTINE_MS, 0);
}

/**
 * live_may_ask - may a difference ask for a checkpoint?
 * @arg:	the process
 * @d:		the difference
 *
 * Return: false when its flow has asked too often; it waits for a checkpoint
 * that comes for another reason
 */
bool live_may_ask(void *arg, const struct compare_difference *d)
{
	struct live *l = arg;
	uint64_t now = clock_now_ns(&l->loop.clock);
	char flow[FLOW_TEXT_MAX];
	bool is_new;

	if (l->options->quarantine == LIVE_QUARANTINE_HOLD && d->flow &&
	    l->checkpoint.mode != CHECKPOINT_NONE &&
	    blame_refuses(&l->blame, d->flow, now, &is_new)) {
		defer(l, d);
		flow_key_text(d->flow, flow, sizeof(flow));
		if (is_new)
			log_event("quarantine", "%s: it has asked for %u "
				  "checkpoints within %llu s, and waits for "
				  "those of others", flow, BLAME_REQUESTS,
				  (unsigned long long)(BLAME_WINDOW_NS /
						       NS_PER_S));
		return false;
	}
	blame_asked(&l->blame, d->flow, now);
	return true;
}

/**
 * live_on_put_off - a request waits for the budget
 * @arg:	the process; it is told once a minute
 */
void live_on_put_off(void *arg)
{
	struct live *l = arg;
	uint64_t now = clock_now_ns(&l->loop.clock);
	const struct blame_service *most = blame_most(&l->blame);

	if (l->put_off_ns && now - l->put_off_ns < PUT_OFF_EVENT_NS)
		return;
	l->put_off_ns = now;
	log_event("checkpoint-budget", "spent: what differs waits; most of the "
		  "requests were for %s (%llu)", most ? most->text : "no flow",
		  most ? (unsigned long long)most->n : 0);
}

/**
 * live_policy_stats - who has asked for checkpoints
 * @l:		the process
 * @s:		rows are appended
 */
void live_policy_stats(const struct live *l, struct stats *s)
{
	const struct blame *b = &l->blame;

	stats_note(s, "quarantine", "refused", b->n_refused);
	for (unsigned i = 0; i < b->n_services; i++)
		stats_note(s, "blame", b->services[i].text, b->services[i].n);
	stats_note(s, "blame", "others", b->n_others);
}
