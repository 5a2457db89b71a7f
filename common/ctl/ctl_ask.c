/* SPDX-License-Identifier: ISC */
/* Questions to all processes, and the frames of one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

/* Reads until the answer to the last question is there: events may come before
 * it. Return: 1 with it, 0 after the time that is allowed, -1 */
static int read_answer(struct ctl *c, struct rpc_message *m, unsigned timeout_s)
{
	for (;;) {
		int rc = ctl_link_read(c, m, (int)timeout_s * 1000);

		if (rc <= 0 || (m->kind == RPC_RESPONSE &&
				(m->id == c->last_id || m->id == UINT64_MAX)))
			return rc;
		ctl_link_next(c, m);
	}
}

/**
 * ctl_ask() - Ask one process
 * @c:		link; when it fails c->error says why
 * @method:	what to call
 * @params:	an array; borrowed
 * @o:		options
 *
 * Return: {"result": ...} or {"error": ...}, a new reference; NULL when the
 * process cannot be reached or does not answer
 */
json_t *ctl_ask(struct ctl *c, const char *method, const json_t *params,
		const struct ctl_options *o)
{
	struct rpc_message m;
	json_t *answer;
	bool is_error;

	if (c->fd < 0 || ctl_link_send(c, method, params) < 0)
		return NULL;
	switch (read_answer(c, &m, o->timeout_s)) {
	case 1:
		break;
	case 0:
		snprintf(c->error, sizeof(c->error), "no answer in %u s",
			 o->timeout_s);
		return NULL;
	default:
		return NULL;
	}
	is_error = m.error.type != MSGPACK_OBJECT_NIL;
	answer = json_object();
	json_object_set_new(answer, is_error ? "error" : "result",
			    ctl_json_of(is_error ? &m.error : &m.result));
	ctl_link_next(c, &m);
	return answer;
}

static void print_result(const struct ctl *c, unsigned n,
			 const struct ctl_options *o, const json_t *result)
{
	if (o->metrics)
		ctl_prometheus_add(o->metrics, c->name, result);
	else if (o->is_json)
		ctl_print_json(c->name, "result", result);
	else
		ctl_print_text(n > 1 ? c->name : NULL, result);
}

static bool is_unknown_method(const json_t *answer)
{
	const char *code = json_string_value(json_object_get(
		json_object_get(answer, "error"), "code"));

	return code && !strcmp(code, "unknown-method");
}

static int print_answer(struct ctl *c, unsigned n, const struct ctl_options *o,
			const json_t *answer)
{
	const json_t *error = json_object_get(answer, "error");

	if (!answer) {
		ctl_print_unreachable(c, o);
		return CTL_UNREACHABLE;
	}
	if (error) {
		ctl_print_error(c, o, error);
		return CTL_NOT;
	}
	print_result(c, n, o, json_object_get(answer, "result"));
	return CTL_OK;
}

static int worse(int a, int b)
{
	return a > b ? a : b;
}

/**
 * ctl_ask_all() - Ask each process the same, and print what it says
 * @v:		links
 * @n:		how many
 * @o:		options
 * @argc:	words: the method, then its parameters
 * @argv:	likewise
 *
 * Of several processes those that do not know the method are left out, unless none
 * does.
 *
 * Return: the exit status, the worst of all
 */
int ctl_ask_all(struct ctl *v, unsigned n, const struct ctl_options *o,
		int argc, char **argv)
{
	json_t *params = json_array();
	json_t **unknown = calloc(n + 1, sizeof(*unknown));
	unsigned n_unknown = 0;
	int worst = CTL_OK;

	if (!unknown)
		abort();
	for (int i = 1; i < argc; i++)
		json_array_append_new(params, ctl_json_word(argv[i]));
	for (unsigned i = 0; i < n; i++) {
		json_t *answer = ctl_ask(&v[i], argv[0], params, o);

		if (is_unknown_method(answer)) {
			unknown[i] = answer;
			n_unknown++;
			continue;
		}
		worst = worse(worst, print_answer(&v[i], n, o, answer));
		json_decref(answer);
	}
	for (unsigned i = 0; i < n; i++) {
		if (n_unknown == n)
			worst = worse(worst, print_answer(&v[i], n, o,
							  unknown[i]));
		json_decref(unknown[i]);
	}
	free(unknown);
	if (o->metrics)
		ctl_prometheus_print(o->metrics);
	json_decref(params);
	return worst;
}

