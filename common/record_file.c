/* SPDX-License-Identifier: ISC */
/*
 * A file of records in a state directory and its mapping: a header page, then
 * room for all records, as long as their form says. What a store puts into
 * a shared mapping is the kernel's from then on, so kill -9 loses nothing. A
 * crash of the machine may lose something, so the header names the boot.
 *
 * Disk blocks are reserved in steps ahead of their use, because a store into a
 * hole of a full disk would be a SIGBUS. record_guard.c catches the SIGBUS of
 * a file that somebody else cut short.
 *
 * A struct record_file is the state: descriptor, mapping, and whether the disk
 * is full or the file was lost. record_table.c owns one, nobody else calls in.
 * Nothing here looks into a record. A struct record_form says whose they are.
 */
#include "record_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "own_file.h"
#include "record_guard.h"

#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define HEADER_LEN 4096u
#define MAX_RECORDS (1u << 28)
#define RESERVE_STEP 8192u	/* records: about 1 MiB */

static uint32_t header_sum(const struct record_file_header *h)
{
	return (uint32_t)XXH3_64bits(h, offsetof(struct record_file_header,
						 sum));
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

static int header_make(struct record_file_header *h,
		       const struct record_form *form, uint32_t max_records)
{
	*h = (struct record_file_header){
		.version = form->version,
		.record_len = form->record_len,
		.byte_order = 0x01020304,
		.max_records = max_records,
	};
	memcpy(h->magic, form->magic, sizeof(h->magic));
	return boot_id_read(h->boot_id);
}

static uint64_t len_of(uint32_t n_records, uint32_t record_len)
{
	return HEADER_LEN + (uint64_t)n_records * record_len;
}

/* What a file of file_len bytes that begins with h is, compared with ours. */
static enum record_file_found
header_check(const struct record_file_header *h, uint64_t file_len,
	     const struct record_file_header *ours)
{
	if (memcmp(h->magic, ours->magic, sizeof(h->magic)) ||
	    h->version != ours->version || h->record_len != ours->record_len ||
	    h->byte_order != ours->byte_order || h->sum != header_sum(h) ||
	    h->n_used > h->max_records || h->max_records > MAX_RECORDS ||
	    file_len < len_of(h->n_used, h->record_len))
		return RECORD_FILE_BAD;
	if (memcmp(h->boot_id, ours->boot_id, sizeof(h->boot_id)))
		return RECORD_FILE_NEW;
	return RECORD_FILE_GOOD;
}

/**
 * record_file_reserve() - Make sure that a record has disk blocks
 * @f:	file
 * @n:	number of the record
 *
 * A disk that was found full is not asked again before record_file_mend().
 *
 * Return: true when the record may be written.
 */
bool record_file_reserve(struct record_file *f, uint32_t n)
{
	uint64_t len;

	if (n < f->n_reserved)
		return true;
	if (f->is_full)
		return false;
	len = len_of(f->n_reserved + RESERVE_STEP, f->form->record_len);
	if (len > f->len)
		len = f->len;
	if (posix_fallocate(f->fd, 0, (off_t)len)) {
		f->is_full = true;
		return false;
	}
	f->n_reserved += RESERVE_STEP;
	return true;
}

/* Map the file, in the place of an earlier mapping if there is one. */
static int file_map(struct record_file *f)
{
	void *map = mmap(f->header, f->len, PROT_READ | PROT_WRITE,
			 MAP_SHARED | (f->header ? MAP_FIXED : 0), f->fd, 0);

	if (map == MAP_FAILED)
		return -errno;
	f->header = map;
	f->records = (uint8_t *)map + HEADER_LEN;
	return record_guard_set(map, f->len);
}

/* Begin an empty file, whatever was in it. */
static int file_begin(struct record_file *f,
		      const struct record_file_header *ours)
{
	int err;

	f->n_reserved = 0;
	f->is_full = false;
	if (ftruncate(f->fd, 0) < 0 ||
	    ftruncate(f->fd, (off_t)f->len) < 0)
		return -errno;
	err = file_map(f);
	if (err)
		return err;
	if (!record_file_reserve(f, 0))
		return -ENOSPC;
	assert(f->header);
	*f->header = *ours;
	f->header->sum = header_sum(ours);
	return 0;
}

/* Go on with a file whose header h is good. */
static int file_go_on(struct record_file *f,
		      const struct record_file_header *h, uint32_t max_records)
{
	int err;

	if (ftruncate(f->fd, (off_t)f->len) < 0)
		return -errno;
	err = file_map(f);
	if (err)
		return err;
	while (f->n_reserved < h->n_used)
		if (!record_file_reserve(f, f->n_reserved))
			return -ENOSPC;
	f->header->max_records = max_records;
	f->header->sum = header_sum(f->header);
	return 0;
}

/* Look at the file, then map it, at least as long as it is in use. */
static int file_take(struct record_file *f, uint32_t max_records)
{
	struct record_file_header ours, h = { 0 };
	struct stat st;
	int err = header_make(&ours, f->form, max_records);

	if (err)
		return err;
	if (fstat(f->fd, &st) < 0)
		return -errno;
	f->found = RECORD_FILE_NEW;
	if (st.st_size)
		f->found = pread(f->fd, &h, sizeof(h), 0) == sizeof(h) ?
				   header_check(&h, (uint64_t)st.st_size,
						&ours) :
				   RECORD_FILE_BAD;
	f->len = len_of(max_records, f->form->record_len);
	if (f->found != RECORD_FILE_GOOD)
		return file_begin(f, &ours);
	if (h.n_used > max_records)
		f->len = len_of(h.n_used, f->form->record_len);
	return file_go_on(f, &h, max_records);
}

/* Return: a descriptor that no other process has a lock on, or an error. */
static int file_lock(const char *state_dir, const char *name)
{
	int dir = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd, err;

	if (dir < 0)
		return -errno;
	fd = own_file_open(dir, name, O_RDWR | O_CREAT);
	close(dir);
	if (fd < 0 || !flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/**
 * record_file_open() - Open the file of a state directory, or begin one
 * @f:		set; the caller ends it with record_file_close()
 * @state_dir:	directory that exists
 * @form:	what is in it; borrowed, as long as the file is open
 * @max_records:	records that there will be at most
 *
 * Return: 0, -EWOULDBLOCK when another process has it, -EPERM when others than
 *	   us and root can have written it, or another negative errno. @f is
 *	   closed then.
 */
int record_file_open(struct record_file *f, const char *state_dir,
		     const struct record_form *form, uint32_t max_records)
{
	int err;

	*f = (struct record_file){ .fd = file_lock(state_dir, form->name),
				    .form = form };
	if (f->fd < 0)
		return f->fd;
	err = file_take(f, max_records);
	if (err)
		record_file_close(f);
	return err;
}

/**
 * record_file_close() - Give up mapping and lock; what is in the file stays
 * @f:	file that was opened
 */
void record_file_close(struct record_file *f)
{
	if (f->header) {
		record_guard_clear();
		munmap(f->header, f->len);
	}
	close(f->fd);
}

/**
 * record_file_is_behind() - May records be missing in the file?
 * @f:	file
 *
 * Sets is_lost when somebody has cut the file short or taken its name away.
 *
 * Return: true when it was lost, or when there was no room for a record.
 */
bool record_file_is_behind(struct record_file *f)
{
	struct stat st;

	if (record_guard_was_hit() || fstat(f->fd, &st) < 0 || !st.st_nlink ||
	    (uint64_t)st.st_size < f->len)
		f->is_lost = true;
	return f->is_lost || f->is_full;
}

/* Begin the file again; one without a name nobody would find. */
static bool file_renew(struct record_file *f, uint32_t max_records,
		       uint32_t epoch)
{
	struct record_file_header ours;
	struct stat st;

	if (fstat(f->fd, &st) < 0 || !st.st_nlink ||
	    header_make(&ours, f->form, max_records) ||
	    file_begin(f, &ours))
		return false;
	f->header->epoch = epoch;
	return true;
}

/**
 * record_file_mend() - Make the file one that records can be written to again
 * @f:		file that is behind
 * @max_records:	as when it was opened
 * @epoch:	of the owner, for the header of a file that begins again
 *
 * A lost file is empty afterwards. Whether a full disk has room again is for
 * record_file_reserve() to find out.
 *
 * Return: false when a lost file cannot be made again now.
 */
bool record_file_mend(struct record_file *f, uint32_t max_records,
		       uint32_t epoch)
{
	f->is_full = false;
	if (f->is_lost && !file_renew(f, max_records, epoch))
		return false;
	f->is_lost = false;
	return true;
}
