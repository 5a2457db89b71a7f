/* SPDX-License-Identifier: ISC */
#ifndef COLO_REWRITE_TYPES_H
#define COLO_REWRITE_TYPES_H

#include "../common/flow.h"
#include "../common/last_drop.h"
#include "../common/packet.h"
#include "../common/time.h"
#include "rewrite.h"

/*
 * The types that several files of the core share. The names of its three
 * spaces of sequence numbers: peer space is what the peer numbers, guest space
 * what the secondary guest's TCP stack numbers, primary space what the primary
 * numbers, and what the peer therefore believes of the guest.
 */

/* A flow's state is also its list in the flow table. In a full table the flows
 * of an earlier state here are given up first. */
enum rewrite_state {
	REWRITE_CLOSED,
	REWRITE_HALF_OPEN,
	REWRITE_CLOSING,
	REWRITE_ESTABLISHED,
	REWRITE_STATES,
};

/* struct rewrite_flow.flags. REWRITE_HAS_X: the field x is valid. */
enum {
	REWRITE_HAS_PEER_ISN	= 1 << 0,
	REWRITE_HAS_GUEST_ISN	= 1 << 1,
	REWRITE_HAS_PRIMARY_ISN	= 1 << 2,
	REWRITE_KNOWN		= 1 << 3,	/* offset is valid */
	REWRITE_ASSUMED		= 1 << 4,	/* offset is 0 by guess */
	REWRITE_EARLY		= 1 << 5,	/* a lower ack corrects it */
	REWRITE_IS_SIGNED	= 1 << 6,
	REWRITE_HAS_TS_SENT	= 1 << 7,
	REWRITE_HAS_TS_ECHO	= 1 << 8,
	REWRITE_TS_KNOWN	= 1 << 9,	/* ts_offset is valid */
	REWRITE_TS_RAISED	= 1 << 10,	/* or did not need to be */
	REWRITE_PEER_FIN	= 1 << 11,
	REWRITE_GUEST_FIN	= 1 << 12,
	REWRITE_PEER_DONE	= 1 << 13,	/* its FIN was acknowledged */
	REWRITE_GUEST_DONE	= 1 << 14,
	REWRITE_HAS_AGAIN	= 1 << 15,
	REWRITE_HAS_TS_FIRST	= 1 << 16,
	REWRITE_HAS_NXT		= 1 << 17,	/* guest_nxt is valid */
	REWRITE_REPEATS		= 1 << 18,	/* repeat_seq, _ts are valid */
	REWRITE_REPEAT_DONE	= 1 << 19,	/* the peer acknowledged it */
	REWRITE_EXACT		= 1 << 20,	/* the guest has sent nothing
						   beyond guest_nxt */
	REWRITE_HAS_PEER_ACK	= 1 << 21,	/* peer_window, peer_ts, too */
	REWRITE_HAS_DEAF_SEQ	= 1 << 22,
	REWRITE_REPEATING	= 1 << 23,	/* the guest has repeated since
						   the peer's last ack */
};

/*
 * A connection. It is part of a record in the table's file: a change of it is
 * another version of the file (rewrite_record.c).
 */
struct rewrite_flow {
	uint32_t epoch;		/* of its offset; see rewrite.c */
	uint32_t flags;
	uint8_t state;		/* enum rewrite_state */
	uint8_t n_held;
	uint16_t peer_window;	/* as in the header, with peer_ack */
	uint32_t peer_isn;	/* peer space */
	uint32_t peer_syn_end;	/* behind its SYN and the data in it */
	uint32_t peer_nxt;	/* highest ack from the guest */
	uint32_t peer_fin;	/* behind its FIN */
	uint32_t guest_isn;	/* guest space */
	uint32_t guest_fin;	/* behind its FIN */
	uint32_t guest_nxt;	/* behind what it has sent: rewrite_ahead.c */
	uint32_t peer_ack;	/* primary space: the peer's highest ack */
	uint32_t peer_ts;	/* the TSval of that segment */
	uint32_t deaf_seq;	/* guest space: of what the guest repeated
				   although the peer had acknowledged it */
	uint32_t repeat_seq;	/* guest space: of what it repeated last */
	uint32_t repeat_ts;	/* the TSval of that segment */
	uint32_t primary_isn;	/* primary space */
	uint32_t again_isn;	/* peer space: of a SYN on a live connection,
				   which may begin another one */
	uint32_t offset;	/* guest - primary space */
	uint32_t ts_offset;	/* guest's - primary's clock */
	uint32_t ts_first;	/* guest's clock: TSval of its SYN */
	uint32_t ts_sent;	/* guest's clock: its highest TSval */
	uint32_t ts_echo;	/* primary's clock: the peer's highest TSecr */
	uint32_t reset_s;	/* second of the reset that closed it, or 0 */
	uint32_t held;		/* the first segment that it holds, or 0:
				   number in struct rewrite_hold */
};

