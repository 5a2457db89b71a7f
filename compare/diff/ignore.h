/* SPDX-License-Identifier: ISC */
#ifndef COLO_IGNORE_H
#define COLO_IGNORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What is known to differ: --ignore. A rule names bytes of a payload
 * (payload@OFFSET+LEN), lines of a text protocol (header@NAME), or frames, in
 * the language of pcap-filter(7).
 */
#define IGNORE_MAX 64

struct bpf_program;

struct ignore_span {
	uint32_t offset, len;
};

struct ignore {			/* zeroed to begin with */
	struct ignore_span spans[IGNORE_MAX];
	const char *headers[IGNORE_MAX];
	const char *filters[IGNORE_MAX];
	unsigned n_spans, n_headers, n_filters;
	struct bpf_program *programs[2];	/* by side: n_filters of them */
};

int ignore_add(struct ignore *ig, const char *rule, char *err, size_t err_len);
int ignore_compile(struct ignore *ig, unsigned side, int linktype, char *err,
		   size_t err_len);
void ignore_fini(struct ignore *ig);
bool ignore_frame(const struct ignore *ig, unsigned side, const uint8_t *bytes,
		  uint32_t len, uint32_t wire_len);
uint32_t ignore_bytes(const struct ignore *ig, uint32_t at, uint32_t *gap);
bool ignore_header(const struct ignore *ig, const char *name, size_t len);

#endif
