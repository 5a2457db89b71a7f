/* SPDX-License-Identifier: ISC */
#include "tell.h"

#include <stdio.h>

#include "../../common/log.h"
#include "../../common/time.h"

/**
 * tell_wait() - Tell that a flow waits for too long, or waits no more
 * @t:		Counts those that wait
 * @w:		The flow, and what it waits for
 * @now_ns:	The time
 */
void tell_wait(struct tell *t, const struct compare_wait *w, uint64_t now_ns)
{
	char flow[FLOW_TEXT_MAX];

	if (w->is_over)
		t->n_waiting--;
	else
		t->n_waiting++;
	flow_key_text(w->flow, flow, sizeof(flow));
	if (w->is_over)
		log_event("waits-over", "%s", flow);
	else
		log_event("waits", "%s: for %s, for %llu ms", flow,
			  compare_wait_text(w->what), (unsigned long long)
			  ((now_ns - w->since_ns) / NS_PER_MS));
}

/**
 * tell_over_share() - Tell that packets of a flow are dropped, or no more
 * @s:		The flow
 */
void tell_over_share(const struct compare_over_share *s)
{
	char flow[FLOW_TEXT_MAX];

	flow_key_text(s->flow, flow, sizeof(flow));
	if (s->is_over)
		log_event("within-share", "%s: %llu packets were dropped", flow,
			  (unsigned long long)s->n);
	else
		log_event("over-share", "%s: further packets are dropped, for "
			  "%s holds too much", flow,
			  s->is_client ? "its client" : "the flow");
}

/**
 * tell_left() - Packets have left although the secondary has not sent them
 * @t:		Counts them, and tells of them once a second
 * @left:	How many
 * @why:	They had to leave; static text
 * @flow:	The flow that differed last, copied; or ""
 * @now_ns:	The time
 */
void tell_left(struct tell *t, const struct compare_left *left,
	       const char *why, const char *flow, uint64_t now_ns)
{
	t->frames += left->frames;
	t->bytes += left->bytes;
	t->why = why;
	snprintf(t->flow, sizeof(t->flow), "%s", flow);
	tell_pending(t, now_ns);
}

/**
 * tell_pending() - Tell of packets that have left, if the last event was a
 *		    second ago
 * @t:		The packets
 * @now_ns:	The time
 */
void tell_pending(struct tell *t, uint64_t now_ns)
{
	if (!t->frames || (t->told_ns && now_ns - t->told_ns < NS_PER_S))
		return;
	log_event("uncompared", "%llu frames with %llu bytes that the secondary "
		  "has not sent have left: %s %s",
		  (unsigned long long)t->frames, (unsigned long long)t->bytes,
		  t->why, t->flow);
	t->frames = t->bytes = 0;
	t->told_ns = now_ns;
}
