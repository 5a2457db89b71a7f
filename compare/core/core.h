/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_CORE_H
#define COLO_COMPARE_CORE_H

#include "../../common/flow.h"
#include "../../common/packet.h"
#include "clamp.h"
#include "compare.h"
#include "fragment.h"
#include "hold.h"
#include "order.h"
#include "told.h"

/*
 * What the parts of the comparison share. compare.c sorts frames into flows
 * and keeps the account, tcp.c and datagram.c decide,
 * hold.c keeps what waits.
 *
 * A flow goes one way, out of the guest. It has a queue for each side:
 * primary packets wait for the secondary's in stream order, secondary packets
 * for the primary's.
 */
enum {
	FLOW_EDGE = 1 << 0,		/* edge is known */
	FLOW_DIFFERENT = 1 << 1,	/* nothing is compared until flush */
	FLOW_SUSPECT = 1 << 2,		/* both sides wait, without a match */
	FLOW_SYN_DONE = 1 << 3,		/* isn[] are those of this connection */
	FLOW_SYN_LATE = 1 << 4,		/* the secondary's is still to come */
	FLOW_PRIMARY_SYN = 1 << 5,	/* a SYN waits in the primary's queue */
	FLOW_SECONDARY_SYN = 1 << 6,	/* and one in the secondary's */
	FLOW_END = 1 << 7,		/* end is known */
	FLOW_RST_DONE = 1 << 8,		/* both sides have reset */
	FLOW_CLOSED = 1 << 9,		/* both sides have closed or reset */
	FLOW_BASE = 1 << 10,		/* base[0] is known; [1]: next bit */
	FLOW_BUSY = 1 << 12,		/* more than a SYN was seen */
	FLOW_CUT = 1 << 13,		/* report: captured in part */
	FLOW_FLUSHING = 1 << 14,	/* all that waits leaves: ts_left is known */
};

/* Of a report: align.c. */
enum {
	ALIGN_MIDSTREAM = 1 << 0,	/* base[0] is of no SYN; [1]: next bit */
	ALIGN_WAITS = 1 << 2,		/* the bytes that both have are sought */
};

/* Of a flow's key, tag[1]; tag[0] has the upper bits of a number that pairing
 * gives. */
enum {
	KEY_DATAGRAM = 1 << 0,		/* TCP, but compared as a datagram: it
					   came in fragments, or its header is
					   not sound */
	KEY_SERVICE = 1 << 1,		/* pairing: counts a service's flows */
	KEY_SECONDARY = 1 << 2,		/* pairing: of the secondary */
};

/* The lists of the flow table: what goes together at expiry and eviction. */
enum {
	LIST_CLOSED,
	LIST_HALF,			/* TCP that showed only a SYN */
	LIST_DATAGRAM,
	LIST_TCP,
	LIST_SUSPECT,			/* in the order of suspicion */
	LIST_DIFFERENT,
};

struct cmp_flow {
	uint64_t touched_ns;	/* last put in its place in the lists */
	struct hold_queue q[2];	/* by enum compare_side */
	struct gate gate;	/* TCP */
	uint32_t edge;		/* TCP: all below is equal on both sides */
	uint32_t left;		/* TCP: all below has left; edge is not below */
	uint32_t end;		/* TCP: behind the highest byte that has left */
	uint32_t isn[2];	/* TCP: of the SYNs that matched */
	uint32_t base[2];	/* TCP: taken off, with own_isn */
	uint32_t rst_ack;	/* TCP: of the RST that both have sent */
	uint16_t flags;		/* FLOW_* */
	uint16_t touched_flags;	/* as they were then */
	bool is_tcp;
	uint8_t align;		/* ALIGN_* */
	uint16_t n_lost;	/* datagrams dropped over the share, whose
				   equals are still to come */
	uint32_t held_bytes;	/* primary: while they are counted */
	uint32_t ts_left;	/* TCP: the latest timestamp of a flush */
};

