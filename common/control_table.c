/* SPDX-License-Identifier: ISC */
#include "control_table.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const type_names[] = {
	[CONTROL_TEXT] = "text", [CONTROL_NUMBER] = "number",
	[CONTROL_SWITCH] = "switch", [CONTROL_ANY] = "any",
};

static bool has_type(const msgpack_object *o, enum control_type type)
{
	switch (type) {
	case CONTROL_TEXT:
		return o->type == MSGPACK_OBJECT_STR;
	case CONTROL_NUMBER:
		return o->type == MSGPACK_OBJECT_POSITIVE_INTEGER;
	case CONTROL_SWITCH:
		return o->type == MSGPACK_OBJECT_BOOLEAN;
	case CONTROL_ANY:
		break;
	}
	return true;
}

/**
 * control_table_add() - Answer one more table of methods
 * @t:		up to CONTROL_TABLES_MAX of them
 * @methods:	borrowed; the last row has no name
 * @arg:	for their call()
 */
void control_table_add(struct control_table *t,
		       const struct control_method *methods, void *arg)
{
	assert(t->n < CONTROL_TABLES_MAX);
	t->v[t->n].methods = methods;
	t->v[t->n++].arg = arg;
}

static unsigned n_params(const struct control_method *m)
{
	unsigned n = 0;

	while (n < CONTROL_PARAMS_MAX && m->params[n].name)
		n++;
	return n;
}

/* Writes `NAME PARAM:TYPE [PARAM:TYPE]`. */
static void usage(const struct control_method *m, char *text, size_t size)
{
	size_t at = (size_t)snprintf(text, size, "%s", m->name);

	for (unsigned i = 0; i < n_params(m) && at < size; i++) {
		const struct control_param *p = &m->params[i];

		at += (size_t)snprintf(text + at, size - at,
				       p->is_optional ? " [%s:%s]" : " %s:%s",
				       p->name, type_names[p->type]);
	}
}

static const struct control_method *find(const struct control_table *t,
					 const msgpack_object_str *name,
					 void **arg)
{
	for (unsigned i = 0; i < t->n; i++) {
		const struct control_method *m = t->v[i].methods;

		for (; m->name; m++) {
			if (!rpc_is(name, m->name))
				continue;
			*arg = t->v[i].arg;
			return m;
		}
	}
	return NULL;
}

/* Return: is the call as the table says? Else call->error says how it is not */
static bool take_params(struct control_call *call,
			const struct control_method *m,
			const msgpack_object_array *params)
{
	unsigned n = n_params(m), n_least = 0;
	char text[128];

	while (n_least < n && !m->params[n_least].is_optional)
		n_least++;
	usage(m, text, sizeof(text));
	if (params->size < n_least || params->size > n) {
		snprintf(call->error, sizeof(call->error),
			 "%u parameters: it is %s", params->size, text);
		return false;
	}
	for (unsigned i = 0; i < params->size; i++) {
		if (!has_type(&params->ptr[i], m->params[i].type)) {
			snprintf(call->error, sizeof(call->error),
				 "%s is no %s: it is %s", m->params[i].name,
				 type_names[m->params[i].type], text);
			return false;
		}
		call->param[i] = &params->ptr[i];
	}
	return true;
}

/* The names of all methods, as far as they fit. */
static void list_names(const struct control_table *t, char *text, size_t size)
{
	size_t at = 0;

	for (unsigned i = 0; i < t->n; i++) {
		const struct control_method *m = t->v[i].methods;

		for (; m->name && at < size; m++)
			at += (size_t)snprintf(text + at, size - at, "%s%s",
					       at ? ", " : "", m->name);
	}
}

static void answer_error(struct rpc_writer *w, const uint64_t *id,
			 const char *code, const char *text)
{
	rpc_writer_fini(w);
	rpc_writer_init(w, CONTROL_ANSWER_MAX);
	rpc_error(w, id, code, text);
}

static void unknown(const struct control_table *t, struct rpc_writer *w,
		    const struct rpc_message *m)
{
	char names[512] = "", text[640];

	list_names(t, names, sizeof(names));
	snprintf(text, sizeof(text), "%.*s: there are %s",
		 m->method.size < 64 ? (int)m->method.size : 64, m->method.ptr,
		 names);
	answer_error(w, &m->id, "unknown-method", text);
}

/* What a method has written is one object, or it is thrown away. */
static void finish(struct rpc_writer *w, const struct rpc_message *m, int err,
		   const struct control_call *call)
{
	if (err < 0)
		answer_error(w, &m->id, "failed", call->error);
	else if (w->is_over)
		answer_error(w, &m->id, "too-large",
			     "the answer has more than 1 MiB");
}

