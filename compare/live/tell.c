/* SPDX-License-Identifier: ISC */
/* What the comparison does because it cannot do what it would, told to whoever
 * runs it. */
#include "live.h"

#include "../../common/log.h"
#include "../../common/time.h"

/**
 * live_on_waits - a flow waits for too long, or no more
 * @arg:	the process
 * @w:		which, and for what
 */
void live_on_waits(void *arg, const struct compare_wait *w)
{
	const struct live *l = arg;
	char flow[FLOW_TEXT_MAX];

	flow_key_text(w->flow, flow, sizeof(flow));
	if (w->is_over)
		log_event("waits-over", "%s", flow);
	else
		log_event("waits", "%s: for %s, for %llu ms", flow,
			  compare_wait_text(w->what), (unsigned long long)
			  ((clock_now_ns(&l->loop.clock) - w->since_ns) / NS_PER_MS));
}

/**
 * live_on_over_share - a flow's packets are dropped, or no more
 * @arg:	the process
 * @s:		which
 */
void live_on_over_share(void *arg, const struct compare_over_share *s)
{
	char flow[FLOW_TEXT_MAX];

	(void)arg;
	flow_key_text(s->flow, flow, sizeof(flow));
	if (s->is_over)
		log_event("within-share", "%s: %llu packets were dropped", flow,
			  (unsigned long long)s->n);
	else
		log_event("over-share", "%s: what it sends further is dropped: "
			  "it waits, and %s holds too much", flow,
			  s->is_client ? "its client" : "it");
}

/**
 * live_tell_uncompared - tell of what has left uncompared, once a second
 * @l:		the process
 */
void live_tell_uncompared(struct live *l)
{
	struct live_uncompared *u = &l->uncompared;
	uint64_t now = clock_now_ns(&l->loop.clock);

	if (!u->frames || (u->told_ns && now - u->told_ns < NS_PER_S))
		return;
	log_event("uncompared", "%llu frames with %llu bytes that the secondary "
		  "has not said have left: %s %s",
		  (unsigned long long)u->frames, (unsigned long long)u->bytes,
		  u->why, l->flow);
	*u = (struct live_uncompared){ .told_ns = now };
}

/**
 * live_note_uncompared - what was held has left, and no checkpoint was made
 * @l:		the process
 * @left:	how much
 * @why:	static text
 */
void live_note_uncompared(struct live *l, const struct compare_left *left,
			  const char *why)
{
	l->uncompared.frames += left->frames;
	l->uncompared.bytes += left->bytes;
	l->uncompared.why = why;
	live_tell_uncompared(l);
}
