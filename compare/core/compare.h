/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_H
#define COLO_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../common/frame.h"
#include "../../common/stats.h"

/*
 * The comparison of two replicas' output: pure, with no I/O and no clock.
 * Frames of both sides and the time go in. Frames of the primary come out
 * through release(), in the order of their flow; differ() is told when the
 * replicas differ.
 */
enum compare_side { COMPARE_PRIMARY, COMPARE_SECONDARY };

enum compare_reason {
	COMPARE_PAYLOAD,	/* the bytes differ */
	COMPARE_FLAGS,		/* SYN, FIN, RST or their options differ */
	COMPARE_MAC,		/* the bytes are for another station */
	COMPARE_TIMEOUT,	/* one side waited for timeout_ns, or gap_ns */
	COMPARE_QUEUE,		/* a queue or the flow table is full */
	COMPARE_REPEAT,		/* in a report: a side repeats bytes, and they are
				   others */
	COMPARE_REASONS
};

/* What becomes of a segment that acknowledges what the secondary has not. */
enum compare_ack_policy {
	COMPARE_ACK_CLAMP,	/* its acknowledgement is lowered; without data
				   it waits */
	COMPARE_ACK_HOLD,	/* it waits */
	COMPARE_ACK_RELEASE,	/* it leaves: the client is told too much */
};

struct roster;

struct compare_config {
	uint64_t timeout_ns;	/* for so long a packet may lack an equal */
	uint64_t gap_ns;	/* the same for bytes that the secondary leaves
				   out of a stream; 0: as long as timeout_ns */
	uint64_t reorder_ns;	/* datagrams that wait on both sides for less may
				   be in another order; after that they differ */
	uint32_t max_queue;	/* packets that a flow holds of a side */
	size_t max_bytes;	/* that are held; half of it for each side */
	size_t max_flow_bytes;	/* that a flow holds of the primary; 0: any */
	size_t max_client_bytes;	/* the same for all flows to a client */
	uint32_t max_flows;
	enum compare_ack_policy ack_policy;
	bool compare_non_ip;	/* ARP, ND, IGMP and the like are compared, too */
	bool compare_unknown;	/* frames that are not IP and not known to do
				   something of that kind are compared, too */
	bool report_only;	/* the primary passes; all differences are told */
	bool full_waits;	/* a full queue asks for no checkpoint */
	bool holds;		/* no checkpoints are to be had: nothing asks for
				   one, and nothing leaves for want of one */
	/* for recordings made apart from each other, with report_only: */
	bool ignore_mac, ignore_addr;
	bool own_isn;		/* TCP counts from each side's own SYN */
	bool pair_order;	/* the n-th flow of a service is compared with
				   the other side's n-th */
	bool repeats;		/* bytes that TCP repeats are compared, too */
	struct roster *roster;	/* of both recordings, borrowed; or NULL */
	uint64_t seed;		/* of the hashes; not to be known to clients */
};

struct flow_key;
struct packet;

struct compare_difference {
	enum compare_reason reason;
	const struct flow_key *flow;	/* NULL: no flow in particular */
	bool asks;		/* for a checkpoint; no other difference does so
				   until compare_flush() */
	bool has[2];		/* by side: whether frame is filled */
	struct frame frame[2];
	uint32_t at[2];		/* where the frames differ, from frame_eth() on */
	uint32_t offset;	/* where that is in the stream or datagram */
	uint32_t len[2];	/* in a report: bytes that differ there */
};

/* In a report: a flow whose beginning was not seen. */
struct compare_midstream {
	const struct flow_key *flow;
	bool is_found;		/* it is compared from bytes on that both have,
				   else from the first ones of both */
	uint32_t skipped[2];	/* by side: bytes before that */
	struct frame frame[2];	/* by side: the first frame with bytes */
};

enum compare_wait_for {
	COMPARE_WAIT_SECONDARY,	/* the secondary has not said the same */
	COMPARE_WAIT_ACK,	/* it has not acknowledged the same */
	COMPARE_WAIT_PRIMARY,	/* the primary has not said the same */
	COMPARE_WAIT_EQUAL,	/* the replicas differ */
	COMPARE_WAITS
};

/* With compare_config.holds: a flow has waited for timeout_ns. */
struct compare_wait {
	const struct flow_key *flow;
	enum compare_wait_for what;
	uint64_t since_ns;
	bool is_over;		/* it waits no more */
};

/* Packets of a flow are dropped because it, or its client, holds too much. */
struct compare_over_share {
	const struct flow_key *flow;
	bool is_client;
	uint64_t n;		/* packets that were dropped */
	bool is_over;		/* none was dropped for a while */
};

/* What has left although the secondary has not said it. */
struct compare_left {
	uint64_t frames;
	uint64_t bytes;		/* of payload */
	uint64_t since_ns;	/* when what had waited longest came; 0: nothing
				   has left */
};

struct compare_handler {
	/* arguments are borrowed for the call, in which no function of the
	 * comparison may be called */
	void (*release)(void *arg, const struct frame *f);
	void (*differ)(void *arg, const struct compare_difference *d);
	void *arg;
	/* in a report: where the comparison of a flow begins; or NULL */
	void (*midstream)(void *arg, const struct compare_midstream *m);
	/* May a difference ask for a checkpoint? If not, its flow waits for one
	 * that another difference asks for. NULL: it may */
	bool (*may_ask)(void *arg, const struct compare_difference *d);
	/* a flow holds too much, or no more; or NULL */
	void (*over_share)(void *arg, const struct compare_over_share *s);
	/* with config.holds: a flow waits for too long, or no more; or NULL */
	void (*waits)(void *arg, const struct compare_wait *w);
};

#define COMPARE_NEVER UINT64_MAX

/* The timeout_ns and reorder_ns of recordings: what waits does so to their end.
 * Datagrams that wait on both sides differ when there are too many of them. */
#define COMPARE_AT_END_NS (UINT64_C(1) << 62)

struct compare;

struct compare *compare_new(const struct compare_config *config,
			    const struct compare_handler *handler);
void compare_free(struct compare *c);

void compare_set_config(struct compare *c, const struct compare_config *config);
void compare_input(struct compare *c, enum compare_side side,
		   struct frame *v, unsigned n, uint64_t now_ns);
void compare_expire(struct compare *c, uint64_t now_ns);
void compare_end(struct compare *c);
uint64_t compare_due_ns(const struct compare *c);
void compare_copied(struct compare *c);
struct compare_left compare_flush(struct compare *c, uint64_t now_ns);
void compare_grace(struct compare *c, uint64_t until_ns);
struct compare_left compare_failover(struct compare *c, uint64_t now_ns);
void compare_protect(struct compare *c, uint64_t now_ns);

uint64_t compare_n_unknown(const struct compare *c, enum compare_side side);
bool compare_is_full(const struct compare *c);
bool compare_is_half_full(const struct compare *c, enum compare_side side);
bool compare_is_holding(const struct compare *c);
void compare_stats(const struct compare *c, struct stats *s);
void compare_pair_service(struct flow_key *service,
			  const struct flow_key *key);
bool compare_is_housekeeping(const struct packet *p);
const char *compare_reason_text(enum compare_reason reason);
const char *compare_wait_text(enum compare_wait_for what);

#endif
