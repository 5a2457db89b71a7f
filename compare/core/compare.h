/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_H
#define COLO_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../common/frame.h"
#include "../../common/stats.h"

/*
 * The comparison: pure. Frames and the time go in; primary frames come out
 * through release() in the order of their flow, differ() says that the
 * replicas do. No I/O, no clock.
 */
enum compare_side { COMPARE_PRIMARY, COMPARE_SECONDARY };

enum compare_reason {
	COMPARE_PAYLOAD,	/* the bytes differ */
	COMPARE_FLAGS,		/* SYN, FIN, RST or their options differ */
	COMPARE_MAC,		/* the bytes are for another station */
	COMPARE_TIMEOUT,	/* one side waited for timeout_ns, or gap_ns */
	COMPARE_QUEUE,		/* a queue or the flow table is full */
	COMPARE_REASONS
};

/* What becomes of an acknowledgement that the secondary has not given. */
enum compare_ack_policy {
	COMPARE_ACK_CLAMP,	/* it is lowered; alone, it waits */
	COMPARE_ACK_HOLD,	/* the segment waits */
	COMPARE_ACK_RELEASE,	/* nothing: the client is told too much */
};

struct compare_config {
	uint64_t timeout_ns;	/* compare_timeout */
	uint64_t gap_ns;	/* the same for a gap in what the secondary
				   says of a stream; 0: no less than that */
	uint64_t reorder_ns;	/* datagrams: what may still be reordering */
	uint32_t max_queue;	/* max_queue_size: packets per flow and side */
	size_t max_bytes;	/* of held packets; half of it for each side */
	size_t max_flow_bytes, max_client_bytes;	/* of the primary's; 0:
							   no limit */
	uint32_t max_flows;
	enum compare_ack_policy ack_policy;
	bool compare_non_ip;	/* ARP, ND, IGMP and the like, else released */
	bool report_only;	/* the primary passes, differences are told */
	bool full_waits;	/* a full queue asks for no checkpoint */
	bool holds;		/* no checkpoints are to be had: nothing asks for
				   one, and nothing leaves for want of one */
	/* for recordings made apart from each other, with report_only */
	bool ignore_mac, ignore_addr;
	bool own_isn;		/* TCP counts from each side's own SYN */
	bool pair_order;	/* flows are the n-th ones of a service */
	uint64_t seed;		/* of the hash */
};

struct flow_key;

struct compare_difference {
	enum compare_reason reason;
	const struct flow_key *flow;	/* NULL: of none in particular */
	bool asks;		/* a checkpoint: once, until compare_flush() */
	bool has[2];		/* by side: is there a frame? */
	struct frame frame[2];
	uint32_t at[2];		/* where they differ, from frame_eth() on */
	uint32_t offset;	/* the same in the stream, or the datagram */
	uint32_t len[2];	/* by side: bytes that differ there, in a report */
};

/* In a report: a flow whose beginning was not seen. */
struct compare_midstream {
	const struct flow_key *flow;
	bool is_found;		/* bytes that both have, else both first ones */
	uint32_t skipped[2];	/* by side: bytes before them */
	struct frame frame[2];	/* by side: the first with any bytes */
};

enum compare_wait_for {
	COMPARE_WAIT_SECONDARY,	/* to say the same */
	COMPARE_WAIT_ACK,	/* the secondary's acknowledgement */
	COMPARE_WAIT_PRIMARY,	/* to say what the secondary has said */
	COMPARE_WAIT_EQUAL,	/* the replicas differ */
	COMPARE_WAITS
};

/* With compare_config.holds: a flow that has waited for timeout_ns. */
struct compare_wait {
	const struct flow_key *flow;
	enum compare_wait_for what;
	uint64_t since_ns;
	bool is_over;		/* it waits no more */
};

/* A flow whose packets are dropped: it, or its client, holds too much. */
struct compare_over_share {
	const struct flow_key *flow;
	bool is_client;
	uint64_t n;		/* packets dropped */
	bool is_over;		/* none was for a while */
};

/* What has left without the secondary having said it. */
struct compare_left {
	uint64_t frames;
	uint64_t bytes;		/* of payload */
};

struct compare_handler {
	/* all is borrowed for the call; compare_* must not be called in it */
	void (*release)(void *arg, const struct frame *f);
	void (*differ)(void *arg, const struct compare_difference *d);
	void *arg;
	/* in a report; or NULL */
	void (*midstream)(void *arg, const struct compare_midstream *m);
	/* May a difference ask? Where not, its flow waits for a checkpoint that
	 * another asks for. NULL: it may */
	bool (*may_ask)(void *arg, const struct compare_difference *d);
	void (*over_share)(void *arg, const struct compare_over_share *s);
	/* with holds; or NULL */
	void (*waits)(void *arg, const struct compare_wait *w);
};

#define COMPARE_NEVER UINT64_MAX

/* As timeout_ns and reorder_ns: what waits does so to the end of a recording.
 * Datagrams that wait on both sides are then told apart by their number. */
#define COMPARE_AT_END_NS (UINT64_C(1) << 62)

struct compare;

struct compare *compare_new(const struct compare_config *config,
			    const struct compare_handler *handler);
void compare_free(struct compare *c);

void compare_input(struct compare *c, enum compare_side side,
		   struct frame *v, unsigned n, uint64_t now_ns);
void compare_expire(struct compare *c, uint64_t now_ns);
void compare_end(struct compare *c);
uint64_t compare_due_ns(const struct compare *c);
void compare_copied(struct compare *c);
struct compare_left compare_flush(struct compare *c, uint64_t now_ns);
void compare_grace(struct compare *c, uint64_t until_ns);
struct compare_left compare_failover(struct compare *c, uint64_t now_ns);

bool compare_is_full(const struct compare *c);
bool compare_is_half_full(const struct compare *c, enum compare_side side);
bool compare_is_holding(const struct compare *c);
void compare_stats(const struct compare *c, struct stats *s);
void compare_pair_service(struct flow_key *service,
			  const struct flow_key *key);
const char *compare_reason_text(enum compare_reason reason);
const char *compare_wait_text(enum compare_wait_for what);

#endif
