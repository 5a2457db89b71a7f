/* SPDX-License-Identifier: ISC */
/*
 * The texts of --dest and --timeout. An endpoint has options of its own behind
 * commas: those of a destination are taken out, the others are left to it.
 */
#include "director_spec.h"

#include <stdio.h>
#include <string.h>

#include "../common/quantity.h"
#include "schedule/service.h"
#include "schedule/state.h"

#define CONNS_MAX (1u << 28)

static bool parse_number(const char *text, uint32_t max, uint32_t *n)
{
	uint64_t v;

	if (quantity_number(&v, text, max) < 0)
		return false;
	*n = (uint32_t)v;
	return true;
}

static bool parse_mac(struct director_spec *spec, const char *text)
{
	spec->learns_mac = !strcmp(text, "learn");
	spec->has_mac = true;
	return spec->learns_mac || service_parse_mac(text, spec->mac);
}

/* @takes: set to what the option takes. Return: 1 when it was an option of a
 * destination, 0 when not, -1 when it was a bad one. */
static int take_option(struct director_spec *spec, const char *text,
		       const char **takes)
{
	bool is_good;

	*takes = "0 to 268435456";	/* CONNS_MAX */
	if (!strncmp(text, "weight=", 7)) {
		*takes = "0 to 65535";	/* DIRECTOR_WEIGHT_MAX */
		spec->has_weight = true;
		is_good = parse_number(text + 7, DIRECTOR_WEIGHT_MAX,
				       &spec->weight);
	} else if (!strncmp(text, "max-conn=", 9)) {
		spec->has_limits = true;
		is_good = parse_number(text + 9, CONNS_MAX, &spec->max_conn);
	} else if (!strncmp(text, "min-conn=", 9)) {
		spec->has_limits = true;
		is_good = parse_number(text + 9, CONNS_MAX, &spec->min_conn);
	} else if (!strncmp(text, "mac=", 4)) {
		*takes = "learn, or an address like 52:54:00:12:34:56";
		is_good = parse_mac(spec, text + 4);
	} else {
		return 0;
	}
	return is_good ? 1 : -1;
}

static bool parse_name(struct director_spec *spec, const char *text,
		       const char *end, char *why, size_t size)
{
	size_t len = end ? (size_t)(end - text) : 0;

	if (!len || len >= sizeof(spec->name) ||
	    strcspn(text, ",: \t") < len) {
		snprintf(why, size, "\"%.64s\" is not NAME=ENDPOINT with a "
			 "name of up to %u letters", text, DEST_NAME_MAX - 1);
		return false;
	}
	memcpy(spec->name, text, len);
	spec->name[len] = '\0';
	return true;
}

/**
 * director_spec_parse() - Read the argument of --dest
 * @spec:	set
 * @text:	`NAME=ENDPOINT[,weight=N][,max-conn=N][,min-conn=N][,mac=MAC]`
 * @why:	set to what is wrong
 * @size:	of @why, bytes
 *
 * Return: false when it is wrong; the endpoint is not looked at
 */
bool director_spec_parse(struct director_spec *spec, const char *text,
			 char *why, size_t size)
{
	const char *equals = strchr(text, '=');
	char copy[DIRECTOR_TEXT_MAX], *part, *rest = NULL;

	*spec = (struct director_spec){ .weight = 1 };
	if (!parse_name(spec, text, equals, why, size))
		return false;
	if (strlen(equals + 1) >= sizeof(copy)) {
		snprintf(why, size, "\"%s\": the text is too long", spec->name);
		return false;
	}
	snprintf(copy, sizeof(copy), "%s", equals + 1);
	for (part = strtok_r(copy, ",", &rest); part;
	     part = strtok_r(NULL, ",", &rest)) {
		const char *takes;
		int taken = take_option(spec, part, &takes);
		size_t at = strlen(spec->endpoint);

		if (taken < 0) {
			snprintf(why, size, "\"%s\": bad %s: it takes %s",
				 spec->name, part, takes);
			return false;
		}
		if (!taken)
			snprintf(spec->endpoint + at,
				 sizeof(spec->endpoint) - at, "%s%s",
				 at ? "," : "", part);
	}
	if (spec->max_conn < spec->min_conn) {
		snprintf(why, size, "\"%s\": min-conn is more than max-conn",
			 spec->name);
		return false;
	}
	return true;
}

/**
 * director_spec_timeout() - Read the argument of --timeout
 * @t:		set
 * @text:	`STATE=SECONDS`, with a state that `connections` prints
 *
 * Return: false when it is wrong
 */
bool director_spec_timeout(struct director_timeout *t, const char *text)
{
	const char *equals = strchr(text, '=');
	char name[32];
	size_t len = equals ? (size_t)(equals - text) : sizeof(name);

	if (len >= sizeof(name))
		return false;
	memcpy(name, text, len);
	name[len] = '\0';
	return state_find(name, &t->state) && t->state != STATE_TEMPLATE &&
	       service_parse_seconds(equals + 1, &t->seconds);
}
