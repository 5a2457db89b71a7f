/* SPDX-License-Identifier: ISC */
#include "live_methods.h"

#include <errno.h>
#include <stdio.h>

#include "../../common/age.h"
#include "../../common/frame_filter.h"
#include "../../common/time.h"
#include "../core/view.h"

/* --- the flows --- */

static uint64_t age_ms(const struct live_methods *m, uint64_t since_ns)
{
	return age_ns(clock_now_ns(m->clock), since_ns) / NS_PER_MS;
}

static uint64_t rank(void *arg, const void *value,
		     enum control_flows_order order)
{
	const struct live_methods *m = arg;
	const struct compare *c = m->feed->compare;
	uint64_t since;

	if (order == CONTROL_FLOWS_HELD)
		return view_held_bytes(c, value);
	since = view_since_ns(c, value);
	return since ? age_ns(clock_now_ns(m->clock), since) : 0;
}

static uint32_t holders_end(void *arg)
{
	const struct live_methods *m = arg;

	return view_holders_end(m->feed->compare);
}

static const void *holder(void *arg, uint32_t at)
{
	const struct live_methods *m = arg;

	return view_holder(m->feed->compare, at);
}

/* The first keys of a row and of an explanation. */
static void put_state(const struct live_methods *m, const struct view *v,
		      const void *value, msgpack_packer *pk)
{
	uint64_t used = view_used_ns(m->feed->compare, value);

	rpc_put_str(pk, "state", v->state);
	rpc_put_uint(pk, "primary", v->n_held[COMPARE_PRIMARY]);
	rpc_put_uint(pk, "secondary", v->n_held[COMPARE_SECONDARY]);
	rpc_put_uint(pk, "bytes", v->held_bytes);
	rpc_put_uint(pk, "waits_ms", v->since_ns ? age_ms(m, v->since_ns) : 0);
	rpc_put_uint(pk, "idle_s", age_ms(m, used) / 1000);
}

static void put_key(const struct live_methods *m, const void *value,
		    msgpack_packer *pk)
{
	control_flows_put_key(pk, flow_get_key(view_table(m->feed->compare),
					       value));
}

static void put_row(void *arg, const void *value, msgpack_packer *pk)
{
	const struct live_methods *m = arg;
	struct view v;

	view_of(m->feed->compare, value, &v);
	rpc_map(pk, 7);
	put_state(m, &v, value, pk);
	put_key(m, value, pk);
}

static const char *waits_for(const struct view *v)
{
	if (!v->since_ns)
		return NULL;
	return v->wants_checkpoint ? "a checkpoint, which is asked for" :
				     compare_wait_text(v->what);
}

static void put_tcp(const struct view *v, msgpack_packer *pk)
{
	const bool *has = v->has_ack;

	rpc_put_uint_if(pk, "edge", v->has_edge, v->edge);
	rpc_put_uint_if(pk, "left", v->has_edge, v->left);
	rpc_put_uint_if(pk, "compared_bytes", v->has_compared, v->compared);
	rpc_put_uint_if(pk, "ack_primary", has[COMPARE_PRIMARY],
			v->ack[COMPARE_PRIMARY]);
	rpc_put_uint_if(pk, "ack_secondary", has[COMPARE_SECONDARY],
			v->ack[COMPARE_SECONDARY]);
	rpc_put_uint_if(pk, "ack_told", v->has_told, v->told);
}

static void put_explained(void *arg, const void *value, msgpack_packer *pk)
{
	const struct live_methods *m = arg;
	uint64_t now = clock_now_ns(m->clock);
	struct view v;

	view_of(m->feed->compare, value, &v);
	rpc_map(pk, v.is_tcp ? 17 : 11);
	put_key(m, value, pk);
	put_state(m, &v, value, pk);
	rpc_put_str(pk, "waits_for", waits_for(&v));
	rpc_put_uint_if(pk, "due_ms", v.due_ns != COMPARE_NEVER,
			age_ns(v.due_ns, now) / NS_PER_MS);
	rpc_put_str(pk, "last_drop", v.has_dropped ?
		    stats_drop_name(v.dropped) : NULL);
	rpc_put_uint_if(pk, "last_drop_ms", v.has_dropped,
			age_ms(m, v.dropped_ns));
	if (v.is_tcp)
		put_tcp(&v, pk);
}

/**
 * live_methods_flows() - What `flows` and `explain` look at
 * @m:	filled in; borrowed by what is returned
 */
struct control_flows live_methods_flows(struct live_methods *m)
{
	return (struct control_flows){
		.table = view_table(m->feed->compare),
		.rank = rank,
		.holders_end = holders_end,
		.holder = holder,
		.row = put_row,
		.explain = put_explained,
		.arg = m,
	};
}

/* --- checkpoints --- */

