/* SPDX-License-Identifier: ISC */
/*
 * The redirector as the front of several pairs: its endpoints, its timer and its
 * account. director_relay.c moves the frames, director_control.c answers.
 *
 * Destinations wait for the net; the net waits for no destination.
 */
#include "director.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "../common/state_dir.h"
#include "../common/time.h"
#include "director_control.h"
#include "director_dest.h"
#include "director_relay.h"
#include "schedule/dest.h"
#include "schedule/lasting.h"

#define TICK_MS 250u

static void on_net_event(struct endpoint *ep, enum endpoint_event ev, void *arg)
{
	struct director *d = arg;

	(void)ep;
	if (ev != ENDPOINT_DEAD)
		return;
	loop_fail(&d->loop);
	loop_end(&d->loop);
}

/* Once for each episode. */
static void tell_unsaved(struct director *d)
{
	const char *dir = d->options->common->state_dir;
	uint32_t n = schedule_unsaved(d->schedule);

	if (n && !d->n_unsaved)
		log_event("state-unsaved", "%s/connections lacks %u "
			  "connections, which a restart would lose: the disk "
			  "is full, or somebody cut the file short or removed "
			  "it", dir, n);
	else if (!n && d->n_unsaved)
		log_event("state-saved", "%s/connections has the connections "
			  "that it lacked", dir);
	d->n_unsaved = n;
}

static void on_tick(void *arg)
{
	struct director *d = arg;
	uint64_t now_ns = clock_now_ns(&d->loop.clock);
	uint16_t i = schedule_expire(d->schedule, now_ns);

	for (unsigned k = 0; k < DESTS_MAX; k++)
		if (d->dests[k].n)
			director_rate_note(&d->dests[k].rate,
					   &schedule_dests(d->schedule)->v[k],
					   now_ns);
	tell_unsaved(d);
	if (i != DEST_NONE)
		log_event("drained", "%s",
			  schedule_dests(d->schedule)->v[i].name);
	director_dest_close_gone(d);
}

/* --- start --- */

/* What the scheduler's reasons to drop a frame are called by all programs. */
static const enum drop drops[SCHEDULE_REASONS] = {
	[SCHEDULE_ANSWERED] = DROP_ANSWERED,
	[SCHEDULE_UNSCHEDULED] = DROP_UNSCHEDULED,
	[SCHEDULE_NO_DEST] = DROP_NO_DEST,
	[SCHEDULE_OVERLOAD] = DROP_OVERLOAD,
	[SCHEDULE_TABLE_FULL] = DROP_TABLE_FULL,
	[SCHEDULE_SHORT] = DROP_SHORT,
	[SCHEDULE_ORPHAN] = DROP_ORPHAN,
	[SCHEDULE_STRAY] = DROP_UNKNOWN,
	[SCHEDULE_DEST_DOWN] = DROP_DEST_DOWN,
	[SCHEDULE_QUIESCENT] = DROP_QUIESCENT,
	[SCHEDULE_WRONG_DEST] = DROP_WRONG_DEST,
	[SCHEDULE_CLASH] = DROP_CLASH,
	[SCHEDULE_ICMP_SUM] = DROP_ICMP_SUM,
};

static const struct stats_def went = {
	"schedule", NULL, "frames", "Frames, by why they went where they went.",
	.label = "reason",
};

static const struct stats_def counters[] = {
	{ "schedule", "rescheduled", "connections", "Frames that began a "
	  "connection in the place of an old one.", .label = NULL },
	{ "schedule", "evicted", "connections", "Connections that gave way in a "
	  "full table.", .label = NULL },
	{ "schedule", "connections", "connections", "Connections and templates "
	  "that there are.", .is_gauge = true },
	{ "file", "loaded", "connections", "Connections that the process before "
	  "this one has left.", .label = NULL },
	{ "file", "lost", "connections", "Connections in the file that could "
	  "not be taken over.", .label = NULL },
};

static void note_counters(const struct director *d, struct stats *s)
{
	const struct conn_table *conns = schedule_conns(d->schedule);
	uint32_t n_loaded, n_lost;

	schedule_stored(d->schedule, &n_loaded, &n_lost);
	stats_note(s, &counters[0], NULL, schedule_rescheduled(d->schedule));
	stats_note(s, &counters[1], NULL, conns->n_evicted);
	stats_note(s, &counters[2], NULL, flow_count(conns->flows));
	stats_note(s, &counters[3], NULL, n_loaded);
	stats_note(s, &counters[4], NULL, n_lost);
}

static void on_stats(void *arg, struct stats *s)
{
	struct director *d = arg;

	s->copied += d->copied;
	s->originated += d->originated;
	for (int r = 0; r < SCHEDULE_REASONS; r++) {
		enum schedule_reason reason = (enum schedule_reason)r;
		uint64_t n = schedule_count(d->schedule, reason);

		if (drops[reason])
			stats_drop(s, drops[reason], n);
		else
			stats_note(s, &went, schedule_reason_text(reason), n);
	}
	stats_drop(s, DROP_NO_SIDE, d->n_no_net);
	note_counters(d, s);
}

static void on_close(void *arg)
{
	struct director *d = arg;

	control_process_close(&d->control);
}

