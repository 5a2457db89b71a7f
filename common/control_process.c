/* SPDX-License-Identifier: ISC */
#include "control_process.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control_capture.h"
#include "control_stats.h"
#include "log.h"
#include "starter.h"
#include "time.h"

#define LOOK_MS 250u

/* --- the verdict --- */

static void text_of(const struct control_process *p, char *text, size_t size)
{
	uint64_t for_ns = clock_now_ns(&p->loop->clock) - p->since_ns;

	verdict_text(&p->verdict, p->since_s, for_ns / NS_PER_S, text, size);
}

/* A new state is an event; a new reason within a state is for systemd only. The
 * log has the event `failover` already. */
static void tell(struct control_process *p, bool is_event)
{
	char text[VERDICT_TEXT_MAX], status[VERDICT_TEXT_MAX + 8];

	text_of(p, text, sizeof(text));
	snprintf(status, sizeof(status), "STATUS=%s", text);
	starter_tell(status);
	if (is_event && p->verdict.state == VERDICT_FAILOVER)
		control_tell(&p->control, "status", text);
	else if (is_event)
		log_event("status", "%s", text);
}

/* Is the change of the state one that somebody should be told of? At the start
 * nothing is protected: that it is not yet, or is not any more, was told. */
static bool is_event(const struct control_process *p, enum verdict_state state)
{
	enum verdict_state before = p->has_verdict ? p->verdict.state :
						     VERDICT_UNPROTECTED;

	if (!p->has_verdict && state == VERDICT_FAILOVER)
		return false;
	return p->handler.on_verdict && state != before;
}

/* Has the verdict changed? */
static void look(struct control_process *p)
{
	struct verdict v = { .state = VERDICT_PROTECTED };
	bool is_new_state, is_told;

	if (p->failover->role == ROLE_FAILOVER)
		v.state = VERDICT_FAILOVER;
	else if (p->handler.on_verdict)
		p->handler.on_verdict(p->handler.arg, &v);
	is_new_state = !p->has_verdict || v.state != p->verdict.state;
	p->verdict.passes = v.passes;
	if (!is_new_state && !strcmp(v.why, p->verdict.why))
		return;
	is_told = is_event(p, v.state);
	if (is_new_state) {
		p->since_s = clock_wall_us() / 1000000;
		p->since_ns = clock_now_ns(&p->loop->clock);
	}
	p->verdict = v;
	p->has_verdict = true;
	tell(p, is_told);
}

/* Whether captures are compared is known only when the loop runs: their time is no
 * measure for how often to look. */
static void on_look(void *arg)
{
	struct control_process *p = arg;

	if (p->loop->clock.is_virtual)
		return;
	look(p);
	if (p->verdict.passes)
		clock_timer_start(&p->look, LOOK_MS, 0);
}

/* Something has happened: look at the verdict soon, and once for all that happens until
 * then. A process to which nothing happens is not woken. */
static void on_after_poll(uv_check_t *handle)
{
	struct control_process *p = handle->data;

	if (!p->look.armed && !p->loop->clock.is_virtual)
		clock_timer_start(&p->look, LOOK_MS, 0);
}

/* --- what can be asked --- */

static int on_version(void *arg, struct control_call *call)
{
	(void)arg;
	rpc_map(call->pk, 3);
	rpc_put_str(call->pk, "program", log_program());
	rpc_put_str(call->pk, "version", COLO_VERSION);
	rpc_put_uint(call->pk, "pid", (uint64_t)getpid());
	return 0;
}

static int on_methods(void *arg, struct control_call *call)
{
	const struct control_process *p = arg;

	control_table_list(&p->control.clients.table, call->pk);
	return 0;
}

static void put_status(struct control_process *p, msgpack_packer *pk)
{
	char text[VERDICT_TEXT_MAX];

	look(p);
	text_of(p, text, sizeof(text));
	rpc_map(pk, 4);
	rpc_put_str(pk, "state", verdict_name(p->verdict.state));
	rpc_put_str(pk, "text", text);
	rpc_put_uint(pk, "since", p->since_s);
	rpc_put_str(pk, "role", role_text(p->failover->role));
}

