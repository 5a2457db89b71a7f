/* SPDX-License-Identifier: ISC */
#ifndef COLO_PARSER_H
#define COLO_PARSER_H

#include <stdbool.h>
#include <stddef.h>

#include "endpoint_types.h"

#define PARSER_TEXT_MAX 1024	/* of an endpoint, with its NUL */

struct parser {			/* of the text of one endpoint */
	struct endpoint_spec spec;
	char buf[PARSER_TEXT_MAX];	/* the text, cut at its separators */
	const char *kind;		/* as given, for messages */
	char *err;			/* the caller's */
	size_t err_len;
};

int __attribute__((format(printf, 2, 3)))
parser_refuse(struct parser *p, const char *fmt, ...);
int parser_copy(struct parser *p, const char *what, char *to, size_t size,
		const char *from);
bool parser_is_dots(const char *name);

#endif
