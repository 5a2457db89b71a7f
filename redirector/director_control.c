/* SPDX-License-Identifier: ISC */
/*
 * What a director can be asked and told while it runs. Its answers are lists of
 * rows, which colo-ctl prints as tables: the columns of ipvsadm -Ln, of its --stats and
 * --rate, and of ipvsadm -Lnc. No state; the scheduler has it.
 */
#include "director_control.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../common/age.h"
#include "../common/time.h"
#include "director_dest.h"
#include "schedule/conn.h"
#include "schedule/dest.h"
#include "schedule/scheduler.h"
#include "schedule/state.h"

#define ROWS_MAX 1024u		/* of one answer */
#define TEXT_MAX 128u

static int refuse(struct control_call *call, int err, const char *text)
{
	snprintf(call->error, sizeof(call->error), "%.255s", text);
	return err;
}

/* --- services --- */

static const char *proto_text(uint8_t proto)
{
	switch (proto) {
	case 6:
		return "TCP";
	case 17:
		return "UDP";
	default:
		return "ICMP";
	}
}

static void addr_text(char *text, size_t size, uint8_t ip_version,
		      const uint8_t *addr, uint16_t port)
{
	char name[INET6_ADDRSTRLEN];

	inet_ntop(ip_version == 6 ? AF_INET6 : AF_INET, addr, name,
		  sizeof(name));
	snprintf(text, size, ip_version == 6 ? "[%s]:%u" : "%s:%u", name, port);
}

static void put_count(msgpack_packer *pk, const char *key, uint64_t n)
{
	rpc_str(pk, key);
	rpc_uint(pk, n);
}

static void put_word(msgpack_packer *pk, const char *key, const char *text)
{
	rpc_str(pk, key);
	rpc_str(pk, text);
}

static void put_flags(msgpack_packer *pk, const struct service *svc)
{
	char text[TEXT_MAX] = "-";

	if (svc->persist_s)
		snprintf(text, sizeof(text), "persistent %u mask %u%s",
			 svc->persist_s, svc->mask,
			 svc->one_packet ? " ops" : "");
	else if (svc->one_packet)
		snprintf(text, sizeof(text), "ops");
	put_word(pk, "flags", text);
}

static void put_service(msgpack_packer *pk, const struct service *svc)
{
	char addr[TEXT_MAX];

	addr_text(addr, sizeof(addr), svc->ip_version, svc->addr, svc->port);
	rpc_map(pk, 4);
	put_word(pk, "prot", proto_text(svc->proto));
	put_word(pk, "address", addr);
	put_word(pk, "scheduler", scheduler_name(svc->scheduler.kind));
	put_flags(pk, svc);
}

static const char *dest_state(const struct dest *d)
{
	if (!d->is_member)
		return "removed";
	if (!d->is_up)
		return "down";
	if (d->is_overloaded)
		return "overloaded";
	return d->weight ? "up" : "draining";
}

static void put_dest(msgpack_packer *pk, const struct dest *d)
{
	rpc_map(pk, 13);
	put_word(pk, "prot", "->");
	put_word(pk, "address", d->name);
	put_word(pk, "forward", d->has_mac ? "Route" : "Verbatim");
	put_count(pk, "weight", d->weight);
	put_count(pk, "active", d->n_active);
	put_count(pk, "inactive", d->n_pending + d->n_inactive);
	put_count(pk, "templates", d->n_templates);
	put_count(pk, "conns", d->conns);
	put_count(pk, "in-frames", d->in_frames);
	put_count(pk, "out-frames", d->out_frames);
	put_count(pk, "in-bytes", d->in_bytes);
	put_count(pk, "out-bytes", d->out_bytes);
	put_word(pk, "state", dest_state(d));
}

static uint32_t n_named(const struct dest_set *set)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < DESTS_MAX; i++)
		n += set->v[i].name[0] != '\0';
	return n;
}

static int on_dests(void *arg, struct control_call *call)
{
	const struct director *d = arg;
	const struct dest_set *set = schedule_dests(d->schedule);

	rpc_array(call->pk, n_named(set));
	for (unsigned i = 0; i < DESTS_MAX; i++)
		if (set->v[i].name[0])
			put_dest(call->pk, &set->v[i]);
	return 0;
}

