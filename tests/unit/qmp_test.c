/* SPDX-License-Identifier: ISC */
#include "../../common/qmp.h"

#include <errno.h>

#include "test.h"

#define GREETING "{\"QMP\": {\"version\": {}, \"capabilities\": [\"oob\"]}}\r\n"

/* What came, a line each. */
static char said[4096];

static void on_message(void *arg, const struct qmp_message *m)
{
	static const char *const kinds[] = { "greeting", "ready", "event",
					     "return", "error" };
	char *data = m->data ? json_dumps(m->data, JSON_COMPACT) : NULL;
	size_t at = strlen(said);

	(void)arg;
	snprintf(said + at, sizeof(said) - at, "%s %d %s %s %s\n",
		 kinds[m->kind], (int)m->tag, m->name ? m->name : "-",
		 m->text ? m->text : "-", data ? data : "-");
	free(data);
}

static const struct qmp_handler handler = { on_message, NULL };

static int hear(struct qmp *q, const char *text)
{
	return qmp_input(q, text, strlen(text), &handler);
}

static struct qmp *begin(void)
{
	static struct qmp q;

	memset(&q, 0, sizeof(q));
	qmp_reset(&q);
	*said = '\0';
	return &q;
}

static char *command;

/* The call before it put it into `command`. */
static void send_is(int err, const char *expected)
{
	CHECK_EQ(err, 0);
	CHECK(!strcmp(command, expected));
	free(command);
}

/* Greeted and negotiated; its last id is 1. */
static struct qmp *negotiated(void)
{
	struct qmp *q = begin();

	CHECK_EQ(hear(q, GREETING), 0);
	send_is(qmp_negotiate(q, &command),
		"{\"execute\":\"qmp_capabilities\",\"id\":1}\n");
	CHECK_EQ(hear(q, "{\"return\": {}, \"id\": 1}\r\n"), 0);
	*said = '\0';
	return q;
}

static void a_conversation(void)
{
	struct qmp *q = negotiated();

	send_is(qmp_command(q, 70, "query-status", NULL, &command),
		"{\"execute\":\"query-status\",\"id\":2}\n");
	send_is(qmp_command(q, 71, "x", json_pack("{s:i}", "a", 1), &command),
		"{\"execute\":\"x\",\"id\":3,\"arguments\":{\"a\":1}}\n");
	CHECK_EQ(hear(q, "{\"timestamp\": {}, \"event\": \"STOP\"}\r\n"
			 "{\"return\": {\"s\": 1}, \"id\": 3}\r\n"
			 "{\"event\": \"E\", \"data\": [2]}\r\n"
			 "{\"error\": {\"class\": \"C\", \"desc\": \"d\"}, "
			 "\"id\": 2}\r\n"), 0);
	CHECK(!strcmp(said, "event 0 STOP - -\n"
			    "return 71   {\"s\":1}\n"
			    "event 0 E - [2]\n"
			    "error 70 C d -\n"));
	CHECK_EQ(q->n_pending, 0);
}

static void every_split(void)
{
	static const char text[] = GREETING
		"{\"event\": \"A\"}\r\n\n \t\r\n{\"event\": \"B\"}\n";

	for (size_t at = 0; at < sizeof(text) - 1; at++) {
		struct qmp *q = begin();

		CHECK_EQ(qmp_input(q, text, at, &handler), 0);
		CHECK_EQ(qmp_input(q, text + at, sizeof(text) - 1 - at,
				   &handler), 0);
		CHECK(!strcmp(said, "greeting 0 - - -\nevent 0 A - -\n"
				    "event 0 B - -\n"));
	}
}

static void is_bad(const char *text, const char *why)
{
	struct qmp *q = negotiated();

	CHECK_EQ(hear(q, text), -EPROTO);
	if (strncmp(q->error, why, strlen(why))) {
		fprintf(stderr, "%s: %s, not %s\n", text, q->error, why);
		exit(1);
	}
}

