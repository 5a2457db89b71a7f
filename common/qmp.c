/* SPDX-License-Identifier: ISC */
/*
 * A connection is silent until the server's greeting, greeted until
 * qmp_capabilities is answered, then negotiated until its end. Events come at
 * any time between answers; an answer is known by the id of its command.
 *
 * Limits: a line of QMP_LINE_MAX bytes, QMP_PENDING_MAX commands under way, and
 * the nesting that jansson allows (2048). A server that breaks a rule has
 * broken the connection: qmp_input() says how, and the caller begins anew.
 */
#include "qmp.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/**
 * qmp_reset() - A new connection: nothing has been said, nothing is under way
 * @q:		The protocol's state; ids go on, so that no answer is mistaken
 */
void qmp_reset(struct qmp *q)
{
	q->state = QMP_SILENT;
	q->n_pending = 0;
	q->len = 0;
	*q->error = '\0';
}

static int bad(struct qmp *q, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int bad(struct qmp *q, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(q->error, sizeof(q->error), fmt, ap);
	va_end(ap);
	return -EPROTO;
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* Takes the command that @id belongs to off the list. */
static int answered(struct qmp *q, const json_t *id, uint64_t *tag)
{
	uint64_t n = (uint64_t)json_integer_value(id);

	for (unsigned i = 0; json_is_integer(id) && i < q->n_pending; i++) {
		if (q->pending[i].id != n)
			continue;
		*tag = q->pending[i].tag;
		q->n_pending--;
		memmove(q->pending + i, q->pending + i + 1,
			(q->n_pending - i) * sizeof(*q->pending));
		return 0;
	}
	return -ENOENT;
}

static int on_greeting(struct qmp *q, const struct qmp_handler *handler)
{
	const struct qmp_message m = { .kind = QMP_GREETING };

	if (q->state != QMP_SILENT)
		return bad(q, "a second greeting");
	q->state = QMP_GREETED;
	handler->on_message(handler->arg, &m);
	return 0;
}

static int on_answer(struct qmp *q, const json_t *line,
		     const struct qmp_handler *handler)
{
	const json_t *error = json_object_get(line, "error");
	struct qmp_message m = {
		.kind = error ? QMP_ERROR : QMP_RETURN,
		.name = text_of(error, "class"),
		.text = text_of(error, "desc"),
		.data = json_object_get(line, "return"),
	};

	if (answered(q, json_object_get(line, "id"), &m.tag) < 0)
		return bad(q, "an answer to no command%s%s",
			   *m.text ? ": " : "", m.text);
	if (q->state == QMP_GREETED) {
		if (error)
			return bad(q, "qmp_capabilities: %s", m.text);
		q->state = QMP_NEGOTIATED;
		m.kind = QMP_READY;
	}
	handler->on_message(handler->arg, &m);
	return 0;
}

static int on_event(struct qmp *q, const json_t *line,
		    const struct qmp_handler *handler)
{
	const struct qmp_message m = {
		.kind = QMP_EVENT,
		.name = text_of(line, "event"),
		.data = json_object_get(line, "data"),
	};

	if (q->state == QMP_SILENT)
		return bad(q, "an event before the greeting");
	handler->on_message(handler->arg, &m);
	return 0;
}

static int on_object(struct qmp *q, const json_t *line,
		     const struct qmp_handler *handler)
{
	if (json_object_get(line, "QMP"))
		return on_greeting(q, handler);
	if (json_object_get(line, "event"))
		return on_event(q, line, handler);
	if (json_object_get(line, "return") || json_object_get(line, "error"))
		return on_answer(q, line, handler);
	return bad(q, "neither a greeting, an event nor an answer");
}

static bool is_blank(const char *text, size_t len)
{
	return strspn(text, " \t\r") >= len;
}

/* q->line has a terminator behind it. */
static int on_line(struct qmp *q, const struct qmp_handler *handler)
{
	json_error_t error;
	json_t *line;
	int err;

	if (is_blank(q->line, q->len))
		return 0;
	line = json_loadb(q->line, q->len, JSON_REJECT_DUPLICATES, &error);
	if (!line)
		return bad(q, "not JSON: %s", error.text);
	if (json_is_object(line))
		err = on_object(q, line, handler);
	else
		err = bad(q, "not an object");
	json_decref(line);
	return err;
}

/**
 * qmp_input() - Bytes from the server
 * @q:		The protocol's state
 * @bytes:	As they came, cut anywhere
 * @len:	How many
 * @handler:	Is called for each message that is complete
 *
 * Return: 0, or -EPROTO with the reason in @q->error: the connection is of no
 * use any more
 */
int qmp_input(struct qmp *q, const char *bytes, size_t len,
	      const struct qmp_handler *handler)
{
	while (len) {
		const char *end = memchr(bytes, '\n', len);
		size_t n = end ? (size_t)(end - bytes) : len;
		int err;

		if (q->len + n >= sizeof(q->line))
			return bad(q, "a line of more than %u bytes",
				   QMP_LINE_MAX - 1);
		memcpy(q->line + q->len, bytes, n);
		q->len += n;
		if (!end)
			return 0;
		q->line[q->len] = '\0';
		err = on_line(q, handler);
		if (err < 0)
			return err;
		q->len = 0;
		bytes += n + 1;
		len -= n + 1;
	}
	return 0;
}

static int add_command(struct qmp *q, uint64_t tag, json_t *command,
		       char **text)
{
	char *dump = NULL;
	size_t len;

	if (q->n_pending == QMP_PENDING_MAX) {
		json_decref(command);
		return -EBUSY;
	}
	if (command)
		dump = json_dumps(command, JSON_COMPACT);
	json_decref(command);
	len = dump ? strlen(dump) : 0;
	*text = dump ? realloc(dump, len + 2) : NULL;
	if (!*text)
		abort();
	memcpy(*text + len, "\n", 2);
	q->pending[q->n_pending].id = q->last_id;
	q->pending[q->n_pending++].tag = tag;
	return 0;
}

/**
 * qmp_negotiate() - The answer to the greeting
 * @q:		The protocol's state
 * @text:	Gets what is to be sent; the caller frees it with free()
 *
 * Return: 0 or -EBUSY
 */
int qmp_negotiate(struct qmp *q, char **text)
{
	return add_command(q, 0, json_pack("{s:s, s:I}", "execute",
					   "qmp_capabilities", "id",
					   (json_int_t)++q->last_id), text);
}

/**
 * qmp_command() - A command for the server
 * @q:		The protocol's state
 * @tag:	Comes with the answer
 * @execute:	The command's name
 * @arguments:	An object, taken over; or NULL
 * @text:	Gets what is to be sent; the caller frees it with free()
 *
 * Return: 0, -ENOTCONN before QMP_READY, -EBUSY when too many commands have
 * not been answered
 */
int qmp_command(struct qmp *q, uint64_t tag, const char *execute,
		json_t *arguments, char **text)
{
	if (q->state != QMP_NEGOTIATED) {
		json_decref(arguments);
		return -ENOTCONN;
	}
	/* o* leaves a NULL out, and takes what is none */
	return add_command(q, tag, json_pack("{s:s, s:I, s:o*}", "execute",
					     execute, "id",
					     (json_int_t)++q->last_id,
					     "arguments", arguments), text);
}
