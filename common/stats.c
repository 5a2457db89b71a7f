/* SPDX-License-Identifier: ISC */
/*
 * The account, summed up and written. The caller owns it; rows point to the
 * declarations of their counters, which are static.
 */
#include "stats.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "log.h"

#define DROPPED "dropped"
#define DROPS(n, h) { DROPPED, n, "frames", h, .label = "reason" }

static const struct stats_def drops[DROP_REASONS] = {
	[DROP_DOWN] = DROPS("down", "They were sent while no peer was there, "
		"or were still queued for an output that a failover closed."),
	[DROP_FULL] = DROPS("full", "An output had send-buffer bytes waiting."),
	[DROP_LINK] = DROPS("link", "Their output had died, or an interface "
		"refused them."),
	[DROP_NO_SIDE] = DROPS("no-side", "They were on their way to a side "
		"that was not given."),
	[DROP_MARKER] = DROPS("marker", "They were markers, which are for the "
		"comparison and go no further."),
	[DROP_ISOLATED] = DROPS("isolated", "They were for or from the net "
		"side that --exclusive has cut off."),
	[DROP_OUTDEV_DOWN] = DROPS("outdev-down", "The outdev was down, and "
		"--when-down drop says so; or they had waited for it, in both "
		"directions."),
	[DROP_UNKNOWN] = DROPS("unknown", "They were of a connection that is "
		"not known, and --unknown drop says so."),
	[DROP_HOLD_FULL] = DROPS("hold-full", "They were to wait for an "
		"offset, and there was no room."),
	[DROP_HOLD_OUTSIDE] = DROPS("hold-outside", "They were to wait for an "
		"offset, and cannot belong to their connection."),
	[DROP_HOLD_EXPIRED] = DROPS("hold-expired", "They had waited for an "
		"offset for 30 seconds."),
	[DROP_HOLD_RESET] = DROPS("hold-reset", "They waited for an offset, "
		"and their connection was reset, or another one took its place."),
	[DROP_HOLD_CHECKPOINT] = DROPS("hold-checkpoint", "They waited for an "
		"offset, and the guest that sent them was replaced by a "
		"checkpoint."),
	[DROP_MATCHED] = DROPS("matched", "The secondary's: the primary has "
		"sent the same, and that has left."),
	[DROP_ACK] = DROPS("ack", "The secondary's: they only acknowledge."),
	[DROP_LATE] = DROPS("late", "The secondary's: all their bytes were "
		"compared before."),
	[DROP_DUPLICATE] = DROPS("duplicate", "The secondary's: the same waits "
		"already."),
	[DROP_DIFFERENT] = DROPS("different", "The secondary's: their flow "
		"differs, and nothing of it is compared until a checkpoint."),
	[DROP_FLUSHED] = DROPS("flushed", "The secondary's: they waited when a "
		"checkpoint was made."),
	[DROP_OVER_BOUND] = DROPS("over-bound", "The secondary's: its half of "
		"--max-queue-bytes was used up."),
	[DROP_UNCOMPARED] = DROPS("uncompared", "The secondary's: they are of "
		"a kind that is not compared."),
	[DROP_NO_FLOW] = DROPS("no-flow", "There was no room for one more flow, "
		"see --max-flows."),
	[DROP_FAILOVER] = DROPS("failover", "The secondary's: they came after a "
		"failover, or waited when it came."),
	[DROP_OVER_SHARE] = DROPS("over-share", "The primary's: their flow held "
		"more than --max-flow-bytes, or their client more than "
		"--max-client-bytes. And the secondary's that are equal to one "
		"of these."),
	[DROP_OVERDUE] = DROPS("overdue", "With --checkpoint hold: datagrams "
		"that only the secondary has sent, and all of flows in which "
		"nothing has come for 5 minutes."),
	[DROP_EPOCH] = DROPS("epoch", "The secondary's: it sent them before a "
		"checkpoint, and they came after it."),
	[DROP_NOTIFY] = DROPS("notify", "They were messages on the notify-dev."),
	[DROP_NOT_SELECTED] = DROPS("not-selected", "In a report: --from or "
		"--ignore has left them out."),
	[DROP_UNSCHEDULED] = DROPS("unscheduled", "They were of no service, "
		"and --unscheduled drop says so."),
	[DROP_NO_DEST] = DROPS("no-dest", "There was no destination that takes "
		"connections."),
	[DROP_OVERLOAD] = DROPS("overload", "All destinations had max-conn "
		"connections."),
	[DROP_TABLE_FULL] = DROPS("table-full", "There were --max-flows "
		"connections, and none gives way."),
	[DROP_SHORT] = DROPS("truncated", "Their transport header is cut or "
		"wrong."),
	[DROP_ORPHAN] = DROPS("fragment-orphan", "They were fragments whose "
		"first one was not seen."),
	[DROP_DEST_DOWN] = DROPS("dest-down", "The destination of their "
		"connection was not there."),
	[DROP_QUIESCENT] = DROPS("quiescent", "Their connection was ended by "
		"--expire-quiescent or --linger."),
	[DROP_WRONG_DEST] = DROPS("wrong-dest", "Another guest than theirs has "
		"this connection."),
	[DROP_CLASH] = DROPS("clash", "Another guest than theirs uses these "
		"ports."),
	[DROP_ANSWERED] = DROPS("answered", "They asked for a vmac, and were "
		"answered."),
	[DROP_ICMP_SUM] = DROPS("icmp-checksum", "They were ICMP errors about a "
		"connection, with a wrong checksum."),
	[DROP_LOSS] = DROPS("loss", "The wire has lost them, as it was told to."),
};

