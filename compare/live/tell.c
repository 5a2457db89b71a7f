/* SPDX-License-Identifier: ISC */
#include "tell.h"

#include <stdio.h>

#include "../../common/log.h"
#include "../../common/time.h"

#define CHECKPOINTS_A_SECOND 4u		/* that are told of, at two lines each */

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

/* May a checkpoint be told of now? */
static bool may_tell(struct tell *t, uint64_t now_ns)
{
	if (!t->n_second || now_ns - t->second_ns >= NS_PER_S) {
		t->second_ns = now_ns;
		t->n_second = 0;
	}
	if (t->n_second >= CHECKPOINTS_A_SECOND) {
		t->n_left_out++;
		return false;
	}
	t->n_second++;
	return true;
}

/* How many were not told of before this one? */
static const char *left_out_text(struct tell *t, char *text, size_t size)
{
	*text = '\0';
	if (t->n_left_out)
		snprintf(text, size, " (%u more not shown)", t->n_left_out);
	t->n_left_out = 0;
	return text;
}

/**
 * tell_wanted() - Tell that a checkpoint is asked for
 * @t:		Tells of a few in a second, and counts the others
 * @reason:	A word
 * @flow:	The flow that differs, or ""
 * @place:	Where it differs; NULL when there is no such place
 * @now_ns:	The time
 */
void tell_wanted(struct tell *t, const char *reason, const char *flow,
		 const struct history_place *place, uint64_t now_ns)
{
	char offset[32] = "", more[32];

	t->is_left_out = !may_tell(t, now_ns);
	if (t->is_left_out)
		return;
	if (place && place->is_known)
		snprintf(offset, sizeof(offset), ", offset %u", place->offset);
	log_event("checkpoint-wanted", "%s%s%s%s%s", reason, *flow ? ", " : "",
		  flow, offset, left_out_text(t, more, sizeof(more)));
}

/**
 * tell_made() - Tell that a checkpoint was made
 * @t:		Does not tell of one whose request was not told of
 * @m:		The checkpoint
 * @now_ns:	The time
 */
void tell_made(struct tell *t, const struct tell_made *m, uint64_t now_ns)
{
	char asked[48] = "by itself", stopped[64] = "", more[32];

	if (m->is_asked ? t->is_left_out : !may_tell(t, now_ns))
		return;
	if (m->is_asked)
		snprintf(asked, sizeof(asked), "asked for, %llu ms",
			 (unsigned long long)m->took_ms);
	if (m->has_stopped)
		snprintf(stopped, sizeof(stopped), ", the primary stood still "
			 "for %llu ms", (unsigned long long)m->stopped_ms);
	log_event("checkpoint", "%s%s, %llu frames released%s", asked, stopped,
		  (unsigned long long)m->frames,
		  left_out_text(t, more, sizeof(more)));
}
