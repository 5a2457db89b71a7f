/* SPDX-License-Identifier: ISC */
/*
 * The schedulers by name, behind one face: turn.c, load.c, slots.c, maglev.c and
 * ring.c have them. A service has one, whose memory struct scheduler is.
 */
#include "scheduler.h"

#include <stdlib.h>
#include <string.h>

#include "load.h"
#include "maglev.h"
#include "ring.h"
#include "turn.h"

static const char *const names[] = {
	[SCHEDULER_RR] = "rr", [SCHEDULER_WRR] = "wrr", [SCHEDULER_LC] = "lc",
	[SCHEDULER_WLC] = "wlc", [SCHEDULER_SED] = "sed",
	[SCHEDULER_NQ] = "nq", [SCHEDULER_SH] = "sh", [SCHEDULER_DH] = "dh",
	[SCHEDULER_MH] = "mh", [SCHEDULER_FO] = "fo",
	[SCHEDULER_OVF] = "ovf", [SCHEDULER_CONHASH] = "conhash",
};

/**
 * scheduler_find() - Which scheduler has a name
 * @name:	as ipvsadm -s takes it
 * @kind:	set when there is one
 */
bool scheduler_find(const char *name, enum scheduler_kind *kind)
{
	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(names[i], name)) {
			*kind = (enum scheduler_kind)i;
			return true;
		}
	return false;
}

/**
 * scheduler_name() - The name of a scheduler
 * @kind:	which
 *
 * Return: static text
 */
const char *scheduler_name(enum scheduler_kind kind)
{
	return names[kind];
}

static uint32_t n_slots_of(enum scheduler_kind kind)
{
	if (kind == SCHEDULER_MH)
		return MAGLEV_SLOTS;
	return kind == SCHEDULER_SH || kind == SCHEDULER_DH ? 256 : 0;
}

/**
 * scheduler_init() - Begin without destinations
 * @s:	its kind, flags and slow start are set already; the caller ends it with
 *	scheduler_fini()
 *
 * Return: false when memory is short.
 */
bool scheduler_init(struct scheduler *s)
{
	s->cursor = DEST_NONE;
	s->is_stale = true;
	s->cw = s->mw = 0;
	s->points = NULL;
	s->n_points = 0;
	s->slots = NULL;
	s->n_slots = n_slots_of(s->kind);
	if (!s->n_slots)
		return true;
	s->slots = malloc(s->n_slots * sizeof(*s->slots));
	return s->slots;
}

/**
 * scheduler_fini() - Free what a scheduler has
 * @s:	scheduler
 */
void scheduler_fini(struct scheduler *s)
{
	free(s->slots);
	free(s->points);
}

/**
 * scheduler_changed() - Destinations have come, gone or changed their weight
 * @s:		scheduler
 * @set:	destinations as they are now
 *
 * A table is made again by the next pick, once for all changes until then: with
 * 128 destinations a ring has a million points.
 */
void scheduler_changed(struct scheduler *s, const struct dest_set *set)
{
	if (s->kind == SCHEDULER_RR || s->kind == SCHEDULER_WRR)
		turn_changed(s, set);
	else
		s->is_stale = true;
}

/* A ring for which memory is short is tried again by the next pick. */
static void refresh(struct scheduler *s, const struct dest_set *set)
{
	s->is_stale = false;
	if (s->kind == SCHEDULER_MH)
		maglev_fill(s, set);
	else if (s->kind == SCHEDULER_CONHASH)
		s->is_stale = !ring_fill(s, set);
	else if (s->n_slots)
		slots_fill(s, set);
}

/**
 * scheduler_pick() - Choose a destination for a new connection
 * @s:		scheduler
 * @set:	destinations
 * @key:	the connection
 * @now_ns:	time
 *
 * Return: index of one that is usable, or DEST_NONE
 */
uint16_t scheduler_pick(struct scheduler *s, struct dest_set *set,
			const struct slots_key *key, uint64_t now_ns)
{
	struct slots_key k = *key;

	if (!s->with_port)
		k.sport = 0;
	if (s->is_stale)
		refresh(s, set);
	switch (s->kind) {
	case SCHEDULER_RR:
	case SCHEDULER_WRR:
		return turn_pick(s, set, now_ns);
	case SCHEDULER_SH:
	case SCHEDULER_DH:
		return slots_pick(s, set, &k);
	case SCHEDULER_MH:
		return maglev_pick(s, set, &k);
	case SCHEDULER_CONHASH:
		return ring_pick(s, set, &k);
	default:
		return load_pick(s, set, now_ns);
	}
}
