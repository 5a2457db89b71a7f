/* SPDX-License-Identifier: ISC */
/*
 * The core's part of the account. Each part of struct rewrite counts for itself;
 * here the counters get the names under which users see them. Nothing changes.
 */
#include "rewrite_types.h"

static const char *const reasons[REWRITE_HOLD_DROPS] = {
	[REWRITE_HOLD_FULL] = "hold-full",
	[REWRITE_HOLD_OUTSIDE] = "hold-outside",
	[REWRITE_HOLD_EXPIRED] = "hold-expired",
	[REWRITE_HOLD_RESET] = "hold-reset",
	[REWRITE_HOLD_CHECKPOINT] = "hold-checkpoint",
};

/**
 * rewrite_stats_drop_text() - Say why a segment is held no more, in one word
 * @reason:	below REWRITE_HOLD_DROPS
 *
 * Return: static text
 */
const char *rewrite_stats_drop_text(unsigned reason)
{
	return reasons[reason];
}

/* The terms of the account: held, originated, and dropped by their reasons. */
static void stats_account(const struct rewrite *r, struct stats *s)
{
	s->held += r->hold.all.n;
	s->originated += r->ahead.n_originated;
	stats_drop(s, "unknown", r->passed.n_dropped);
	for (unsigned i = 0; i < REWRITE_HOLD_DROPS; i++)
		stats_drop(s, reasons[i], r->hold.n_dropped[i]);
}

static void stats_flows(const struct rewrite *r, struct stats *s)
{
	const struct rewrite_flows *f = &r->flows;

	stats_note(s, "flows", "translated", f->n_translated);
	stats_note(s, "flows", "half-open", f->n_state[REWRITE_HALF_OPEN]);
	stats_note(s, "flows", "established", f->n_state[REWRITE_ESTABLISHED]);
	stats_note(s, "flows", "closing", f->n_state[REWRITE_CLOSING]);
	stats_note(s, "flows", "closed", f->n_state[REWRITE_CLOSED]);
	stats_note(s, "flows", "learned", r->track.n_learned);
	stats_note(s, "flows", "corrected", r->track.n_corrected);
	stats_note(s, "flows", "expired", f->n_expired);
	stats_note(s, "flows", "evicted", f->n_evicted);
	stats_note(s, "flows", "table-full", f->n_refused);
	stats_note(s, "file", "loaded", r->persist.n_loaded);
	stats_note(s, "file", "lost", r->persist.n_lost);
	stats_note(s, "file", "unsaved", f->n_unsaved);
}

/**
 * rewrite_stats() - Add the core's part to the account of the process
 * @r:	rewriter
 * @s:	account, to which rows are added
 */
void rewrite_stats(const struct rewrite *r, struct stats *s)
{
	const struct rewrite_translated *t = &r->translated;

	stats_account(r, s);
	stats_note(s, "translated", "tx", t->n_segments[REWRITE_TX]);
	stats_note(s, "translated", "rx", t->n_segments[REWRITE_RX]);
	stats_note(s, "translated", "icmp", r->icmp.n_errors);
	stats_note(s, "passed", "unknown", r->passed.n_unknown);
	stats_note(s, "passed", "signed", r->passed.n_signed);
	stats_note(s, "passed", "fragment", r->passed.n_fragments);
	stats_note(s, "hold", "held", r->hold.n_held);
	stats_note(s, "hold", "released", r->hold.n_released);
	stats_flows(r, s);
	stats_note(s, "ack", "lowered", t->n_lowered);
	stats_note(s, "ack", "sacks-removed", t->n_sacks_removed);
	stats_note(s, "ack", "originated", r->ahead.n_originated);
	stats_note(s, "clock", "raised", t->n_raised);
	stats_note(s, "clock", "capped", t->n_capped);
	stats_note(s, "clock", "lifted", t->n_lifted);
	stats_note(s, "role", "checkpoints", r->n_checkpoints);
}
