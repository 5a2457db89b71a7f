/* SPDX-License-Identifier: ISC */
#ifndef COLO_OPTION_H
#define COLO_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control_spec.h"
#include "endpoint_spec.h"
#include "log.h"

/*
 * One table per tool drives parsing and --help. The member an option sets is
 * named by its offset in the tool's config, whose first member is `struct
 * option_common common`.
 */
enum option_type {
	OPTION_BOOL,		/* --x, --x=on, --x=off          -> bool */
	OPTION_UINT,		/* decimal, min..max             -> uint64_t */
	OPTION_STRING,		/* borrowed from argv            -> const char * */
	OPTION_LIST,		/* the same, given again: more   -> struct option_list */
	OPTION_CHOICE,		/* one of choices, by its index  -> unsigned */
	OPTION_ENDPOINT,	/* an endpoint's text            -> struct endpoint_spec */
	OPTION_CONTROL,		/* a control socket's            -> struct control_spec */
};

#define OPTION_LIST_MAX 64

struct option_list {
	const char *v[OPTION_LIST_MAX];
	unsigned n;
};

struct option_spec {
	const char *name;	/* without the dashes */
	enum option_type type;
	size_t offset;
	const char *arg;	/* what --help calls the argument; NULL for BOOL */
	const char *help;	/* one line */
	uint64_t min, max;	/* OPTION_UINT */
	/* OPTION_CHOICE, NULL-terminated; OPTION_UINT: the one word, if any,
	 * that stands for UINT64_MAX */
	const char *const *choices;
};

struct option_program;

struct option_common {
	const struct option_program *program;	/* option_parse()'s */
	void *config;		/* likewise: option_value_set() changes it */
	bool vnet_hdr_support;	/* the default of the endpoints' vnet-hdr */
	bool check_only;	/* -n */
	const char *state_dir;	/* or NULL */
	struct control_spec control;	/* its path is empty without one */
	uint64_t notify_fd;	/* OPTION_NO_FD without one */
	uint64_t busy_poll;	/* as struct spin has it */
	unsigned log_level;	/* enum log_level */
};

#define OPTION_NO_FD UINT64_MAX
#define OPTION_WHY_MAX 384	/* bytes of what is wrong with a value */

struct option_program {
	const char *name;	/* colo-mirror */
	const char *summary;	/* one line */
	const char *usage;	/* behind "usage: NAME ", a line for each form */
	const struct option_spec *specs;	/* ended by a NULL name */
	/* names of endpoints that files without an option are the captures for:
	 * none are given, or all; ended by NULL. Or NULL */
	const char *const *operands;
	/* names of switches that their first letter turns on, too; or NULL */
	const char *const *letters;
	/* names of numbers, switches and choices that may be changed while the
	 * process runs; or NULL */
	const char *const *live;
};

enum option_result { OPTION_RUN, OPTION_DONE, OPTION_USAGE };

enum option_result option_parse(const struct option_program *program,
				int argc, char **argv, void *config);
const struct option_spec *option_live(const struct option_program *program,
				      unsigned i);
int option_bad(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
