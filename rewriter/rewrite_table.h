/* SPDX-License-Identifier: ISC */
#ifndef COLO_REWRITE_TABLE_H
#define COLO_REWRITE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "rewrite_file.h"

/*
 * The connections in a memory-mapped file, which outlives the process however
 * it ends. One rewriter writes it; a second one is refused.
 */
struct rewrite_table;

struct flow_key;
struct rewrite_flow;
struct rewrite_record;

/* Flows that the file may lack: their indexes are from `from` to `to` - 1. */
struct rewrite_table_gap {
	uint32_t from, to;
	bool is_lost;		/* the whole file is */
};

int rewrite_table_open(struct rewrite_table **out, const char *state_dir,
		       uint32_t max_flows);
void rewrite_table_close(struct rewrite_table *t);
enum rewrite_file_found rewrite_table_found(const struct rewrite_table *t);

bool rewrite_table_save(struct rewrite_table *t, uint32_t n,
			const struct flow_key *key,
			const struct rewrite_flow *fl);
void rewrite_table_save_progress(struct rewrite_table *t, uint32_t n,
				 const struct rewrite_flow *fl);
void rewrite_table_clear(struct rewrite_table *t, uint32_t n);
bool rewrite_table_has_room(struct rewrite_table *t, uint32_t n);

uint32_t rewrite_table_epoch(const struct rewrite_table *t);
void rewrite_table_set_epoch(struct rewrite_table *t, uint32_t epoch);
uint32_t rewrite_table_n_used(const struct rewrite_table *t);
void rewrite_table_set_n_used(struct rewrite_table *t, uint32_t n);
const struct rewrite_record *rewrite_table_at(const struct rewrite_table *t,
					      uint32_t n);

bool rewrite_table_is_behind(struct rewrite_table *t,
			     struct rewrite_table_gap *gap);
bool rewrite_table_mend(struct rewrite_table *t, uint32_t max_flows,
			uint32_t epoch);

#endif