static void what_is_no_message(void)
{
	static char deep[6000];

	is_bad("x\n", "not JSON");
	is_bad("{\"event\"\n", "not JSON");
	is_bad("{\"event\": \"A\", \"event\": \"B\"}\n", "not JSON");
	is_bad("[]\n", "not an object");
	is_bad("{}\n", "neither");
	is_bad("{\"QMP\": {}}\n", "a second greeting");
	is_bad("{\"return\": {}}\n", "an answer to no command");
	is_bad("{\"return\": {}, \"id\": 1}\n", "an answer to no command");
	is_bad("{\"return\": {}, \"id\": \"1\"}\n", "an answer to no command");
	is_bad("{\"error\": {\"class\": \"C\", \"desc\": \"oh\"}}\n",
	       "an answer to no command: oh");
	memset(deep, '[', sizeof(deep) - 2);
	deep[sizeof(deep) - 2] = '\n';
	is_bad(deep, "not JSON: maximum parsing depth");
	CHECK_EQ(qmp_input(negotiated(), "{\0}\n", 4, &handler), -EPROTO);
}

static void odd_values_do_no_harm(void)
{
	struct qmp *q = negotiated();

	send_is(qmp_command(q, 7, "x", NULL, &command),
		"{\"execute\":\"x\",\"id\":2}\n");
	CHECK_EQ(hear(q, "{\"event\": 5}\n{\"event\": null}\n"
			 "{\"error\": 1, \"id\": 2}\n"), 0);
	CHECK(!strcmp(said, "event 0  - -\nevent 0  - -\nerror 7   -\n"));
}

static void before_the_greeting(void)
{
	struct qmp *q = begin();

	CHECK_EQ(qmp_command(q, 1, "x", NULL, &command), -ENOTCONN);
	CHECK_EQ(qmp_command(q, 1, "x", json_object(), &command), -ENOTCONN);
	CHECK_EQ(hear(q, "{\"event\": \"A\"}\n"), -EPROTO);
	q = begin();
	CHECK_EQ(hear(q, GREETING), 0);
	CHECK_EQ(qmp_negotiate(q, &command), 0);
	free(command);
	CHECK_EQ(hear(q, "{\"error\": {\"desc\": \"no\"}, \"id\": 1}\n"),
		 -EPROTO);
	CHECK(!strcmp(q->error, "qmp_capabilities: no"));
}

static void a_line_has_a_bound(void)
{
	static char line[QMP_LINE_MAX + 1];
	struct qmp *q = negotiated();

	memset(line, ' ', sizeof(line));
	line[QMP_LINE_MAX - 1] = '\n';
	CHECK_EQ(qmp_input(q, line, QMP_LINE_MAX, &handler), 0);
	line[QMP_LINE_MAX - 1] = ' ';
	CHECK_EQ(qmp_input(q, line, QMP_LINE_MAX - 1, &handler), 0);
	CHECK_EQ(qmp_input(q, " ", 1, &handler), -EPROTO);
}

static void commands_have_a_bound(void)
{
	struct qmp *q = negotiated();

	for (unsigned i = 0; i < QMP_PENDING_MAX; i++) {
		CHECK_EQ(qmp_command(q, i, "x", NULL, &command), 0);
		free(command);
	}
	CHECK_EQ(qmp_command(q, 1, "x", json_object(), &command), -EBUSY);
	/* each is answered once */
	CHECK_EQ(hear(q, "{\"return\": {}, \"id\": 9}\n"), 0);
	CHECK_EQ(q->n_pending, QMP_PENDING_MAX - 1);
	CHECK_EQ(hear(q, "{\"return\": {}, \"id\": 9}\n"), -EPROTO);
	qmp_reset(q);
	CHECK_EQ(q->n_pending, 0);
}

int main(void)
{
	TEST(a_conversation);
	TEST(every_split);
	TEST(what_is_no_message);
	TEST(odd_values_do_no_harm);
	TEST(before_the_greeting);
	TEST(a_line_has_a_bound);
	TEST(commands_have_a_bound);
	return TEST_END();
}
