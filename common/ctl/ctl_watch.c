/* SPDX-License-Identifier: ISC */
/* What processes say by themselves. */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"

#define RETRY_MS 1000u	/* those that are down, and new ones */

/* What was printed of a process last. */
enum told { TOLD_NOTHING, TOLD_EVENTS, TOLD_UNREACHABLE };

static void print_event(const struct ctl *c, const struct ctl_options *o,
			const struct rpc_message *m)
{
	msgpack_object params = { .type = MSGPACK_OBJECT_ARRAY };
	json_t *j;
	char when[48];

	params.via.array = m->params;
	j = ctl_json_of(&params);
	if (o->is_json) {
		ctl_print_json(c->name, rpc_is(&m->method, "lost") ? "lost" :
								     "event", j);
	} else if (rpc_is(&m->method, "lost")) {
		printf("%s: %lld events were lost\n", c->name,
		       (long long)json_integer_value(json_array_get(j, 0)));
	} else {
		const char *name = json_string_value(json_array_get(j, 2));
		const char *text = json_string_value(json_array_get(j, 3));

		ctl_print_time(when, sizeof(when),
			  json_real_value(json_array_get(j, 1)));
		printf("%s %s: %s: %s\n", when, c->name, name ? name : "?",
		       text ? text : "");
	}
	fflush(stdout);
	json_decref(j);
}

/* The state that the events begin with. */
static void print_snapshot(const struct ctl *c, const struct ctl_options *o,
			   const json_t *answer)
{
	const json_t *result = json_object_get(answer, "result");
	const char *text = json_string_value(
		json_object_get(json_array_get(result, 1), "text"));
	char when[48];

	ctl_print_time(when, sizeof(when), (double)time(NULL));
	if (o->is_json)
		ctl_print_json(c->name, "subscribed", result);
	else
		printf("%s %s: status: %s\n", when, c->name, text ? text : "?");
	fflush(stdout);
}

static void print_events(struct ctl *c, const struct ctl_options *o)
{
	struct rpc_message m;

	while (ctl_link_read(c, &m, 0) == 1) {
		if (m.kind == RPC_NOTIFICATION)
			print_event(c, o, &m);
		ctl_link_next(c, &m);
	}
}

/* From now on a process says its events. */
static void subscribe(struct ctl *c, const struct ctl_options *o)
{
	json_t *none = json_array();
	json_t *answer = ctl_ask(c, "subscribe", none, o);

	if (answer)
		print_snapshot(c, o, answer);
	json_decref(answer);
	json_decref(none);
}

/* Hear those that are not heard yet. One that cannot be reached is told of once. */
static void look(struct ctl *v, struct ctl_options *o, enum told *told)
{
	unsigned n = ctl_find_more(o, v);

	for (unsigned i = 0; i < n; i++) {
		if (told[i] == TOLD_EVENTS)
			continue;
		if (v[i].fd < 0 && told[i] == TOLD_UNREACHABLE)
			ctl_link_reopen(&v[i]);
		if (v[i].fd >= 0)
			subscribe(&v[i], o);
		if (v[i].fd >= 0)
			told[i] = TOLD_EVENTS;
		else if (told[i] == TOLD_NOTHING)
			ctl_print_unreachable(&v[i], o);
		if (told[i] == TOLD_NOTHING)
			told[i] = TOLD_UNREACHABLE;
	}
}

static void take(struct ctl *v, const struct ctl_options *o, enum told *told)
{
	for (unsigned i = 0; i < o->n_sockets; i++) {
		if (told[i] != TOLD_EVENTS)
			continue;
		print_events(&v[i], o);
		if (v[i].fd >= 0)
			continue;
		ctl_print_unreachable(&v[i], o);
		told[i] = TOLD_UNREACHABLE;
	}
}

/**
 * ctl_watch() - Print events as they come, until a signal
 * @v:	links; those that are down are tried again, and new ones are looked for
 * @o:	options
 *
 * Return: the exit status
 */
int ctl_watch(struct ctl *v, struct ctl_options *o)
{
	enum told told[CTL_SOCKETS_MAX] = { TOLD_NOTHING };
	int signals = ctl_signal_open();
	uint64_t now_ms, next_ms = 0;

	do {
		now_ms = ctl_signal_now_ms();
		if (now_ms >= next_ms) {
			next_ms = now_ms + RETRY_MS;
			look(v, o, told);
		}
		take(v, o, told);
	} while (ctl_signal_wait(signals, -1, v, o->n_sockets,
				 (int)(next_ms - now_ms)) &&
		 !ferror(stdout));
	close(signals);
	return CTL_OK;
}
