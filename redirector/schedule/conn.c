/* SPDX-License-Identifier: ISC */
/*
 * The connections and templates: made, counted at their destination, timed and
 * forgotten. Each has one entry in a flow table.
 *
 * Timers are a wheel, wheel.c. A frame only moves the deadline; when its slot
 * comes, a connection whose deadline has moved gets another slot. One whose
 * deadline comes nearer changes its slot at once.
 *
 * In a full table a new connection takes the place of the longest unused of
 * those that are closed, then half-open, then one-way, then of a template
 * without connections. An established one never gives way.
 *
 * The state is struct conn_table. schedule.c, pick.c and restore.c call in.
 */
#include "conn.h"

#include <assert.h>

#include "../../common/age.h"
#include "../../common/time.h"
#include "dest.h"
#include "lasting.h"
#include "state.h"
#include "wheel.h"

#define LOOKS_MAX 65536u		/* connections that one call looks at */
#define TEMPLATE_RETRY_NS (60 * NS_PER_S)
#define TEMPLATES_LOOKED_AT 8u		/* for one that may be evicted */

/**
 * conn_table_init() - Begin without connections
 * @t:		set; its dests are set by the caller
 * @max:	connections and templates, at most
 * @seed:	of the hash and of the jitter
 * @now_ns:	time
 *
 * Return: false when the address space is not to be had
 */
bool conn_table_init(struct conn_table *t, uint32_t max, uint64_t seed,
		     uint64_t now_ns)
{
	t->flows = flow_table_new(max, sizeof(struct conn), seed);
	t->max = max;
	t->random = seed;
	t->tick = now_ns / WHEEL_TICK_NS;
	for (unsigned i = 0; i < STATES; i++)
		t->timeout_s[i] = state_timeout_s((enum state)i);
	return t->flows;
}

/**
 * conn_table_fini() - Free the table; what is in the file stays
 * @t:	table
 */
void conn_table_fini(struct conn_table *t)
{
	flow_table_free(t->flows);
}

/**
 * conn_hash() - Connections are looked up soon: see flow_hash()
 * @t:		table
 * @keys:	their keys
 * @hashes:	set, for conn_find_hashed()
 * @n:		how many, FLOW_HASH_MAX at most
 */
void conn_hash(const struct conn_table *t, const struct flow_key *keys,
	       uint32_t *hashes, unsigned n)
{
	flow_hash(t->flows, keys, hashes, n);
}

/**
 * conn_find_hashed() - Look up a connection whose key was hashed
 * @t:		table
 * @key:	its key
 * @hash:	what conn_hash() said of @key
 *
 * Return: it, or NULL
 */
struct conn *conn_find_hashed(const struct conn_table *t,
			      const struct flow_key *key, uint32_t hash)
{
	return flow_find_hashed(t->flows, key, hash);
}

/**
 * conn_find() - Look a connection or template up
 * @t:		table
 * @key:	its key
 *
 * Return: it, or NULL
 */
struct conn *conn_find(const struct conn_table *t, const struct flow_key *key)
{
	return flow_find(t->flows, key);
}

/**
 * conn_at() - The connection that has an index
 * @t:		table
 * @index:	any number
 *
 * Return: it, or NULL
 */
struct conn *conn_at(const struct conn_table *t, uint32_t index)
{
	return flow_at(t->flows, index);
}

/* 0 to 999 ms, so that not all that came together goes together. */
static uint16_t jitter(struct conn_table *t)
{
	t->random = t->random * 6364136223846793005u + 1442695040888963407u;
	return (uint16_t)((t->random >> 33) % 1000);
}

static uint64_t timeout_ns(const struct conn_table *t, const struct conn *c)
{
	uint32_t s = t->timeout_s[c->state];

	if (c->timeout_s && (c->state == STATE_ESTABLISHED ||
			     c->state == STATE_UDP ||
			     c->state == STATE_UDP_ONE_WAY ||
			     c->state == STATE_TEMPLATE))
		s = c->timeout_s;
	return s * NS_PER_S + c->jitter_ms * NS_PER_MS;
}

