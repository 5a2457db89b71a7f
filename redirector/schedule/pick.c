/* SPDX-License-Identifier: ISC */
/*
 * The destination of a new connection: its client's template says, or the
 * scheduler of its service does, or what is to be done when all are overloaded.
 *
 * A template keeps its client where it is. One whose destination is gone gets
 * another one. One whose destination is overloaded or down is kept, and this
 * connection goes elsewhere. Each new connection begins the template's time again.
 *
 * The state is the templates in the table of connections. inbound.c calls.
 */
#include "pick.h"

#include "../../common/time.h"
#include "conn.h"
#include "dest.h"
#include "load.h"
#include "scheduler.h"
#include "tuple.h"

static bool any_overloaded(const struct dest_set *set)
{
	for (unsigned at = 0; at < set->n; at++) {
		const struct dest *d = &set->v[set->order[at]];

		if (dest_is_open(d) && d->is_overloaded)
			return true;
	}
	return false;
}

static struct pick pick_overloaded(const struct schedule *s)
{
	struct pick pick = { DEST_NONE, SCHEDULE_NO_DEST, NULL };

	if (!any_overloaded(&s->dests))
		return pick;
	pick.reason = SCHEDULE_OVERLOAD;
	if (s->config.on_overload == SCHEDULE_OVER_LEAST)
		pick.dest = load_least(&s->dests);
	else if (s->config.on_overload == SCHEDULE_OVER_PASS)
		pick.reason = SCHEDULE_OVERLOAD_PASSED;
	return pick;
}

static struct pick pick_scheduled(struct schedule *s, struct service *svc,
				  const struct flow_key *key, uint64_t now_ns)
{
	const struct slots_key ends = {
		.src = key->src, .dst = key->dst, .sport = key->sport,
		.addr_len = key->ip_version == 4 ? 4 : 16,
	};
	struct pick pick = { DEST_NONE, SCHEDULE_NO_DEST, NULL };

	pick.dest = scheduler_pick(&svc->scheduler, &s->dests, &ends, now_ns);
	return pick.dest == DEST_NONE ? pick_overloaded(s) : pick;
}

/* Does a template still hold its client? */
static bool is_valid(const struct schedule *s, const struct conn *template)
{
	const struct dest *d = &s->dests.v[template->dest];

	return d->is_member && !d->is_over &&
	       (d->weight || !s->config.expire_quiescent_template);
}

/* The whole time begins again. That may end before the template would be looked at,
 * when it had connections at its last end. */
static void template_extend(struct schedule *s, struct conn *template,
			    uint64_t now_ns)
{
	conn_touch(&s->conns, template, now_ns);
	conn_set_deadline(&s->conns, template, template->deadline_ns);
	conn_save(&s->conns, template);
}

static struct pick pick_persistent(struct schedule *s, uint16_t service,
				   const struct flow_key *key, uint64_t now_ns)
{
	struct service *svc = &s->services.v[service];
	struct conn_init init = { .service = service, .state = STATE_TEMPLATE,
				  .timeout_s = svc->persist_s };
	struct flow_key template_key;
	struct conn *template;
	struct pick pick;

	tuple_template(&template_key, key, svc);
	template = conn_find(&s->conns, &template_key);
	if (template && is_valid(s, template)) {
		const struct dest *d = &s->dests.v[template->dest];

		if (!d->is_up || d->is_overloaded)
			return pick_scheduled(s, svc, key, now_ns);
		template_extend(s, template, now_ns);
		return (struct pick){ template->dest, SCHEDULE_NEW, template };
	}
	pick = pick_scheduled(s, svc, key, now_ns);
	if (pick.dest == DEST_NONE)
		return pick;
	if (template) {
		conn_move(&s->conns, template, pick.dest);
		template_extend(s, template, now_ns);
	} else {
		init.dest = pick.dest;
		template = conn_new(&s->conns, &template_key, &init, now_ns);
	}
	pick.template = template;
	if (!template)
		pick = (struct pick){ DEST_NONE, SCHEDULE_TABLE_FULL, NULL };
	return pick;
}

/**
 * pick_dest() - Choose the destination of a new connection
 * @s:		state
 * @service:	index of its service
 * @key:	its key
 * @now_ns:	time
 *
 * Return: the destination, and the template; or why there is none
 */
struct pick pick_dest(struct schedule *s, uint16_t service,
		      const struct flow_key *key, uint64_t now_ns)
{
	struct service *svc = &s->services.v[service];

	return svc->persist_s ? pick_persistent(s, service, key, now_ns) :
				pick_scheduled(s, svc, key, now_ns);
}