enum compare_drop {
	DROP_MATCHED,		/* secondary: equal to what left */
	DROP_ACK,		/* secondary: carries only an acknowledgement */
	DROP_LATE,		/* secondary: below the compared edge */
	DROP_DUPLICATE,		/* secondary: waits already */
	DROP_DIFFERENT,		/* secondary: of a flow known to differ */
	DROP_FLUSHED,		/* secondary: thrown away by a checkpoint */
	DROP_OVER_BOUND,	/* secondary: its half of max_bytes is used */
	DROP_UNCOMPARED,	/* secondary: nothing we compare */
	DROP_NO_FLOW,		/* of both: the flow table is full */
	DROP_FAILOVER,		/* secondary: ignored since failover */
	DROP_OVER_SHARE,	/* primary: beyond its flow's or client's */
	DROP_OVERDUE,		/* with holds: a datagram that nobody misses */
	DROP_REASONS
};

enum compare_note {
	NOTE_COMPARED,		/* primary packets that left as equal */
	NOTE_RELEASED_ACK,	/* primary: acknowledgements alone */
	NOTE_RETRANSMITTED,	/* primary: bytes that had left before */
	NOTE_UNCOMPARED,	/* primary: nothing we compare */
	NOTE_FLUSHED,		/* primary: let go by a checkpoint */
	NOTE_PASSED,		/* primary: after failover */
	NOTE_DIFFERENT,		/* flows found to differ */
	NOTE_EPISODES,		/* checkpoints asked for */
	NOTE_ORIGINATED,	/* ACKs and parts of segments made here */
	NOTE_TIMES,		/* timestamps raised */
	NOTE_EVICTED,		/* flows that made room for others */
	NOTES
};

/* A flow in which the secondary goes on without the bytes at the edge: gap.c. */
struct gap {
	uint64_t due_ns;	/* when that has lasted too long; 0: none */
	uint32_t flow;		/* index; it may be another flow's by then */
	uint32_t edge;
};

/* Where a packet with some addresses and ports went last. */
struct flow_hint {
	uint32_t tag;		/* of these */
	uint32_t flow;		/* index; it may be another flow's by now */
};

#define FLOW_HINTS 16384u	/* power of two */

/* Frames on their way to their flows, parsed and hashed together: arrive.c. They
 * stand here because arrays on the stack are guarded in each call. */
struct arrivals {
	struct packet p[FLOW_HASH_MAX];
	struct {
		uint32_t twin;		/* what waits with its headers: it is
					   not parsed yet; or HOLD_NONE */
		bool is_guessed;	/* it is in that flow, most likely */
		uint32_t at;		/* the flow's index, or that of key
					   and hash */
	} flow[FLOW_HASH_MAX];
	struct flow_key key[FLOW_HASH_MAX];
	uint32_t hash[FLOW_HASH_MAX];
	struct flow_hint hints[FLOW_HINTS];
};

#define SHARE_CLIENTS 4096u	/* counters; power of two */

/* What each flow and client holds: share.c counts, shed.c tells. */
struct share {
	size_t client[SHARE_CLIENTS];	/* bytes held for them */
	size_t start;		/* of bytes held: counting begins */
	bool is_counting;
	struct told told;	/* the flows over their share */
};

/* The flows that wait for too long: waits.c. */
struct waits {
	struct told told;
	uint64_t due_ns;	/* when to look again */
};

/* What became of the frames: act.c. */
struct account {
	uint64_t in[2], out;	/* frames */
	uint64_t merged;	/* acknowledgements that newer ones replaced */
	uint64_t n_made[2];	/* of what the pool holds: no packets */
	uint32_t n_holding;	/* flows that hold a packet */
	uint64_t dropped[DROP_REASONS];
	uint64_t noted[NOTES];
};

/* From a difference to the checkpoint that it asked for: differ.c. */
struct episode {
	bool is_open;		/* a checkpoint was asked for */
	uint64_t grace_ns;	/* until then the secondary may be alone */
	uint64_t asked[COMPARE_REASONS];
};

struct compare {
	struct compare_config config;
	struct compare_handler handler;
	uint64_t now_ns;
	bool is_failover;
	uint16_t n_copied;	/* gate.c: the secondary was made the primary's
				   copy */
	struct flow_table *flows;
	struct flow_table *pairs;	/* pair.c, with pair_order, else NULL */
	struct hold_pool pool;
	struct order_table orders;
	struct fragment_table fragments;
	struct account account;
	struct episode episode;
	struct gap gap;		/* the one that is watched */
	struct share share;
	struct waits waits;
	struct arrivals arrivals;
};

/* What a queue's head, or a new packet, came to. */
enum compare_step { STEP_WAIT, STEP_DONE, STEP_DIFFERENT };

#endif
