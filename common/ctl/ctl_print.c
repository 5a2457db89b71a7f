/* SPDX-License-Identifier: ISC */
/* What a process has answered, for people and for programs. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl.h"

#define COLUMNS_MAX 16u
#define YEAR_10000 253402300800.0	/* seconds since 1970 */
#define WIDE 10u		/* a table with more columns is none */

/**
 * ctl_print_json() - One line of JSON
 * @name:	of the process
 * @key:	what @value is: "result", "error" or "event"
 * @value:	borrowed
 */
void ctl_print_json(const char *name, const char *key, const json_t *value)
{
	json_t *line = json_object();

	json_object_set_new(line, "process", json_string(name));
	json_object_set(line, key, (json_t *)value);
	json_dumpf(line, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(line);
}

/**
 * ctl_print_time() - A time as ISO 8601, UTC, to the millisecond
 * @text:	set; to a question mark for a time without a year of four digits
 * @size:	of @text, bytes; 32 are enough
 * @seconds:	since 1970
 */
void ctl_print_time(char *text, size_t size, double seconds)
{
	bool is_known = seconds >= 0 && seconds < YEAR_10000;
	time_t whole = is_known ? (time_t)seconds : 0;
	char date[32];
	struct tm tm;

	if (!is_known) {
		snprintf(text, size, "?");
		return;
	}
	gmtime_r(&whole, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, size, "%s.%03dZ", date,
		 (int)((seconds - (double)whole) * 1000));
}

/**
 * ctl_print_error() - What a process has refused
 * @c:		link
 * @o:		options
 * @error:	its code and text; borrowed
 */
void ctl_print_error(const struct ctl *c, const struct ctl_options *o,
		     const json_t *error)
{
	const char *text = json_string_value(json_object_get(error, "text"));

	if (o->is_json)
		ctl_print_json(c->name, "error", error);
	else
		fprintf(stderr, "colo-ctl: %s: %s\n", c->name,
			text ? text : "refused");
}

/**
 * ctl_print_unreachable() - One line for a process that cannot be asked
 * @c:		link, with its error
 * @o:		options
 */
void ctl_print_unreachable(const struct ctl *c, const struct ctl_options *o)
{
	json_t *error;

	if (!o->is_json) {
		fprintf(stderr, "colo-ctl: %s: %s\n", c->path, c->error);
		return;
	}
	error = json_pack("{s:s, s:s}", "code", "unreachable", "text",
			  c->error);
	ctl_print_json(c->name, "error", error);
	json_decref(error);
}

/* A value as one text, for free(): a number or a text as it is, of a list the
 * elements, of an object the values behind their names. */
static char *text_of(const json_t *j);

static void add(char **text, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void add(char **text, const char *fmt, ...)
{
	char *more = NULL, *both = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&more, fmt, ap) < 0 ||
	    asprintf(&both, "%s%s", *text ? *text : "", more) < 0)
		abort();
	va_end(ap);
	free(more);
	free(*text);
	*text = both;
}

static void add_list(char **text, const json_t *j)
{
	const json_t *element;
	size_t i;

	json_array_foreach((json_t *)j, i, element) {
		char *one = text_of(element);

		add(text, "%s%s", i ? ", " : "", one);
		free(one);
	}
}

static void add_object(char **text, const json_t *j)
{
	const char *key, *gap = "";
	const json_t *value;

	json_object_foreach((json_t *)j, key, value) {
		char *one = text_of(value);

		add(text, "%s%s=%s", gap, key, one);
		gap = " ";
		free(one);
	}
}

static char *text_of(const json_t *j)
{
	char *text = NULL, when[48];

	add(&text, "%s", "");
	switch (json_typeof(j)) {
	case JSON_STRING:
		add(&text, "%s", json_string_value(j));
		break;
	case JSON_INTEGER:
		add(&text, "%" JSON_INTEGER_FORMAT, json_integer_value(j));
		break;
	case JSON_REAL:
		ctl_print_time(when, sizeof(when), json_real_value(j));
		add(&text, "%s", when);
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		add(&text, "%s", json_is_true(j) ? "true" : "false");
		break;
	case JSON_ARRAY:
		add_list(&text, j);
		break;
	case JSON_OBJECT:
		add_object(&text, j);
		break;
	case JSON_NULL:
		add(&text, "-");
		break;
	}
	return text;
}

