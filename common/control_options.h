/* SPDX-License-Identifier: ISC */
#ifndef COLO_CONTROL_OPTIONS_H
#define COLO_CONTROL_OPTIONS_H

#include "control_table.h"
#include "option.h"
#include "option_value.h"

/*
 * The methods `get` and `set`: options that may be changed while the process
 * runs, and how far they are from the command line.
 */
#define CONTROL_OPTIONS_MAX 24u

struct control_options {
	const struct option_common *common;	/* borrowed: of the tool */
	char started[CONTROL_OPTIONS_MAX][OPTION_VALUE_MAX];
};

#define CONTROL_OPTIONS_GET_PARAMS { { "name", CONTROL_TEXT, true } }
#define CONTROL_OPTIONS_SET_PARAMS                                             \
	{ { "name", CONTROL_TEXT, false }, { "value", CONTROL_ANY, false } }

void control_options_init(struct control_options *o,
			  const struct option_common *common);
int control_options_get(const struct control_options *o,
			struct control_call *call);
int control_options_set(const struct control_options *o,
			struct control_call *call);

#endif
