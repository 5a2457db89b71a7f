/* SPDX-License-Identifier: ISC */
/*
 * Counters of all processes in Prometheus' text format. There a metric is told of
 * once, with the samples of all processes behind it: they are gathered first.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

static const char *text_at(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* The metric of a row; what the first process says of it holds for all. */
static json_t *metric_get(json_t *metrics, const json_t *said)
{
	json_t *metric = json_object_get(metrics, text_at(said, "name"));

	if (metric)
		return metric;
	metric = json_pack("{s:s, s:s, s:[]}", "help", text_at(said, "help"),
			   "type", text_at(said, "type"), "samples");
	json_object_set_new(metrics, text_at(said, "name"), metric);
	return metric;
}

/**
 * ctl_prometheus_add() - Gather the counters of a process
 * @metrics:	an object, to which they are added
 * @name:	of the process: a label
 * @stats:	an array of counters, each with its metric; borrowed
 */
void ctl_prometheus_add(json_t *metrics, const char *name, const json_t *stats)
{
	const json_t *row;
	size_t i;

	json_array_foreach((json_t *)stats, i, row) {
		json_t *said = json_object_get(row, "metric"), *samples;

		if (!said)
			continue;
		samples = json_object_get(metric_get(metrics, said), "samples");
		json_array_append_new(samples, json_pack(
			"{s:s, s:O, s:O, s:O}", "process", name,
			"labels", json_object_get(said, "labels"),
			"value", json_object_get(row, "value"),
			"divisor", json_object_get(said, "divisor")));
	}
}

/* In quotes Prometheus takes anything, but for three that are escaped. */
static void print_quoted(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '\\' || *text == '"')
			putchar('\\');
		putchar(*text == '\n' ? ' ' : *text);
	}
	putchar('"');
}

static void print_sample(const char *metric, const json_t *sample)
{
	json_int_t value, divisor;
	const char *key;
	json_t *label;

	value = json_integer_value(json_object_get(sample, "value"));
	divisor = json_integer_value(json_object_get(sample, "divisor"));
	printf("%s{process=", metric);
	print_quoted(text_at(sample, "process"));
	json_object_foreach(json_object_get(sample, "labels"), key, label) {
		printf(",%s=", key);
		print_quoted(json_string_value(label) ?
			     json_string_value(label) : "");
	}
	if (divisor > 1)
		printf("} %.3f\n", (double)value / (double)divisor);
	else
		printf("} %" JSON_INTEGER_FORMAT "\n", value);
}

/**
 * ctl_prometheus_print() - Print what was gathered
 * @metrics:	by ctl_prometheus_add()
 */
void ctl_prometheus_print(const json_t *metrics)
{
	const char *name;
	json_t *metric;

	json_object_foreach((json_t *)metrics, name, metric) {
		const json_t *sample;
		size_t i;

		printf("# HELP %s %s\n# TYPE %s %s\n", name,
		       text_at(metric, "help"), name, text_at(metric, "type"));
		json_array_foreach(json_object_get(metric, "samples"), i, sample)
			print_sample(name, sample);
	}
}
