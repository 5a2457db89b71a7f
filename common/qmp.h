/* SPDX-License-Identifier: ISC */
#ifndef COLO_QMP_H
#define COLO_QMP_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/*
 * QEMU's Machine Protocol, the client's side, pure: bytes in, messages and the
 * text of commands out. A message is a line of JSON.
 */
#define QMP_LINE_MAX 65536u	/* bytes of a message */
#define QMP_PENDING_MAX 16u	/* commands not answered yet */

enum qmp_kind {
	QMP_GREETING,		/* the caller sends qmp_negotiate() */
	QMP_READY,		/* commands may be sent from now on */
	QMP_EVENT,
	QMP_RETURN,
	QMP_ERROR,
};

struct qmp_message {		/* borrowed, all of it */
	enum qmp_kind kind;
	uint64_t tag;		/* of the command that is answered */
	const char *name;	/* of the event; the error's class */
	const char *text;	/* the error's description */
	const json_t *data;	/* of the event, or what is returned; or NULL */
};

enum qmp_state { QMP_SILENT, QMP_GREETED, QMP_NEGOTIATED };

struct qmp_pending {
	uint64_t id, tag;
};

struct qmp {
	enum qmp_state state;
	uint64_t last_id;	/* of commands; never used again */
	unsigned n_pending;
	struct qmp_pending pending[QMP_PENDING_MAX];
	char error[192];	/* what qmp_input() did not like */
	size_t len;		/* of what has come of a line */
	char line[QMP_LINE_MAX];
};

struct qmp_handler {
	void (*on_message)(void *arg, const struct qmp_message *m);
	void *arg;
};

void qmp_reset(struct qmp *q);
int qmp_input(struct qmp *q, const char *bytes, size_t len,
	      const struct qmp_handler *handler);
int qmp_negotiate(struct qmp *q, char **text);
int qmp_command(struct qmp *q, uint64_t tag, const char *execute,
		json_t *arguments, char **text);

#endif