static int on_status(void *arg, struct control_call *call)
{
	put_status(arg, call->pk);
	return 0;
}

static int on_stats(void *arg, struct control_call *call)
{
	const struct control_process *p = arg;
	struct stats s = { 0 };

	loop_stats(p->loop, &s);
	control_stats_put(&s, call->pk);
	return 0;
}

static void put_link(msgpack_packer *pk, const struct endpoint *ep)
{
	struct endpoint_counters c = endpoint_counters(ep);

	rpc_map(pk, 10);
	rpc_put_str(pk, "name", endpoint_name(ep));
	rpc_put_str(pk, "endpoint", endpoint_get_spec(ep)->text);
	rpc_put_str(pk, "state", endpoint_trouble(ep) ? "down" : "up");
	rpc_put_uint(pk, "in", c.in);
	rpc_put_uint(pk, "out", c.out);
	rpc_put_uint(pk, "queued", c.queued);
	rpc_put_uint(pk, "queued_bytes", c.queued_bytes);
	rpc_put_uint(pk, "bound", endpoint_get_spec(ep)->send_buffer);
	rpc_put_uint(pk, "dropped", c.drop_down + c.drop_full + c.drop_link);
	rpc_put_uint(pk, "connections", c.n_up);
}

static int on_links(void *arg, struct control_call *call)
{
	const struct control_process *p = arg;
	const struct endpoint *first = p->loop->endpoints.first, *ep, **all;
	uint32_t n = 0;

	for (ep = first; ep; ep = endpoint_next(ep))
		n++;
	all = calloc(n + 1, sizeof(ep));
	if (!all)
		abort();
	rpc_array(call->pk, n);
	for (ep = first; ep; ep = endpoint_next(ep))
		all[--n] = ep;
	for (; all[n]; n++)		/* as they were opened */
		put_link(call->pk, all[n]);
	free(all);
	return 0;
}

static int on_subscribe(void *arg, struct control_call *call)
{
	struct control_process *p = arg;

	rpc_array(call->pk, 2);
	rpc_uint(call->pk, control_subscribe(call->asker));
	put_status(p, call->pk);
	return 0;
}

static void put_role(const struct failover *f, bool is_changed,
		     msgpack_packer *pk)
{
	rpc_put_str(pk, "role", role_text(f->role));
	rpc_str(pk, "changed");
	rpc_bool(pk, is_changed);
	rpc_str(pk, "written");
	rpc_bool(pk, f->is_written);
}

/* The answer says what is true after it: the role is on the disk by then. */
static int on_failover(void *arg, struct control_call *call)
{
	struct control_process *p = arg;
	const struct failover_done *done = &p->failover->done;
	bool was_so = p->failover->role == ROLE_FAILOVER;

	failover_now(p->failover);
	rpc_map(call->pk, 6);
	put_role(p->failover, !was_so, call->pk);
	rpc_put_uint(call->pk, "released", done->released);
	rpc_put_uint(call->pk, "announced", done->announced);
	rpc_put_str(call->pk, "done", done->text);
	look(p);
	return 0;
}

/* The same for the way back. */
static int on_protect(void *arg, struct control_call *call)
{
	struct control_process *p = arg;
	bool was_so = p->failover->role == ROLE_COLO;
	char did[sizeof(call->error)];
	int err = failover_protect(p->failover, did, sizeof(did));

	if (err < 0) {
		memcpy(call->error, did, sizeof(did));
		return err;
	}
	rpc_map(call->pk, 4);
	put_role(p->failover, !was_so, call->pk);
	rpc_put_str(call->pk, "done", did);
	look(p);
	return 0;
}

static int on_flush(void *arg, struct control_call *call)
{
	struct control_process *p = arg;
	const struct loop_handler *h = &p->loop->handler;

	if (!h->on_checkpoint) {
		snprintf(call->error, sizeof(call->error), "a checkpoint is "
			 "nothing to this program");
		return -EOPNOTSUPP;
	}
	h->on_checkpoint(h->arg);
	rpc_bool(call->pk, true);
	look(p);
	return 0;
}

static int on_get(void *arg, struct control_call *call)
{
	const struct control_process *p = arg;

	return control_options_get(&p->options, call);
}