static int on_checkpoint(void *arg, struct control_call *call)
{
	const struct live_methods *m = arg;
	struct checkpoint *cp = m->checkpoint;

	if (cp->choice.mode == CHECKPOINT_NONE ||
	    cp->choice.mode == CHECKPOINT_HOLD || cp->is_stopped) {
		snprintf(call->error, sizeof(call->error), "there are no "
			 "checkpoints: --checkpoint none or hold, or a failover");
		return -EOPNOTSUPP;
	}
	checkpoint_ask(cp, "control", "");
	rpc_bool(call->pk, true);
	return 0;
}

static void put_bytes(msgpack_packer *pk, const char *key,
		      const struct history_place *p, unsigned side)
{
	char hex[2 * HISTORY_BYTES + 1] = "";

	for (unsigned i = 0; i < p->n[side]; i++)
		snprintf(hex + 2 * i, 3, "%02x", p->bytes[side][i]);
	rpc_put_str(pk, key, p->n[side] ? hex : NULL);
}

static void put_place(msgpack_packer *pk, const struct history_place *p)
{
	rpc_put_uint_if(pk, "offset", p->is_known, p->offset);
	put_bytes(pk, "primary", p, COMPARE_PRIMARY);
	put_bytes(pk, "secondary", p, COMPARE_SECONDARY);
}

static void put_entry(msgpack_packer *pk, const struct history_entry *e)
{
	rpc_map(pk, 12);
	rpc_put_str(pk, "reason", e->is_asked ? e->reason : NULL);
	rpc_put_str(pk, "flow", *e->flow ? e->flow : NULL);
	put_place(pk, &e->place);
	rpc_put_time(pk, "asked", e->asked_us);
	rpc_put_time(pk, "made", e->made_us);
	rpc_put_time(pk, "released", e->released_us);
	rpc_put_uint(pk, "tries", e->n_tries);
	rpc_put_uint_if(pk, "longest_ms", e->is_made, e->longest_ms);
	rpc_put_uint(pk, "frames", e->left.frames);
	rpc_put_uint(pk, "bytes", e->left.bytes);
}

static int on_checkpoints(void *arg, struct control_call *call)
{
	const struct live_methods *m = arg;
	unsigned n = 0;

	while (history_at(m->history, n))
		n++;
	rpc_array(call->pk, n);
	for (unsigned i = 0; i < n; i++)
		put_entry(call->pk, history_at(m->history, i));
	return 0;
}

/* --- --ignore --- */

static int no_report(struct control_call *call)
{
	snprintf(call->error, sizeof(call->error),
		 "there are no rules: they are for captures and --dry-run");
	return -EOPNOTSUPP;
}

static int put_rules(const struct rules *r, struct control_call *call)
{
	rpc_array(call->pk, r->n);
	for (unsigned i = 0; i < r->n; i++)
		rpc_str(call->pk, r->text[i]);
	return 0;
}

static int on_rules(void *arg, struct control_call *call)
{
	const struct live_methods *m = arg;

	return m->rules ? put_rules(m->rules, call) : no_report(call);
}

/* The rule that a call is about. Return: 0, or an error, told */
static int take_rule(const struct rules *r, struct control_call *call,
		     char *rule, size_t size)
{
	if (!r)
		return no_report(call);
	if (rpc_text(rule, size, &call->param[0]->via.str))
		return 0;
	snprintf(call->error, sizeof(call->error),
		 "a rule has fewer than %zu bytes, and no NUL", size);
	return -E2BIG;
}

static int on_rules_add(void *arg, struct control_call *call)
{
	const struct live_methods *m = arg;
	char rule[FRAME_FILTER_MAX];
	int err = take_rule(m->rules, call, rule, sizeof(rule));

	if (err == 0)
		err = rules_add(m->rules, rule, call->error,
				sizeof(call->error));
	return err < 0 ? err : put_rules(m->rules, call);
}

static int on_rules_remove(void *arg, struct control_call *call)
{
	const struct live_methods *m = arg;
	char rule[FRAME_FILTER_MAX];
	int err = take_rule(m->rules, call, rule, sizeof(rule));

	if (err < 0)
		return err;
	if (rules_remove(m->rules, rule) < 0) {
		snprintf(call->error, sizeof(call->error),
			 "there is no such rule");
		return -ENOENT;
	}
	return put_rules(m->rules, call);
}

/* For a control_table; their arg is a struct live_methods. */
const struct control_method live_methods_table[] = {
	{ "checkpoints", "the last 64, the newest first: why, when, how long",
	  { { NULL, CONTROL_ANY, false } }, false, on_checkpoints },
	{ "checkpoint", "ask for a checkpoint", { { NULL, CONTROL_ANY, false } },
	  true, on_checkpoint },
	{ "rules", "the rules of --ignore", { { NULL, CONTROL_ANY, false } },
	  false, on_rules },
	{ "rules-add", "leave out one kind of noise more",
	  { { "rule", CONTROL_TEXT, false } }, true, on_rules_add },
	{ "rules-remove", "a rule of --ignore counts no more",
	  { { "rule", CONTROL_TEXT, false } }, true, on_rules_remove },
	{ 0 },
};
