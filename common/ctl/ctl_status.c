/* SPDX-License-Identifier: ISC */
/* One verdict over all processes of a host: that of the worst of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"

#define UNREACHABLE CTL_STATUS_UNREACHABLE
#define POLL_MS 100
#define WATCH_MS 1000	/* a new reason within a state is no event */

/* From good to bad. A state that is not known here is the worst of those that
 * a process can be in. */
static const char *const states[] = {
	"PROTECTED", "FAILOVER", "SYNCING", "HOLDING", "UNPROTECTED",
};
#define N_STATES (sizeof(states) / sizeof(*states))

/**
 * ctl_status_rank() - How bad is a state?
 * @state:	its name
 *
 * Return: 0 for the best; one that is not known is worse than all that are, and that
 * a process cannot be reached is the worst
 */
unsigned ctl_status_rank(const char *state)
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

static json_t *ask_status(struct ctl *c, const struct ctl_options *o)
{
	json_t *none = json_array();
	json_t *answer = ctl_ask(c, "status", none, o);
	char text[512];

	json_decref(none);
	if (answer && *text_of(answer, "state"))
		return answer;
	json_decref(answer);
	snprintf(text, sizeof(text), UNREACHABLE ": %s: %s", c->path,
		 *c->error ? c->error : "it does not know status");
	return json_pack("{s:{s:s, s:s}}", "result", "state", UNREACHABLE,
			 "text", text);
}

/* Return: {"result": {"state", "text", ...}}, whatever happens; with "runner" if it has
 * one */
static json_t *ask(struct ctl *c, const struct ctl_options *o)
{
	json_t *answer = ask_status(c, o);

	json_object_set_new(json_object_get(answer, "result"), "runner",
			    ctl_runner_line(c->path));
	return answer;
}

static unsigned ask_all(struct ctl *v, unsigned n, const struct ctl_options *o,
			json_t **answers)
{
	unsigned worst = 0;

	for (unsigned i = 0; i < n; i++) {
		answers[i] = ask(&v[i], o);
		if (ctl_status_rank(text_of(answers[i], "state")) >
		    ctl_status_rank(text_of(answers[worst], "state")))
			worst = i;
	}
	return worst;
}

static int exit_status(const json_t *worst)
{
	unsigned r = ctl_status_rank(text_of(worst, "state"));

	if (r > N_STATES)
		return CTL_UNREACHABLE;
	return r ? CTL_NOT : CTL_OK;
}

static int longer(int width, const char *name)
{
	return (int)strlen(name) > width ? (int)strlen(name) : width;
}

static void print_line(int width, const char *name, const char *text,
		       const json_t *runner)
{
	char *more = runner ? ctl_runner_text(runner) : NULL;

	if (*text && more)
		printf("%-*s  %s (%s)\n", width, name, text, more);
	else
		printf("%-*s  %s\n", width, name, more ? more : text);
	free(more);
}

/* Why a process is unreachable says its runner, too. */
static const json_t *runner_of(const json_t *answer)
{
	const json_t *result = json_object_get(answer, "result");

	return strcmp(text_of(answer, "state"), UNREACHABLE) ?
		json_object_get(result, "runner") : NULL;
}

static void print_all(const struct ctl *v, unsigned n, json_t *const *answers,
		      const json_t *others)
{
	int width = 0;
	const json_t *line;
	const char *name;

	for (unsigned i = 0; i < n; i++)
		width = longer(width, v[i].name);
	json_object_foreach((json_t *)others, name, line) {
		width = longer(width, name);
	}
	for (unsigned i = 0; i < n; i++)
		print_line(width, v[i].name, text_of(answers[i], "text"),
			   runner_of(answers[i]));
	json_object_foreach((json_t *)others, name, line) {
		print_line(width, name, "", line);
	}
}

static void print_json(const struct ctl *v, unsigned n, json_t *const *answers,
		       const json_t *others)
{
	json_t *line;
	const char *name;

	for (unsigned i = 0; i < n; i++)
		ctl_print_json(v[i].name, "result",
			       json_object_get(answers[i], "result"));
	json_object_foreach((json_t *)others, name, line) {
		json_t *result = json_pack("{s:O}", "runner", line);

		ctl_print_json(name, "result", result);
		json_decref(result);
	}
}

static void print(const struct ctl *v, unsigned n, const struct ctl_options *o,
		  json_t *const *answers, unsigned worst)
{
	json_t *others = ctl_find_others(o);

	if (o->is_json) {
		print_json(v, n, answers, others);
	} else {
		printf("%s\n", text_of(answers[worst], "text"));
		/* whoever has said which one wants its verdict */
		if (n > 1 || (o->is_found && (json_object_size(others) ||
					      runner_of(answers[0]))))
			print_all(v, n, answers, others);
	}
	json_decref(others);
}

