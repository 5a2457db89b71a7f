/* SPDX-License-Identifier: ISC */
#ifndef COLO_CONTROL_FLOWS_H
#define COLO_CONTROL_FLOWS_H

#include "control_table.h"
#include "flow.h"

/*
 * The methods `flows` and `explain` of a program that has a flow table. A table
 * may have a million flows: some are looked at in each turn, and the best of
 * them remembered, until all were.
 */
enum control_flows_order {
	CONTROL_FLOWS_TABLE,	/* as they stand in the table */
	CONTROL_FLOWS_HELD,	/* those that hold most bytes first */
	CONTROL_FLOWS_AGE,	/* those whose packets have waited longest first */
};

struct control_flows {
	struct flow_table *table;	/* borrowed, like the rest */
	/* Return: bytes for _HELD, nanoseconds for _AGE */
	uint64_t (*rank)(void *arg, const void *value,
			 enum control_flows_order order);
	void (*row)(void *arg, const void *value, msgpack_packer *pk);
	void (*explain)(void *arg, const void *value, msgpack_packer *pk);
	void *arg;
};

/* The parameters of the two, for a table of methods. */
#define CONTROL_FLOWS_PARAMS                                                   \
	{ { "filter", CONTROL_TEXT, true }, { "sort", CONTROL_TEXT, true },    \
	  { "limit", CONTROL_NUMBER, true }, { "cursor", CONTROL_TEXT, true } }
#define CONTROL_FLOWS_EXPLAIN_PARAMS { { "flow", CONTROL_TEXT, false } }

#define CONTROL_FLOWS_HELP                                                     \
	"the flows that are known, a page of them; sort is table, held or age"
#define CONTROL_FLOWS_EXPLAIN_HELP                                             \
	"one flow: its state, what it holds and for whom that waits"

int control_flows_list(const struct control_flows *f,
		       struct control_call *call);
int control_flows_explain(const struct control_flows *f,
			  struct control_call *call);

/* For their rows. */
void control_flows_put_key(msgpack_packer *pk, const struct flow_key *key);

#endif