#define TOTAL(n, h, ...) { "frames", n, "frames", h, __VA_ARGS__ }

static const struct stats_def totals_table[STATS_TOTALS] = {
	TOTAL("in", "Frames that came in.", STATS_AT(struct stats, in)),
	TOTAL("originated", "Frames that were made here: pieces of frames that "
	      "were cut, announcements, messages.", STATS_AT(struct stats, originated)),
	TOTAL("copied", "Frames that were made by copying, lost copies among "
	      "them.", STATS_AT(struct stats, copied)),
	TOTAL("out", "Frames that left.", STATS_AT(struct stats, out)),
	TOTAL("merged", "Frames that were left out, for a later one says the "
	      "same and more.",
	      STATS_AT(struct stats, merged)),
	TOTAL("held", "Frames that are held or queued now.", STATS_AT(struct stats, held),
	      .is_gauge = true),
	TOTAL("dropped", "Frames that were dropped, for any reason.", .size = 0),
};

/**
 * stats_note() - Add a row to an account
 * @s:		account
 * @def:	borrowed: what is counted
 * @of:		borrowed: its group or name if @def leaves it open; else NULL
 * @value:	how many
 */
void stats_note(struct stats *s, const struct stats_def *def, const char *of,
		uint64_t value)
{
	assert(s->n_rows < STATS_ROWS_MAX);
	s->rows[s->n_rows++] = (struct stats_row){ def, of, value, NULL };
}

static uint64_t value_at(const struct stats_def *def, const void *base)
{
	const char *at = (const char *)base + def->offset;
	uint32_t u32;
	uint64_t u64;

	if (def->size == sizeof(u32)) {
		memcpy(&u32, at, sizeof(u32));
		return u32;
	}
	assert(def->size == sizeof(u64));
	memcpy(&u64, at, sizeof(u64));
	return u64;
}

static void note_histogram(struct stats *s, const struct stats_def *def,
			   const char *of, const struct histogram *h)
{
	stats_note(s, def, of, histogram_count(h));
	s->rows[s->n_rows - 1].histogram = h;
}

/**
 * stats_add() - Add the rows of a table to an account
 * @s:		account
 * @table:	borrowed: each with STATS_AT()
 * @n:		how many
 * @of:		borrowed: as in stats_note()
 * @base:	the struct in which they are found; borrowed where there are
 *		histograms
 */
void stats_add(struct stats *s, const struct stats_def *table, unsigned n,
	       const char *of, const void *base)
{
	for (unsigned i = 0; i < n; i++) {
		const struct stats_def *def = &table[i];

		if (def->size == sizeof(struct histogram))
			note_histogram(s, def, of, (const void *)
				       ((const char *)base + def->offset));
		else
			stats_note(s, def, of, value_at(def, base));
	}
}

