/* SPDX-License-Identifier: ISC */
/*
 * The core's part of the account. Each part of struct rewrite counts for itself;
 * here the counters get the names under which users see them. Nothing changes.
 */
#include "rewrite_types.h"

#define AT(member) STATS_AT(struct rewrite, member)
#define COUNT(g, n, u, member, h) { g, n, u, h, AT(member) }
#define GAUGE(g, n, u, member, h) { g, n, u, h, .is_gauge = true, AT(member) }

static const struct stats_def table[] = {
	COUNT("translated", "tx", "segments", translated.n_segments[REWRITE_TX],
	      "Segments to the guest with changed numbers."),
	COUNT("translated", "rx", "segments", translated.n_segments[REWRITE_RX],
	      "Segments from the guest with changed numbers."),
	COUNT("translated", "icmp", "messages", icmp.n_errors,
	      "ICMP errors about a segment, with changed numbers."),
	COUNT("passed", "unknown", "segments", passed.n_unknown,
	      "Segments of connections that are not known, as they were."),
	COUNT("passed", "signed", "segments", passed.n_signed,
	      "Segments with a signature (TCP-MD5, TCP-AO), as they were."),
	COUNT("passed", "fragment", "packets", passed.n_fragments,
	      "Fragments of TCP segments, as they were."),
	COUNT("hold", "held", "segments", hold.n_held,
	      "Segments that had to wait for their connection's offset."),
	COUNT("hold", "released", "segments", hold.n_released,
	      "Those of them that went on."),
	COUNT("hold", "time", "segments", hold.held,
	      "How long they had waited, as a histogram."),
	GAUGE("flows", "translated", "flows", flows.n_translated,
	      "Connections whose numbers change on the way."),
	GAUGE("flows", "half-open", "flows", flows.n_state[REWRITE_HALF_OPEN],
	      "Connections of which a SYN was seen."),
	GAUGE("flows", "established", "flows",
	      flows.n_state[REWRITE_ESTABLISHED], "Connections that are open."),
	GAUGE("flows", "closing", "flows", flows.n_state[REWRITE_CLOSING],
	      "Connections that one side has closed."),
	GAUGE("flows", "closed", "flows", flows.n_state[REWRITE_CLOSED],
	      "Connections that both sides have closed, or that were reset, and "
	      "are remembered for a while."),
	COUNT("flows", "learned", "offsets", track.n_learned,
	      "Offsets that became known."),
	COUNT("flows", "corrected", "offsets", track.n_corrected,
	      "Offsets that were corrected: the first segment that told them "
	      "had overtaken another one."),
	COUNT("flows", "expired", "flows", flows.n_expired,
	      "Connections that were forgotten for their age."),
	COUNT("flows", "evicted", "flows", flows.n_evicted,
	      "Connections that were forgotten to make room for others."),
	COUNT("flows", "table-full", "flows", flows.n_refused,
	      "Connections for which there was no room, see --max-flows."),
	COUNT("file", "loaded", "records", persist.n_loaded,
	      "Connections that were found in --state-dir at the start."),
	COUNT("file", "lost", "records", persist.n_lost,
	      "Records in --state-dir that could not be read."),
	COUNT("file", "unsaved", "writes", flows.n_unsaved,
	      "Changes for which the disk of --state-dir had no room."),
	COUNT("ack", "lowered", "segments", translated.n_lowered,
	      "Acknowledgements that were lowered to what the guest has sent."),
	COUNT("ack", "sacks-removed", "segments", translated.n_sacks_removed,
	      "Segments whose SACK blocks made no sense to the guest."),
	COUNT("ack", "originated", "segments", ahead.n_originated,
	      "Acknowledgements that were made here, for a client that is "
	      "ahead of the guest."),
	COUNT("clock", "raised", "segments", translated.n_raised,
	      "Timestamps that were raised after a failover, so that they do not "
	      "go back."),
	COUNT("clock", "capped", "segments", translated.n_capped,
	      "Echoed timestamps that were moved to between the guest's first "
	      "and its last."),
	COUNT("clock", "lifted", "segments", translated.n_lifted,
	      "Echoed timestamps that were raised to that of the bytes which the "
	      "guest has repeated."),
	COUNT("role", "checkpoints", "checkpoints", n_checkpoints,
	      "Checkpoints that the rewriter was told of."),
};

/**
 * rewrite_stats() - Add the core's part to the account of the process
 * @r:	rewriter
 * @s:	account, to which rows are added
 */
void rewrite_stats(const struct rewrite *r, struct stats *s)
{
	s->held += r->hold.all.n;
	s->originated += r->ahead.n_originated;
	stats_drop(s, DROP_UNKNOWN, r->passed.n_dropped);
	for (enum drop i = DROP_HOLD_FULL; i <= DROP_HOLD_CHECKPOINT; i++)
		stats_drop(s, i, r->hold.n_dropped[i]);
	stats_add(s, table, sizeof(table) / sizeof(*table), NULL, r);
}
