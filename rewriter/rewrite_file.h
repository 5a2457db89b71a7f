/* SPDX-License-Identifier: ISC */
#ifndef COLO_REWRITE_FILE_H
#define COLO_REWRITE_FILE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a state directory had when the file in it was opened. */
enum rewrite_file_found {
	REWRITE_FILE_GOOD,	/* what an earlier process of this boot left */
	REWRITE_FILE_NEW,	/* no file, or one of an earlier boot */
	REWRITE_FILE_BAD,	/* another version, or its header is damaged */
};

/* The first bytes of the file; records begin at the next page. */
struct rewrite_file_header {
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

struct rewrite_record;

struct rewrite_file {
	int fd;
	struct rewrite_file_header *header;	/* mapped; NULL before it is */
	struct rewrite_record *records;	/* mapped, behind the header's page */
	size_t len;		/* bytes mapped */
	uint32_t n_reserved;	/* records that have disk blocks */
	bool is_full;		/* the disk is */
	bool is_lost;		/* the file was cut short, or has no name */
	enum rewrite_file_found found;
};

int rewrite_file_open(struct rewrite_file *f, const char *state_dir,
		      uint32_t max_flows);
void rewrite_file_close(struct rewrite_file *f);
bool rewrite_file_reserve(struct rewrite_file *f, uint32_t n);
bool rewrite_file_is_behind(struct rewrite_file *f);
bool rewrite_file_mend(struct rewrite_file *f, uint32_t max_flows,
		       uint32_t epoch);

#endif
