/* SPDX-License-Identifier: ISC */
/*
 * The file `flows`: a header page, then a record for every index of the flow
 * table. What a store puts into a shared mapping is the kernel's from then on,
 * so kill -9 loses nothing; a crash of the machine may, and therefore the
 * header names the boot. A record carries a checksum, because a kill may come
 * between two stores of one record: that flow is then lost, and said to be.
 *
 * Written when a fact changes, not for every segment; only how far a connection
 * is, outside the checksum, follows each segment. Disk blocks are reserved in
 * steps ahead of their use: a store into a hole of a full disk would be a SIGBUS.
 *
 * While the disk is full, or after somebody cut the file short, it lacks
 * connections. rewrite_table_mend() is called every second and tries to write
 * what it lacks; when it cannot, the owner is told once, and once more when it
 * could.
 */
#include "rewrite_table.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "../common/own_file.h"
#include "rewrite_flow.h"
#include "rewrite_guard.h"
#include "rewrite_record.h"

#define TABLE_FILE "flows"
#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define HEADER_LEN 4096u
#define VERSION 3u
#define MAX_FLOWS (1u << 28)	/* of --max-flows */
#define RESERVE_STEP 8192u	/* records: just under 1 MiB */

struct header {
	char magic[8];
	uint32_t version;
	uint32_t record_len;
	uint32_t byte_order;
	uint32_t max_flows;
	char boot_id[36];
	uint32_t sum;		/* of all above */
	_Atomic uint32_t epoch;
	_Atomic uint32_t n_used;	/* records that were ever used */
};

struct rewrite_table {
	int fd;
	struct header *header;
	struct rewrite_record *records;
	size_t len;		/* bytes mapped */
	uint32_t n_reserved;	/* records that have disk blocks */
	uint32_t n_wanted;	/* records that there would be with them */
	bool is_full;		/* the disk is */
	bool is_lost;		/* the file was cut short, or has no name */
	bool is_told;		/* that it lacks connections */
	enum rewrite_table_found found;
};

static uint32_t header_sum(const struct header *h)
{
	return (uint32_t)XXH3_64bits(h, offsetof(struct header, sum));
}

static int boot_id_read(char id[36])
{
	int fd = open(BOOT_ID, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, id, 36);
	close(fd);
	return n == 36 ? 0 : -EIO;
}

static int header_make(struct header *h, uint32_t max_flows)
{
	*h = (struct header){ .magic = "COLOflow", .version = VERSION,
			      .record_len = sizeof(struct rewrite_record),
			      .byte_order = 0x01020304,
			      .max_flows = max_flows };
	return boot_id_read(h->boot_id);
}

/* What a file of file_len bytes that begins with h is, compared with ours. */
static enum rewrite_table_found header_check(const struct header *h,
					     uint64_t file_len,
					     const struct header *ours)
{
	if (memcmp(h->magic, ours->magic, sizeof(h->magic)) ||
	    h->version != ours->version || h->record_len != ours->record_len ||
	    h->byte_order != ours->byte_order || h->sum != header_sum(h) ||
	    h->n_used > h->max_flows || h->max_flows > MAX_FLOWS ||
	    file_len < HEADER_LEN + (uint64_t)h->n_used * sizeof(struct rewrite_record))
		return REWRITE_TABLE_BAD;
	if (memcmp(h->boot_id, ours->boot_id, sizeof(h->boot_id)))
		return REWRITE_TABLE_NEW;
	return REWRITE_TABLE_GOOD;
}

static uint64_t table_len(uint32_t max_flows)
{
	return HEADER_LEN + (uint64_t)max_flows * sizeof(struct rewrite_record);
}

static bool reserve(struct rewrite_table *t, uint32_t n)
{
	uint64_t len;

	if (n < t->n_reserved)
		return true;
	if (t->is_full)
		return false;
	len = table_len(t->n_reserved + RESERVE_STEP);
	if (len > t->len)
		len = t->len;
	if (posix_fallocate(t->fd, 0, (off_t)len)) {
		t->is_full = true;
		return false;
	}
	t->n_reserved += RESERVE_STEP;
	return true;
}

static int file_map(struct rewrite_table *t)
{
	void *map = mmap(t->header, t->len, PROT_READ | PROT_WRITE,
			 MAP_SHARED | (t->header ? MAP_FIXED : 0), t->fd, 0);

	if (map == MAP_FAILED)
		return -errno;
	t->header = map;
	t->records = (void *)((char *)map + HEADER_LEN);
	return rewrite_guard_set(map, t->len);
}

