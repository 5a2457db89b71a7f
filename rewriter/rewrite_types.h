/* SPDX-License-Identifier: ISC */
#ifndef COLO_REWRITE_TYPES_H
#define COLO_REWRITE_TYPES_H

#include "../common/flow.h"
#include "../common/packet.h"
#include "../common/time.h"
#include "rewrite.h"

/* The types that several files of the core share. */

/* A flow's state is also its list in the table, and the order of eviction. */
enum rewrite_state {
	REWRITE_CLOSED,
	REWRITE_HALF_OPEN,
	REWRITE_CLOSING,
	REWRITE_ESTABLISHED,
	REWRITE_STATES,
};

enum {					/* struct rewrite_flow.flags */
	REWRITE_HAS_PEER_ISN	= 1 << 0,
	REWRITE_HAS_GUEST_ISN	= 1 << 1,
	REWRITE_HAS_PRIMARY_ISN	= 1 << 2,
	REWRITE_KNOWN		= 1 << 3,	/* offset is valid */
	REWRITE_ASSUMED		= 1 << 4,	/* by a checkpoint, not learned */
	REWRITE_EARLY		= 1 << 5,	/* a lower ack would correct it */
	REWRITE_IS_SIGNED	= 1 << 6,
	REWRITE_HAS_TS_SENT	= 1 << 7,
	REWRITE_HAS_TS_ECHO	= 1 << 8,
	REWRITE_TS_KNOWN	= 1 << 9,	/* ts_offset is valid */
	REWRITE_TS_RAISED	= 1 << 10,	/* failover was looked at */
	REWRITE_PEER_FIN	= 1 << 11,
	REWRITE_GUEST_FIN	= 1 << 12,
	REWRITE_PEER_DONE	= 1 << 13,	/* its FIN was acknowledged */
	REWRITE_GUEST_DONE	= 1 << 14,
	REWRITE_HAS_AGAIN	= 1 << 15,	/* again_isn is valid */
	REWRITE_HAS_TS_FIRST	= 1 << 16,
	REWRITE_HAS_NXT		= 1 << 17,	/* guest_nxt is valid */
	REWRITE_REPEATS		= 1 << 18,	/* repeat_seq, _ts are valid */
	REWRITE_REPEAT_DONE	= 1 << 19,	/* the peer acknowledged it */
	REWRITE_EXACT		= 1 << 20,	/* an ack beyond guest_nxt is of
						   what the guest has not sent */
	REWRITE_HAS_PEER_ACK	= 1 << 21,	/* peer_ack, _window, _ts are
						   valid */
	REWRITE_HAS_DEAF_SEQ	= 1 << 22,	/* deaf_seq is valid */
	REWRITE_REPEATING	= 1 << 23,	/* since the peer's last ack */
};

/*
 * A connection. Peer space is what the peer numbers, guest space what the
 * secondary's stack numbers, primary space what the peer believes of it.
 */
struct rewrite_flow {
	uint32_t epoch;		/* checkpoints seen; see rewrite.c */
	uint32_t flags;
	uint8_t state;		/* enum rewrite_state */
	uint8_t n_held;
	uint16_t peer_window;	/* as in the header, with peer_ack */
	uint32_t peer_isn;	/* peer space */
	uint32_t peer_syn_end;	/* behind its SYN and the data in it */
	uint32_t peer_nxt;	/* highest ack from the guest */
	uint32_t peer_fin;	/* behind its FIN */
	uint32_t guest_isn;	/* guest space */
	uint32_t guest_fin;
	uint32_t guest_nxt;	/* behind what it sent: rewrite_ahead.c */
	uint32_t peer_ack;	/* primary space: the peer's highest ack */
	uint32_t peer_ts;	/* and the TSval of that segment */
	uint32_t deaf_seq;	/* guest space: of what it repeated although the
				   peer had acknowledged it */
	uint32_t repeat_seq;	/* guest space: of what it last repeated */
	uint32_t repeat_ts;	/* and its TSval */
	uint32_t primary_isn;	/* primary space */
	uint32_t again_isn;	/* of a SYN that may begin another connection */
	uint32_t offset;	/* guest - primary space */
	uint32_t ts_offset;	/* guest's - primary's clock */
	uint32_t ts_first;	/* TSval of the guest's SYN; its clock */
	uint32_t ts_sent;	/* the guest's highest TSval */
	uint32_t ts_echo;	/* the peer's highest TSecr; primary's clock */
	uint32_t reset_s;	/* second of the reset that closed it, or 0 */
	uint32_t held;		/* chain in struct rewrite_hold, 0 = none */
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

enum rewrite_hold_drop {	/* why a segment is not held any more */
	REWRITE_HOLD_FULL,
	REWRITE_HOLD_OUTSIDE,	/* it never was: it can wait for no offset */
	REWRITE_HOLD_EXPIRED,
	REWRITE_HOLD_RESET,
	REWRITE_HOLD_CHECKPOINT,
	REWRITE_HOLD_DROPS,
};

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
	uint64_t n_dropped[REWRITE_HOLD_DROPS];
};

struct rewrite_counters {
	uint64_t translated[2];		/* segments changed, by side */
	uint64_t icmp;			/* errors whose quote was changed */
	uint64_t drop_unknown;
	uint64_t unknown;		/* passed */
	uint64_t is_signed, fragments;
	uint64_t lowered, sacks_removed, originated;
	uint64_t learned, checkpoints, raised, capped, lifted, corrected;
	uint64_t expired, evicted, table_full;
	uint64_t loaded, lost, unsaved;	/* of the table's file */
};

struct rewrite {
	struct rewrite_config config;
	struct rewrite_handler handler;
	struct flow_table *flows;
	struct rewrite_flow *last;	/* found, or NULL */
	struct rewrite_hold hold;
	struct rewrite_counters n;
	uint64_t now_ns, checkpoint_ns;
	uint32_t epoch;
	uint32_t n_translated;
	uint32_t n_behind;	/* connections that the table lacked */
	uint32_t n_state[REWRITE_STATES];
	bool failed_over;
	bool table_lost;
	bool is_unsaved_told;	/* that the table lacks connections */
	struct {			/* of the call: [first, at) go on */
		const struct frame *v;
		unsigned first, at;
		enum rewrite_side side;
	} run;
};

#endif
