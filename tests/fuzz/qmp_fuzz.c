/* SPDX-License-Identifier: ISC */
#include <assert.h>
#include <stdio.h>

#include "../../common/qmp.h"
#include "../../common/vmstate.h"
#include "fuzz.h"

/* What the messages make of a guest: as qemu.c does it, without a loop. */
struct guest {
	struct vmstate vm;
	bool is_open;
};

static void check(struct guest *g, unsigned did)
{
	unsigned ends = did & (VMSTATE_CHECKPOINT | VMSTATE_CONTINUED);

	assert(!(ends & (ends - 1)));
	assert(!ends || g->is_open);
	if (ends)
		g->is_open = false;
	assert(!(did & VMSTATE_STOPPED) || !g->is_open);
	if (did & VMSTATE_STOPPED)
		g->is_open = true;
	assert(g->is_open == g->vm.is_open);
}

static const char *status_of(const struct qmp_message *m)
{
	const char *text = json_string_value(json_object_get(m->data,
							     "status"));

	return text ? text : "";
}

static void on_message(void *arg, const struct qmp_message *m)
{
	struct guest *g = arg;

	if (m->kind == QMP_READY)
		check(g, vmstate_up(&g->vm, true));
	else if (m->kind == QMP_ERROR)
		check(g, vmstate_overdue(&g->vm));
	else if (m->kind == QMP_RETURN && m->tag & 1)
		check(g, vmstate_on_status(&g->vm, g->vm.serial,
					   status_of(m)));
	else if (m->kind == QMP_RETURN)
		check(g, vmstate_on_colo(&g->vm, g->vm.serial, m->tag & 2));
	else if (m->kind == QMP_EVENT && !strcmp(m->name, "STOP"))
		check(g, vmstate_stop(&g->vm));
	else if (m->kind == QMP_EVENT && !strcmp(m->name, "RESUME"))
		check(g, vmstate_resume(&g->vm));
	else if (m->kind == QMP_EVENT && !strcmp(m->name, "COLO_EXIT"))
		check(g, vmstate_exit(&g->vm));
}

static void ask(struct qmp *q, uint64_t tag)
{
	char *text;
	int err = q->state == QMP_GREETED ? qmp_negotiate(q, &text) :
		  qmp_command(q, tag, "x", tag & 4 ? json_object() : NULL,
			      &text);

	if (err == 0)
		free(text);
}

/* What free bytes would seldom be; %u is the id of the last command. */
static const char *const lines[] = {
	"{\"QMP\": {\"version\": {}}}\n",
	"{\"return\": {}, \"id\": %u}\n",
	"{\"return\": {\"status\": \"colo\"}, \"id\": %u}\n",
	"{\"return\": {\"status\": \"running\"}, \"id\": %u}\n",
	"{\"return\": {\"status\": \"inmigrate\"}, \"id\": %u}\n",
	"{\"return\": {\"status\": 1}, \"id\": %u}\n",
	"{\"error\": {\"class\": \"C\"}, \"id\": %u}\n",
	"{\"event\": \"STOP\"}\n",
	"{\"event\": \"RESUME\"}\n",
	"{\"event\": \"COLO_EXIT\"}\n",
};
#define N_LINES (sizeof(lines) / sizeof(*lines))

static void hear(struct qmp *q, struct guest *g, const char *bytes, size_t len)
{
	const struct qmp_handler handler = { on_message, g };

	if (qmp_input(q, bytes, len, &handler) < 0) {
		assert(*q->error);
		qmp_reset(q);
		vmstate_down(&g->vm);
	}
	assert(q->len < QMP_LINE_MAX);
	assert(q->n_pending <= QMP_PENDING_MAX);
}

/* Steps: one of the lines, or a number of bytes; behind each a command. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct qmp q;
	struct guest g = { 0 };
	struct fuzz z = { data, size };

	q.last_id = 0;
	qmp_reset(&q);
	while (z.left) {
		size_t op = fuzz_byte(&z), len = op < z.left ? op : z.left;
		char line[128];

		if (op < N_LINES) {
			/* NOLINTNEXTLINE(clang-diagnostic-format-nonliteral) */
			snprintf(line, sizeof(line), lines[op],
				 (unsigned)q.last_id);
			hear(&q, &g, line, strlen(line));
		} else {
			hear(&q, &g, (const char *)z.at, len);
			z.at += len;
			z.left -= len;
		}
		ask(&q, op);
	}
	return 0;
}
