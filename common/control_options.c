/* SPDX-License-Identifier: ISC */
#include "control_options.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "log.h"

static const struct option_spec *spec_at(const struct control_options *o,
					 unsigned i)
{
	return option_live(o->common->program, i);
}

/**
 * control_options_init() - Remember what the command line has said
 * @o:		set
 * @common:	the tool's configuration begins with it; borrowed
 */
void control_options_init(struct control_options *o,
			  const struct option_common *common)
{
	const struct option_spec *spec;

	*o = (struct control_options){ .common = common };
	for (unsigned i = 0; (spec = spec_at(o, i)); i++) {
		assert(i < CONTROL_OPTIONS_MAX);
		option_value_print(spec, common->config, o->started[i],
				   sizeof(o->started[i]));
	}
}

static void list_names(const struct control_options *o, char *text,
		       size_t size)
{
	const struct option_spec *spec;
	size_t at = 0;

	for (unsigned i = 0; (spec = spec_at(o, i)) && at < size; i++)
		at += (size_t)snprintf(text + at, size - at, "%s%s",
				       i ? ", " : "", spec->name);
}

/* Return: the row of the table that is named; NULL, with an error */
static const struct option_spec *find(const struct control_options *o,
				      struct control_call *call, unsigned *at)
{
	const msgpack_object_str *name = &call->param[0]->via.str;
	const struct option_spec *spec;
	char names[sizeof(call->error) - 64];

	for (*at = 0; (spec = spec_at(o, *at)); ++*at) {
		if (rpc_is(name, spec->name))
			return spec;
	}
	list_names(o, names, sizeof(names));
	snprintf(call->error, sizeof(call->error), "%.*s: it is one of %s",
		 name->size < 32 ? (int)name->size : 32, name->ptr, names);
	return NULL;
}

static void put_row(const struct control_options *o, unsigned i,
		    msgpack_packer *pk)
{
	const struct option_spec *spec = spec_at(o, i);
	char value[OPTION_VALUE_MAX];

	option_value_print(spec, o->common->config, value, sizeof(value));
	rpc_map(pk, 5);
	rpc_put_str(pk, "name", spec->name);
	rpc_put_str(pk, "value", value);
	rpc_put_str(pk, "started", o->started[i]);
	rpc_str(pk, "changed");
	rpc_bool(pk, strcmp(value, o->started[i]) != 0);
	rpc_put_str(pk, "help", spec->help);
}

static uint32_t count(const struct control_options *o)
{
	uint32_t n = 0;

	while (spec_at(o, n))
		n++;
	return n;
}

/**
 * control_options_get() - Answer `get`
 * @o:		the options
 * @call:	with the parameters CONTROL_OPTIONS_GET_PARAMS
 *
 * Return: as control_method's call()
 */
int control_options_get(const struct control_options *o,
			struct control_call *call)
{
	uint32_t n = count(o);
	unsigned at;

	if (call->param[0]) {
		if (!find(o, call, &at))
			return -ENOENT;
		rpc_array(call->pk, 1);
		put_row(o, at, call->pk);
		return 0;
	}
	rpc_array(call->pk, n);
	for (unsigned i = 0; i < n; i++)
		put_row(o, i, call->pk);
	return 0;
}

/* A number, a switch or a text, as the command line has it. */
static int value_text(struct control_call *call, char *text, size_t size)
{
	const msgpack_object *o = call->param[1];

	if (o->type == MSGPACK_OBJECT_STR && rpc_text(text, size, &o->via.str))
		return 0;
	if (o->type == MSGPACK_OBJECT_POSITIVE_INTEGER)
		snprintf(text, size, "%" PRIu64, o->via.u64);
	else if (o->type == MSGPACK_OBJECT_BOOLEAN)
		snprintf(text, size, "%s", o->via.boolean ? "on" : "off");
	else {
		snprintf(call->error, sizeof(call->error), "a value is a "
			 "number, a switch or a short text");
		return -EINVAL;
	}
	return 0;
}

/**
 * control_options_set() - Answer `set`
 * @o:		the options; when it succeeds the caller has the change taken up
 * @call:	with the parameters CONTROL_OPTIONS_SET_PARAMS
 *
 * Return: as control_method's call()
 */
int control_options_set(const struct control_options *o,
			struct control_call *call)
{
	char text[64], before[OPTION_VALUE_MAX], after[OPTION_VALUE_MAX];
	char why[sizeof(call->error) - 64];
	const struct option_spec *spec;
	void *config = o->common->config;
	unsigned at;
	int err;

	spec = find(o, call, &at);
	if (!spec)
		return -ENOENT;
	err = value_text(call, text, sizeof(text));
	if (err < 0)
		return err;
	option_value_print(spec, config, before, sizeof(before));
	err = option_value_set(spec, config, text, why, sizeof(why));
	if (err < 0) {
		snprintf(call->error, sizeof(call->error), "%s: %s", spec->name,
			 why);
		return err;
	}
	option_value_print(spec, config, after, sizeof(after));
	log_event("set", "%s: %s, it was %s", spec->name, after, before);
	put_row(o, at, call->pk);
	return 0;
}
