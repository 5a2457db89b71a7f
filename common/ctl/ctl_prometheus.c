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
		json_t *said = json_object_get(row, "metric"), *sample;

		if (!said)
			continue;
		sample = json_copy(said);
		json_object_set_new(sample, "process", json_string(name));
		json_object_set(sample, "value", json_object_get(row, "value"));
		json_array_append_new(
			json_object_get(metric_get(metrics, said), "samples"),
			sample);
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

static void print_labels(const json_t *sample)
{
	const char *key;
	json_t *label;

	fputs("process=", stdout);
	print_quoted(text_at(sample, "process"));
	json_object_foreach(json_object_get(sample, "labels"), key, label) {
		printf(",%s=", key);
		print_quoted(json_string_value(label) ?
			     json_string_value(label) : "");
	}
}

/* Counts are divided into the unit that Prometheus has them in. */
static void print_value(json_int_t value, json_int_t divisor)
{
	if (divisor > 1)
		printf("%.9g", (double)value / (double)divisor);
	else
		printf("%" JSON_INTEGER_FORMAT, value);
}

static json_int_t integer_at(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void print_bucket(const char *metric, const json_t *sample,
			 const json_t *bucket)
{
	printf("%s_bucket{", metric);
	print_labels(sample);
	fputs(",le=\"", stdout);
	if (bucket)
		print_value(json_integer_value(json_array_get(bucket, 0)),
			    integer_at(sample, "divisor"));
	else
		fputs("+Inf", stdout);
	printf("\"} %" JSON_INTEGER_FORMAT "\n",
	       bucket ? json_integer_value(json_array_get(bucket, 1)) :
			integer_at(sample, "value"));
}

static void print_histogram(const char *metric, const json_t *sample)
{
	const json_t *bucket;
	size_t i;

	json_array_foreach(json_object_get(sample, "buckets"), i, bucket) {
		print_bucket(metric, sample, bucket);
	}
	print_bucket(metric, sample, NULL);
	printf("%s_sum{", metric);
	print_labels(sample);
	fputs("} ", stdout);
	print_value(integer_at(sample, "sum"), integer_at(sample, "divisor"));
	printf("\n%s_count{", metric);
	print_labels(sample);
	printf("} %" JSON_INTEGER_FORMAT "\n", integer_at(sample, "value"));
}

static void print_sample(const char *metric, const json_t *sample)
{
	if (json_object_get(sample, "buckets")) {
		print_histogram(metric, sample);
		return;
	}
	printf("%s{", metric);
	print_labels(sample);
	fputs("} ", stdout);
	print_value(integer_at(sample, "value"), integer_at(sample, "divisor"));
	putchar('\n');
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
		json_array_foreach(json_object_get(metric, "samples"), i, sample) {
			print_sample(name, sample);
		}
	}
}
