/* SPDX-License-Identifier: ISC */
#ifndef COLO_DIRECTOR_OPTIONS_H
#define COLO_DIRECTOR_OPTIONS_H

#include "../common/filter.h"
#include "../common/option.h"

/* What the command line says about a director. */
struct director_options {
	const struct option_common *common;
	const struct filter_options *filter;	/* of which only the net */
	struct option_list dests, services, timeouts;
	unsigned unknown;		/* pass, drop */
	unsigned unscheduled;		/* enum schedule_unscheduled */
	unsigned on_overload;		/* enum schedule_overload */
	bool expire_quiescent, expire_quiescent_template;
	uint64_t linger_s;
	uint64_t max_flows;
};

extern const char *const director_options_unknown[];
extern const char *const director_options_unscheduled[];
extern const char *const director_options_overload[];

/* The rows of an option table for a config whose member `director` this is. */
#define DIRECTOR_SPECS(type)                                                  \
	{ "dest", OPTION_LIST, offsetof(type, director.dests),                \
	  "NAME=EP[,...]", "a destination of connections; see DIRECTOR", 0, 0, \
	  NULL },                                                             \
	{ "service", OPTION_LIST, offsetof(type, director.services),          \
	  "PROTO:ADDR:PORT[,...]", "what is scheduled over destinations", 0,  \
	  0, NULL },                                                          \
	{ "unknown", OPTION_CHOICE, offsetof(type, director.unknown),         \
	  "pass|drop", "segments of no connection (pass)", 0, 0,              \
	  director_options_unknown },                                         \
	{ "unscheduled", OPTION_CHOICE, offsetof(type, director.unscheduled), \
	  "first|flood|drop", "frames of no service (first)", 0, 0,           \
	  director_options_unscheduled },                                     \
	{ "on-overload", OPTION_CHOICE, offsetof(type, director.on_overload), \
	  "drop|pass|least", "all destinations are full (drop)", 0, 0,        \
	  director_options_overload },                                        \
	{ "linger", OPTION_UINT, offsetof(type, director.linger_s),           \
	  "SECONDS", "connections of a destination that is gone (300)", 0,    \
	  31 * 86400, NULL },                                                 \
	{ "expire-quiescent", OPTION_BOOL,                                    \
	  offsetof(type, director.expire_quiescent), NULL,                    \
	  "weight 0 ends connections", 0, 0, NULL },                          \
	{ "expire-quiescent-template", OPTION_BOOL,                           \
	  offsetof(type, director.expire_quiescent_template), NULL,           \
	  "weight 0 ends persistence", 0, 0, NULL },                          \
	{ "timeout", OPTION_LIST, offsetof(type, director.timeouts),          \
	  "STATE=SECONDS", "how long a state lasts without frames", 0, 0,     \
	  NULL },                                                             \
	{ "max-flows", OPTION_UINT, offsetof(type, director.max_flows), "N",  \
	  "connections and templates, at most (262144)", 1, 1 << 28, NULL }

#define DIRECTOR_DEFAULTS(options)                                            \
	{ .common = &(options)->common, .filter = &(options)->filter,         \
	  .linger_s = 300, .max_flows = 262144 }

bool director_options_check(const struct director_options *o);

#endif
