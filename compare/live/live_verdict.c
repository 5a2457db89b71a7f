/* SPDX-License-Identifier: ISC */
#include "live_verdict.h"

#include <string.h>

#include "../../common/time.h"

/* Return: an endpoint through which nothing passes, or NULL */
static const struct endpoint *in_trouble(const struct wires *w)
{
	const struct endpoint *all[] = { w->in[COMPARE_PRIMARY],
					 w->in[COMPARE_SECONDARY], w->outdev };

	for (unsigned i = 0; i < 3; i++) {
		if (endpoint_trouble(all[i]))
			return all[i];
	}
	return NULL;
}

static const char *qemu_trouble(const struct checkpoint *cp)
{
	if (!qemu_is_up(&cp->qemu))
		return "QMP is not connected";
	if (!qemu_is_known(&cp->qemu))
		return "QEMU has not said yet whether it is in COLO";
	return qemu_in_colo(&cp->qemu) ? NULL : "QEMU is not in COLO";
}

/* A comparison may go on for long without a difference: that no checkpoint could be
 * made is seen by nobody else. Return: why, or NULL */
static const char *no_checkpoints(const struct checkpoint *cp)
{
	switch (cp->choice.mode) {
	case CHECKPOINT_NONE:
		return "with --checkpoint none what differs leaves";
	case CHECKPOINT_QMP:
		return qemu_trouble(cp);
	default:
		return NULL;
	}
}

/* Is COLO over? It is why peers are gone, too. */
static bool is_over(const struct checkpoint *cp)
{
	return cp->choice.mode == CHECKPOINT_QMP && qemu_is_known(&cp->qemu) &&
	       !qemu_in_colo(&cp->qemu);
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
	else
		v->passes = true;
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
	const struct endpoint *ep = in_trouble(lv->wires);
	const char *why = no_checkpoints(lv->checkpoint);

	if (ep && !is_over(lv->checkpoint))
		verdict_set(v, VERDICT_UNPROTECTED, "%s %s", endpoint_name(ep),
			    endpoint_trouble(ep));
	else if (lv->is_report)
		verdict_set(v, VERDICT_UNPROTECTED, "--dry-run");
	else if (why)
		verdict_set(v, VERDICT_UNPROTECTED, "%s", why);
	else if (lv->checkpoint->request.is_asked ||
		 lv->checkpoint->request.is_put_off)
		judge_request(lv->checkpoint, now_ns, v);
	else if (lv->feed->tell.n_waiting)
		verdict_set(v, VERDICT_HOLDING, "%u flows wait for the "
			    "secondary", lv->feed->tell.n_waiting);
}
