/* SPDX-License-Identifier: ISC */
#ifndef COLO_CONTROL_FLOWS_H
#define COLO_CONTROL_FLOWS_H

#include "control_table.h"
#include "flow.h"

/*
 * The methods `flows` and `explain` of a program that has a flow table. A table
 * may have a million flows: some are looked at in each turn, and the best of
 * them remembered. Those that hold something are found without the others, and
 * a page that is full needs no more. Only a filter that few flows pass has all
 * looked at.
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
	/* Flows that hold something, which have a rank above 0: of each number
	 * below the end, one of them or NULL, and none of two numbers */
	uint32_t (*holders_end)(void *arg);
	const void *(*holder)(void *arg, uint32_t at);
	void (*row)(void *arg, const void *value, msgpack_packer *pk);
	void (*explain)(void *arg, const void *value, msgpack_packer *pk);
	void *arg;
};

/* For a control_table, with a struct control_flows as their arg. Until `flows` or
 * `explain` has answered, that may not change. */
extern const struct control_method control_flows_methods[];

/* For their rows. */
void control_flows_put_key(msgpack_packer *pk, const struct flow_key *key);

#endif
