/* SPDX-License-Identifier: ISC */
/*
 * The form of one connection in the table's file: which of its fields outlive
 * the process, and a checksum by which the next process knows that a record is
 * whole. A kill may come between two stores of one record.
 *
 * Eight fields, the progress of a connection, change with nearly every segment.
 * The checksum leaves them out, so that a segment costs eight stores, no hash.
 * A stale progress costs a repetition, a wrong offset costs the connection.
 *
 * The functions here keep no state and know nothing of the rewriter but its
 * flows. rewrite_flow.c writes records with them, rewrite_persist.c reads them.
 */
#include "rewrite_record.h"

#include <stdatomic.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static const struct record_form form = {
	.name = "flows",
	.magic = "COLOflow",
	.version = 3,
	.record_len = sizeof(struct rewrite_record),
};

/**
 * rewrite_record_open() - Open the table of connections, or begin one
 * @out:	the table, which the caller closes with record_table_close()
 * @state_dir:	directory that exists
 * @max_flows:	records, at most
 *
 * Return: as record_table_open()
 */
int rewrite_record_open(struct record_table **out, const char *state_dir,
			uint32_t max_flows)
{
	return record_table_open(out, state_dir, &form, max_flows);
}

/**
 * rewrite_record_sum() - The checksum that a record has to carry
 * @rec:	record; its own checksum and its progress do not count
 *
 * Return: the checksum.
 */
uint32_t rewrite_record_sum(const struct rewrite_record *rec)
{
	struct rewrite_record copy = *rec;

	rewrite_record_copy_progress(&copy.flow, &(struct rewrite_flow){ 0 });
	return (uint32_t)XXH3_64bits(&copy.key,
				     sizeof(copy) - sizeof(copy.sum));
}

/**
 * rewrite_record_is_used() - Is there a connection in a record, whole or not?
 * @rec:	record
 */
bool rewrite_record_is_used(const struct rewrite_record *rec)
{
	static const struct rewrite_record unused;

	return memcmp(rec, &unused, sizeof(unused)) != 0;
}

/**
 * rewrite_record_is_intact() - Can the connection in a record be believed?
 * @rec:	record
 *
 * Return: true when its checksum is right and its state is one that there is.
 */
bool rewrite_record_is_intact(const struct rewrite_record *rec)
{
	return rec->sum == rewrite_record_sum(rec) &&
	       rec->flow.state < REWRITE_STATES;
}

/**
 * rewrite_record_lasting() - The part of a flow that outlives the process
 * @fl:	flow, or what a file says of one
 *
 * Held segments are memory of the process that held them. What the guest sent
 * while no process looked is unknown: it may have sent more than guest_nxt
 * says, and may have repeated other bytes since.
 *
 * Return: a copy without those.
 */
struct rewrite_flow rewrite_record_lasting(const struct rewrite_flow *fl)
{
	struct rewrite_flow lasting = *fl;

	lasting.held = 0;
	lasting.n_held = 0;
	lasting.flags &= ~(unsigned)(REWRITE_HAS_NXT | REWRITE_REPEATS |
				     REWRITE_REPEAT_DONE);
	return lasting;
}

/**
 * rewrite_record_write() - Put a flow into a record
 * @at:		record, in the mapped file
 * @key:	the flow's key
 * @fl:		flow
 *
 * The checksum is made wrong first and right last: a kill in between leaves a
 * record that is not intact.
 */
void rewrite_record_write(struct rewrite_record *at, const struct flow_key *key,
			  const struct rewrite_flow *fl)
{
	struct rewrite_record rec = { .key = *key,
				      .flow = rewrite_record_lasting(fl) };

	rec.sum = rewrite_record_sum(&rec);
	at->sum = ~rec.sum;
	atomic_signal_fence(memory_order_seq_cst);
	at->key = rec.key;
	at->flow = rec.flow;
	atomic_signal_fence(memory_order_seq_cst);
	at->sum = rec.sum;
}

/**
 * rewrite_record_copy_progress() - Copy the fields that the checksum leaves out
 * @to:		changed
 * @from:	the newer one
 */
void rewrite_record_copy_progress(struct rewrite_flow *to,
				  const struct rewrite_flow *from)
{
	to->ts_sent = from->ts_sent;
	to->ts_echo = from->ts_echo;
	to->guest_nxt = from->guest_nxt;
	to->peer_nxt = from->peer_nxt;
	to->peer_ack = from->peer_ack;
	to->peer_ts = from->peer_ts;
	to->peer_window = from->peer_window;
	to->deaf_seq = from->deaf_seq;
}
