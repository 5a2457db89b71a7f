/* SPDX-License-Identifier: ISC */
/*
 * The destinations: who there is, in which order, and how much each has. A
 * removed one keeps its place as long as connections of it live.
 *
 * The order is that of IPVS, newest first: schedulers that take the first of
 * equals then choose as they do there.
 *
 * The state is struct dest_set. conn.c counts connections; the schedulers read.
 */
#include "dest.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "../../common/age.h"

/**
 * dest_find() - Look a destination up by its name
 * @set:	destinations
 * @name:	name
 *
 * Return: its index, perhaps of one that was removed, or DEST_NONE.
 */
uint16_t dest_find(const struct dest_set *set, const char *name)
{
	for (uint16_t i = 0; i < DESTS_MAX; i++)
		if (*name && !strcmp(set->v[i].name, name))
			return i;
	return DEST_NONE;
}

/**
 * dest_find_id() - Look a destination up by what a record says
 * @set:	destinations
 * @id:		hash of a name
 *
 * Return: its index or DEST_NONE.
 */
uint16_t dest_find_id(const struct dest_set *set, uint64_t id)
{
	for (uint16_t i = 0; i < DESTS_MAX; i++)
		if (set->v[i].name[0] && set->v[i].id == id)
			return i;
	return DEST_NONE;
}

static void renumber(struct dest_set *set)
{
	for (uint16_t at = 0; at < set->n; at++)
		set->v[set->order[at]].at = at;
}

/* A place that nobody has. */
static uint16_t place_take(struct dest_set *set, const char *name)
{
	for (uint16_t i = 0; i < DESTS_MAX; i++) {
		struct dest *d = &set->v[i];

		if (d->name[0])
			continue;
		snprintf(d->name, sizeof(d->name), "%s", name);
		d->id = XXH3_64bits(d->name, strlen(d->name));
		return i;
	}
	return DEST_NONE;
}

/**
 * dest_add() - Add a destination, with weight 1, no limit and no MAC
 * @set:	destinations
 * @name:	name, shorter than DEST_NAME_MAX; of one that was removed: it
 *		comes back like a new one, and has its connections again
 * @now_ns:	time
 *
 * Return: its index, or DEST_NONE when there is one, or no room.
 */
uint16_t dest_add(struct dest_set *set, const char *name, uint64_t now_ns)
{
	uint16_t i = dest_find(set, name);
	struct dest *d;

	if (i == DEST_NONE)
		i = place_take(set, name);
	else if (set->v[i].is_member)
		return DEST_NONE;
	if (i == DEST_NONE)
		return i;
	d = &set->v[i];
	d->is_member = true;
	d->is_over = false;
	d->is_drained = false;
	d->gone_ns = now_ns;
	d->weight = 1;
	d->max_conn = d->min_conn = 0;
	d->is_overloaded = false;
	d->has_mac = d->learns_mac = false;
	memmove(set->order + 1, set->order, set->n * sizeof(*set->order));
	set->order[0] = i;
	set->n++;
	renumber(set);
	return i;
}

/**
 * dest_remove() - Give a destination no new connections for ever
 * @set:	destinations
 * @i:		index of a member
 * @now_ns:	time
 */
void dest_remove(struct dest_set *set, uint16_t i, uint64_t now_ns)
{
	struct dest *d = &set->v[i];

	assert(d->is_member);
	set->n--;
	memmove(set->order + d->at, set->order + d->at + 1,
		(size_t)(set->n - d->at) * sizeof(*set->order));
	renumber(set);
	d->is_member = false;
	d->is_drained = !d->up_ns && !dest_conns(d);	/* of nothing */
	if (d->is_up)
		d->gone_ns = now_ns;
}

/**
 * dest_free() - Forget a destination that was removed; its place is free
 * @set:	destinations
 * @i:		its index, which the caller remembers nowhere any more
 *
 * Return: false when connections or templates of it live.
 */
bool dest_free(struct dest_set *set, uint16_t i)
{
	struct dest *d = &set->v[i];

	if (d->is_member || dest_conns(d) || d->n_templates)
		return false;
	*d = (struct dest){ .weight = 0 };
	return true;
}

