/* SPDX-License-Identifier: ISC */
/*
 * The options of a tool as one list: its own, those that every tool has, --help and
 * --version.
 */
#include "option_rows.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

static const char *const log_levels[] = {
	[LOG_ERROR] = "error", [LOG_WARN] = "warn", [LOG_INFO] = "info",
	[LOG_DEBUG] = "debug", NULL,
};

static const struct option_spec common_specs[] = {
	{ .name = "vnet-hdr-support", .type = OPTION_BOOL,
	  .offset = offsetof(struct option_common, vnet_hdr_support),
	  .help = "frames carry a virtio-net header where an endpoint does "
		  "not say vnet-hdr=" },
	{ .name = "state-dir", .type = OPTION_STRING, .arg = "DIR",
	  .offset = offsetof(struct option_common, state_dir),
	  .help = "keep across restarts what must not be forgotten" },
	{ .name = "control", .type = OPTION_CONTROL, .arg = "PATH",
	  .offset = offsetof(struct option_common, control),
	  .help = "listen there for colo-ctl; PATH[,mode=OCTAL][,group=NAME]" },
	{ .name = "notify-fd", .type = OPTION_UINT, .arg = "N",
	  .offset = offsetof(struct option_common, notify_fd), .max = INT_MAX,
	  .help = "write a newline to descriptor N when ready" },
	{ .name = "busy-poll", .type = OPTION_UINT, .arg = "US",
	  .offset = offsetof(struct option_common, busy_poll), .max = 1000000,
	  .choices = (const char *const[]){ "auto", NULL },
	  .help = "microseconds to look for more before sleeping (0)" },
	{ .name = "log-level", .type = OPTION_CHOICE, .choices = log_levels,
	  .offset = offsetof(struct option_common, log_level),
	  .help = "how much to say on standard error (warn)" },
	{ .name = "check", .type = OPTION_BOOL,
	  .offset = offsetof(struct option_common, check_only),
	  .help = "check the arguments and exit (-n)" },
	{ 0 },
};

const struct option_spec option_rows_help = {
	.name = "help", .help = "print this and exit (-h)"
};
const struct option_spec option_rows_version = {
	.name = "version", .help = "print the version and exit (-V)"
};

static void add(struct option_rows *rows, const struct option_spec *spec)
{
	assert(rows->n < OPTION_ROWS_MAX);
	rows->spec[rows->n++] = spec;
}

static void add_table(struct option_rows *rows, const struct option_spec *spec)
{
	for (; spec->name; spec++)
		add(rows, spec);
}

/**
 * option_rows_init() - Lay the tables end to end
 * @rows:	set
 * @specs:	the tool's table; borrowed
 */
void option_rows_init(struct option_rows *rows, const struct option_spec *specs)
{
	rows->n = 0;
	add_table(rows, specs);
	add_table(rows, common_specs);
	add(rows, &option_rows_help);
	add(rows, &option_rows_version);
}

/**
 * option_rows_find() - The place of an option
 * @rows:	the list
 * @name:	of an option that is in it, without the dashes
 *
 * Return: its index
 */
unsigned option_rows_find(const struct option_rows *rows, const char *name)
{
	for (unsigned row = 0;; row++) {
		assert(row < rows->n);	/* else: a broken table */
		if (!strcmp(rows->spec[row]->name, name))
			return row;
	}
}

/**
 * option_rows_is_action() - Is it --help or --version?
 * @spec:	from the list
 */
bool option_rows_is_action(const struct option_spec *spec)
{
	return spec == &option_rows_help || spec == &option_rows_version;
}
