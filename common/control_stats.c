/* SPDX-License-Identifier: ISC */
/*
 * The account of a process as a message: for each counter its value, what it says to
 * people, and what it is called in Prometheus. Pure.
 */
#include "control_stats.h"

#include <stdio.h>
#include <string.h>

#include "time.h"

static bool is_ms(const struct stats_row *row)
{
	return !strcmp(row->def->unit, "ms");
}

/* Does the label say the name, as in dropped.REASON? Else it says the group. */
static bool is_by_name(const struct stats_def *def)
{
	return def->label && def->group;
}

/* Appends `_WORD`, in the letters that a metric may have. */
static void add_word(char *text, size_t size, const char *word)
{
	size_t at = strlen(text);

	snprintf(text + at, size - at, "_%s", word);
	for (; text[at]; at++)
		if (text[at] == '-')
			text[at] = '_';
}

/* Does the metric say its unit already, as in flows_evicted? */
static bool has_unit(const char *text, const char *unit)
{
	char one[32];

	snprintf(one, sizeof(one), "%.*s", (int)strlen(unit) - 1, unit);
	return strstr(text, one);
}

static void add_unit(char *text, size_t size, const struct stats_row *row)
{
	size_t len = strlen(text);

	if (is_ms(row)) {		/* Prometheus counts in seconds */
		if (len > 3 && !strcmp(text + len - 3, "_ms"))
			text[len - 3] = '\0';
		add_word(text, size, "seconds");
	} else if (!has_unit(text, row->def->unit)) {
		add_word(text, size, row->def->unit);
	}
}

/**
 * control_stats_metric() - What Prometheus calls a counter
 * @row:	row of an account
 * @text:	gets the name: `colo_` and the group, name and unit; what tells
 *		rows apart that have a label is left out
 * @size:	CONTROL_STATS_METRIC_MAX
 */
void control_stats_metric(const struct stats_row *row, char *text, size_t size)
{
	const struct stats_def *def = row->def;

	snprintf(text, size, "colo");
	add_word(text, size, def->group ? def->group : def->label);
	if (!is_by_name(def))
		add_word(text, size, stats_name(row));
	if (row->histogram) {
		add_word(text, size, "seconds");
		return;
	}
	add_unit(text, size, row);
	if (!def->is_gauge)
		add_word(text, size, "total");
}

static void put_text(msgpack_packer *pk, const char *key, const char *text)
{
	rpc_str(pk, key);
	rpc_str(pk, text);
}

static void put_number(msgpack_packer *pk, const char *key, uint64_t n)
{
	rpc_str(pk, key);
	rpc_uint(pk, n);
}

/* Rows that differ by their names are one metric, with one meaning. */
static void put_meaning(const struct stats_row *row, msgpack_packer *pk)
{
	const struct stats_def *def = row->def;
	char text[96];

	snprintf(text, sizeof(text), "%s %s, by %s", def->group, def->unit,
		 def->label);
	put_text(pk, "help", is_by_name(def) ? text : def->help);
}

/* As many as Prometheus is told of: up to 69 s, and how many took longer. */
#define BUCKETS_TOLD 27u

/* [below_ns, how many so far], as a histogram of Prometheus' counts. */
static void put_buckets(const struct histogram *h, msgpack_packer *pk)
{
	uint64_t n = 0;

	put_number(pk, "sum", h->sum_ns);
	rpc_str(pk, "buckets");
	rpc_array(pk, BUCKETS_TOLD);
	for (unsigned i = 0; i < BUCKETS_TOLD; i++) {
		n += h->n[i];
		rpc_array(pk, 2);
		rpc_uint(pk, histogram_below_ns(i));
		rpc_uint(pk, n);
	}
}

static const char *type_of(const struct stats_row *row)
{
	return row->histogram ? "histogram" :
	       row->def->is_gauge ? "gauge" : "counter";
}

static uint64_t divisor_of(const struct stats_row *row)
{
	return row->histogram ? NS_PER_S : is_ms(row) ? 1000 : 1;
}

static void put_metric(const struct stats_row *row, msgpack_packer *pk)
{
	const struct stats_def *def = row->def;
	char name[CONTROL_STATS_METRIC_MAX];

	control_stats_metric(row, name, sizeof(name));
	rpc_str(pk, "metric");
	rpc_map(pk, row->histogram ? 7 : 5);
	put_text(pk, "name", name);
	put_meaning(row, pk);
	put_text(pk, "type", type_of(row));
	put_number(pk, "divisor", divisor_of(row));
	if (row->histogram)
		put_buckets(row->histogram, pk);
	rpc_str(pk, "labels");
	rpc_map(pk, def->label ? 1 : 0);
	if (def->label)
		put_text(pk, def->label, is_by_name(def) ? stats_name(row) :
						      stats_group(row));
}

static void put_row(const struct stats_row *row, msgpack_packer *pk)
{
	rpc_map(pk, 6);
	put_text(pk, "group", stats_group(row));
	put_text(pk, "name", stats_name(row));
	put_number(pk, "value", row->value);
	put_text(pk, "unit", row->def->unit);
	put_text(pk, "help", row->def->help);
	put_metric(row, pk);
}

/**
 * control_stats_put() - Write an account
 * @s:		the account
 * @pk:		gets an array, a map for each counter: the totals first
 */
void control_stats_put(const struct stats *s, msgpack_packer *pk)
{
	struct stats_row totals[STATS_TOTALS];

	stats_totals(s, totals);
	rpc_array(pk, STATS_TOTALS + s->n_rows);
	for (unsigned i = 0; i < STATS_TOTALS; i++)
		put_row(&totals[i], pk);
	for (unsigned i = 0; i < s->n_rows; i++)
		put_row(&s->rows[i], pk);
}
