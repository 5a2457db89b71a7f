/* SPDX-License-Identifier: ISC */
/*
 * The records in the mapped file: record n is of the flow with index n. It is
 * written when a fact of the flow changes. Each segment writes only how far
 * the connection is (rewrite_record.c).
 *
 * While the disk is full, or after somebody cut the file short, the file lacks
 * connections; the table knows which they may be.
 *
 * A struct rewrite_table owns the file. The process opens one and lends it to
 * the rewriter: rewrite_flow.c writes it, rewrite_persist.c reads it at the
 * start and completes it. Nothing here knows the rewriter or its flow table.
 */
#include "rewrite_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rewrite_record.h"

struct rewrite_table {
	struct rewrite_file file;
	uint32_t n_wanted;	/* records that there would be with more room */
};

/**
 * rewrite_table_open() - Open the table in a state directory, or begin one
 * @out:	the table, which the caller closes with rewrite_table_close()
 * @state_dir:	directory that exists
 * @max_flows:	records, at most
 *
 * Return: 0, -EWOULDBLOCK when another process has it, -EPERM when others than
 *	   us and root can have written it, or another negative errno.
 */
int rewrite_table_open(struct rewrite_table **out, const char *state_dir,
		       uint32_t max_flows)
{
	struct rewrite_table *t = calloc(1, sizeof(*t));
	int err;

	if (!t)
		return -ENOMEM;
	err = rewrite_file_open(&t->file, state_dir, max_flows);
	if (err)
		free(t);
	else
		*out = t;
	return err;
}

/**
 * rewrite_table_close() - Close a table; what is in it stays
 * @t:	table, or NULL
 */
void rewrite_table_close(struct rewrite_table *t)
{
	if (!t)
		return;
	rewrite_file_close(&t->file);
	free(t);
}

/**
 * rewrite_table_found() - What was there when it was opened
 * @t:	table
 */
enum rewrite_file_found rewrite_table_found(const struct rewrite_table *t)
{
	return t->file.found;
}

/**
 * rewrite_table_save() - Write all of a flow
 * @t:		table
 * @n:		the flow's index
 * @key:	its key
 * @fl:		flow
 *
 * Return: false when there is no room on the disk: the table lacks the flow.
 */
bool rewrite_table_save(struct rewrite_table *t, uint32_t n,
			const struct flow_key *key,
			const struct rewrite_flow *fl)
{
	struct rewrite_file *f = &t->file;

	if (n >= t->n_wanted)
		t->n_wanted = n + 1;
	if (!rewrite_file_reserve(f, n))
		return false;
	rewrite_record_write(&f->records[n], key, fl);
	if (n >= f->header->n_used)
		f->header->n_used = n + 1;
	return true;
}

/**
 * rewrite_table_save_progress() - Write how far a flow is
 * @t:	table
 * @n:	the flow's index
 * @fl:	flow, of which nothing else has changed since it was saved
 */
void rewrite_table_save_progress(struct rewrite_table *t, uint32_t n,
				 const struct rewrite_flow *fl)
{
	struct rewrite_file *f = &t->file;

	if (n < f->n_reserved)
		rewrite_record_copy_progress(&f->records[n].flow, fl);
}

/**
 * rewrite_table_clear() - Forget a flow
 * @t:	table
 * @n:	the flow's index
 */
void rewrite_table_clear(struct rewrite_table *t, uint32_t n)
{
	struct rewrite_file *f = &t->file;

	if (n < f->n_reserved)
		memset(&f->records[n], 0, sizeof(f->records[n]));
}

/**
 * rewrite_table_has_room() - Is there room on the disk for a record?
 * @t:	table
 * @n:	number of the record; those before it have room
 *
 * Return: true when rewrite_table_save() will succeed.
 */
bool rewrite_table_has_room(struct rewrite_table *t, uint32_t n)
{
	return rewrite_file_reserve(&t->file, n);
}

/**
 * rewrite_table_epoch() - The epoch that the table was told last
 * @t:	table
 */
uint32_t rewrite_table_epoch(const struct rewrite_table *t)
{
	return t->file.header->epoch;
}

/**
 * rewrite_table_set_epoch() - A checkpoint: one store makes all offsets void
 * @t:		table
 * @epoch:	the new one
 */
void rewrite_table_set_epoch(struct rewrite_table *t, uint32_t epoch)
{
	t->file.header->epoch = epoch;
}

/**
 * rewrite_table_n_used() - How many records may have something in them?
 * @t:	table
 *
 * Return: a number behind that of the last one.
 */
uint32_t rewrite_table_n_used(const struct rewrite_table *t)
{
	return t->file.header->n_used;
}

/**
 * rewrite_table_set_n_used() - All records from a number on are free
 * @t:	table
 * @n:	the number
 */
void rewrite_table_set_n_used(struct rewrite_table *t, uint32_t n)
{
	t->file.header->n_used = n;
}

/**
 * rewrite_table_at() - Look at a record
 * @t:	table
 * @n:	its number, below rewrite_table_n_used()
 *
 * Return: the record, borrowed; any bytes may be in it.
 */
const struct rewrite_record *rewrite_table_at(const struct rewrite_table *t,
					      uint32_t n)
{
	return &t->file.records[n];
}

/**
 * rewrite_table_is_behind() - May the file lack flows?
 * @t:		table
 * @gap:	set when it may: the flows that it may lack
 */
bool rewrite_table_is_behind(struct rewrite_table *t,
			     struct rewrite_table_gap *gap)
{
	if (!rewrite_file_is_behind(&t->file))
		return false;
	gap->is_lost = t->file.is_lost;
	gap->from = gap->is_lost ? 0 : t->file.n_reserved;
	gap->to = t->n_wanted;
	return true;
}

/**
 * rewrite_table_mend() - Try again to have a file with room
 * @t:		table that is behind
 * @max_flows:	as when it was opened
 * @epoch:	of the rewriter
 *
 * Return: true when the caller may save the flows of the gap, as far as
 *	   rewrite_table_has_room() says.
 */
bool rewrite_table_mend(struct rewrite_table *t, uint32_t max_flows,
			uint32_t epoch)
{
	return rewrite_file_mend(&t->file, max_flows, epoch);
}
