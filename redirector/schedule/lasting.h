/* SPDX-License-Identifier: ISC */
#ifndef COLO_SCHEDULE_LASTING_H
#define COLO_SCHEDULE_LASTING_H

#include "../../common/record_table.h"
#include "types.h"

/* A connection as the file has it. One that is all zeroes is free. */
struct lasting_record {
	uint32_t sum;		/* of all below except the deadline */
	struct flow_key key;
	uint64_t dest_id;
	uint64_t service_id;	/* 0: of none */
	uint64_t since_ns;
	uint64_t deadline_ns;
	uint32_t timeout_s;
	uint16_t jitter_ms;
	uint8_t state;
	uint8_t flags;
};

_Static_assert(sizeof(struct lasting_record) == 88,
	       "no padding: hashed whole");

int lasting_open(struct record_table **out, const char *state_dir,
		 uint32_t max_conns);
bool lasting_is_used(const struct lasting_record *rec);
bool lasting_is_intact(const struct lasting_record *rec);
void lasting_write(struct lasting_record *at, const struct lasting_record *rec);

#endif