/* --- both on one page --- */

static void put_dest_now(msgpack_packer *pk, const struct director *d, unsigned i)
{
	const struct dest *dest = &schedule_dests(d->schedule)->v[i];

	rpc_map(pk, 6);
	put_word(pk, "destination", dest->name);
	put_word(pk, "forward", dest->has_mac ? "Route" : "Verbatim");
	put_count(pk, "weight", dest->weight);
	put_count(pk, "active", dest->n_active);
	put_count(pk, "inactive", dest->n_pending + dest->n_inactive);
	put_word(pk, "state", dest_state(dest));
}

static void put_dest_stats(msgpack_packer *pk, const struct director *d,
			   unsigned i)
{
	const struct dest *dest = &schedule_dests(d->schedule)->v[i];

	rpc_map(pk, 6);
	put_word(pk, "destination", dest->name);
	put_count(pk, "conns", dest->conns);
	put_count(pk, "in-frames", dest->in_frames);
	put_count(pk, "out-frames", dest->out_frames);
	put_count(pk, "in-bytes", dest->in_bytes);
	put_count(pk, "out-bytes", dest->out_bytes);
}

static void put_dest_rate(msgpack_packer *pk, const struct director *d,
			  unsigned i)
{
	const struct director_rate *rate = &d->dests[i].rate;

	rpc_map(pk, 6);
	put_word(pk, "destination", schedule_dests(d->schedule)->v[i].name);
	put_count(pk, "conns/s", rate->per_s[RATE_CONNS]);
	put_count(pk, "in-frames/s", rate->per_s[RATE_IN_FRAMES]);
	put_count(pk, "out-frames/s", rate->per_s[RATE_OUT_FRAMES]);
	put_count(pk, "in-bytes/s", rate->per_s[RATE_IN_BYTES]);
	put_count(pk, "out-bytes/s", rate->per_s[RATE_OUT_BYTES]);
}

typedef void put_dest_fn(msgpack_packer *pk, const struct director *d,
			 unsigned i);

/* What is to be said of the destinations; NULL: nothing that there is. */
static put_dest_fn *page_of(const msgpack_object *what)
{
	char text[16];

	if (!what)
		return put_dest_now;
	if (!rpc_text(text, sizeof(text), &what->via.str))
		return NULL;
	if (!strcmp(text, "stats"))
		return put_dest_stats;
	return strcmp(text, "rate") ? NULL : put_dest_rate;
}

static int on_services(void *arg, struct control_call *call)
{
	const struct director *d = arg;
	const struct service_set *services = schedule_services(d->schedule);
	const struct dest_set *set = schedule_dests(d->schedule);
	put_dest_fn *put = page_of(call->param[0]);

	if (!put)
		return refuse(call, -EINVAL, "stats or rate");
	rpc_map(call->pk, 2);
	rpc_str(call->pk, "services");
	rpc_array(call->pk, services->n);
	for (unsigned i = 0; i < services->n; i++)
		put_service(call->pk, &services->v[i]);
	rpc_str(call->pk, "destinations");
	rpc_array(call->pk, n_named(set));
	for (unsigned i = 0; i < DESTS_MAX; i++)
		if (set->v[i].name[0])
			put(call->pk, d, i);
	return 0;
}

/* --- connections --- */

static void put_conn(msgpack_packer *pk, const struct director *d,
		     uint32_t index, const struct conn *c)
{
	const struct dest_set *set = schedule_dests(d->schedule);
	const struct flow_key *key =
		flow_get_key(schedule_conns(d->schedule)->flows, c);
	uint64_t now_ns = clock_now_ns(&d->loop.clock);
	char client[TEXT_MAX], service[TEXT_MAX];

	addr_text(client, sizeof(client), key->ip_version, key->src,
		  key->sport);
	addr_text(service, sizeof(service), key->ip_version, key->dst,
		  key->dport);
	rpc_map(pk, 8);
	put_count(pk, "index", index);
	put_word(pk, "pro", proto_text(key->proto));
	put_count(pk, "expire", age_ns(c->deadline_ns, now_ns) / NS_PER_S);
	put_word(pk, "state", state_name((enum state)c->state));
	put_word(pk, "source", client);
	put_word(pk, "virtual", service);
	put_word(pk, "destination", set->v[c->dest].name);
	put_count(pk, "age", age_ns(now_ns, c->since_ns) / NS_PER_S);
}

