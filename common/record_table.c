/* SPDX-License-Identifier: ISC */
/*
 * The records in the mapped file: record n is of the flow with index n in its
 * owner's flow table. The owner writes it when a fact of the flow changes.
 *
 * While the disk is full, or after somebody cut the file short, the file lacks
 * records; the table knows which they may be.
 *
 * A struct record_table owns the file. A process opens one and lends it to its
 * core. Nothing here knows what is in a record.
 */
#include "record_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct record_table {
	struct record_file file;
	uint32_t n_wanted;	/* records that there would be with more room */
};

/**
 * record_table_open() - Open the table in a state directory, or begin one
 * @out:	the table, which the caller closes with record_table_close()
 * @state_dir:	directory that exists
 * @form:	of the records; borrowed, as long as the table is open
 * @max_records:	records, at most
 *
 * Return: 0, -EWOULDBLOCK when another process has it, -EPERM when others than
 *	   us and root can have written it, or another negative errno.
 */
int record_table_open(struct record_table **out, const char *state_dir,
		      const struct record_form *form, uint32_t max_records)
{
	struct record_table *t = calloc(1, sizeof(*t));
	int err;

	if (!t)
		return -ENOMEM;
	err = record_file_open(&t->file, state_dir, form, max_records);
	if (err)
		free(t);
	else
		*out = t;
	return err;
}

/**
 * record_table_close() - Close a table; what is in it stays
 * @t:	table, or NULL
 */
void record_table_close(struct record_table *t)
{
	if (!t)
		return;
	record_file_close(&t->file);
	free(t);
}

/**
 * record_table_found() - What was there when it was opened
 * @t:	table
 */
enum record_file_found record_table_found(const struct record_table *t)
{
	return t->file.found;
}

/**
 * record_table_at() - Look at a record, or change some of it
 * @t:	table
 * @n:	its number
 *
 * Return: the record, in which any bytes may be; NULL when it has no room on
 *	   the disk.
 */
void *record_table_at(const struct record_table *t, uint32_t n)
{
	if (n >= t->file.n_reserved)
		return NULL;
	return t->file.records + (size_t)n * t->file.form->record_len;
}

/**
 * record_table_place() - Where a record is to be written
 * @t:	table
 * @n:	number of the record, below the table's maximum
 *
 * Return: its place, or NULL when there is no room on the disk: the table
 *	   lacks the record.
 */
void *record_table_place(struct record_table *t, uint32_t n)
{
	struct record_file *f = &t->file;

	if (n >= t->n_wanted)
		t->n_wanted = n + 1;
	if (!record_file_reserve(f, n))
		return NULL;
	if (n >= f->header->n_used)
		f->header->n_used = n + 1;
	return record_table_at(t, n);
}

/**
 * record_table_clear() - Forget a record
 * @t:	table
 * @n:	its number
 */
void record_table_clear(struct record_table *t, uint32_t n)
{
	void *rec = record_table_at(t, n);

	if (rec)
		memset(rec, 0, t->file.form->record_len);
}

/**
 * record_table_has_room() - Is there room on the disk for a record?
 * @t:	table
 * @n:	number of the record; those before it have room
 *
 * Return: true when record_table_place() will succeed.
 */
bool record_table_has_room(struct record_table *t, uint32_t n)
{
	return record_file_reserve(&t->file, n);
}

/**
 * record_table_epoch() - The epoch that the table was told last
 * @t:	table
 */
uint32_t record_table_epoch(const struct record_table *t)
{
	return t->file.header->epoch;
}

/**
 * record_table_set_epoch() - One number that the records have in common
 * @t:		table
 * @epoch:	the new one
 */
void record_table_set_epoch(struct record_table *t, uint32_t epoch)
{
	t->file.header->epoch = epoch;
}

/**
 * record_table_n_used() - How many records may have something in them?
 * @t:	table
 *
 * Return: a number behind that of the last one.
 */
uint32_t record_table_n_used(const struct record_table *t)
{
	return t->file.header->n_used;
}

/**
 * record_table_set_n_used() - All records from a number on are free
 * @t:	table
 * @n:	the number
 */
void record_table_set_n_used(struct record_table *t, uint32_t n)
{
	t->file.header->n_used = n;
}

/**
 * record_table_is_behind() - May the file lack records?
 * @t:		table
 * @gap:	set when it may: the records that it may lack
 */
bool record_table_is_behind(struct record_table *t,
			     struct record_table_gap *gap)
{
	if (!record_file_is_behind(&t->file))
		return false;
	gap->is_lost = t->file.is_lost;
	gap->from = gap->is_lost ? 0 : t->file.n_reserved;
	gap->to = t->n_wanted;
	return true;
}

/**
 * record_table_mend() - Try again to have a file with room
 * @t:		table that is behind
 * @max_records:	as when it was opened
 * @epoch:	of the owner
 *
 * Return: true when the caller may save the records of the gap, as far as
 *	   record_table_has_room() says.
 */
bool record_table_mend(struct record_table *t, uint32_t max_records,
			uint32_t epoch)
{
	return record_file_mend(&t->file, max_records, epoch);
}