/**
 * stats_drop_name() - Say why a frame was dropped, in one word
 * @reason:	not DROP_NONE
 *
 * Return: static text
 */
const char *stats_drop_name(enum drop reason)
{
	return drops[reason].name;
}

/**
 * stats_drop() - Account for dropped frames
 * @s:		account
 * @reason:	why; a reason given before gets the sum
 * @n:		how many; 0 says that the program knows this reason
 */
void stats_drop(struct stats *s, enum drop reason, uint64_t n)
{
	for (unsigned i = 0; i < s->n_rows; i++) {
		if (s->rows[i].def == &drops[reason]) {
			s->rows[i].value += n;
			return;
		}
	}
	stats_note(s, &drops[reason], NULL, n);
}

/**
 * stats_dropped() - The sum over the reasons
 * @s:	account
 *
 * Return: number of frames dropped.
 */
uint64_t stats_dropped(const struct stats *s)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < s->n_rows; i++)
		if (!strcmp(stats_group(&s->rows[i]), DROPPED))
			sum += s->rows[i].value;
	return sum;
}

/**
 * stats_totals() - The terms of the account, as rows
 * @s:		account
 * @totals:	gets STATS_TOTALS rows
 */
void stats_totals(const struct stats *s, struct stats_row *totals)
{
	for (unsigned i = 0; i < STATS_TOTALS; i++) {
		const struct stats_def *def = &totals_table[i];

		totals[i] = (struct stats_row){
			def, NULL, def->size ? value_at(def, s) :
					       stats_dropped(s), NULL
		};
	}
}

/**
 * stats_group() - Who counts
 * @row:	a row of an account
 *
 * Return: borrowed from the row
 */
const char *stats_group(const struct stats_row *row)
{
	return row->def->group ? row->def->group : row->of;
}

/**
 * stats_name() - What is counted
 * @row:	a row of an account
 *
 * Return: borrowed from the row
 */
const char *stats_name(const struct stats_row *row)
{
	return row->def->name ? row->def->name : row->of;
}

/* Appends a time, in three digits. */
static size_t add_time(char *text, size_t size, size_t at, uint64_t ns)
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	double n = (double)ns;
	unsigned i = 0;

	for (; n >= 1000 && i < 3; i++)
		n /= 1000;
	return at + (size_t)snprintf(text + at, size - at, "%.3g%s", n,
				     units[i]);
}

/* One line: how many, how long on average, and what the buckets hold. */
static void print_histogram(const struct stats_row *row)
{
	const struct histogram *h = row->histogram;
	char text[896];
	size_t at = add_time(text, sizeof(text), 0, row->value ?
			     h->sum_ns / row->value : 0);

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS &&
			     at < sizeof(text) - 48; i++) {
		if (!h->n[i])
			continue;
		at += (size_t)snprintf(text + at, sizeof(text) - at, " <");
		at = add_time(text, sizeof(text), at, histogram_below_ns(i));
		at += (size_t)snprintf(text + at, sizeof(text) - at,
				       ":%" PRIu64, h->n[i]);
	}
	log_stats("%s.%s: %" PRIu64 ", mean %s", stats_group(row),
		  stats_name(row), row->value, text);
}

/**
 * stats_print() - Write an account on standard error
 * @s:	account
 *
 * The totals in the first line, then NAME=VALUE for each row; a histogram has no `=`
 * in its line. Counters of 0 are left out, unless the log has level debug; gauges are
 * not: that nothing is held now is worth saying.
 */
void stats_print(const struct stats *s)
{
	log_stats("in=%" PRIu64 " originated=%" PRIu64 " copied=%" PRIu64
		  " out=%" PRIu64 " merged=%" PRIu64 " held=%" PRIu64
		  " dropped=%" PRIu64, s->in, s->originated, s->copied, s->out,
		  s->merged, s->held, stats_dropped(s));
	for (unsigned i = 0; i < s->n_rows; i++) {
		const struct stats_row *row = &s->rows[i];

		if (!row->value && !row->def->is_gauge && !log_shows(LOG_DEBUG))
			continue;
		if (row->histogram)
			print_histogram(row);
		else
			log_stats("%s.%s=%" PRIu64, stats_group(row),
				  stats_name(row), row->value);
	}
}
