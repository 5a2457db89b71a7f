/* SPDX-License-Identifier: ISC */
#ifndef COLO_FRAME_FILTER_H
#define COLO_FRAME_FILTER_H

#include <stddef.h>

/*
 * Filters in the language of pcap-filter(7), for `capture` and --ignore. Names of
 * hosts and networks are refused: whoever answers for a name may take seconds, and
 * may answer otherwise tomorrow.
 */
#define FRAME_FILTER_MAX 1024u	/* bytes of one that comes while frames pass: the longest
				   take a third of a second to be compiled */

struct bpf_program;

int frame_filter_compile(struct bpf_program *program, const char *text,
			 int linktype, char *why, size_t size);

#endif
