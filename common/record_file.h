/* SPDX-License-Identifier: ISC */
#ifndef COLO_RECORD_FILE_H
#define COLO_RECORD_FILE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a state directory had when the file in it was opened. */
enum record_file_found {
	RECORD_FILE_GOOD,	/* what an earlier process of this boot left */
	RECORD_FILE_NEW,	/* no file, or one of an earlier boot */
	RECORD_FILE_BAD,	/* another version, or its header is damaged */
};

/* What a file is called and what is in it. */
struct record_form {
	const char *name;	/* in the state directory */
	char magic[9];		/* 8 bytes and a NUL that is not written */
	uint32_t version;	/* another one: the file is bad */
	uint32_t record_len;	/* bytes */
};

/* The first bytes of the file; records begin at the next page. */
struct record_file_header {
	char magic[8];
	uint32_t version;
	uint32_t record_len;
	uint32_t byte_order;
	uint32_t max_records;
	char boot_id[36];
	uint32_t sum;		/* of all above */
	_Atomic uint32_t epoch;
	_Atomic uint32_t n_used;	/* records that were ever used */
};

struct record_file {
	int fd;
	const struct record_form *form;	/* borrowed */
	struct record_file_header *header;	/* mapped; NULL before it is */
	uint8_t *records;	/* mapped, behind the header's page */
	size_t len;		/* bytes mapped */
	uint32_t n_reserved;	/* records that have disk blocks */
	bool is_full;		/* the disk is */
	bool is_lost;		/* the file was cut short, or has no name */
	enum record_file_found found;
};

int record_file_open(struct record_file *f, const char *state_dir,
		     const struct record_form *form, uint32_t max_records);
void record_file_close(struct record_file *f);
bool record_file_reserve(struct record_file *f, uint32_t n);
bool record_file_is_behind(struct record_file *f);
bool record_file_mend(struct record_file *f, uint32_t max_records,
		       uint32_t epoch);

#endif
