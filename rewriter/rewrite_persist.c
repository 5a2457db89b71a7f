/* SPDX-License-Identifier: ISC */
/*
 * What one process of the rewriter leaves to the next: the connections in the
 * table's file are read at the start, and when the file lacks some they are
 * written once it can have them. The owner is told of what was lost, of the
 * beginning of a lack and of its end.
 *
 * The state is struct rewrite_persist. rewrite.c calls in at the start, for a
 * segment of an unknown connection, and every second. rewrite_flow.c saves a
 * flow when it changes.
 */
#include "rewrite_persist.h"

#include <string.h>

#include "../common/record_table.h"
#include "rewrite_flow.h"
#include "rewrite_record.h"

/**
 * rewrite_persist_load() - Take over the connections of an earlier process
 * @r:	rewriter without flows, with a table or without
 *
 * Indexes of the new flows are given out from 0 on, so each record moves to
 * its own place or to a lower one that was read already.
 */
void rewrite_persist_load(struct rewrite *r)
{
	struct record_table *t = r->config.table;
	uint32_t n_used;

	if (!t)
		return;
	rewrite_flow_set_epoch(r, record_table_epoch(t));
	n_used = record_table_n_used(t);
	for (uint32_t n = 0; n < n_used; n++) {
		struct rewrite_record rec;

		memcpy(&rec, record_table_at(t, n), sizeof(rec));
		if (!rewrite_record_is_used(&rec))
			continue;
		if (rewrite_record_is_intact(&rec) &&
		    rewrite_flow_restore(r, &rec.key, &rec.flow))
			r->persist.n_loaded++;
		else
			r->persist.n_lost++;
		if (n >= flow_count(r->flows.table))
			record_table_clear(t, n);
	}
	record_table_set_n_used(t, flow_count(r->flows.table));
	r->persist.is_new = record_table_found(t) == RECORD_FILE_NEW;
	if (record_table_found(t) == RECORD_FILE_BAD || r->persist.n_lost)
		rewrite_flow_tell(r, REWRITE_STATE_LOST, NULL);
}

/**
 * rewrite_persist_miss() - A segment came whose connection is unknown
 * @r:	rewriter
 *
 * Where no file was found at the start, the first such segment shows that there
 * were connections. The owner is told once.
 */
void rewrite_persist_miss(struct rewrite *r)
{
	if (!r->persist.is_new)
		return;
	r->persist.is_new = false;
	rewrite_flow_tell(r, REWRITE_STATE_LOST, NULL);
}

static uint32_t count_flows(const struct rewrite *r,
			    const struct record_table_gap *gap)
{
	uint32_t n = 0;

	for (uint32_t i = gap->from; i < gap->to; i++)
		n += flow_at(r->flows.table, i) != NULL;
	return n;
}

/* Write the flows that the file lacks. Return: whether all are in it. */
static bool fill_gap(struct rewrite *r, const struct record_table_gap *gap)
{
	struct record_table *t = r->config.table;

	if (!record_table_mend(t, r->config.max_flows, r->flows.epoch))
		return false;
	for (uint32_t n = gap->from; n < gap->to; n++) {
		const struct rewrite_flow *fl = flow_at(r->flows.table, n);

		if (!record_table_has_room(t, n))
			return false;
		if (fl)
			rewrite_flow_save(r, fl);
	}
	return true;
}

static void tell(struct rewrite *r, enum rewrite_event event, uint32_t n)
{
	r->persist.is_told = event == REWRITE_UNSAVED;
	r->persist.n_behind = n;
	rewrite_flow_tell(r, event, NULL);
}

/**
 * rewrite_persist_mend() - Write the connections that the file lacks
 * @r:	rewriter, with a table or without
 *
 * To be called every second. When it cannot write them the owner is told once,
 * and once more when it could; rewrite_behind() has the number of connections.
 */
void rewrite_persist_mend(struct rewrite *r)
{
	struct record_table_gap gap;

	if (!r->config.table ||
	    !record_table_is_behind(r->config.table, &gap))
		return;
	if (!fill_gap(r, &gap)) {
		if (!r->persist.is_told)
			tell(r, REWRITE_UNSAVED, count_flows(r, &gap));
	} else if (r->persist.is_told || gap.is_lost) {
		tell(r, REWRITE_SAVED, count_flows(r, &gap));
	}
}
