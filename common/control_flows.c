/* SPDX-License-Identifier: ISC */
/*
 * A walk, a part of it in each turn: over the flows that hold something, unless they
 * are wanted as they stand in the table, then over the table. It keeps as many flows
 * as are to be shown, best first. In the table the rest has rank 0, so that what comes
 * later is no better: a page that is full ends the walk. A cursor names the last flow
 * of a page by its rank and its index: the next page is what comes behind that. So no
 * page is kept for a client, and each of them is another walk.
 */
#include "control_flows.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow_filter.h"

#define TURN_FLOWS	512u	/* that are looked at in a turn */
#define AHEAD		8u	/* flows whose memory is asked for */
#define LIMIT		50u
#define LIMIT_MAX	100u
#define EXPLAIN_MAX	4u
#define TEXT_MAX	FLOW_TEXT_MAX

/* Where a flow stands: those of a higher rank are first, then those of a lower
 * index. */
struct place {
	uint64_t rank;
	uint32_t index;
};

/* A client's walk: control_asker's job. */
struct walk {
	struct flow_filter filter;
	enum control_flows_order order;
	bool has_cursor;
	struct place cursor;
	bool is_in_table;	/* else it is among those that hold something */
	uint32_t at;		/* the number there to be looked at next */
	uint64_t n_matched;
	unsigned limit, n;
	struct place best[LIMIT_MAX];
};

static const char *const order_names[] = {
	[CONTROL_FLOWS_TABLE] = "table", [CONTROL_FLOWS_HELD] = "held",
	[CONTROL_FLOWS_AGE] = "age",
};
#define N_ORDERS (sizeof(order_names) / sizeof(*order_names))

static bool is_before(const struct place *a, const struct place *b)
{
	return a->rank != b->rank ? a->rank > b->rank : a->index < b->index;
}

/* --- what is asked for --- */

static int parse_filter(struct walk *w, struct control_call *call)
{
	char text[TEXT_MAX] = "";

	if (call->param[0] &&
	    !rpc_text(text, sizeof(text), &call->param[0]->via.str)) {
		snprintf(call->error, sizeof(call->error),
			 "a filter has at most %zu bytes, and no NUL",
			 sizeof(text) - 1);
		return -EINVAL;
	}
	return flow_filter_parse(&w->filter, text, call->error,
				 sizeof(call->error));
}

static int parse_order(struct walk *w, struct control_call *call)
{
	const msgpack_object *o = call->param[1];

	w->order = CONTROL_FLOWS_HELD;
	for (unsigned i = 0; i < N_ORDERS; i++) {
		if (!o || !rpc_is(&o->via.str, order_names[i]))
			continue;
		w->order = (enum control_flows_order)i;
		return 0;
	}
	if (!o)
		return 0;
	snprintf(call->error, sizeof(call->error),
		 "sort is one of table, held, age");
	return -EINVAL;
}

static int parse_limit(struct walk *w, struct control_call *call)
{
	const msgpack_object *o = call->param[2];

	w->limit = LIMIT;
	if (!o)
		return 0;
	if (!o->via.u64 || o->via.u64 > LIMIT_MAX) {
		snprintf(call->error, sizeof(call->error),
			 "limit is in 1..%u", LIMIT_MAX);
		return -EINVAL;
	}
	w->limit = (unsigned)o->via.u64;
	return 0;
}

/* What stands before the cursor need not be looked at. */
static void begin_behind(struct walk *w)
{
	if (w->cursor.rank)
		return;
	w->is_in_table = true;
	w->at = w->cursor.index;
}

static int parse_cursor(struct walk *w, struct control_call *call)
{
	char text[64];
	int end = 0;

	w->is_in_table = w->order == CONTROL_FLOWS_TABLE;
	if (!call->param[3])
		return 0;
	w->has_cursor = true;
	if (rpc_text(text, sizeof(text), &call->param[3]->via.str) &&
	    !text[strspn(text, "0123456789.")] &&
	    sscanf(text, "%" SCNu64 ".%" SCNu32 "%n", &w->cursor.rank,
		   &w->cursor.index, &end) == 2 && !text[end]) {
		begin_behind(w);
		return 0;
	}
	snprintf(call->error, sizeof(call->error),
		 "cursor is none that an answer has given as next");
	return -EINVAL;
}

