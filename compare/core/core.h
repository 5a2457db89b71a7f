/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_CORE_H
#define COLO_COMPARE_CORE_H

#include "../../common/drop.h"
#include "../../common/flow.h"
#include "../../common/last_drop.h"
#include "../../common/packet.h"
#include "clamp.h"
#include "compare.h"
#include "fragment.h"
#include "hold.h"
#include "order.h"
#include "told.h"

/*
 * The types that several files of the comparison share, and struct compare,
 * which is made of parts. Each part is changed by one file only: the one that
 * its comment names. There are no functions here.
 *
 * A flow is the packets of one connection in one direction, out of the guest.
 * It has a queue for each side: the primary's packets wait there for the
 * secondary's to be the same, the secondary's for the primary's.
 */
enum {					/* struct cmp_flow: flags */
	FLOW_EDGE = 1 << 0,		/* edge is known */
	FLOW_DIFFERENT = 1 << 1,	/* the replicas differ: nothing is
					   compared until the next flush */
	FLOW_SUSPECT = 1 << 2,		/* datagrams of both sides wait, and
					   none is equal to another */
	FLOW_SYN_DONE = 1 << 3,		/* isn[] are those of this connection */
	FLOW_SYN_LATE = 1 << 4,		/* a flush let the primary's SYN go; the
					   secondary's is still to come */
	FLOW_PRIMARY_SYN = 1 << 5,	/* a SYN waits in the primary's queue */
	FLOW_SECONDARY_SYN = 1 << 6,	/* a SYN waits in the secondary's */
	FLOW_END = 1 << 7,		/* end is known */
	FLOW_RST_DONE = 1 << 8,		/* both sides have reset */
	FLOW_CLOSED = 1 << 9,		/* both sides have closed or reset */
	FLOW_BASE = 1 << 10,		/* base[0] is known; the next bit, 11,
					   says it of base[1] */
	FLOW_BUSY = 1 << 12,		/* more than a SYN was seen */
	FLOW_CUT = 1 << 13,		/* report: some packets were captured in
					   part */
	FLOW_FLUSHING = 1 << 14,	/* the queue is let go, one after the
					   other: ts_left is known */
};

enum {					/* struct cmp_flow: align, by align.c */
	ALIGN_MIDSTREAM = 1 << 0,	/* base[0] is not that of a SYN; the
					   next bit says it of base[1] */
	ALIGN_WAITS = 1 << 2,		/* the first bytes that both sides have
					   are being looked for */
};

enum {					/* struct flow_key: tag[1] */
	KEY_DATAGRAM = 1 << 0,		/* TCP that is compared as a datagram: it
					   came in fragments, or its header is
					   not sound */
	KEY_SERVICE = 1 << 1,		/* pair.c: no flow, but a service */
	KEY_SECONDARY = 1 << 2,		/* pair.c: of the secondary */
	KEY_FROM_SERVICE = 1 << 3,	/* pair.c has found the service: the flow's
					   source */
	KEY_TO_SERVICE = 1 << 4,	/* its destination */
	KEY_TUPLE = 1 << 5,		/* pair.c: both captures have this flow */
};

/* The lists of the flow table, each in the order of last use. */
enum {
	LIST_CLOSED,
	LIST_HALF,			/* TCP that showed only a SYN */
	LIST_DATAGRAM,
	LIST_TCP,
	LIST_SUSPECT,			/* in the order of suspicion */
	LIST_DIFFERENT,
};

struct cmp_flow {
	uint64_t touched_ns;	/* when it was last put into its list */
	struct hold_queue q[2];	/* by enum compare_side */
	struct gate gate;	/* TCP */
	uint32_t edge;		/* TCP: bytes below it are equal on both sides */
	uint32_t left;		/* TCP: all bytes below it have left; it is
				   the edge or below that */
	uint32_t end;		/* TCP: behind the highest byte that has left */
	uint32_t isn[2];	/* TCP: of the SYNs that matched */
	uint32_t base[2];	/* TCP, own_isn: sequence numbers count from it */
	uint32_t rst_ack;	/* TCP: of the RST that both have sent */
	uint16_t flags;		/* FLOW_* */
	uint16_t touched_flags;	/* the flags at touched_ns */
	bool is_tcp;
	uint8_t align;		/* ALIGN_* */
	uint16_t n_lost;	/* datagrams of the primary that shed.c dropped,
				   whose equals are still to come */
	uint32_t held_bytes;	/* of the primary, while share.c counts */
	uint32_t ts_left;	/* TCP: the latest timestamp that has left since
				   FLOW_FLUSHING */
};

