/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_LEARN_H
#define COLO_COMPARE_LEARN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../common/flow.h"

/*
 * --learn: what differs between two good recordings is noise. Pure.
 * diff_known.c adds differences while it learns, and asks afterwards. Three
 * things are learnt:
 *
 * span		bytes from..to of one stream, or of every datagram that a
 *		service sends or gets, may differ
 * header	lines `NAME: ...` of a service may differ, wherever they stand
 *		and however long they are
 * other	a flow may have differences of another kind, as many as were
 *		learnt
 */
#define LEARN_SPANS_MAX (1u << 20)	/* spans */
#define LEARN_HEADERS_MAX 4096u		/* names: each is compared with all */
#define LEARN_OTHERS_MAX (1u << 20)	/* flows and kinds */
#define LEARN_NAME_MAX 64u		/* bytes of a line's name that count */

struct learn_span {
	struct flow_key key;
	uint32_t from, to;
};

struct learn_header {
	struct flow_key key;
	char name[LEARN_NAME_MAX];	/* lower case */
};

struct learn_other {
	struct flow_key key;
	unsigned kind;
	uint64_t n;
};

struct learn {			/* zeroed to begin with */
	struct learn_span *spans;
	struct learn_header *headers;
	struct learn_other *others;
	size_t n_spans, n_headers, n_others;
	size_t cap_spans, cap_headers, cap_others;
	bool is_settled;	/* spans and others are sorted: may be asked */
	uint64_t n_lost;	/* beyond these numbers, forgotten */
};

void learn_fini(struct learn *l);
void learn_add_span(struct learn *l, const struct flow_key *key, uint32_t from,
		    uint32_t to);
void learn_add_header(struct learn *l, const struct flow_key *key,
		      const char *name, size_t len);
void learn_add_other(struct learn *l, const struct flow_key *key,
		     unsigned kind);
uint32_t learn_bytes(struct learn *l, const struct flow_key *key, uint32_t at,
		     uint32_t *gap);
bool learn_covers(struct learn *l, const struct flow_key *key, uint32_t from,
		  uint32_t to);
bool learn_has_header(const struct learn *l, const struct flow_key *key,
		      const char *name, size_t len);
bool learn_take_other(struct learn *l, const struct flow_key *key,
		      unsigned kind);

#endif