static int parse(struct walk *w, struct control_call *call)
{
	int err = parse_filter(w, call);

	if (err == 0)
		err = parse_order(w, call);
	if (err == 0)
		err = parse_limit(w, call);
	if (err == 0)
		err = parse_cursor(w, call);
	return err;
}

/* --- the walk --- */

static void keep(struct walk *w, const struct place *p)
{
	unsigned i;

	if (w->n == w->limit && !is_before(p, &w->best[w->n - 1]))
		return;
	i = w->n < w->limit ? w->n++ : w->n - 1;
	for (; i && is_before(p, &w->best[i - 1]); i--)
		w->best[i] = w->best[i - 1];
	w->best[i] = *p;
}

static const void *selected(const struct control_flows *f,
			    const struct walk *w, uint32_t index)
{
	const void *value = flow_at(f->table, index);

	return value && flow_filter_selects(&w->filter,
					    flow_get_key(f->table, value)) ?
	       value : NULL;
}

/* Those that hold something have a rank, and are found by that only. */
static void look_at(const struct control_flows *f, struct walk *w,
		    uint32_t index)
{
	const void *value = selected(f, w, index);
	struct place p = { 0, index };

	if (!value)
		return;
	if (w->order != CONTROL_FLOWS_TABLE)
		p.rank = f->rank(f->arg, value, w->order);
	if (w->order != CONTROL_FLOWS_TABLE && w->is_in_table == (p.rank > 0))
		return;
	w->n_matched++;
	if (!w->has_cursor || is_before(&w->cursor, &p))
		keep(w, &p);
}

/* In the table nothing that comes later can be before these. */
static bool is_full(const struct walk *w)
{
	return w->is_in_table && w->n == w->limit;
}

static void look_at_holder(const struct control_flows *f, struct walk *w)
{
	const void *value = f->holder(f->arg, w->at);

	if (value)
		look_at(f, w, flow_index(f->table, value));
}

/* Return: are there more of those that hold something? */
static bool walk_holders(const struct control_flows *f, struct walk *w)
{
	uint32_t end = f->holders_end(f->arg), stop = w->at + TURN_FLOWS;

	for (; w->at < end && w->at < stop; w->at++)
		look_at_holder(f, w);
	if (w->at < end)
		return true;
	w->is_in_table = true;
	w->at = 0;
	return false;
}

/* Return: are there more to be looked at? */
static bool walk_on(const struct control_flows *f, struct walk *w)
{
	uint32_t end = flow_end(f->table), stop;

	if (!w->is_in_table && walk_holders(f, w))
		return true;
	stop = w->at + TURN_FLOWS;
	for (; w->at < end && w->at < stop && !is_full(w); w->at++) {
		if (w->at + AHEAD < end)
			flow_prefetch(f->table, w->at + AHEAD);
		look_at(f, w, w->at);
	}
	return w->at < end && !is_full(w);
}

/* Was every flow looked at that the filter may take? */
static bool is_counted(const struct walk *w)
{
	return !is_full(w) && !w->has_cursor;
}

/* Flows that have gone meanwhile are not shown. */
static uint32_t still_there(const struct control_flows *f, struct walk *w)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < w->n; i++) {
		if (selected(f, w, w->best[i].index))
			w->best[n++] = w->best[i];
	}
	return n;
}

static void put_next(const struct walk *w, const struct place *last,
		     msgpack_packer *pk)
{
	char text[48];

	rpc_str(pk, "next");
	if (w->n < w->limit) {
		rpc_nil(pk);
		return;
	}
	snprintf(text, sizeof(text), "%" PRIu64 ".%" PRIu32, last->rank,
		 last->index);
	rpc_str(pk, text);
}

