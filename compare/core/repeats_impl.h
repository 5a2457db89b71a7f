/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_REPEATS_IMPL_H
#define COLO_COMPARE_REPEATS_IMPL_H

#include "core.h"
#include "marks.h"

/* What repeats.c writes down and repeats_end.c judges. */
#define NO_RECORD UINT32_MAX

enum record_kind {
	RECORD_OTHER,		/* bytes were others before */
	RECORD_OLD,		/* it is not known what they were */
	RECORD_PROBE,		/* a keep-alive */
	RECORD_RESET,
};

struct record {
	struct flow_key key;
	struct frame frame;	/* a copy */
	uint64_t hash;		/* of the bytes; of RECORD_OTHER 0 */
	uint32_t connection;	/* the n-th of its flow */
	uint32_t seq;		/* of the first byte, as the primary counts */
	uint32_t payload_off, off, len;	/* off: in the payload */
	uint32_t before;	/* the record before it of this flow and side, or
				   NO_RECORD */
	uint8_t side, kind;
	bool is_counted;	/* its segment is among the unknown ones */
};

struct stream {			/* what one side says in one flow */
	uint32_t name;		/* for past.c */
	uint32_t connection, syn, end;	/* end: behind all that was said, */
	bool has_syn, has_end;		/* with the side's own numbers */
	bool has_probe;
	uint8_t probe;		/* what the last keep-alive said, at */
	uint32_t probe_seq;
	uint32_t record;	/* the last one */
	uint32_t cut_at, repeat_cut_at;	/* so many bytes were captured of a
					   segment that was cut, and of one that
					   was cut and repeats; the fewest */
};

struct repeats {
	struct flow_table *flows;	/* values are struct stream[2] */
	struct past *past;
	struct marks *marks;
	uint32_t n_names;
	struct record *records;
	uint32_t n_records, cap_records;
	size_t n_bytes[2];		/* of the records; here and below, by side */
	uint32_t n_others[2];		/* of these: bytes that were others */
	uint64_t n_lost[2];		/* segments whose records had no room */
	uint64_t n_unknown[2];		/* segments, these among them */
};

#endif
