/* SPDX-License-Identifier: ISC */
#include "verdict.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

static const char *const names[] = {
	[VERDICT_PROTECTED] = "PROTECTED", [VERDICT_FAILOVER] = "FAILOVER",
	[VERDICT_SYNCING] = "SYNCING", [VERDICT_HOLDING] = "HOLDING",
	[VERDICT_UNPROTECTED] = "UNPROTECTED",
};

/**
 * verdict_set() - Say what is so
 * @v:		verdict
 * @state:	state
 * @fmt:	printf's: why
 */
void verdict_set(struct verdict *v, enum verdict_state state, const char *fmt,
		 ...)
{
	va_list ap;

	v->state = state;
	va_start(ap, fmt);
	vsnprintf(v->why, sizeof(v->why), fmt, ap);
	va_end(ap);
}

/**
 * verdict_name() - The word for a state
 * @state:	state
 *
 * Return: static text
 */
const char *verdict_name(enum verdict_state state)
{
	return names[state];
}

/**
 * verdict_text() - A verdict as one line
 * @v:		verdict
 * @since_s:	when its state began, seconds since 1970
 * @for_s:	how long ago that is
 * @text:	set to `PROTECTED since 2026-11-27T10:00:00Z`, or for a state that
 *		should not last `HOLDING 9 s: WHY`
 * @size:	of @text, bytes: VERDICT_TEXT_MAX is enough
 */
void verdict_text(const struct verdict *v, uint64_t since_s, uint64_t for_s,
		  char *text, size_t size)
{
	const char *colon = *v->why ? ": " : "";
	time_t since = (time_t)since_s;
	char when[32];
	struct tm tm;

	gmtime_r(&since, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (v->state == VERDICT_PROTECTED || v->state == VERDICT_FAILOVER)
		snprintf(text, size, "%s since %s%s%s", names[v->state], when,
			 colon, v->why);
	else
		snprintf(text, size, "%s %" PRIu64 " s%s%s", names[v->state],
			 for_s, colon, v->why);
}
