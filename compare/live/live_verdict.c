/* SPDX-License-Identifier: ISC */
#include "live_verdict.h"

#include <string.h>

#include "../../common/time.h"

/* Return: the name of an endpoint without a peer, or NULL */
static const char *gone(const struct wires *w)
{
	const struct endpoint *all[] = { w->in[COMPARE_PRIMARY],
					 w->in[COMPARE_SECONDARY], w->outdev };

	for (unsigned i = 0; i < 3; i++) {
		if (!endpoint_is_up(all[i]))
			return endpoint_name(all[i]);
	}
	return NULL;
}

/* May the secondary have missed input, or its output have been lost? */
static bool is_out_of_step(const struct checkpoint_request *r)
{
	return !strcmp(r->reason, "interrupted") ||
	       !strcmp(r->reason, "restart") || !strcmp(r->reason, "protect");
}

static void judge_request(const struct checkpoint *cp, uint64_t now_ns,
			  struct verdict *v)
{
	const struct checkpoint_request *r = &cp->request;

	if (is_out_of_step(r))
		verdict_set(v, VERDICT_SYNCING, "a checkpoint is wanted (%s)",
			    r->reason);
	else if (r->is_put_off)
		verdict_set(v, VERDICT_HOLDING, "a checkpoint waits for its "
			    "budget (%s%s%s)", r->reason, *r->flow ? ", " : "",
			    r->flow);
	else if (now_ns - r->asked_ns > cp->pace.retry_ms * NS_PER_MS)
		verdict_set(v, VERDICT_HOLDING,
			    "checkpoint unanswered (%s%s%s)", r->reason,
			    *r->flow ? ", " : "", r->flow);
}

/**
 * live_verdict_of() - Would clients keep their connections if the primary died?
 * @lv:		The parts
 * @now_ns:	The time, on the loop's clock
 * @v:		PROTECTED; changed when it is not so
 *
 * A checkpoint that is asked for because packets differ does not end the
 * protection: the client has got nothing that the secondary has not sent.
 */
void live_verdict_of(const struct live_verdict *lv, uint64_t now_ns,
		     struct verdict *v)
{
	const char *name = gone(lv->wires);

	if (name)
		verdict_set(v, VERDICT_UNPROTECTED, "%s is gone", name);
	else if (lv->is_report)
		verdict_set(v, VERDICT_UNPROTECTED, "--dry-run");
	else if (lv->checkpoint->choice.mode == CHECKPOINT_NONE)
		verdict_set(v, VERDICT_UNPROTECTED, "with --checkpoint none "
			    "what differs leaves");
	else if (lv->checkpoint->request.is_asked ||
		 lv->checkpoint->request.is_put_off)
		judge_request(lv->checkpoint, now_ns, v);
	else if (lv->feed->tell.n_waiting)
		verdict_set(v, VERDICT_HOLDING, "%u flows wait for the "
			    "secondary", lv->feed->tell.n_waiting);
}
