/* SPDX-License-Identifier: ISC */
#ifndef COLO_RECORD_TABLE_H
#define COLO_RECORD_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "record_file.h"

/*
 * Records in a memory-mapped file, which outlives the process however it ends.
 * One process writes it; a second one is refused.
 */
struct record_table;

/* Records that the file may lack: from number `from` to `to` - 1. */
struct record_table_gap {
	uint32_t from, to;
	bool is_lost;		/* the whole file is */
};

int record_table_open(struct record_table **out, const char *state_dir,
		      const struct record_form *form, uint32_t max_records);
void record_table_close(struct record_table *t);
enum record_file_found record_table_found(const struct record_table *t);

void *record_table_at(const struct record_table *t, uint32_t n);
void *record_table_place(struct record_table *t, uint32_t n);
void record_table_clear(struct record_table *t, uint32_t n);
bool record_table_has_room(struct record_table *t, uint32_t n);

uint32_t record_table_epoch(const struct record_table *t);
void record_table_set_epoch(struct record_table *t, uint32_t epoch);
uint32_t record_table_n_used(const struct record_table *t);
void record_table_set_n_used(struct record_table *t, uint32_t n);

bool record_table_is_behind(struct record_table *t,
			    struct record_table_gap *gap);
bool record_table_mend(struct record_table *t, uint32_t max_records,
		       uint32_t epoch);

#endif