/* The indexes of the first connections from one on. Return: how many. */
static uint32_t find_conns(const struct conn_table *t, uint32_t from,
			   uint32_t *found)
{
	uint32_t n = 0, end = flow_end(t->flows);

	for (; from < end && n < ROWS_MAX; from++)
		if (conn_at(t, from))
			found[n++] = from;
	return n;
}

static int on_connections(void *arg, struct control_call *call)
{
	const struct director *d = arg;
	const struct conn_table *t = schedule_conns(d->schedule);
	uint32_t found[ROWS_MAX], n;
	uint64_t from = 0;

	if (call->param[0])
		from = call->param[0]->via.u64;
	n = from < t->max ? find_conns(t, (uint32_t)from, found) : 0;
	rpc_array(call->pk, n);
	for (uint32_t i = 0; i < n; i++)
		put_conn(call->pk, d, found[i], conn_at(t, found[i]));
	return 0;
}

/* --- changes --- */

/* What has changed is the answer. */
static int change_member(struct director *d, const char *what,
			 const char *name, struct control_call *call)
{
	const struct dest_set *set = schedule_dests(d->schedule);
	const msgpack_object *weight = call->param[2];
	uint16_t i = dest_find(set, name);

	if (i == DEST_NONE || !set->v[i].is_member)
		return refuse(call, -ENOENT, "there is no such destination");
	if (!strcmp(what, "del"))
		schedule_remove_dest(d->schedule, i,
				     clock_now_ns(&d->loop.clock));
	else if (weight && weight->via.u64 <= DIRECTOR_WEIGHT_MAX)
		schedule_set_weight(d->schedule, i,
				    (uint32_t)weight->via.u64);
	else
		return refuse(call, -EINVAL, "weight NAME 0..65535");
	put_dest(call->pk, &set->v[i]);
	return 0;
}

static int add_dest(struct director *d, const char *text,
		    struct control_call *call)
{
	const struct dest_set *set = schedule_dests(d->schedule);
	char why[DIRECTOR_TEXT_MAX];
	uint16_t i;
	int err = director_dest_add(d, text, &i, why, sizeof(why));

	if (err < 0)
		return refuse(call, err, why);
	put_dest(call->pk, &set->v[i]);
	return 0;
}

static int on_dest(void *arg, struct control_call *call)
{
	char what[16], text[DIRECTOR_TEXT_MAX];

	if (!rpc_text(what, sizeof(what), &call->param[0]->via.str) ||
	    !rpc_text(text, sizeof(text), &call->param[1]->via.str))
		return refuse(call, -EINVAL, "a text is too long");
	if (!strcmp(what, "add"))
		return add_dest(arg, text, call);
	if (!strcmp(what, "del") || !strcmp(what, "weight"))
		return change_member(arg, what, text, call);
	return refuse(call, -EINVAL, "add, del or weight");
}

/**
 * director_control_methods() - What a director can be asked
 *
 * Return: a table of methods, whose argument is a struct director
 */
const struct control_method *director_control_methods(void)
{
	static const struct control_method methods[] = {
		{ "services", "services and destinations; stats: what these "
		  "have had; rate: a second",
		  { { "what", CONTROL_TEXT, true } }, false, on_services },
		{ "dests", "destinations and what they have",
		  { { NULL, CONTROL_ANY, false } }, false, on_dests },
		{ "connections", "1024 connections, from an index on",
		  { { "from", CONTROL_NUMBER, true } }, false,
		  on_connections },
		{ "dest", "add NAME=EP,...; del NAME; weight NAME N",
		  { { "what", CONTROL_TEXT, false },
		    { "name", CONTROL_TEXT, false },
		    { "n", CONTROL_NUMBER, true } }, true, on_dest },
		{ .name = NULL },
	};

	return methods;
}
