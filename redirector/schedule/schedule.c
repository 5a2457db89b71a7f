/* SPDX-License-Identifier: ISC */
/*
 * The scheduler as a whole: its parts, what its owner sets, and what time does.
 * route.c says where frames go.
 *
 * A destination comes and goes:
 *
 *	member, up	gets new connections, while it has weight and room
 *	weight 0	keeps its connections; `drained` when the last has ended
 *	removed, down	keeps them for `linger`, then they are forgotten
 *
 * The owner calls schedule_expire() a few times a second, with a clock of its
 * choice. There is no I/O but stores into the mapped file.
 */
#include "schedule.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/age.h"
#include "conn.h"
#include "core.h"
#include "dest.h"
#include "fragments.h"
#include "restore.h"
#include "scheduler.h"

#define SWEEP_MAX 65536u	/* entries that one call looks at */

static const char *const reasons[] = {
	[SCHEDULE_ORDINARY] = "ordinary",
	[SCHEDULE_NEW] = "new",
	[SCHEDULE_NOT_IP] = "not-ip",
	[SCHEDULE_NO_SERVICE] = "no-service",
	[SCHEDULE_UNKNOWN] = "unknown",
	[SCHEDULE_RELATED] = "icmp-related",
	[SCHEDULE_FRAGMENT] = "fragment",
	[SCHEDULE_ANSWERED] = "answered",
	[SCHEDULE_OVERLOAD_PASSED] = "overload-passed",
	[SCHEDULE_UNSCHEDULED] = "unscheduled",
	[SCHEDULE_NO_DEST] = "no-dest",
	[SCHEDULE_OVERLOAD] = "overload",
	[SCHEDULE_TABLE_FULL] = "table-full",
	[SCHEDULE_SHORT] = "truncated",
	[SCHEDULE_ORPHAN] = "fragment-orphan",
	[SCHEDULE_STRAY] = "unknown",
	[SCHEDULE_DEST_DOWN] = "dest-down",
	[SCHEDULE_QUIESCENT] = "quiescent",
	[SCHEDULE_WRONG_DEST] = "wrong-dest",
	[SCHEDULE_CLASH] = "clash",
	[SCHEDULE_ICMP_SUM] = "icmp-checksum",
};

_Static_assert(sizeof(reasons) / sizeof(*reasons) == SCHEDULE_REASONS,
	       "each has a text");

/**
 * schedule_new() - Begin without destinations, services and connections
 * @config:	copied
 * @now_ns:	time
 *
 * Return: state, which the caller frees with schedule_free(), or NULL when
 *	   memory is short.
 */
struct schedule *schedule_new(const struct schedule_config *config,
			      uint64_t now_ns)
{
	struct schedule *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->config = *config;
	s->conns.dests = &s->dests;
	s->conns.file = config->table;
	s->fragments = fragments_new(config->seed);
	if (conn_table_init(&s->conns, config->max_conns, config->seed,
			    now_ns) &&
	    claims_init(&s->claims, config->seed) && s->fragments)
		return s;
	schedule_free(s);
	return NULL;
}

/**
 * schedule_free() - Free it; what is in the file stays
 * @s:	state, or NULL
 */
void schedule_free(struct schedule *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < s->services.n; i++)
		scheduler_fini(&s->services.v[i].scheduler);
	conn_table_fini(&s->conns);
	claims_fini(&s->claims);
	flow_table_free(s->fragments);
	free(s);
}

static void tell_schedulers(struct schedule *s)
{
	for (unsigned i = 0; i < s->services.n; i++)
		scheduler_changed(&s->services.v[i].scheduler, &s->dests);
}

/**
 * schedule_add_dest() - Add a destination; it is down, and has weight 1
 * @s:		state
 * @name:	shorter than DEST_NAME_MAX
 * @now_ns:	time
 *
 * Return: its index, or DEST_NONE when there is one or no room
 */
