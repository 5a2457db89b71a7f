/* SPDX-License-Identifier: ISC */
#ifndef COLO_VERDICT_H
#define COLO_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Would clients keep their connections if the other host died now? One word
 * that says so, and a line that begins with it: pure.
 */
enum verdict_state {
	VERDICT_PROTECTED,	/* yes */
	VERDICT_FAILOVER,	/* it has died, and they did */
	VERDICT_SYNCING,	/* not before the checkpoint that is wanted */
	VERDICT_HOLDING,	/* yes, but they wait: a checkpoint is overdue */
	VERDICT_UNPROTECTED,	/* no */
};

struct verdict {
	enum verdict_state state;
	char why[160];		/* may be empty */
	bool passes;		/* it will be another one by time alone */
};

#define VERDICT_TEXT_MAX 256

void verdict_set(struct verdict *v, enum verdict_state state, const char *fmt,
		 ...) __attribute__((format(printf, 3, 4)));
const char *verdict_name(enum verdict_state state);
void verdict_text(const struct verdict *v, uint64_t since_s, uint64_t for_s,
		  char *text, size_t size);

#endif