/* --- frames --- */

/* Return: false when nobody reads what is written */
static bool write_frames(const struct ctl *c, const struct rpc_message *m)
{
	const msgpack_object *v = m->params.ptr;

	if (m->kind != RPC_NOTIFICATION || !rpc_is(&m->method, "pcapng") ||
	    m->params.size != 2 || v[0].type != MSGPACK_OBJECT_BIN ||
	    v[1].type != MSGPACK_OBJECT_POSITIVE_INTEGER)
		return true;
	if (v[1].via.u64)
		fprintf(stderr, "colo-ctl: %s: %llu frames were lost\n", c->name,
			(unsigned long long)v[1].via.u64);
	return fwrite(v[0].via.bin.ptr, 1, v[0].via.bin.size, stdout) ==
	       v[0].via.bin.size && fflush(stdout) == 0;
}

/**
 * ctl_ask_capture() - Write the frames of a link to standard output
 * @c:		link
 * @o:		options
 * @argc:	words: capture, the link's name, maybe a filter
 * @argv:	likewise
 *
 * Return: the exit status, when the process has ended or nobody reads
 */
int ctl_ask_capture(struct ctl *c, const struct ctl_options *o, int argc,
		    char **argv)
{
	struct rpc_message m;
	bool is_read = true;
	json_t *params, *answer;

	params = json_array();
	for (int i = 1; i < argc; i++)
		json_array_append_new(params, json_string(argv[i]));
	answer = ctl_ask(c, argv[0], params, o);
	json_decref(params);
	if (!answer) {
		ctl_print_unreachable(c, o);
		return CTL_UNREACHABLE;
	}
	if (json_object_get(answer, "error")) {
		ctl_print_error(c, o, json_object_get(answer, "error"));
		json_decref(answer);
		return CTL_NOT;
	}
	json_decref(answer);
	while (is_read && c->fd >= 0 && ctl_link_read(c, &m, -1) == 1) {
		is_read = write_frames(c, &m);
		ctl_link_next(c, &m);
	}
	if (!is_read)
		return CTL_OK;
	ctl_print_unreachable(c, o);
	return CTL_UNREACHABLE;
}

/* --- the bridge --- */

/* A line is [METHOD, PARAM...]. Return: a new reference, or NULL */
static json_t *read_line(const char *line, const char **method)
{
	json_t *j = json_loads(line, 0, NULL);

	*method = json_string_value(json_array_get(j, 0));
	if (*method)
		return j;
	json_decref(j);
	return NULL;
}

/**
 * ctl_ask_bridge() - Questions from standard input, a line of JSON each
 * @c:	link
 * @o:	options
 *
 * Return: the exit status
 */
int ctl_ask_bridge(struct ctl *c, const struct ctl_options *o)
{
	char *line = NULL;
	size_t room = 0;
	int rc = CTL_OK;

	while (rc != CTL_UNREACHABLE && getline(&line, &room, stdin) > 0) {
		const char *method = NULL;
		json_t *j = read_line(line, &method), *answer;

		if (!j) {
			fputs("colo-ctl: a line is [\"METHOD\", PARAM...]\n",
			      stderr);
			rc = CTL_USAGE;
			continue;
		}
		char *name = strdup(method);

		json_array_remove(j, 0);
		answer = name ? ctl_ask(c, name, j, o) : NULL;
		free(name);
		json_decref(j);
		if (!answer) {
			ctl_print_unreachable(c, o);
			rc = CTL_UNREACHABLE;
			continue;
		}
		json_dumpf(answer, stdout, JSON_COMPACT);
		putchar('\n');
		fflush(stdout);
		json_decref(answer);
	}
	free(line);
	return rc;
}
