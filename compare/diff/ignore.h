/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_IGNORE_H
#define COLO_COMPARE_IGNORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * --ignore: rules that name what is known to differ. A rule names bytes of a
 * payload (payload@OFFSET+LEN), lines of a text protocol (header@NAME), or
 * frames, in the language of pcap-filter(7). live_options.c adds rules, report.c
 * asks about frames, diff_known.c about bytes and lines. Rules do not change
 * after they were added; live/rules.c makes another set.
 */
#define IGNORE_MAX 64		/* rules */
#define IGNORE_LINKTYPES_MAX 16

struct bpf_program;

struct ignore_span {
	uint32_t offset, len;
};

/* The filters, compiled for the frames of a link type. */
struct ignore_filters {
	int linktype;		/* libpcap's DLT_ */
	struct bpf_program *programs;	/* n_filters of them; NULL when one of
					   them makes no sense there */
};

struct ignore {			/* zeroed to begin with */
	struct ignore_span spans[IGNORE_MAX];	/* payload@ */
	const char *headers[IGNORE_MAX];	/* header@; borrowed */
	const char *filters[IGNORE_MAX];	/* borrowed */
	unsigned n_spans, n_headers, n_filters;
	struct ignore_filters compiled[IGNORE_LINKTYPES_MAX];
	unsigned n_compiled;
};

int ignore_add(struct ignore *ig, const char *rule, char *err, size_t err_len);
int ignore_compile(struct ignore *ig, int linktype, char *err, size_t err_len);
void ignore_fini(struct ignore *ig);
bool ignore_frame(struct ignore *ig, int linktype, const uint8_t *bytes,
		  uint32_t len, uint32_t wire_len);
uint32_t ignore_bytes(const struct ignore *ig, uint32_t at, uint32_t *gap);
bool ignore_header(const struct ignore *ig, const char *name, size_t len);

#endif
