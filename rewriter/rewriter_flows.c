/* SPDX-License-Identifier: ISC */
#include "rewriter_flows.h"

#include "../common/age.h"
#include "../common/time.h"
#include "rewrite_view.h"
#include "rewriter.h"

static uint64_t rank(void *arg, const void *value,
		     enum control_flows_order order)
{
	const struct rewriter *r = arg;
	struct rewrite_view v;

	rewrite_view_of(r->rewrite, value, &v);
	if (order == CONTROL_FLOWS_HELD)
		return v.held_bytes;
	return v.since_ns ? age_ns(clock_now_ns(&r->loop.clock), v.since_ns) :
			    0;
}

static uint32_t holders_end(void *arg)
{
	const struct rewriter *r = arg;

	return rewrite_view_holders_end(r->rewrite);
}

static const void *holder(void *arg, uint32_t at)
{
	const struct rewriter *r = arg;

	return rewrite_view_holder(r->rewrite, at);
}

static const struct flow_key *key_of(const struct rewriter *r,
				     const void *value)
{
	return flow_get_key(rewrite_view_table(r->rewrite), value);
}

static uint64_t idle_ns(const struct rewriter *r, const void *value)
{
	return age_ns(clock_now_ns(&r->loop.clock),
		      flow_used_ns(rewrite_view_table(r->rewrite), value));
}

static void put_held(const struct rewriter *r, const struct rewrite_view *v,
		     msgpack_packer *pk)
{
	uint64_t now = clock_now_ns(&r->loop.clock);

	rpc_put_uint(pk, "held", v->n_held);
	rpc_put_uint(pk, "bytes", v->held_bytes);
	rpc_put_uint(pk, "waits_ms", v->since_ns ?
			  age_ns(now, v->since_ns) / NS_PER_MS : 0);
}

static void put_row(void *arg, const void *value, msgpack_packer *pk)
{
	const struct rewriter *r = arg;
	struct rewrite_view v;

	rewrite_view_of(r->rewrite, value, &v);
	rpc_map(pk, 7);
	rpc_put_str(pk, "state", v.state);
	put_held(r, &v, pk);
	rpc_put_uint(pk, "idle_s", idle_ns(r, value) / NS_PER_S);
	rpc_put_uint(pk, "offset", v.is_known ? v.offset : 0);
	control_flows_put_key(pk, key_of(r, value));
}

static const char *translation(const struct rewrite_view *v)
{
	if (v->is_signed)
		return "none: it is signed";
	if (!v->is_known)
		return "not known yet";
	return v->is_assumed ? "assumed, since the last checkpoint" : "known";
}

static void put_explained(void *arg, const void *value, msgpack_packer *pk)
{
	const struct rewriter *r = arg;
	uint64_t now = clock_now_ns(&r->loop.clock);
	struct rewrite_view v;

	rewrite_view_of(r->rewrite, value, &v);
	rpc_map(pk, 12);
	control_flows_put_key(pk, key_of(r, value));
	rpc_put_str(pk, "state", v.state);
	rpc_put_uint(pk, "idle_s", idle_ns(r, value) / NS_PER_S);
	put_held(r, &v, pk);
	rpc_put_str(pk, "waits_for", v.waits);
	rpc_put_uint_if(pk, "due_ms", v.due_ns,
			     age_ns(v.due_ns, now) / NS_PER_MS);
	rpc_put_str(pk, "translation", translation(&v));
	rpc_put_uint_if(pk, "offset", v.is_known, v.offset);
	rpc_put_uint_if(pk, "ts_offset", v.has_clock, v.ts_offset);
	rpc_put_str(pk, "last_drop", v.dropped);
}

/**
 * rewriter_flows_of() - What `flows` and `explain` look at
 * @r:	running; borrowed by what is returned
 */
struct control_flows rewriter_flows_of(struct rewriter *r)
{
	return (struct control_flows){
		.table = rewrite_view_table(r->rewrite),
		.rank = rank,
		.holders_end = holders_end,
		.holder = holder,
		.row = put_row,
		.explain = put_explained,
		.arg = r,
	};
}
