/* SPDX-License-Identifier: ISC */
/*
 * Whether the options of a director are good, before anything is opened.
 */
#include "director_options.h"

#include "director_spec.h"
#include "schedule/service.h"

const char *const director_options_unknown[] = { "pass", "drop", NULL };
const char *const director_options_unscheduled[] = { "first", "flood", "drop",
						     NULL };
const char *const director_options_overload[] = { "drop", "pass", "least",
						  NULL };

static bool check_texts(const struct director_options *o)
{
	char why[DIRECTOR_TEXT_MAX];
	struct endpoint_spec parsed;
	struct director_timeout t;
	struct director_spec spec;
	struct service svc;

	for (unsigned i = 0; i < o->dests.n; i++)
		if (!director_spec_parse(&spec, o->dests.v[i], why,
					 sizeof(why)) ||
		    endpoint_spec_parse(&parsed, spec.endpoint, why,
					sizeof(why)) < 0)
			return !option_bad("--dest: %s", why);
	for (unsigned i = 0; i < o->services.n; i++)
		if (!service_parse(&svc, o->services.v[i], why, sizeof(why)))
			return !option_bad("--service: %s", why);
	for (unsigned i = 0; i < o->timeouts.n; i++)
		if (!director_spec_timeout(&t, o->timeouts.v[i]))
			return !option_bad("--timeout: \"%s\" is not "
					   "STATE=SECONDS",
					   o->timeouts.v[i]);
	return true;
}

/**
 * director_options_check() - Do the options of a director go together?
 * @o:	options
 *
 * Return: false when not; the reason is logged
 */
bool director_options_check(const struct director_options *o)
{
	const struct endpoint_spec *in = &o->filter->net;

	if (in->kind == ENDPOINT_UNSET)
		in = &o->filter->net_in;
	if (in->kind == ENDPOINT_UNSET || in->kind == ENDPOINT_STDIO)
		return !option_bad("--dest needs --net or --net-in, and not -");
	return check_texts(o);
}
