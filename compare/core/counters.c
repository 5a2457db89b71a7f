/* SPDX-License-Identifier: ISC */
/*
 * The comparison's part of the account of the process. Whoever does something counts
 * it in struct compare; here the counters get the names under which users see them.
 * Nothing changes.
 */
#include "counters.h"

#include "act.h"

#define AT(member) STATS_AT(struct compare, member)
#define COUNT(g, n, u, member, h) { g, n, u, h, AT(member) }
#define GAUGE(g, n, u, member, h) { g, n, u, h, .is_gauge = true, AT(member) }
#define NOTE(n, u, note, h) COUNT("compare", n, u, account.noted[note], h)
#define ASKED(n, why, h) \
	{ "asked", n, "checkpoints", h, .label = "reason", \
	  AT(episode.asked[why]) }

static const struct stats_def table[] = {
	NOTE("compared", "frames", NOTE_COMPARED,
	     "The primary's that left because the secondary has sent the same."),
	NOTE("acks", "frames", NOTE_RELEASED_ACK,
	     "The primary's that left and only acknowledge."),
	NOTE("retransmitted", "frames", NOTE_RETRANSMITTED,
	     "The primary's that left and repeat what had left before."),
	NOTE("uncompared", "frames", NOTE_UNCOMPARED,
	     "The primary's that left and are of a kind that is not compared."),
	NOTE("flushed", "frames", NOTE_FLUSHED,
	     "The primary's that were held when a checkpoint was made, and left."),
	NOTE("passed", "frames", NOTE_PASSED,
	     "The primary's that left after a failover."),
	NOTE("flows-different", "flows", NOTE_DIFFERENT,
	     "Flows that were found to differ, each time."),
	NOTE("episodes", "episodes", NOTE_EPISODES,
	     "Times from a difference to the next checkpoint."),
	NOTE("acks-made", "frames", NOTE_ORIGINATED,
	     "Acknowledgements, and pieces of segments, that were made here."),
	NOTE("times-raised", "frames", NOTE_TIMES,
	     "Frames whose timestamp was raised, so that it does not go back."),
	NOTE("flows-evicted", "flows", NOTE_EVICTED,
	     "Flows that were forgotten to make room for others."),
	ASKED("payload", COMPARE_PAYLOAD, "The bytes differed."),
	ASKED("flags", COMPARE_FLAGS,
	      "SYN, FIN or RST differed, or the options of a SYN."),
	ASKED("mac", COMPARE_MAC, "The same bytes were for another station."),
	ASKED("timeout", COMPARE_TIMEOUT,
	      "A packet of one side had waited for --compare-timeout."),
	ASKED("queue", COMPARE_QUEUE,
	      "A flow held more than --max-queue-size, or there was no room for "
	      "another flow."),
	COUNT("hold", "time", "frames", account.held,
	      "Frames of the primary that were held, and how long, as a "
	      "histogram: from when they came until they left. In a report they "
	      "leave when they come."),
	GAUGE("held", "bytes", "bytes", pool.held_bytes,
	      "Bytes of the frames that are held."),
	GAUGE("held", "pinned-bytes", "bytes", pool.pinned_bytes,
	      "The memory in which they lie."),
	GAUGE("flows", "holding", "flows", account.n_holding,
	      "Flows that hold a packet."),
	GAUGE("flows", "over-share", "flows", share.told.n,
	      "Flows of which the event over-share has told and the event "
	      "within-share has not."),
	GAUGE("flows", "waiting", "flows", waits.told.n,
	      "With --checkpoint hold: flows of which the event waits has told "
	      "and the event waits-over has not."),
};

/* What is counted when somebody asks. */
struct now {
	uint64_t primary, secondary;
	uint64_t flows;
};

#define NOW(g, n, u, member, h) \
	{ g, n, u, h, .is_gauge = true, STATS_AT(struct now, member) }

static const struct stats_def now_table[] = {
	NOW("held", "primary", "frames", primary, "The primary's that are held."),
	NOW("held", "secondary", "frames", secondary,
	    "The secondary's that wait for the primary's."),
	NOW("flows", "known", "flows", flows, "Flows in the table."),
};

#define LENGTH(array) ((unsigned)(sizeof(array) / sizeof(*(array))))

/**
 * counters_add() - Add the comparison's part to the account of the process
 * @c:		The comparison
 * @s:		The account: totals are added to, rows appended
 */
void counters_add(const struct compare *c, struct stats *s)
{
	struct now now = {
		.primary = act_n_held(c, COMPARE_PRIMARY),
		.secondary = act_n_held(c, COMPARE_SECONDARY),
		.flows = flow_count(c->flows),
	};

	s->in += c->account.in[COMPARE_PRIMARY] +
		 c->account.in[COMPARE_SECONDARY];
	s->originated += c->account.noted[NOTE_ORIGINATED];
	s->merged += c->account.merged;
	s->out += c->account.out;
	s->held += now.primary + now.secondary;
	for (enum drop i = DROP_MATCHED; i <= DROP_OVERDUE; i++)
		stats_drop(s, i, c->account.dropped[i]);
	stats_add(s, table, LENGTH(table), NULL, c);
	stats_add(s, now_table, LENGTH(now_table), NULL, &now);
}