/* The name of the process in front of a line, if there are several. */
static void print_name(const char *name)
{
	if (name)
		printf("%s  ", name);
}

/* The columns of a table: the keys of its first row, but for those of objects,
 * which are for programs. */
struct columns {
	const char *key[COLUMNS_MAX];
	int width[COLUMNS_MAX];
	bool is_right[COLUMNS_MAX];	/* numbers */
	unsigned n;
};

static void columns_init(struct columns *c, const json_t *rows)
{
	const json_t *row, *value;
	const char *key;
	size_t i;

	c->n = 0;
	json_object_foreach(json_array_get(rows, 0), key, value) {
		if (c->n == COLUMNS_MAX || json_is_object(value))
			continue;
		c->is_right[c->n] = json_is_number(value);
		c->width[c->n] = (int)strlen(key);
		c->key[c->n++] = key;
	}
	json_array_foreach((json_t *)rows, i, row) {
		for (unsigned k = 0; k < c->n; k++) {
			const json_t *cell = json_object_get(row, c->key[k]);
			char *text = cell ? text_of(cell) : NULL;

			if (text && (int)strlen(text) > c->width[k])
				c->width[k] = (int)strlen(text);
			free(text);
		}
	}
}

/* No blanks at the end of a line. */
static void print_cell(const struct columns *c, unsigned k, const char *text)
{
	bool is_last = k + 1 == c->n;

	if (c->is_right[k])
		printf("%*s", c->width[k], text);
	else
		printf("%-*s", is_last ? 0 : c->width[k], text);
	fputs(is_last ? "\n" : "  ", stdout);
}

static void print_table(const char *name, const json_t *rows)
{
	struct columns c;
	const json_t *row;
	size_t i;

	columns_init(&c, rows);
	print_name(name);
	for (unsigned k = 0; k < c.n; k++)
		print_cell(&c, k, c.key[k]);
	json_array_foreach((json_t *)rows, i, row) {
		print_name(name);
		for (unsigned k = 0; k < c.n; k++) {
			const json_t *cell = json_object_get(row, c.key[k]);
			char *text = cell ? text_of(cell) : NULL;

			print_cell(&c, k, text ? text : "-");
			free(text);
		}
	}
}

/* Is it a list of objects? */
static bool is_table(const json_t *value)
{
	return json_is_object(json_array_get(value, 0));
}

static void print_object(const char *name, const json_t *object)
{
	const json_t *value;
	const char *key;
	int width = 0;

	json_object_foreach((json_t *)object, key, value) {
		if ((int)strlen(key) > width)
			width = (int)strlen(key);
	}
	json_object_foreach((json_t *)object, key, value) {
		char *text;

		if (is_table(value)) {
			print_table(name, value);
			continue;
		}
		text = text_of(value);

		print_name(name);
		printf("%-*s  %s\n", width, key, text);
		free(text);
	}
}

/* Objects with more keys than a terminal has room for columns, one below the
 * other. */
static void print_objects(const char *name, const json_t *rows)
{
	const json_t *row;
	size_t i;

	json_array_foreach((json_t *)rows, i, row) {
		if (i)
			putchar('\n');
		print_object(name, row);
	}
}

/**
 * ctl_print_text() - Lines for people
 * @name:	of the process, in front of each line; NULL with one process
 * @value:	borrowed; an object has a line for each key, a list of objects is
 *		a table if that is not too wide
 */
void ctl_print_text(const char *name, const json_t *value)
{
	char *text;

	if (json_is_object(value)) {
		print_object(name, value);
	} else if (is_table(value) &&
		   json_object_size(json_array_get(value, 0)) > WIDE) {
		print_objects(name, value);
	} else if (is_table(value)) {
		print_table(name, value);
	} else {
		text = text_of(value);
		print_name(name);
		puts(text);
		free(text);
	}
}
