/* SPDX-License-Identifier: ISC */
#ifndef COLO_REWRITE_RECORD_H
#define COLO_REWRITE_RECORD_H

#include "../common/record_table.h"
#include "rewrite_types.h"

/* A connection as the table's file has it. One that is all zeroes is free. */
struct rewrite_record {
	uint32_t sum;		/* of all below except the progress */
	struct flow_key key;
	struct rewrite_flow flow;
};

_Static_assert(sizeof(struct rewrite_record) == 144,
	       "no padding: hashed whole");

int rewrite_record_open(struct record_table **out, const char *state_dir,
			uint32_t max_flows);
uint32_t rewrite_record_sum(const struct rewrite_record *rec);
bool rewrite_record_is_used(const struct rewrite_record *rec);
bool rewrite_record_is_intact(const struct rewrite_record *rec);
void rewrite_record_write(struct rewrite_record *at, const struct flow_key *key,
			  const struct rewrite_flow *fl);
struct rewrite_flow rewrite_record_lasting(const struct rewrite_flow *fl);
void rewrite_record_copy_progress(struct rewrite_flow *to,
				  const struct rewrite_flow *from);

#endif
