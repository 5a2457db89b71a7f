/* SPDX-License-Identifier: ISC */
/*
 * The value of an option: read from the command line's text, and written as such.
 */
#include "option_value.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quantity.h"
#include "time.h"

/* What is wrong with an option's value. */
struct why {
	char text[OPTION_WHY_MAX];
};

static int refuse(struct why *why, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int refuse(struct why *why, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static int set_bool(bool *out, const char *arg, struct why *why)
{
	if (!arg || !strcmp(arg, "on"))
		*out = true;
	else if (!strcmp(arg, "off"))
		*out = false;
	else
		return refuse(why, "\"%s\" is not on or off", arg);
	return 0;
}

/* How many nanoseconds an option counts in: 0 for one that is no time. */
static uint64_t unit_ns(const struct option_spec *spec)
{
	return !strcmp(spec->arg, "US") ? 1000 :
	       !strcmp(spec->arg, "MS") ? NS_PER_MS :
	       !strcmp(spec->arg, "SECONDS") ? NS_PER_S : 0;
}

/* Behind the numbers that a message tells. */
static const char *unit_text(const struct option_spec *spec)
{
	switch (unit_ns(spec)) {
	case 1000:
		return " us";
	case NS_PER_MS:
		return " ms";
	case NS_PER_S:
		return " s";
	default:
		return "";
	}
}

static bool is_size(const struct option_spec *spec)
{
	return !strcmp(spec->arg, "B") || !strcmp(spec->arg, "BYTES");
}

/* Return: as quantity_bytes() */
static int read_uint(uint64_t *n, const struct option_spec *spec,
		     const char *arg)
{
	uint64_t unit = unit_ns(spec);
	int err = is_size(spec) ? quantity_bytes(n, arg) :
		  unit ? quantity_time(n, arg, unit) :
		  quantity_number(n, arg, UINT64_MAX);

	if (err || !unit)
		return err;
	if (*n % unit)
		return -ERANGE;
	*n /= unit;
	return 0;
}

/* A table that names no max sets no limit. */
static int set_uint(uint64_t *out, const struct option_spec *spec,
		    const char *arg, struct why *why)
{
	uint64_t max = spec->max ? spec->max : UINT64_MAX, n = 0;
	int err = read_uint(&n, spec, arg);

	if (option_value_word(spec) && !strcmp(arg, option_value_word(spec))) {
		*out = UINT64_MAX;
		return 0;
	}
	if (err == -EINVAL)
		return refuse(why, "\"%s\" is not a number%s%s", arg,
			      option_value_word(spec) ? " or " : "",
			      option_value_word(spec) ? option_value_word(spec) : "");
	if (err == -ENOENT)
		return refuse(why, "\"%s\" is not a number with %s", arg,
			      is_size(spec) ? "k, M, G or T behind it" :
			      "us, ms, s, min or h behind it");
	if (err || n < spec->min || n > max)
		return refuse(why, "%s is not in %llu..%llu%s", arg,
			      (unsigned long long)spec->min,
			      (unsigned long long)max, unit_text(spec));
	*out = n;
	return 0;
}

static int set_string(const char **out, const char *arg, struct why *why)
{
	if (!*arg)
		return refuse(why, "empty");
	*out = arg;
	return 0;
}

static int add_string(struct option_list *out, const char *arg,
		      struct why *why)
{
	const char *text = NULL;

	if (set_string(&text, arg, why) < 0)
		return -EINVAL;
	if (out->n == OPTION_LIST_MAX)
		return refuse(why, "given more than %d times",
			      OPTION_LIST_MAX);
	out->v[out->n++] = text;
	return 0;
}

static int set_choice(unsigned *out, const struct option_spec *spec,
		      const char *arg, struct why *why)
{
	char list[256];
	int len = 0;

	for (unsigned i = 0; spec->choices[i]; i++) {
		if (!strcmp(arg, spec->choices[i])) {
			*out = i;
			return 0;
		}
		len += snprintf(list + len, sizeof(list) - (size_t)len, "%s%s",
				i ? ", " : "", spec->choices[i]);
	}
	return refuse(why, "\"%s\" is not one of %s", arg, list);
}

/* Return: 0, or -EINVAL with what is wrong */
static int set_member(const struct option_spec *spec, void *member,
		     const char *arg, struct why *why)
{
	switch (spec->type) {
	case OPTION_BOOL:
		return set_bool(member, arg, why);
	case OPTION_UINT:
		return set_uint(member, spec, arg, why);
	case OPTION_STRING:
		return set_string(member, arg, why);
	case OPTION_LIST:
		return add_string(member, arg, why);
	case OPTION_CHOICE:
		return set_choice(member, spec, arg, why);
	case OPTION_ENDPOINT:
		return endpoint_spec_parse(member, arg, why->text,
					   sizeof(why->text));
	case OPTION_CONTROL:
		return control_spec_parse(member, arg, why->text,
					  sizeof(why->text));
	}
	abort();		/* no such type: a broken table */
}

/**
 * option_value_word() - The word that may stand instead of a number
 * @spec:	the option
 *
 * Return: the word, or NULL
 */
const char *option_value_word(const struct option_spec *spec)
{
	return spec->type == OPTION_UINT && spec->choices ? spec->choices[0] :
							    NULL;
}

/**
 * option_value_set() - Set an option as the command line would
 * @spec:	the option
 * @config:	the tool's configuration
 * @arg:	the value; borrowed for as long as @config is used
 * @why:	set to what is wrong with it
 * @size:	of @why, bytes
 *
 * Return: 0, or -EINVAL and nothing is changed
 */
int option_value_set(const struct option_spec *spec, void *config,
		     const char *arg, char *why, size_t size)
{
	struct why bad;

	if (set_member(spec, (char *)config + spec->offset, arg, &bad) == 0)
		return 0;
	snprintf(why, size, "%s", bad.text);
	return -EINVAL;
}

/**
 * option_value_print() - An option's value, as the command line would say it
 * @spec:	of type OPTION_UINT, OPTION_BOOL or OPTION_CHOICE, which all that
 *		may be changed are
 * @config:	the tool's configuration
 * @text:	set
 * @size:	of @text, bytes; OPTION_VALUE_MAX is enough
 */
void option_value_print(const struct option_spec *spec, const void *config,
			char *text, size_t size)
{
	const void *member = (const char *)config + spec->offset;

	if (spec->type == OPTION_BOOL)
		snprintf(text, size, "%s",
			 *(const bool *)member ? "on" : "off");
	else if (spec->type == OPTION_CHOICE)
		snprintf(text, size, "%s",
			 spec->choices[*(const unsigned *)member]);
	else if (option_value_word(spec) && *(const uint64_t *)member == UINT64_MAX)
		snprintf(text, size, "%s", option_value_word(spec));
	else
		snprintf(text, size, "%llu",
			 (unsigned long long)*(const uint64_t *)member);
}