static void on_verdict(void *arg, struct verdict *v)
{
	const struct director *d = arg;
	const struct dest_set *set = schedule_dests(d->schedule);
	const char *net = endpoint_trouble(d->net_in);

	if (!net)
		net = d->net_out ? endpoint_trouble(d->net_out) : NULL;
	if (net)
		verdict_set(v, VERDICT_UNPROTECTED, "net %s", net);
	for (unsigned at = 0; at < set->n; at++)
		if (!set->v[set->order[at]].is_up)
			verdict_set(v, VERDICT_UNPROTECTED, "%s is gone",
				    set->v[set->order[at]].name);
}

/* The role is its guests' pairs' matter: there is nothing to do here. */
static void on_failover(void *arg, struct failover_done *done)
{
	(void)arg;
	snprintf(done->text, sizeof(done->text), "nothing: to take over is the "
		 "matter of the pairs");
}

static int open_net(struct director *d)
{
	const struct endpoint_handler handler = { director_relay_net, on_net_event,
						  d };
	struct endpoint_set *set = &d->loop.endpoints;
	const struct filter_options *o = d->options->filter;
	int err;

	if (o->net.kind != ENDPOINT_UNSET) {
		err = endpoint_open(&d->net_in, set, "net", &o->net,
				    ENDPOINT_DUPLEX, &handler);
		d->net_out = d->net_in;
		return err;
	}
	err = endpoint_open(&d->net_in, set, "net-in", &o->net_in,
			    ENDPOINT_READ, &handler);
	if (err == 0 && o->net_out.kind != ENDPOINT_UNSET)
		err = endpoint_open(&d->net_out, set, "net-out", &o->net_out,
				    ENDPOINT_WRITE, &handler);
	return err;
}

static int open_table(struct director *d)
{
	const char *dir = d->options->common->state_dir;
	int err;

	if (!dir)
		return 0;
	err = lasting_open(&d->table, dir, (uint32_t)d->options->max_flows);
	if (err < 0)
		state_dir_refuse(dir, "connections", err);
	return err;
}

static int new_schedule(struct director *d)
{
	const struct director_options *o = d->options;
	struct schedule_config config = {
		.max_conns = (uint32_t)o->max_flows,
		.unknown_drop = o->unknown,
		.unscheduled = (enum schedule_unscheduled)o->unscheduled,
		.on_overload = (enum schedule_overload)o->on_overload,
		.expire_quiescent = o->expire_quiescent,
		.expire_quiescent_template = o->expire_quiescent_template,
		.linger_ns = o->linger_s * NS_PER_S,
		.table = d->table,
	};

	if (getrandom(&config.seed, sizeof(config.seed), 0) < 0)
		return -errno;
	d->schedule = schedule_new(&config, clock_now_ns(&d->loop.clock));
	return d->schedule ? 0 : -ENOMEM;
}

static int add_services(struct director *d)
{
	char why[DIRECTOR_TEXT_MAX];
	struct director_timeout t;
	struct service svc;

	for (unsigned i = 0; i < d->options->timeouts.n; i++)
		if (director_spec_timeout(&t, d->options->timeouts.v[i]))
			schedule_set_timeout(d->schedule, t.state, t.seconds);
	for (unsigned i = 0; i < d->options->services.n; i++) {
		const char *text = d->options->services.v[i];

		if (!service_parse(&svc, text, why, sizeof(why)) ||
		    !schedule_add_service(d->schedule, &svc)) {
			log_error("service", "%s: there is one for this "
				  "address and port, or there are %u", text,
				  SERVICES_MAX);
			return -EEXIST;
		}
	}
	return 0;
}

static int add_dests(struct director *d)
{
	char why[DIRECTOR_TEXT_MAX];
	uint16_t index;

	for (unsigned i = 0; i < d->options->dests.n; i++) {
		int err = director_dest_add(d, d->options->dests.v[i], &index, why,
				       sizeof(why));

		if (err < 0) {
			log_error("dest", "%s", why);
			return err;
		}
	}
	return 0;
}

static int open_all(struct director *d)
{
	const struct failover_handler handler = { on_failover, NULL, d };
	int err = failover_init(&d->failover, &d->loop, 0, &handler);

	if (err == 0)
		err = open_table(d);
	if (err == 0)
		err = new_schedule(d);
	if (err == 0)
		err = add_services(d);
	if (err == 0)
		err = open_net(d);
	if (err == 0)
		err = add_dests(d);
	if (err < 0)
		return err;
	schedule_load(d->schedule, clock_now_ns(&d->loop.clock));
	clock_timer_init(&d->loop.clock, &d->tick, on_tick, d);
	clock_timer_start(&d->tick, TICK_MS, TICK_MS);
	return 0;
}

static void end(struct director *d)
{
	schedule_free(d->schedule);
	record_table_close(d->table);
}

/**
 * director_run() - Run a director until it ends
 * @d:		to be filled in
 * @options:	which passed director_options_check(); borrowed
 *
 * Return: the exit status
 */
int director_run(struct director *d, const struct director_options *options)
{
	const struct loop_handler handler = {
		.on_stats = on_stats, .on_close = on_close, .arg = d,
	};
	const struct control_process_handler control = {
		.on_verdict = on_verdict, .arg = d,
		.methods = director_control_methods(), .methods_arg = d,
	};
	int err, status;

	memset(d, 0, sizeof(*d));
	d->options = options;
	if (loop_init(&d->loop, options->common, &handler) < 0)
		return 1;
	err = open_all(d);
	if (err == 0)
		err = control_process_open(&d->control, &d->loop, &d->failover,
					   &control);
	if (err < 0) {
		loop_abandon(&d->loop);
		status = err == -EINVAL ? 2 : 1;
	} else {
		status = loop_run(&d->loop);
	}
	end(d);
	return status;
}