/* The queues that a held segment is on. */
enum rewrite_queue_of { REWRITE_OF_ALL, REWRITE_OF_PEER };

struct rewrite_held {
	struct frame frame;	/* holds its chunk */
	uint64_t since_ns;
	struct rewrite_flow *flow;
	enum rewrite_side side;
	uint32_t next;		/* in the flow's chain, or the free chain */
	struct {
		uint32_t older, younger;
	} link[2];		/* by enum rewrite_queue_of */
};

/* Held segments in the order of their arrival. */
struct rewrite_queue {
	uint32_t oldest, youngest;	/* 0 = none */
	uint32_t n;
	size_t bytes;
};

/* At most this many; their bytes are bounded by the configuration. */
#define REWRITE_HELD_MAX	16384u
#define REWRITE_FLOW_HELD_MAX	32u
#define REWRITE_HELD_NS		(30 * NS_PER_S)

/* The held segments of all flows. Owner: rewrite_hold.c. */
struct rewrite_hold {
	struct rewrite_held *pool;	/* numbered from 1 */
	uint32_t fresh;			/* numbers given out so far */
	uint32_t free;			/* chain of those given back */
	struct rewrite_queue all;
	struct flow_table *peers;	/* a queue for each that has some */
	const struct flow_table *flows;	/* of the segments */
	size_t max_bytes;
	uint64_t n_held, n_released;
	uint64_t n_dropped[DROP_REASONS];
	struct last_drops last_drops;	/* of flows; without times */
	struct histogram held;		/* how long those released were held */
};

/* The connections. Owner: rewrite_flow.c. */
struct rewrite_flows {
	struct flow_table *table;	/* of struct rewrite_flow */
	struct rewrite_flow *last;	/* found last, or NULL */
	uint32_t epoch;		/* the present one; see rewrite.c */
	uint32_t n_translated;	/* flows whose numbers change on the way */
	uint32_t n_state[REWRITE_STATES];
	uint64_t n_expired, n_evicted;
	uint64_t n_refused;	/* connections for which there was no room */
	uint64_t n_unsaved;	/* writes for which the disk had no room */
};

/* What passes from one process to the next. Owner: rewrite_persist.c. */
struct rewrite_persist {
	bool is_new;		/* there was no file, and none was missed */
	bool is_told;		/* that the file lacks connections */
	uint32_t n_behind;	/* connections of the last such event */
	uint64_t n_loaded, n_lost;	/* records that were read */
};

/* Owner: rewrite_track.c. */
struct rewrite_track {
	uint64_t n_learned, n_corrected;	/* offsets */
};

/* Owner: rewrite_translate.c. */
struct rewrite_translated {
	uint64_t n_segments[2];	/* by side */
	uint64_t n_lowered;	/* acknowledgements */
	uint64_t n_sacks_removed;
	uint64_t n_raised;	/* clocks, after a failover */
	uint64_t n_capped, n_lifted;	/* echoes */
};

/* Owner: rewrite_ahead.c. */
struct rewrite_ahead {
	uint64_t n_originated;	/* acknowledgements */
};

/* Owner: rewrite_icmp.c. */
struct rewrite_icmp {
	uint64_t n_errors;	/* whose quoted segment was changed */
};

/* Owner of what stands here itself: rewrite.c. Others read it. */
struct rewrite {
	struct rewrite_config config;
	struct rewrite_handler handler;
	uint64_t now_ns;
	uint64_t checkpoint_ns;	/* when the last one was, if there was one */
	uint64_t n_checkpoints;
	bool failed_over;
	struct {			/* of the call: [first, at) go on */
		const struct frame *v;
		unsigned first, at;
		enum rewrite_side side;
	} run;
	struct {			/* segments that pass as they are */
		uint64_t n_unknown, n_signed, n_fragments;
		uint64_t n_dropped;	/* unknown, with --unknown drop */
	} passed;
	struct rewrite_flows flows;
	struct rewrite_hold hold;
	struct rewrite_persist persist;
	struct rewrite_track track;
	struct rewrite_translated translated;
	struct rewrite_ahead ahead;
	struct rewrite_icmp icmp;
};

#endif