static int on_set(void *arg, struct control_call *call)
{
	struct control_process *p = arg;
	int err = control_options_set(&p->options, call);

	if (err < 0)
		return err;
	loop_take_options(p->loop);
	if (p->handler.on_set)
		p->handler.on_set(p->handler.arg);
	return 0;
}

static int on_capture(void *arg, struct control_call *call)
{
	const struct control_process *p = arg;

	return control_capture_begin(&p->loop->endpoints, call);
}

static int on_quit(void *arg, struct control_call *call)
{
	struct control_process *p = arg;

	rpc_bool(call->pk, true);
	loop_stop(p->loop);
	return 0;
}

#define NO_PARAMS { { NULL, CONTROL_ANY, false } }

static const struct control_method methods[] = {
	{ "version", "program, version, process number", NO_PARAMS, false,
	  on_version },
	{ "methods", "what can be asked, and how", NO_PARAMS, false,
	  on_methods },
	{ "status", "is the service protected? one word, one line, since when",
	  NO_PARAMS, false, on_status },
	{ "stats", "all counters: value, unit, meaning", NO_PARAMS, false,
	  on_stats },
	{ "links", "the endpoints: state, frames, what is queued", NO_PARAMS,
	  false, on_links },
	{ "subscribe", "the status now, and from now on events as they come",
	  NO_PARAMS, false, on_subscribe },
	{ "failover", "the other host is dead, as SIGUSR2 says it; answered "
		      "when it is done and on the disk",
	  NO_PARAMS, true, on_failover },
	{ "protect", "there is a peer again: back to the colo role; answered "
		     "when it is done and on the disk",
	  NO_PARAMS, true, on_protect },
	{ "flush", "a checkpoint was made, as SIGHUP says it", NO_PARAMS, true,
	  on_flush },
	{ "capture", "frames of a link from now on, as pcapng",
	  CONTROL_CAPTURE_PARAMS, true, on_capture },
	{ "get", "options that may be changed now, and what the command line "
		 "said; or one of them", CONTROL_OPTIONS_GET_PARAMS, false,
	  on_get },
	{ "set", "change an option until the process ends",
	  CONTROL_OPTIONS_SET_PARAMS, true, on_set },
	{ "quit", "end as SIGTERM does", NO_PARAMS, true, on_quit },
	{ 0 },
};

static void on_event(void *arg, const char *name, const char *text)
{
	struct control_process *p = arg;

	control_tell(&p->control, name, text);
}

/**
 * control_process_open() - Begin to answer, if --control says where
 * @p:		to be filled in; must live until the loop has ended
 * @loop:	initialised; borrowed
 * @failover:	initialised; borrowed
 * @handler:	copied
 *
 * Return: 0 or a negative errno, logged
 */
int control_process_open(struct control_process *p, struct loop *loop,
			 struct failover *failover,
			 const struct control_process_handler *handler)
{
	const struct control_spec *spec = &loop->options->control;
	struct control_table table = { .n = 0 };

	memset(p, 0, sizeof(*p));
	p->loop = loop;
	p->failover = failover;
	p->handler = *handler;
	control_options_init(&p->options, loop->options);
	clock_timer_init(&loop->clock, &p->look, on_look, p);
	uv_check_init(&loop->uv, &p->after_poll);
	p->after_poll.data = p;
	uv_check_start(&p->after_poll, on_after_poll);
	clock_timer_start(&p->look, LOOK_MS, 0);
	control_table_add(&table, methods, p);
	if (handler->flows)
		control_table_add(&table, control_flows_methods, handler->flows);
	if (handler->methods)
		control_table_add(&table, handler->methods,
				  handler->methods_arg);
	if (!*spec->path)
		return 0;
	log_watch(on_event, p);
	return control_open(&p->control, &loop->uv, spec, &table);
}

/**
 * control_process_close() - Answer no more
 * @p:	the process; all zero is legal
 */
void control_process_close(struct control_process *p)
{
	log_watch(NULL, NULL);
	control_close(&p->control);
	if (p->loop)
		uv_close((uv_handle_t *)&p->after_poll, NULL);
}
