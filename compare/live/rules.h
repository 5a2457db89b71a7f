/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_RULES_H
#define COLO_COMPARE_RULES_H

#include "../../common/option.h"
#include "../diff/ignore.h"

/*
 * The rules of --ignore, which may be changed while the process runs. It owns
 * their texts, and makes of them what the report uses. live.c opens it,
 * live_methods.c calls it.
 */
struct rules {			/* zeroed to begin with */
	struct ignore *ignore;	/* borrowed: of the report */
	char *text[IGNORE_MAX];
	unsigned n;
};

void rules_init(struct rules *r, struct ignore *ignore,
		const struct option_list *given);
int rules_add(struct rules *r, const char *text, char *why, size_t size);
int rules_remove(struct rules *r, const char *text);
void rules_fini(struct rules *r);

#endif
