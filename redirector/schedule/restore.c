/* SPDX-License-Identifier: ISC */
/*
 * What one process leaves to the next: connections and templates are read from
 * the mapped file at the start. Those of destinations that are no more are
 * lost, and so are records that a kill cut in two; both are counted. While the
 * disk is full, what the file lacks is written as soon as there is room.
 *
 * The state is in struct conn_table and the counters of struct schedule.
 */
#include "restore.h"

#include <string.h>

#include "conn.h"
#include "dest.h"
#include "lasting.h"
#include "service.h"
#include "tuple.h"

/* Has a connection of this protocol such a state, and a template its own? A record
 * that says otherwise was not written here, although its checksum is right. */
static bool state_suits(const struct lasting_record *rec)
{
	if (tuple_is_template(&rec->key))
		return rec->state == STATE_TEMPLATE;
	switch (rec->key.proto) {
	case PACKET_TCP:
		return rec->state <= STATE_SYNACK;
	case PACKET_UDP:
		return rec->state == STATE_UDP_ONE_WAY ||
		       rec->state == STATE_UDP;
	default:
		return rec->state == STATE_ICMP;
	}
}

static bool restore_one(struct schedule *s, const struct lasting_record *rec,
			uint64_t now_ns)
{
	struct conn_init init = {
		.dest = dest_find_id(&s->dests, rec->dest_id),
		.service = service_find_id(&s->services, rec->service_id),
		.state = (enum state)rec->state,
		.flags = rec->flags,
		.timeout_s = rec->timeout_s,
	};
	struct conn *c;

	if (!lasting_is_intact(rec) || !state_suits(rec) ||
	    init.dest == DEST_NONE || conn_find(&s->conns, &rec->key))
		return false;
	c = conn_new(&s->conns, &rec->key, &init, now_ns);
	if (!c)
		return false;
	c->since_ns = rec->since_ns;
	c->jitter_ms = rec->jitter_ms;
	/* no checksum covers it: it may shorten the time, not make it longer */
	if (rec->deadline_ns < c->deadline_ns)
		conn_set_deadline(&s->conns, c, rec->deadline_ns);
	conn_save(&s->conns, c);
	return true;
}

/* A connection from the net to a persistent service follows its template. */
static void tie_again(struct schedule *s, struct conn *c)
{
	struct flow_key key;
	struct conn *template;

	if (!c || c->state == STATE_TEMPLATE || c->service == SERVICE_NONE ||
	    !s->services.v[c->service].persist_s)
		return;
	tuple_template(&key, flow_get_key(s->conns.flows, c),
		       &s->services.v[c->service]);
	template = conn_find(&s->conns, &key);
	if (template && template->dest == c->dest)
		conn_tie(&s->conns, c, template);
}

/**
 * restore_load() - Take over the connections of an earlier process
 * @s:		state without connections, with its destinations and services
 * @now_ns:	time
 *
 * Indexes are given out from 0 on, so each record moves to its own place or to a
 * lower one that was read already.
 */
void restore_load(struct schedule *s, uint64_t now_ns)
{
	struct record_table *file = s->conns.file;
	uint32_t n_used = file ? record_table_n_used(file) : 0;

	for (uint32_t n = 0; n < n_used; n++) {
		struct lasting_record rec;

		memcpy(&rec, record_table_at(file, n), sizeof(rec));
		if (!lasting_is_used(&rec))
			continue;
		if (restore_one(s, &rec, now_ns))
			s->n_loaded++;
		else
			s->n_lost++;
		if (n >= flow_count(s->conns.flows))
			record_table_clear(file, n);
	}
	if (file)
		record_table_set_n_used(file, flow_count(s->conns.flows));
	for (uint32_t n = 0; n < s->n_loaded; n++)
		tie_again(s, conn_at(&s->conns, n));
}

/* Return: the first number for which the file has no room, or gap->to */
static uint32_t fill_gap(struct schedule *s, const struct record_table_gap *gap)
{
	struct record_table *file = s->conns.file;
	uint32_t n = gap->from;

	if (!record_table_mend(file, s->conns.max, 0))
		return n;
	for (; n < gap->to && record_table_has_room(file, n); n++) {
		const struct conn *c = conn_at(&s->conns, n);

		if (c)
			conn_save(&s->conns, c);
	}
	return n;
}

/**
 * restore_mend() - Write the connections that the file lacks, if there is room
 * @s:	state, with a file or without; counts those for which there is none, once
 *	while that lasts: there may be a million, and frames wait meanwhile
 */
void restore_mend(struct schedule *s)
{
	struct record_table_gap gap = { 0 };
	uint32_t n = 0;

	if (s->conns.file && record_table_is_behind(s->conns.file, &gap))
		n = fill_gap(s, &gap);
	if (n == gap.to)
		s->n_unsaved = 0;
	else if (!s->n_unsaved)
		for (; n < gap.to; n++)
			s->n_unsaved += conn_at(&s->conns, n) != NULL;
}