static void forget(json_t **answers, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		json_decref(answers[i]);
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
	json_t *answers[CTL_SOCKETS_MAX] = { NULL };
	unsigned worst = ask_all(v, n, o, answers);
	int rc = exit_status(answers[worst]);

	print(v, n, o, answers, worst);
	forget(answers, n);
	return rc;
}

static void nap(unsigned ms)
{
	const struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&ts, NULL);
}

/* Is each process in that state? One that was not there may be by now. */
static bool are_all(struct ctl *v, unsigned n, const struct ctl_options *o,
		    const char *state)
{
	bool all = true;

	for (unsigned i = 0; i < n && all; i++) {
		json_t *answer;

		if (v[i].fd < 0)
			ctl_link_reopen(&v[i]);
		answer = ask(&v[i], o);
		all = !strcasecmp(text_of(answer, "state"), state);
		json_decref(answer);
	}
	return all;
}

/* A name that no process ever says would be waited for in vain. */
static bool is_state(const char *name)
{
	for (unsigned i = 0; i < N_STATES; i++)
		if (!strcasecmp(states[i], name))
			return true;
	fprintf(stderr, "colo-ctl: wait: %s is no state; these are:", name);
	for (unsigned i = 0; i < N_STATES; i++)
		fprintf(stderr, " %s", states[i]);
	fputc('\n', stderr);
	return false;
}

/**
 * ctl_status_wait() - Wait until all processes are in a state
 * @v:		links; those that are down are tried again, and new ones are
 *		looked for
 * @o:		options: for how long
 * @state:	its name, in any case
 *
 * Return: the exit status: CTL_NOT when the time is over, CTL_USAGE when there is no
 * such state
 */
int ctl_status_wait(struct ctl *v, struct ctl_options *o, const char *state)
{
	uint64_t end_ms = ctl_signal_now_ms() + o->timeout_s * UINT64_C(1000);

	if (!is_state(state))
		return CTL_USAGE;
	while (!are_all(v, ctl_find_more(o, v), o, state)) {
		if (ctl_signal_now_ms() >= end_ms) {
			ctl_status(v, o->n_sockets, o);
			return CTL_NOT;
		}
		nap(POLL_MS);
	}
	return CTL_OK;
}

/* --- status -w --- */

/* The part of a verdict that does not grow by the second: its reason. */
static const char *reason_of(const json_t *answer)
{
	const char *colon = strstr(text_of(answer, "text"), ": ");

	return colon ? colon : "";
}

static bool is_same(const json_t *a, const json_t *b)
{
	return !strcmp(text_of(a, "state"), text_of(b, "state")) &&
	       !strcmp(reason_of(a), reason_of(b));
}

static void subscribe(struct ctl *c, const struct ctl_options *o)
{
	json_t *none = json_array();

	json_decref(ctl_ask(c, "subscribe", none, o));
	json_decref(none);
}

/* What an event tells of is asked for next. A process may be back. */
static void take_events(struct ctl *v, unsigned n, const struct ctl_options *o)
{
	struct rpc_message m;

	for (unsigned i = 0; i < n; i++) {
		if (v[i].fd < 0) {
			ctl_link_reopen(&v[i]);
			subscribe(&v[i], o);
		}
		while (v[i].fd >= 0 && ctl_link_read(&v[i], &m, 0) == 1)
			ctl_link_next(&v[i], &m);
	}
}

/* Print the verdicts, behind the time, if one of them is another one than before,
 * and take them into @last. Return: the exit status */
static int print_new(struct ctl *v, unsigned n, const struct ctl_options *o,
		     json_t **last)
{
	json_t *answers[CTL_SOCKETS_MAX] = { NULL };
	unsigned worst = ask_all(v, n, o, answers);
	int rc = exit_status(answers[worst]);
	bool is_new = false;
	char when[48];

	for (unsigned i = 0; i < n; i++)
		is_new |= !last[i] || !is_same(answers[i], last[i]);
	if (is_new && !o->is_json) {
		ctl_print_time(when, sizeof(when), (double)time(NULL));
		printf("%.19sZ ", when);
	}
	if (is_new)
		print(v, n, o, answers, worst);
	fflush(stdout);
	forget(last, n);
	memcpy(last, answers, n * sizeof(*last));
	return rc;
}

/**
 * ctl_status_watch() - Print the verdicts whenever they change
 * @v:	links; those that are down are tried again, and new ones are looked for
 * @o:	options
 *
 * Return: the exit status of the last verdict, once a signal has ended it
 */
int ctl_status_watch(struct ctl *v, struct ctl_options *o)
{
	json_t *last[CTL_SOCKETS_MAX] = { NULL };
	int signals = ctl_signal_open(), rc;
	unsigned n = 0, was;

	do {
		take_events(v, n, o);
		for (was = n, n = ctl_find_more(o, v); was < n; was++)
			subscribe(&v[was], o);
		rc = print_new(v, n, o, last);
	} while (ctl_signal_wait(signals, -1, v, n, WATCH_MS) &&
		 !ferror(stdout));
	forget(last, n);
	close(signals);
	return rc;
}