/* As what a packet left; and what else is counted. */
enum compare_note {
	NOTE_COMPARED,		/* primary packets that left as equal */
	NOTE_RELEASED_ACK,	/* primary: segments without data */
	NOTE_RETRANSMITTED,	/* primary: bytes that had left before */
	NOTE_UNCOMPARED,	/* primary: of a kind that is not compared */
	NOTE_FLUSHED,		/* primary: let go by a checkpoint */
	NOTE_PASSED,		/* primary: after failover */
	NOTE_DIFFERENT,		/* flows found to differ */
	NOTE_EPISODES,		/* checkpoints asked for */
	NOTE_ORIGINATED,	/* ACKs and parts of segments made here */
	NOTE_TIMES,		/* timestamps raised */
	NOTE_EVICTED,		/* flows that made room for others */
	NOTES
};

/* gap.c: a flow in which the secondary goes on without the bytes at the edge. */
struct gap {
	uint64_t due_ns;	/* when that has lasted too long; 0: no gap is
				   watched */
	uint32_t flow;		/* its index; it may be another flow's by then */
	uint32_t edge;		/* at which the gap begins */
};

/* arrive.c: to which flow a packet with some addresses and ports belonged. */
struct flow_hint {
	uint32_t tag;		/* a hash of the addresses and ports */
	uint32_t flow;		/* its index; it may be another flow's by now */
};

#define FLOW_HINTS 16384u	/* power of two */

/* arrive.c: the frames that came together, parsed, and their flows. They stand
 * here and not on the stack, where the compiler guards arrays in each call. */
struct arrivals {
	struct packet p[FLOW_HASH_MAX];
	struct {
		uint32_t twin;		/* a held packet with the same headers:
					   p is not filled; or HOLD_NONE */
		bool is_guessed;	/* at is the index of a flow, most
					   likely the right one */
		uint32_t at;		/* else an index in key and hash */
	} flow[FLOW_HASH_MAX];
	struct flow_key key[FLOW_HASH_MAX];
	uint32_t hash[FLOW_HASH_MAX];
	struct flow_hint hints[FLOW_HINTS];
};

#define SHARE_CLIENTS 4096u	/* counters; power of two */

/* share.c: how much each client holds. */
struct share {
	size_t client[SHARE_CLIENTS];	/* bytes, by a hash of the address */
	size_t start;		/* when so many bytes are held counting begins */
	bool is_counting;
	struct told told;	/* shed.c: the flows that are over their share */
};

/* waits.c: the flows that have waited for too long. */
struct waits {
	struct told told;
	uint64_t due_ns;	/* when to look again */
};

/* act.c: what became of the frames. */
struct account {
	uint64_t in[2], out;	/* frames */
	uint64_t merged;	/* acknowledgements that newer ones replaced */
	uint64_t n_made[2];	/* nodes of the pool that are no packets: headers
				   in gates, and datagrams put together */
	uint32_t n_holding;	/* flows that hold a packet */
	uint64_t dropped[DROP_REASONS];
	struct histogram held;	/* how long packets of the primary were held */
	uint64_t noted[NOTES];
};

/* differ.c: the time from a difference to the checkpoint that it asked for. */
struct episode {
	bool is_open;		/* a checkpoint was asked for, and not made yet */
	uint64_t grace_ns;	/* until then the secondary's packets may lack an
				   equal: they are of before the checkpoint */
	uint64_t asked[COMPARE_REASONS];
};

struct repeats;

struct compare {
	struct compare_config config;
	struct compare_handler handler;
	uint64_t now_ns;	/* what the caller said last */
	bool is_failover;	/* the secondary is gone */
	uint16_t n_copied;	/* gate.c: how often the secondary was made the
				   primary's copy */
	struct flow_table *flows;	/* values are struct cmp_flow */
	struct flow_table *pairs;	/* pair.c; NULL without pair_order */
	struct roster *roster;	/* the same; config.roster, or an own one */
	struct hold_pool pool;
	struct order_table orders;
	struct fragment_table fragments;
	struct account account;
	struct last_drops last_drops;	/* act.c: of flows */
	struct episode episode;
	struct gap gap;
	struct share share;
	struct waits waits;
	struct repeats *repeats;	/* or NULL */
	struct arrivals arrivals;
};

/* What became of the first packet of a queue: it waits on, it has left, or its
 * flow was found to differ. */
enum compare_step { STEP_WAIT, STEP_DONE, STEP_DIFFERENT };

#endif