/* Begin an empty file, whatever was in it. */
static int table_begin(struct rewrite_table *t, const struct header *ours)
{
	int err;

	t->n_reserved = 0;
	t->is_full = false;
	if (ftruncate(t->fd, 0) < 0 ||
	    ftruncate(t->fd, (off_t)t->len) < 0)
		return -errno;
	err = file_map(t);
	if (err)
		return err;
	if (!reserve(t, 0))
		return -ENOSPC;
	assert(t->header);
	*t->header = *ours;
	t->header->sum = header_sum(ours);
	return 0;
}

/* Look at the file, then map it, at least as long as it is in use. */
static int table_map(struct rewrite_table *t, uint32_t max_flows)
{
	struct header ours, h = { 0 };
	struct stat st;
	int err = header_make(&ours, max_flows);

	if (err)
		return err;
	if (fstat(t->fd, &st) < 0)
		return -errno;
	t->found = REWRITE_TABLE_NEW;
	if (st.st_size)
		t->found = pread(t->fd, &h, sizeof(h), 0) == sizeof(h) ?
				   header_check(&h, (uint64_t)st.st_size,
						&ours) :
				   REWRITE_TABLE_BAD;
	if (t->found == REWRITE_TABLE_GOOD && h.n_used > max_flows)
		t->len = table_len(h.n_used);
	else
		t->len = table_len(max_flows);
	if (t->found != REWRITE_TABLE_GOOD)
		return table_begin(t, &ours);
	if (ftruncate(t->fd, (off_t)t->len) < 0)
		return -errno;
	err = file_map(t);
	if (err)
		return err;
	while (t->n_reserved < h.n_used)
		if (!reserve(t, t->n_reserved))
			return -ENOSPC;
	t->header->max_flows = max_flows;
	t->header->sum = header_sum(t->header);
	return 0;
}

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
	int dir, err = 0;

	if (!t)
		return -ENOMEM;
	t->fd = -1;
	dir = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0) {
		t->fd = own_file_open(dir, TABLE_FILE, O_RDWR | O_CREAT);
		err = t->fd < 0 ? t->fd : 0;
		close(dir);
	} else {
		err = -errno;
	}
	if (!err && flock(t->fd, LOCK_EX | LOCK_NB) < 0)
		err = -errno;
	if (!err)
		err = table_map(t, max_flows);
	if (err)
		rewrite_table_close(t);
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
	if (t->header) {
		rewrite_guard_clear();
		munmap(t->header, t->len);
	}
	if (t->fd >= 0)
		close(t->fd);
	free(t);
}

/**
 * rewrite_table_found() - What was there when it was opened
 * @t:	table
 */
enum rewrite_table_found rewrite_table_found(const struct rewrite_table *t)
{
	return t->found;
}

/**
 * rewrite_table_save() - Facts of a flow changed
 * @r:	rewriter, with a table or without
 * @fl:	flow
 */
void rewrite_table_save(struct rewrite *r, const struct rewrite_flow *fl)
{
	struct rewrite_table *t = r->config.table;
	uint32_t n;

	if (!t)
		return;
	n = flow_index(r->flows, fl);
	if (n >= t->n_wanted)
		t->n_wanted = n + 1;
	if (!reserve(t, n)) {
		r->n.unsaved++;
		return;
	}
	rewrite_record_write(&t->records[n], flow_key_get(r->flows, fl), fl);
	if (n >= t->header->n_used)
		t->header->n_used = n + 1;
}

/**
 * rewrite_table_save_progress() - A flow went on, and no fact of it changed
 * @r:	rewriter, with a table or without
 * @fl:	flow that was saved
 */
void rewrite_table_save_progress(struct rewrite *r,
				 const struct rewrite_flow *fl)
{
	struct rewrite_table *t = r->config.table;
	uint32_t n;

	if (!t)
		return;
	n = flow_index(r->flows, fl);
	if (n < t->n_reserved)
		rewrite_record_copy_progress(&t->records[n].flow, fl);
}

static void record_clear(struct rewrite_table *t, uint32_t n)
{
	if (n < t->n_reserved)
		memset(&t->records[n], 0, sizeof(t->records[n]));
}

/**
 * rewrite_table_clear() - A flow is about to be removed
 * @r:	rewriter, with a table or without
 * @fl:	flow
 */
void rewrite_table_clear(struct rewrite *r, const struct rewrite_flow *fl)
{
	if (r->config.table)
		record_clear(r->config.table, flow_index(r->flows, fl));
}

/**
 * rewrite_table_set_epoch() - A checkpoint: one store makes all offsets void
 * @r:	rewriter, with a table or without
 */
void rewrite_table_set_epoch(struct rewrite *r)
{
	if (r->config.table)
		r->config.table->header->epoch = r->epoch;
}