uint16_t schedule_add_dest(struct schedule *s, const char *name,
			   uint64_t now_ns)
{
	uint16_t i = dest_add(&s->dests, name, now_ns);

	if (i != DEST_NONE)
		tell_schedulers(s);
	return i;
}

/**
 * schedule_remove_dest() - Remove a destination; its connections linger
 * @s:		state
 * @i:		index of a member
 * @now_ns:	time
 */
void schedule_remove_dest(struct schedule *s, uint16_t i, uint64_t now_ns)
{
	dest_remove(&s->dests, i, now_ns);
	tell_schedulers(s);
}

/**
 * schedule_set_weight() - Give a destination another weight
 * @s:		state
 * @i:		its index
 * @weight:	0 to 65535; 0: no new connections
 */
void schedule_set_weight(struct schedule *s, uint16_t i, uint32_t weight)
{
	s->dests.v[i].weight = weight;
	if (weight)
		s->dests.v[i].is_drained = false;
	tell_schedulers(s);
}

/**
 * schedule_set_limits() - Say how many connections a destination may have
 * @s:		state
 * @i:		its index
 * @max_conn:	on reaching it there are no new ones; 0: no limit
 * @min_conn:	below it there are again; 0: below 3/4 of @max_conn
 */
void schedule_set_limits(struct schedule *s, uint16_t i, uint32_t max_conn,
			 uint32_t min_conn)
{
	struct dest *d = &s->dests.v[i];

	d->max_conn = max_conn;
	d->min_conn = min_conn;
	dest_count(d, STATE_NONE, 0);
}

/**
 * schedule_set_mac() - Say how frames to a destination are addressed
 * @s:		state
 * @i:		its index
 * @mac:	the address; NULL: the one that its guest sends from
 */
void schedule_set_mac(struct schedule *s, uint16_t i, const uint8_t *mac)
{
	s->dests.v[i].learns_mac = !mac;
	if (mac)
		dest_set_mac(&s->dests.v[i], mac);
}

/**
 * schedule_set_up() - A destination has a peer, or has lost the last one
 * @s:		state
 * @i:		its index
 * @is_up:	which of both
 * @now_ns:	time
 */
void schedule_set_up(struct schedule *s, uint16_t i, bool is_up,
		     uint64_t now_ns)
{
	dest_set_up(&s->dests.v[i], is_up, now_ns);
}

/**
 * schedule_add_service() - Add a service
 * @s:		state
 * @svc:	from service_parse(); copied
 *
 * Return: false when there is one for this address and port, there are
 *	   SERVICES_MAX, or memory is short
 */
bool schedule_add_service(struct schedule *s, const struct service *svc)
{
	struct service *at = &s->services.v[s->services.n];

	if (s->services.n == SERVICES_MAX ||
	    service_find_id(&s->services, svc->id) != SERVICE_NONE)
		return false;
	*at = *svc;
	if (!scheduler_init(&at->scheduler))
		return false;
	s->conns.service_id[s->services.n++] = svc->id;
	scheduler_changed(&at->scheduler, &s->dests);
	return true;
}

/**
 * schedule_set_timeout() - Say how long a state lasts without frames
 * @s:		state
 * @state:	one of a connection's
 * @seconds:	1 or more
 */
void schedule_set_timeout(struct schedule *s, enum state state,
			  uint32_t seconds)
{
	s->conns.timeout_s[state] = seconds;
}

/**
 * schedule_load() - Take over the connections in the file
 * @s:		state with its destinations and services
 * @now_ns:	time
 */
void schedule_load(struct schedule *s, uint64_t now_ns)
{
	restore_load(s, now_ns);
}

/* --- time --- */

static void note_over(struct schedule *s, uint64_t now_ns)
{
	for (unsigned i = 0; i < DESTS_MAX; i++) {
		struct dest *d = &s->dests.v[i];

		if (!d->name[0] || d->is_over || (d->is_member && d->is_up) ||
		    age_ns(now_ns, d->gone_ns) <= s->config.linger_ns)
			continue;
		d->is_over = true;
		s->is_sweeping = true;
		s->sweep = 0;
	}
}

