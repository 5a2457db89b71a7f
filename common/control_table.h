/* SPDX-License-Identifier: ISC */
#ifndef COLO_CONTROL_TABLE_H
#define COLO_CONTROL_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "rpc.h"

/*
 * What a process can be asked, pure: tables of methods, and the answer to a
 * message.
 */
enum control_type { CONTROL_TEXT, CONTROL_NUMBER, CONTROL_SWITCH, CONTROL_ANY };

#define CONTROL_PARAMS_MAX	4u
#define CONTROL_TABLES_MAX	3u
#define CONTROL_ANSWER_MAX	(1u << 20)	/* bytes */

struct control_param {
	const char *name;	/* NULL: no more of them */
	enum control_type type;
	bool is_optional;	/* then all behind it are, too */
};

/* What a client gets by itself, as fast as it reads. */
struct control_stream {
	bool is_ready;		/* there is something to be sent */
	void (*put)(struct control_stream *s, struct rpc_writer *w);
	void (*close)(struct control_stream *s);
};

/* Who asks. */
struct control_asker {
	struct control_stream *stream;	/* or NULL; closed with the client */
	bool may_change;
	bool is_later;		/* he is not answered yet: ask again, soon */
	void *job;		/* what a method has done so far; NULL at first */
	void (*end_job)(void *job);	/* NULL: it is one piece of memory, for
					   free() */
};

#define CONTROL_LATER 1		/* there is more to do than a turn has time for */

struct control_call {
	const msgpack_object *param[CONTROL_PARAMS_MAX];	/* NULL: left out */
	msgpack_packer *pk;	/* for the one object that is the result */
	struct control_asker *asker;
	char error[256];	/* for people, if it fails */
};

/* A method: a row of a table. */
struct control_method {
	const char *name;	/* NULL ends the table */
	const char *help;	/* one line */
	struct control_param params[CONTROL_PARAMS_MAX];
	bool changes;		/* not for those who may only read */
	/* Return: 0; a negative errno with call->error set; CONTROL_LATER to be
	 * called again with the same, nothing of what it has written is sent */
	int (*call)(void *arg, struct control_call *call);
};

struct control_table {
	struct {
		const struct control_method *methods;
		void *arg;	/* for their call() */
	} v[CONTROL_TABLES_MAX];
	unsigned n;
};

void control_table_add(struct control_table *t,
		       const struct control_method *methods, void *arg);
uint8_t *control_table_answer(const struct control_table *t,
			      const uint8_t *bytes, size_t len,
			      struct control_asker *asker, size_t *answer_len);
void control_table_end_job(struct control_asker *asker);
uint8_t *control_table_refusal(const char *code, const char *text,
			       size_t *answer_len);
void control_table_list(const struct control_table *t, msgpack_packer *pk);

#endif
