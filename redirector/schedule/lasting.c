/* SPDX-License-Identifier: ISC */
/*
 * The form of a connection in the mapped file, which outlives the process.
 * Destinations and services stand in it as hashes of what they are called:
 * the next process may have them in another order.
 *
 * The checksum leaves the deadline out, which moves while frames come. It is made
 * wrong first and right last: a kill in between leaves a record that is not
 * intact. There is no state here; conn.c writes, restore.c reads.
 */
#include "lasting.h"

#include <stdatomic.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static const struct record_form form = {
	.name = "connections",
	.magic = "COLOconn",
	.version = 1,
	.record_len = sizeof(struct lasting_record),
};

/**
 * lasting_open() - Open the table of connections, or begin one
 * @out:	the table, which the caller closes with record_table_close()
 * @state_dir:	directory that exists
 * @max_conns:	records, at most
 *
 * Return: as record_table_open()
 */
int lasting_open(struct record_table **out, const char *state_dir,
		 uint32_t max_conns)
{
	return record_table_open(out, state_dir, &form, max_conns);
}

static uint32_t sum_of(const struct lasting_record *rec)
{
	struct lasting_record copy = *rec;

	copy.deadline_ns = 0;
	return (uint32_t)XXH3_64bits(&copy.key,
				     sizeof(copy) - sizeof(copy.sum));
}

/**
 * lasting_is_used() - Is there a connection in a record, whole or not?
 * @rec:	record
 */
bool lasting_is_used(const struct lasting_record *rec)
{
	static const struct lasting_record unused;

	return memcmp(rec, &unused, sizeof(unused)) != 0;
}

/**
 * lasting_is_intact() - Can the connection in a record be believed?
 * @rec:	record
 */
bool lasting_is_intact(const struct lasting_record *rec)
{
	return rec->sum == sum_of(rec) && rec->state < STATES;
}

/**
 * lasting_write() - Put a connection into its place
 * @at:		the place, in the mapped file
 * @rec:	all but the checksum
 */
void lasting_write(struct lasting_record *at, const struct lasting_record *rec)
{
	uint32_t sum = sum_of(rec);

	at->sum = ~sum;
	atomic_signal_fence(memory_order_seq_cst);
	memcpy(&at->key, &rec->key, sizeof(*rec) - sizeof(rec->sum));
	atomic_signal_fence(memory_order_seq_cst);
	at->sum = sum;
}