/* A record whose key is there already is the source of a move that a kill
 * cut short, or was damaged in just this way: the first one stays. */
static bool record_load(struct rewrite *r, const struct rewrite_record *rec)
{
	struct rewrite_flow *fl;

	if (!rewrite_record_is_intact(rec))
		return false;
	if (flow_find(r->flows, &rec->key))
		return true;
	fl = flow_add(r->flows, &rec->key, rec->flow.state, r->now_ns);
	if (!fl)
		return false;
	*fl = rewrite_record_lasting(&rec->flow);
	r->n_state[fl->state]++;
	rewrite_flow_sync(r, fl);	/* no offset but of this epoch */
	r->n_translated += rewrite_flow_is_translated(r, fl);
	rewrite_table_save(r, fl);
	return true;
}

/**
 * rewrite_table_load() - Take over what an earlier process left
 * @r:	rewriter without flows, with a table or without
 *
 * Indexes of the new flows are given out from 0 on, so each record moves to
 * its own place or to a lower one that was read already.
 */
void rewrite_table_load(struct rewrite *r)
{
	struct rewrite_table *t = r->config.table;
	uint32_t n_used;

	if (!t)
		return;
	r->epoch = t->header->epoch;
	n_used = t->header->n_used;
	for (uint32_t n = 0; n < n_used; n++) {
		struct rewrite_record rec = t->records[n];

		if (!rewrite_record_is_used(&rec))
			continue;
		if (record_load(r, &rec))
			r->n.loaded++;
		else
			r->n.lost++;
		if (n >= flow_count(r->flows))
			record_clear(t, n);
	}
	t->header->n_used = flow_count(r->flows);
	r->table_lost = t->found == REWRITE_TABLE_NEW;
	if (t->found == REWRITE_TABLE_BAD || r->n.lost)
		rewrite_event(r, REWRITE_STATE_LOST, NULL);
}

/* Has somebody cut the file short, or taken its name away? */
static bool file_is_lost(const struct rewrite_table *t)
{
	struct stat st;

	return rewrite_guard_was_hit() || fstat(t->fd, &st) < 0 ||
	       !st.st_nlink || (uint64_t)st.st_size < t->len;
}

/* Begin the file again; one without a name nobody would find. */
static bool file_renew(const struct rewrite *r, struct rewrite_table *t)
{
	struct header ours;
	struct stat st;

	if (fstat(t->fd, &st) < 0 || !st.st_nlink ||
	    header_make(&ours, r->config.max_flows) || table_begin(t, &ours))
		return false;
	t->header->epoch = r->epoch;
	return true;
}

static uint32_t count_flows(const struct rewrite *r, uint32_t from,
			    uint32_t to)
{
	uint32_t n = 0;

	for (; from < to; from++)
		n += flow_at(r->flows, from) != NULL;
	return n;
}

/* Return: the number of the first flow that still has no record. */
static uint32_t save_from(struct rewrite *r, uint32_t from, uint32_t to)
{
	for (; from < to && reserve(r->config.table, from); from++) {
		const struct rewrite_flow *fl = flow_at(r->flows, from);

		if (fl)
			rewrite_table_save(r, fl);
	}
	return from;
}

/* Write what the file lacks. */
static bool mend(struct rewrite *r, struct rewrite_table *t, uint32_t from,
		 uint32_t to)
{
	t->is_full = false;
	if (t->is_lost && !file_renew(r, t))
		return false;
	t->is_lost = false;
	return save_from(r, from, to) >= to;
}

static void tell(struct rewrite *r, enum rewrite_event event, uint32_t n)
{
	r->config.table->is_told = event == REWRITE_UNSAVED;
	r->n_behind = n;
	rewrite_event(r, event, NULL);
}

/**
 * rewrite_table_mend() - Write what the file lacks, or tell that it lacks it
 * @r:	rewriter, with a table or without
 *
 * To be called now and then. The owner is told of a beginning and of an end,
 * and how many connections it is about; rewrite_behind() has their number.
 */
void rewrite_table_mend(struct rewrite *r)
{
	struct rewrite_table *t = r->config.table;
	bool was_lost;
	uint32_t from, to;

	if (!t)
		return;
	was_lost = t->is_lost = t->is_lost || file_is_lost(t);
	if (!t->is_lost && !t->is_full)
		return;
	from = t->is_lost ? 0 : t->n_reserved;
	to = t->n_wanted;
	if (!mend(r, t, from, to)) {
		if (!t->is_told)
			tell(r, REWRITE_UNSAVED, count_flows(r, from, to));
	} else if (t->is_told || was_lost) {
		tell(r, REWRITE_SAVED, count_flows(r, from, to));
	}
}