/**
 * dest_set_up() - The sockets of a destination have a peer, or have lost it
 * @d:		destination
 * @is_up:	which of both
 * @now_ns:	time: a slow start begins
 */
void dest_set_up(struct dest *d, bool is_up, uint64_t now_ns)
{
	if (d->is_up == is_up)
		return;
	d->is_up = is_up;
	d->credit = 0;
	if (is_up)
		d->up_ns = now_ns;
	if (!d->is_member)	/* gone since it was removed */
		return;
	if (!is_up)
		d->gone_ns = now_ns;
	d->is_over = false;
}

/**
 * dest_set_mac() - Frames to a destination get an address of Ethernet
 * @d:		destination
 * @mac:	the address
 */
void dest_set_mac(struct dest *d, const uint8_t mac[6])
{
	memcpy(d->mac, mac, sizeof(d->mac));
	d->has_mac = true;
}

/**
 * dest_is_open() - May a destination get new connections, if it has room?
 * @d:	destination
 */
bool dest_is_open(const struct dest *d)
{
	return d->is_member && d->is_up && d->weight;
}

/**
 * dest_is_usable() - May a destination get new connections?
 * @d:	destination
 */
bool dest_is_usable(const struct dest *d)
{
	return dest_is_open(d) && !d->is_overloaded;
}

/**
 * dest_conns() - The connections that a destination has
 * @d:	destination
 */
uint32_t dest_conns(const struct dest *d)
{
	return d->n_active + d->n_pending + d->n_inactive;
}

static uint32_t gcd(uint32_t a, uint32_t b)
{
	while (b) {
		uint32_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/**
 * dest_weights() - What the weights of all destinations have in common
 * @set:	destinations
 */
struct dest_weights dest_weights(const struct dest_set *set)
{
	struct dest_weights all = { 0, 0 };

	for (unsigned at = 0; at < set->n; at++) {
		uint32_t weight = set->v[set->order[at]].weight;

		all.divisor = gcd(weight, all.divisor);
		all.max = weight > all.max ? weight : all.max;
	}
	return all;
}

/**
 * dest_share() - How much of its weight a destination has already
 * @d:		destination
 * @slow_ns:	length of the slow start; 0: none
 * @now_ns:	time
 *
 * The time counts from when it came up: a change of the weight does not begin it
 * again.
 *
 * Return: 1 to DEST_SHARE_FULL
 */
uint32_t dest_share(const struct dest *d, uint64_t slow_ns, uint64_t now_ns)
{
	uint64_t age = age_ns(now_ns, d->up_ns);
	uint64_t share;

	if (age >= slow_ns)
		return DEST_SHARE_FULL;
	share = age / (slow_ns / DEST_SHARE_FULL + 1);
	return share ? (uint32_t)share : 1;
}

/* Set on reaching the limit, so that no connection is lost to it. Cleared below
 * min_conn, or below 3/4 of max_conn as IPVS does. */
static void note_overload(struct dest *d)
{
	uint64_t n = dest_conns(d);

	if (!d->max_conn)
		d->is_overloaded = false;
	else if (n >= d->max_conn)
		d->is_overloaded = true;
	else if (d->min_conn ? n < d->min_conn : n * 4 < d->max_conn * 3ull)
		d->is_overloaded = false;
}

/**
 * dest_count() - A connection comes to a state, or leaves it
 * @d:		destination
 * @state:	state
 * @by:		1, -1, or 0: the limits have changed
 */
void dest_count(struct dest *d, enum state state, int by)
{
	uint32_t *n = &d->n_inactive;

	if (state == STATE_TEMPLATE)
		n = &d->n_templates;
	else if (state == STATE_ESTABLISHED)
		n = &d->n_active;
	else if (state == STATE_SYN_SENT || state == STATE_SYN_RECV ||
		 state == STATE_SYNACK)
		n = &d->n_pending;
	assert(by >= 0 || *n);
	*n += (uint32_t)by;
	note_overload(d);
}
