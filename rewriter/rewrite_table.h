/* SPDX-License-Identifier: ISC */
#ifndef COLO_REWRITE_TABLE_H
#define COLO_REWRITE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The connections in a memory-mapped file, which outlives the process however
 * it ends. One rewriter writes it; a second one is refused.
 */
enum rewrite_table_found {
	REWRITE_TABLE_GOOD,	/* what an earlier process of this boot left */
	REWRITE_TABLE_NEW,	/* none was there, or one of an earlier boot */
	REWRITE_TABLE_BAD,	/* of another version, or its header is damaged */
};

struct rewrite;
struct rewrite_flow;
struct rewrite_table;

int rewrite_table_open(struct rewrite_table **out, const char *state_dir,
		       uint32_t max_flows);
void rewrite_table_close(struct rewrite_table *t);
enum rewrite_table_found rewrite_table_found(const struct rewrite_table *t);

void rewrite_table_load(struct rewrite *r);
void rewrite_table_set_epoch(struct rewrite *r);
void rewrite_table_save(struct rewrite *r, const struct rewrite_flow *fl);
void rewrite_table_save_progress(struct rewrite *r,
				 const struct rewrite_flow *fl);
void rewrite_table_clear(struct rewrite *r, const struct rewrite_flow *fl);
void rewrite_table_mend(struct rewrite *r);

#endif