/* --- the file --- */

static uint64_t service_id(const struct conn_table *t, const struct conn *c)
{
	return c->service == SERVICE_NONE ? 0 : t->service_id[c->service];
}

/**
 * conn_save() - Write to the file what has changed of a connection
 * @t:	table, with a file or without
 * @c:	connection or template
 */
void conn_save(struct conn_table *t, const struct conn *c)
{
	struct lasting_record rec, *at;

	if (!t->file)
		return;
	at = record_table_place(t->file, flow_index(t->flows, c));
	if (!at)
		return;
	rec = (struct lasting_record){
		.key = *flow_get_key(t->flows, c),
		.dest_id = t->dests->v[c->dest].id,
		.service_id = service_id(t, c),
		.since_ns = c->since_ns,
		.deadline_ns = c->deadline_ns,
		.timeout_s = c->timeout_s,
		.jitter_ms = c->jitter_ms,
		.state = c->state,
		.flags = c->flags,
	};
	lasting_write(at, &rec);
}

static void save_deadline(struct conn_table *t, const struct conn *c)
{
	struct lasting_record *at;

	if (!t->file)
		return;
	at = record_table_at(t->file, flow_index(t->flows, c));
	if (at)
		at->deadline_ns = c->deadline_ns;
}

/* --- life --- */

static void untie(struct conn_table *t, struct conn *c)
{
	struct conn *template;

	if (c->state == STATE_TEMPLATE || !c->tie)
		return;
	template = conn_at(t, c->tie - 1);
	assert(template && template->tie);
	template->tie--;
	c->tie = 0;
}

/**
 * conn_remove() - Forget a connection, or a template without connections
 * @t:	table
 * @c:	void afterwards
 */
void conn_remove(struct conn_table *t, struct conn *c)
{
	assert(c->state != STATE_TEMPLATE || !c->tie);
	untie(t, c);
	wheel_unlink(t, c);
	dest_count(&t->dests->v[c->dest], (enum state)c->state, -1);
	if (t->file)
		record_table_clear(t->file, flow_index(t->flows, c));
	flow_remove(t->flows, c);
}

static struct conn *find_victim(struct conn_table *t)
{
	struct conn *c = NULL;

	for (unsigned list = CONN_LIST_CLOSED; list <= CONN_LIST_ONE_WAY; list++) {
		c = flow_oldest(t->flows, list);
		if (c)
			return c;
	}
	c = flow_oldest(t->flows, CONN_LIST_TEMPLATE);
	for (unsigned n = 0; c && n < TEMPLATES_LOOKED_AT; n++) {
		if (!c->tie)
			return c;
		c = flow_next(t->flows, c);
	}
	return NULL;
}

static struct conn *make_room(struct conn_table *t, const struct flow_key *key,
			      unsigned list, uint64_t now_ns)
{
	struct conn *victim = find_victim(t);

	if (!victim)
		return NULL;
	conn_remove(t, victim);
	t->n_evicted++;
	return flow_add(t->flows, key, list, now_ns);
}

/**
 * conn_new() - Make a connection or a template
 * @t:		table
 * @key:	its key, which is not in the table yet
 * @init:	what it is
 * @now_ns:	time
 *
 * Return: it, or NULL when the table is full of established connections
 */
struct conn *conn_new(struct conn_table *t, const struct flow_key *key,
		      const struct conn_init *init, uint64_t now_ns)
{
	unsigned list = state_list(init->state);
	struct conn *c;

	if (init->template)		/* so that it does not give way */
		init->template->tie++;
	c = flow_add(t->flows, key, list, now_ns);
	if (!c)
		c = make_room(t, key, list, now_ns);
	if (!c) {
		if (init->template)
			init->template->tie--;
		return NULL;
	}
	if (init->template)
		c->tie = flow_index(t->flows, init->template) + 1;
	c->since_ns = now_ns;
	c->timeout_s = init->timeout_s;
	c->dest = init->dest;
	c->service = init->service;
	c->state = (uint8_t)init->state;
	c->flags = init->flags;
	c->jitter_ms = jitter(t);
	c->deadline_ns = now_ns + timeout_ns(t, c);
	wheel_link(t, c);
	dest_count(&t->dests->v[c->dest], init->state, 1);
	conn_save(t, c);
	return c;
}