/* Does a connection of a destination that is over end? Its templates wait for it
 * to come back, unless it was removed. */
static bool has_to_end(const struct schedule *s, const struct conn *c)
{
	const struct dest *d = &s->dests.v[c->dest];

	return d->is_over &&
	       (c->state != STATE_TEMPLATE || (!d->is_member && !c->tie));
}

/* Forget the connections of those that are over, some at a time; in a second round
 * the templates that have lost them. */
static void sweep(struct schedule *s)
{
	for (unsigned n = 0; s->is_sweeping && n < SWEEP_MAX; n++) {
		struct conn *c = conn_at(&s->conns, s->sweep % s->conns.max);

		if (c && has_to_end(s, c))
			conn_remove(&s->conns, c);
		s->is_sweeping = ++s->sweep < 2 * s->conns.max;
	}
}

/* One that has drained and was not said to have; one that nobody needs goes. */
static uint16_t find_drained(struct schedule *s)
{
	for (uint16_t i = 0; i < DESTS_MAX; i++) {
		struct dest *d = &s->dests.v[i];

		if (!d->name[0] || (d->is_member && d->weight) ||
		    dest_conns(d))
			continue;
		if (!d->is_drained) {
			d->is_drained = true;
			return i;
		}
		if (dest_free(&s->dests, i)) {
			claims_forget(&s->claims, i);
			fragments_forget(s->fragments, i);
		}
	}
	return DEST_NONE;
}

/**
 * schedule_expire() - Time has passed
 * @s:		state
 * @now_ns:	time
 *
 * Return: index of a destination that wants no new connections and has no more,
 *	   told once; or DEST_NONE. It keeps its name until the next call.
 */
uint16_t schedule_expire(struct schedule *s, uint64_t now_ns)
{
	conn_expire(&s->conns, now_ns);
	note_over(s, now_ns);
	sweep(s);
	restore_mend(s);
	return find_drained(s);
}

/* --- looking --- */

/**
 * schedule_dests() - The destinations, to be looked at
 * @s:	state
 */
const struct dest_set *schedule_dests(const struct schedule *s)
{
	return &s->dests;
}

/**
 * schedule_services() - The services, to be looked at
 * @s:	state
 */
const struct service_set *schedule_services(const struct schedule *s)
{
	return &s->services;
}

/**
 * schedule_conns() - The connections, to be looked at with conn_at()
 * @s:	state
 */
const struct conn_table *schedule_conns(const struct schedule *s)
{
	return &s->conns;
}

/**
 * schedule_stored() - What the file had at the start
 * @s:		state
 * @n_loaded:	set: connections and templates that go on
 * @n_lost:	set: records that could not be used
 */
void schedule_stored(const struct schedule *s, uint32_t *n_loaded,
		     uint32_t *n_lost)
{
	*n_loaded = s->n_loaded;
	*n_lost = s->n_lost;
}

/**
 * schedule_unsaved() - Connections that the file lacks, as of the last
 *			schedule_expire()
 * @s:	state
 */
uint32_t schedule_unsaved(const struct schedule *s)
{
	return s->n_unsaved;
}

/**
 * schedule_rescheduled() - SYNs that took the place of an old connection
 * @s:	state
 */
uint64_t schedule_rescheduled(const struct schedule *s)
{
	return s->n_rescheduled;
}

/**
 * schedule_count() - How many frames there were, by reason
 * @s:		state
 * @reason:	reason
 */
uint64_t schedule_count(const struct schedule *s, enum schedule_reason reason)
{
	return s->n[reason];
}

/**
 * schedule_reason_text() - A reason as `stats` calls it
 * @reason:	reason
 *
 * Return: static text
 */
const char *schedule_reason_text(enum schedule_reason reason)
{
	return reasons[reason];
}