static int put_page(const struct control_flows *f, struct walk *w,
		    msgpack_packer *pk)
{
	struct place last = w->n ? w->best[w->n - 1] : (struct place){ 0 };
	uint32_t n = still_there(f, w);

	rpc_map(pk, 3);
	rpc_str(pk, "flows");
	rpc_array(pk, n);
	for (uint32_t i = 0; i < n; i++)
		f->row(f->arg, flow_at(f->table, w->best[i].index), pk);
	rpc_put_uint_if(pk, "matched", is_counted(w), w->n_matched);
	put_next(w, &last, pk);
	return 0;
}

static struct walk *begin(struct control_call *call)
{
	struct walk *w = call->asker->job = calloc(1, sizeof(*w));

	if (!w)
		abort();
	return w;
}

/* The method `flows`. */
static int on_flows(void *arg, struct control_call *call)
{
	const struct control_flows *f = arg;
	struct walk *w = call->asker->job;

	if (!w) {
		w = begin(call);
		if (parse(w, call) < 0)
			return -EINVAL;
	}
	return walk_on(f, w) ? CONTROL_LATER : put_page(f, w, call->pk);
}

static int put_explained(const struct control_flows *f, struct walk *w,
			 struct control_call *call)
{
	uint32_t n = still_there(f, w);

	if (!n) {
		snprintf(call->error, sizeof(call->error),
			 "no such flow is known");
		return -ENOENT;
	}
	if (n > EXPLAIN_MAX) {
		snprintf(call->error, sizeof(call->error), "more than %u flows "
			 "are like that: say more of the one that is meant "
			 "(flows lists them)", EXPLAIN_MAX);
		return -E2BIG;
	}
	rpc_array(call->pk, n);
	for (uint32_t i = 0; i < n; i++)
		f->explain(f->arg, flow_at(f->table, w->best[i].index),
			   call->pk);
	return 0;
}

/* A flow of which all is said need not be looked for. */
static void find_named(const struct control_flows *f, struct walk *w)
{
	struct flow_key key;

	for (unsigned i = 0; i < 2 && !w->n; i++) {
		const void *value = flow_filter_key(&w->filter, i, &key) ?
				    flow_find(f->table, &key) : NULL;

		if (value)
			keep(w, &(struct place){
					0, flow_index(f->table, value) });
	}
}

/* The method `explain`. */
static int on_explain(void *arg, struct control_call *call)
{
	const struct control_flows *f = arg;
	struct walk *w = call->asker->job;

	if (!w) {
		w = begin(call);
		w->is_in_table = true;
		w->limit = EXPLAIN_MAX + 1;
		if (parse_filter(w, call) < 0)
			return -EINVAL;
		find_named(f, w);
		if (w->n)
			return put_explained(f, w, call);
	}
	return walk_on(f, w) ? CONTROL_LATER : put_explained(f, w, call);
}

const struct control_method control_flows_methods[] = {
	{ "flows",
	  "the flows that are known, a page of them; sort is table, held or age",
	  { { "filter", CONTROL_TEXT, true }, { "sort", CONTROL_TEXT, true },
	    { "limit", CONTROL_NUMBER, true }, { "cursor", CONTROL_TEXT, true } },
	  false, on_flows },
	{ "explain", "one flow: its state, what it holds and for whom that waits",
	  { { "flow", CONTROL_TEXT, false } }, false, on_explain },
	{ 0 },
};

/**
 * control_flows_put_key() - Write which flow this is, as a key "flow"
 * @pk:		gets the key of a map and its value
 * @key:	the flow's
 */
void control_flows_put_key(msgpack_packer *pk, const struct flow_key *key)
{
	char text[FLOW_TEXT_MAX];

	flow_key_text(key, text, sizeof(text));
	rpc_str(pk, "flow");
	rpc_str(pk, text);
}