/**
 * control_table_end_job() - An asker is answered, or has gone
 * @asker:	whose job is given up, if there is one
 */
void control_table_end_job(struct control_asker *asker)
{
	if (asker->end_job)
		asker->end_job(asker->job);
	else
		free(asker->job);
	asker->job = NULL;
	asker->end_job = NULL;
}

/* Let a method go on with its work, or begin it. */
static void call_method(const struct control_method *method, void *arg,
			struct rpc_writer *w, const struct rpc_message *m,
			struct control_call *call)
{
	struct control_asker *asker = call->asker;
	int err;

	rpc_result(w, m->id);
	err = method->call(arg, call);
	asker->is_later = err == CONTROL_LATER;
	if (asker->is_later)
		return;
	control_table_end_job(asker);
	finish(w, m, err, call);
}

static void answer_request(const struct control_table *t,
			   struct rpc_writer *w, const struct rpc_message *m,
			   struct control_asker *asker)
{
	struct control_call call = { .pk = &w->pk, .asker = asker };
	void *arg = NULL;
	const struct control_method *method = find(t, &m->method, &arg);

	if (!method) {
		unknown(t, w, m);
	} else if (method->changes && !asker->may_change) {
		answer_error(w, &m->id, "not-allowed", "only root and the user "
			     "of this process may do that; others may read");
	} else if (!take_params(&call, method, &m->params)) {
		answer_error(w, &m->id, "bad-params", call.error);
	} else {
		call_method(method, arg, w, m, &call);
	}
}

/**
 * control_table_refusal() - The answer to what is no message
 * @code:	one word, for programs
 * @text:	a line, for people
 * @answer_len:	set to the bytes of the answer, its length prefix included
 *
 * Return: the answer, for free(); NULL when memory has ended
 */
uint8_t *control_table_refusal(const char *code, const char *text,
			       size_t *answer_len)
{
	struct rpc_writer w;
	uint8_t *answer;

	rpc_writer_init(&w, CONTROL_ANSWER_MAX);
	rpc_error(&w, NULL, code, text);
	answer = rpc_take(&w, answer_len);
	rpc_writer_fini(&w);
	return answer;
}

/**
 * control_table_answer() - Do what a message asks for
 * @t:		what can be asked
 * @bytes:	the message, without its length
 * @len:	how many
 * @asker:	who has sent it; gets the method's job, which ends with the
 *		answer
 * @answer_len:	set to the bytes of the answer, its length prefix included
 *
 * Return: the answer, for free(); an error if the message is none that asks.
 * NULL when memory has ended, or when the asker is_later
 */
uint8_t *control_table_answer(const struct control_table *t,
			      const uint8_t *bytes, size_t len,
			      struct control_asker *asker, size_t *answer_len)
{
	struct rpc_message m;
	struct rpc_writer w;
	const char *why;
	uint8_t *answer = NULL;

	asker->is_later = false;
	if (rpc_parse(&m, bytes, len, &why) < 0)
		return control_table_refusal("malformed", why, answer_len);
	rpc_writer_init(&w, CONTROL_ANSWER_MAX);
	if (m.kind == RPC_REQUEST)
		answer_request(t, &w, &m, asker);
	else
		rpc_error(&w, NULL, "malformed", "only requests are answered");
	if (!asker->is_later)
		answer = rpc_take(&w, answer_len);
	rpc_writer_fini(&w);
	rpc_message_fini(&m);
	return answer;
}

static void list_method(const struct control_method *m, msgpack_packer *pk)
{
	unsigned n = n_params(m);

	rpc_map(pk, 4);
	rpc_str(pk, "name");
	rpc_str(pk, m->name);
	rpc_str(pk, "level");
	rpc_str(pk, m->changes ? "change" : "read");
	rpc_str(pk, "help");
	rpc_str(pk, m->help);
	rpc_str(pk, "params");
	rpc_array(pk, n);
	for (unsigned i = 0; i < n; i++) {
		rpc_map(pk, 3);
		rpc_str(pk, "name");
		rpc_str(pk, m->params[i].name);
		rpc_str(pk, "type");
		rpc_str(pk, type_names[m->params[i].type]);
		rpc_str(pk, "optional");
		rpc_bool(pk, m->params[i].is_optional);
	}
}

/**
 * control_table_list() - Write what can be asked
 * @t:		the methods
 * @pk:		gets an array, a map for each method
 */
void control_table_list(const struct control_table *t, msgpack_packer *pk)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < t->n; i++) {
		const struct control_method *m = t->v[i].methods;

		for (; m->name; m++)
			n++;
	}
	rpc_array(pk, n);
	for (unsigned i = 0; i < t->n; i++) {
		const struct control_method *m = t->v[i].methods;

		for (; m->name; m++)
			list_method(m, pk);
	}
}
