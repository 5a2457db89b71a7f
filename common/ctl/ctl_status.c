/* SPDX-License-Identifier: ISC */
/* One verdict over all processes of a host: that of the worst of them. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ctl.h"

#define UNREACHABLE "UNREACHABLE"
#define POLL_MS 100

/* From good to bad. A state that is not known here is the worst of those that
 * a process can be in. */
static const char *const states[] = {
	"PROTECTED", "FAILOVER", "SYNCING", "HOLDING", "UNPROTECTED",
};
#define N_STATES (sizeof(states) / sizeof(*states))

static unsigned rank(const char *state)
{
	unsigned i = 0;

	while (i < N_STATES && strcmp(states[i], state) != 0)
		i++;
	return strcmp(state, UNREACHABLE) ? i : N_STATES + 1;
}

static const char *text_of(const json_t *answer, const char *key)
{
	const char *text = json_string_value(
		json_object_get(json_object_get(answer, "result"), key));

	return text ? text : "";
}

/* Return: {"result": {"state", "text", ...}}, whatever happens */
static json_t *ask(struct ctl *c, const struct ctl_options *o)
{
	json_t *none = json_array();
	json_t *answer = ctl_ask(c, "status", none, o);
	char text[256];

	json_decref(none);
	if (answer && *text_of(answer, "state"))
		return answer;
	json_decref(answer);
	snprintf(text, sizeof(text), UNREACHABLE ": %s: %s", c->path,
		 *c->error ? c->error : "it does not know status");
	return json_pack("{s:{s:s, s:s}}", "result", "state", UNREACHABLE,
			 "text", text);
}

static unsigned ask_all(struct ctl *v, unsigned n, const struct ctl_options *o,
			json_t **answers)
{
	unsigned worst = 0;

	for (unsigned i = 0; i < n; i++) {
		answers[i] = ask(&v[i], o);
		if (rank(text_of(answers[i], "state")) >
		    rank(text_of(answers[worst], "state")))
			worst = i;
	}
	return worst;
}

static int exit_status(const json_t *worst)
{
	unsigned r = rank(text_of(worst, "state"));

	if (r > N_STATES)
		return CTL_UNREACHABLE;
	return r ? CTL_NOT : CTL_OK;
}

static void print_all(const struct ctl *v, unsigned n, json_t *const *answers)
{
	int width = 0;

	for (unsigned i = 0; i < n; i++) {
		if ((int)strlen(v[i].name) > width)
			width = (int)strlen(v[i].name);
	}
	for (unsigned i = 0; i < n; i++)
		printf("%-*s  %s\n", width, v[i].name,
		       text_of(answers[i], "text"));
}

/**
 * ctl_status() - Print the verdict, and that of each process
 * @v:	links
 * @n:	how many
 * @o:	options
 *
 * Return: the exit status
 */
int ctl_status(struct ctl *v, unsigned n, const struct ctl_options *o)
{
	json_t *answers[CTL_SOCKETS_MAX];
	unsigned worst = ask_all(v, n, o, answers);
	int rc = exit_status(answers[worst]);

	if (o->is_json) {
		for (unsigned i = 0; i < n; i++)
			ctl_print_json(v[i].name, "result",
				       json_object_get(answers[i], "result"));
	} else {
		printf("%s\n", text_of(answers[worst], "text"));
		if (n > 1)
			print_all(v, n, answers);
	}
	for (unsigned i = 0; i < n; i++)
		json_decref(answers[i]);
	return rc;
}

static void nap(void)
{
	const struct timespec ts = { 0, POLL_MS * 1000000L };

	nanosleep(&ts, NULL);
}

static time_t seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* Is each process in that state? One that was not there may be by now. */
static bool are_all(struct ctl *v, unsigned n, const struct ctl_options *o,
		    const char *state)
{
	bool all = true;

	for (unsigned i = 0; i < n && all; i++) {
		json_t *answer;

		if (v[i].fd < 0) {
			ctl_link_close(&v[i]);
			ctl_link_open(&v[i], v[i].path);
		}
		answer = ask(&v[i], o);
		all = !strcasecmp(text_of(answer, "state"), state);
		json_decref(answer);
	}
	return all;
}

/**
 * ctl_status_wait() - Wait until all processes are in a state
 * @v:		links; those that are down are tried again
 * @n:		how many
 * @o:		options: for how long
 * @state:	its name, in any case
 *
 * Return: the exit status: CTL_NOT when the time is over
 */
int ctl_status_wait(struct ctl *v, unsigned n, const struct ctl_options *o,
		    const char *state)
{
	time_t end = seconds() + o->timeout_s;

	while (!are_all(v, n, o, state)) {
		if (seconds() >= end) {
			ctl_status(v, n, o);
			return CTL_NOT;
		}
		nap();
	}
	return CTL_OK;
}