/**
 * conn_tie() - A restored connection follows its template again
 * @t:		table
 * @c:		connection without a template
 * @template:	template
 */
void conn_tie(struct conn_table *t, struct conn *c, struct conn *template)
{
	c->tie = flow_index(t->flows, template) + 1;
	template->tie++;
}

/**
 * conn_set_deadline() - Say when a connection ends if no frame comes
 * @t:			table
 * @c:			connection
 * @deadline_ns:	time
 */
void conn_set_deadline(struct conn_table *t, struct conn *c,
		       uint64_t deadline_ns)
{
	uint64_t ticks = (c->slot - t->tick) % WHEEL_SLOTS;

	c->deadline_ns = deadline_ns;
	if (wheel_ticks(t, deadline_ns) >= ticks)
		return;
	wheel_unlink(t, c);
	wheel_link(t, c);
}

/**
 * conn_set_state() - A connection comes to another state
 * @t:		table
 * @c:		connection
 * @state:	the other one
 * @now_ns:	time
 */
void conn_set_state(struct conn_table *t, struct conn *c, enum state state,
		    uint64_t now_ns)
{
	struct dest *d = &t->dests->v[c->dest];

	dest_count(d, (enum state)c->state, -1);
	c->state = (uint8_t)state;
	dest_count(d, state, 1);
	flow_touch(t->flows, c, state_list(state), now_ns);
	conn_set_deadline(t, c, now_ns + timeout_ns(t, c));
	conn_save(t, c);
}

/**
 * conn_move() - A template gets another destination
 * @t:		table
 * @c:		template
 * @dest:	index of the other one
 */
void conn_move(struct conn_table *t, struct conn *c, uint16_t dest)
{
	dest_count(&t->dests->v[c->dest], (enum state)c->state, -1);
	c->dest = dest;
	dest_count(&t->dests->v[c->dest], (enum state)c->state, 1);
	conn_save(t, c);
}

/**
 * conn_touch() - A frame came: the whole timeout begins again
 * @t:		table
 * @c:		connection
 * @now_ns:	time
 */
void conn_touch(struct conn_table *t, struct conn *c, uint64_t now_ns)
{
	unsigned list = state_list((enum state)c->state);

	c->deadline_ns = now_ns + timeout_ns(t, c);
	if (flow_is_recent(t->flows, c, list, now_ns, NS_PER_S))
		return;
	flow_touch(t->flows, c, list, now_ns);
	save_deadline(t, c);
}

/* Its slot has come: it ends, or gets another one. */
static void look_at(struct conn_table *t, struct conn *c, uint64_t now_ns)
{
	if (c->state == STATE_TEMPLATE && c->tie && c->deadline_ns <= now_ns)
		c->deadline_ns = now_ns + TEMPLATE_RETRY_NS;
	if (c->deadline_ns > now_ns) {
		wheel_unlink(t, c);
		wheel_link(t, c);
	} else {
		conn_remove(t, c);
	}
}

/**
 * conn_expire() - End the connections whose time has come
 * @t:		table
 * @now_ns:	time
 *
 * The work is bounded: what is left is done by the next call. A template whose
 * time has come while it has connections is asked again after 60 s.
 */
void conn_expire(struct conn_table *t, uint64_t now_ns)
{
	uint64_t last = now_ns / WHEEL_TICK_NS;
	uint32_t n_looks = 0;

	if (last > t->tick + WHEEL_SLOTS)
		t->tick = last - WHEEL_SLOTS;
	while (t->tick < last) {
		uint32_t *head = &t->wheel[++t->tick % WHEEL_SLOTS];

		while (*head) {
			if (n_looks++ == LOOKS_MAX) {
				t->tick--;
				return;
			}
			look_at(t, conn_at(t, *head - 1), now_ns);
		}
	}
}
