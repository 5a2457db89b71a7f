/* SPDX-License-Identifier: ISC */
#ifndef COLO_DROP_H
#define COLO_DROP_H

/*
 * Why a frame was dropped, in any of the programs. A program knows some of these
 * reasons only; stats.c has their names, and what they say to people.
 */
enum drop {
	DROP_NONE,		/* it was not */

	/* endpoints and relays */
	DROP_DOWN,
	DROP_FULL,
	DROP_LINK,
	DROP_NO_SIDE,
	DROP_MARKER,
	DROP_ISOLATED,
	DROP_OUTDEV_DOWN,

	/* the rewriter */
	DROP_UNKNOWN,
	DROP_HOLD_FULL,
	DROP_HOLD_OUTSIDE,
	DROP_HOLD_EXPIRED,
	DROP_HOLD_RESET,
	DROP_HOLD_CHECKPOINT,

	/* the comparison itself: DROP_MATCHED is the first, DROP_OVERDUE the last */
	DROP_MATCHED,		/* secondary: equal to what left */
	DROP_ACK,		/* secondary: carries only an acknowledgement */
	DROP_LATE,		/* secondary: below the compared edge */
	DROP_DUPLICATE,		/* secondary: waits already */
	DROP_DIFFERENT,		/* secondary: of a flow known to differ */
	DROP_FLUSHED,		/* secondary: thrown away by a checkpoint */
	DROP_OVER_BOUND,	/* secondary: its half of max_bytes is used */
	DROP_UNCOMPARED,	/* secondary: of a kind that is not compared */
	DROP_NO_FLOW,		/* either side: the flow table is full */
	DROP_FAILOVER,		/* secondary: ignored since failover */
	DROP_OVER_SHARE,	/* primary: its flow or client holds too much;
				   and a secondary's equal of such a one */
	DROP_OVERDUE,		/* a datagram that nobody misses, where there
				   are no checkpoints */

	/* around the comparison */
	DROP_EPOCH,
	DROP_NOTIFY,
	DROP_NOT_SELECTED,

	/* the director: DROP_UNKNOWN, too */
	DROP_UNSCHEDULED,
	DROP_NO_DEST,
	DROP_OVERLOAD,
	DROP_TABLE_FULL,
	DROP_SHORT,
	DROP_ORPHAN,
	DROP_DEST_DOWN,
	DROP_QUIESCENT,
	DROP_WRONG_DEST,
	DROP_CLASH,
	DROP_ANSWERED,
	DROP_ICMP_SUM,

	DROP_LOSS,		/* on purpose, by a test's wire */
	DROP_REASONS
};

#endif
