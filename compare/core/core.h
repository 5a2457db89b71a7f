/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_CORE_H
#define COLO_COMPARE_CORE_H

#include <string.h>

#include "../../common/flow.h"
#include "../../common/packet.h"
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

/* What the client may be told: gate.c. */
enum {
	GATE_PRIMARY = 1 << 0,		/* p_ack, p_window are known */
	GATE_SECONDARY = 1 << 1,	/* s_ack, s_window are known */
	GATE_SENT = 1 << 2,		/* sent_ack, sent_right are known */
	GATE_SCALE = 1 << 3,		/* the window scale is known */
	GATE_PACKET = 1 << 4,		/* what waits is a packet */
	GATE_SIGNED = 1 << 5,		/* no segment may be changed: as with
					   COMPARE_ACK_HOLD */
};

struct gate {
	uint32_t p_ack, s_ack;		/* the newest of the two sides */
	uint32_t sent_ack, sent_right;	/* the furthest the client was told */
	uint32_t waiting;		/* a hold, or HOLD_NONE */
	uint16_t p_window, s_window;	/* as in the header */
	uint16_t n_copied;		/* of the comparison, when last used */
	uint8_t scale;
	uint8_t flags;			/* GATE_* */
};

struct segment {			/* a TCP header, in short */
	unsigned l4_off, payload_off;
	unsigned flags;
	uint32_t end;			/* sequence number behind it */
	uint32_t ack;
	uint16_t window;
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

/* Where packets of these addresses and ports went last. */
struct flow_hint {
	uint32_t tag;
	uint32_t flow;		/* index; it may be another flow's by now */
};

#define FLOW_HINTS 16384u	/* power of two */

/* A flow in which the secondary goes on without the bytes at the edge. */
struct gap {
	uint64_t due_ns;	/* when that has lasted too long; 0: none */
	uint32_t flow;		/* index; it may be another flow's by then */
	uint32_t edge;
};

#define SHARE_CLIENTS 4096u	/* counters; power of two */

struct share {
	size_t client[SHARE_CLIENTS];	/* bytes held for them */
	size_t start;		/* of bytes held: counting begins */
	bool is_counting;
	struct told told;	/* the flows over their share */
};

struct compare {
	struct compare_config config;
	struct compare_handler handler;
	struct flow_table *flows;
	struct flow_table *pairs;	/* with pair_order, else NULL */
	struct hold_pool pool;
	struct order_table orders;
	struct fragment_table fragments;
	bool in_episode;	/* a checkpoint was asked for */
	bool is_failover;
	uint16_t n_copied;	/* the secondary was made the primary's copy */
	uint32_t n_holding;	/* flows that hold a packet */
	uint64_t now_ns;
	const struct packet *said;	/* the secondary's TCP segment that
					   is being looked at, or NULL */
	struct gap gap;		/* the one that is watched */
	struct share share;
	struct told waits;	/* the flows of which it was told */
	uint64_t waits_due_ns;	/* when to look again */
	uint64_t grace_ns;	/* until then the secondary may be alone */
	uint64_t in[2], out;	/* frames */
	uint64_t originated, merged;
	uint64_t n_made[2];	/* of what the pool holds: no packets */
	uint64_t dropped[DROP_REASONS];
	uint64_t noted[NOTES];
	uint64_t asked[COMPARE_REASONS];
	struct flow_hint hints[FLOW_HINTS];
};

/* Frames on their way to their flows, parsed and hashed together. */
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
};

/* Only what has a sound header of its own may go by the rules of TCP. */
static inline bool compare_is_segment(const struct packet *p)
{
	return p->level == PACKET_L4 && p->proto == PACKET_TCP && !p->fragment;
}

/* What a queue's head, or a new packet, came to. */
enum compare_step { STEP_WAIT, STEP_DONE, STEP_DIFFERENT };

/* A packet, that is: a template at the gate may be thrown away. */
static inline bool compare_flow_holds(const struct cmp_flow *fl)
{
	return fl->q[COMPARE_PRIMARY].n || fl->q[COMPARE_SECONDARY].n ||
	       (fl->gate.flags & GATE_PACKET);
}

uint32_t compare_predict_first(const struct compare *c,
			       enum compare_side side);
uint32_t compare_predict(const struct compare *c, uint32_t *at,
			 const struct frame *f);
struct cmp_flow *compare_predict_take(struct compare *c,
				      enum compare_side side,
				      const struct frame *f, uint32_t twin);
void compare_flow_arrive(struct compare *c, enum compare_side side,
			 struct arrivals *a, const struct frame *v, unsigned n);
struct cmp_flow *compare_flow_find(struct compare *c, enum compare_side side,
				   struct arrivals *a, unsigned i);
struct cmp_flow *arrive_find_whole(struct compare *c, enum compare_side side,
				   const struct packet *p);
struct flow_table *compare_pair_table(const struct compare_config *config);
void compare_pair_key(struct compare *c, enum compare_side side,
		      struct flow_key *key, const struct packet *p);
void compare_flow_touch(struct compare *c, struct cmp_flow *fl);
void compare_flow_expire_idle(struct compare *c);
void evict_make_room(struct compare *c);
void gap_expire(struct compare *c);
void compare_flow_clear_marks(struct compare *c);

struct cmp_flow *compare_flow_of(const struct compare *c, const struct hold *h);
void compare_relieve(struct compare *c, enum compare_side side);
void compare_release_frame(struct compare *c, const struct frame *f,
			   enum compare_note why);
void compare_release_new(struct compare *c, const struct frame *f,
			 uint32_t group, enum compare_note why);
void compare_release_head(struct compare *c, struct cmp_flow *fl,
			  enum compare_note why);
void compare_unhold(struct compare *c, struct cmp_flow *fl, struct hold *h);
void compare_drop_new(struct compare *c, uint32_t group, enum compare_drop why);
void act_mark_whole(struct compare *c, struct hold *h, uint32_t group);
void compare_drop_held(struct compare *c, struct cmp_flow *fl,
		       struct hold *h, enum compare_drop why);
void act_release_group(struct compare *c, uint32_t group,
		       enum compare_note why);
void act_drop_group(struct compare *c, uint32_t group,
		    enum compare_drop why);
void act_drop_queue(struct compare *c, struct cmp_flow *fl,
		    enum compare_drop why);
void act_gate_hold(struct compare *c, struct cmp_flow *fl,
		   const struct frame *f, bool is_packet);
void act_gate_left(struct compare *c, struct cmp_flow *fl);
void act_gate_merge(struct compare *c, struct cmp_flow *fl);
void act_gate_forget(struct compare *c, struct cmp_flow *fl);
struct hold *compare_hold(struct compare *c, struct cmp_flow *fl,
			  enum compare_side side, const struct frame *f);
struct compare_difference compare_difference_of(const struct compare *c,
						const struct cmp_flow *fl,
						enum compare_reason reason,
						const struct hold *p,
						const struct hold *s);
void compare_report(struct compare *c, struct compare_difference *d);
void compare_differ(struct compare *c, struct cmp_flow *fl,
		    struct compare_difference *d);
void compare_differ_bytes(struct compare *c, struct cmp_flow *fl,
			  struct compare_difference *d, uint32_t len[2]);
void compare_ask(struct compare *c, enum compare_reason reason,
		 const struct cmp_flow *fl, const struct hold *h);

void compare_share_init(struct compare *c);
void compare_share_count(struct compare *c, struct cmp_flow *fl,
			 const struct hold *h, bool is_held);
void share_count_all(struct compare *c, bool is_held);
bool share_is_over(struct compare *c, const struct cmp_flow *fl,
		   bool *is_client);
void compare_share_keep(struct compare *c, struct cmp_flow *fl);
void compare_share_expire(struct compare *c);
void compare_waits_look(struct compare *c);
void compare_gap_watch(struct compare *c, const struct cmp_flow *fl);
void compare_report_late(struct compare *c, enum compare_side side);

/* Do segments wait for the secondary's acknowledgement? */
static inline bool compare_holds_acks(const struct compare *c,
				      const struct cmp_flow *fl)
{
	return c->config.ack_policy == COMPARE_ACK_HOLD ||
	       (fl->gate.flags & GATE_SIGNED);
}

static inline bool compare_is_reporting(const struct compare *c)
{
	return c->config.report_only;
}

/* What the secondary sent during the grace may be of before the checkpoint. */
static inline bool compare_is_graced(const struct compare *c,
				     enum compare_side side, uint64_t time_ns)
{
	return side == COMPARE_SECONDARY && time_ns < c->grace_ns;
}

/* Do two frames go to the same station? */
static inline bool compare_is_same_mac(const struct compare *c,
				       const uint8_t *a, const uint8_t *b)
{
	return c->config.ignore_mac || !memcmp(a, b, 6);
}

void take_pass(struct compare *c, const struct frame *v, unsigned n);
void take_frames(struct compare *c, enum compare_side side,
		 const struct frame *v, unsigned n);

uint32_t compare_order_find(struct compare *c, struct hold_queue *q,
			    uint32_t seq);
uint32_t compare_order_syn(struct compare *c, struct hold_queue *q,
			   const uint32_t *seq);
void compare_order_added(struct compare *c, struct hold_queue *q, uint32_t i);
void compare_order_removed(struct compare *c, struct hold_queue *q, uint32_t i);
void compare_order_drop(struct compare *c, struct hold_queue *q);
void compare_order_fini(struct order_table *t);

void compare_tcp_primary(struct compare *c, struct cmp_flow *fl,
			 const struct frame *f, struct packet *p);
void compare_tcp_secondary(struct compare *c, struct cmp_flow *fl,
			   const struct frame *f, struct packet *p);
void compare_tcp_flush_head(struct compare *c, struct cmp_flow *fl,
			    enum compare_note why);

struct segment compare_segment_of(const struct packet *p);
void compare_gate_release(struct compare *c, struct cmp_flow *fl,
			  const struct frame *f, const struct segment *seg,
			  enum compare_note why);
bool compare_gate_blocks(const struct compare *c, const struct cmp_flow *fl,
			 unsigned flags, uint32_t ack);
bool compare_gate_is_told(const struct cmp_flow *fl, uint32_t ack,
			  uint16_t window);
bool compare_gate_is_known(const struct compare *c, const struct cmp_flow *fl,
			   uint32_t ack, uint16_t window);
void compare_gate_connection(struct compare *c, struct cmp_flow *fl,
			     const struct packet *syn);
void compare_gate_secondary_syn(struct cmp_flow *fl);
void compare_gate_secondary(struct compare *c, struct cmp_flow *fl,
			    const struct packet *p);
void compare_gate_open(struct compare *c, struct cmp_flow *fl,
		       enum compare_note why);
void compare_gate_agree(const struct compare *c, struct cmp_flow *fl,
			const struct segment *seg);
void compare_gate_flush(const struct compare *c, struct cmp_flow *fl,
			uint8_t *tcp);
bool compare_gate_is_stuck(const struct cmp_flow *fl);

bool compare_align_takes(struct compare *c, struct cmp_flow *fl,
			 enum compare_side side, const struct frame *f,
			 const struct packet *p);
void compare_align_end(struct compare *c, struct cmp_flow *fl);
void compare_align_shift(struct compare *c, struct cmp_flow *fl,
			 uint32_t delta);
void compare_align_tell(struct compare *c, struct cmp_flow *fl, bool is_found,
			const uint32_t skipped[2]);

int compare_syn_scale(const struct packet *p);
bool compare_syn_is_same(const struct packet *a, const struct packet *b);

bool compare_datagram_is_matched(const struct hold *h);
bool compare_datagram_twin(struct compare *c, enum compare_side side,
			   struct cmp_flow *fl, const struct frame *f,
			   struct hold *h);
void compare_datagram_primary(struct compare *c, struct cmp_flow *fl,
			      const struct frame *f, const struct packet *p,
			      uint32_t group);
bool compare_datagram_forgive(struct compare *c, struct cmp_flow *fl,
			      struct hold *s);
void compare_datagram_differ(struct compare *c, struct cmp_flow *fl,
			     const struct hold *p, struct hold *s);
void compare_datagram_forget(struct compare *c, struct cmp_flow *fl,
			     enum compare_side side);
void compare_datagram_secondary(struct compare *c, struct cmp_flow *fl,
				const struct frame *f, const struct packet *p,
				uint32_t group);

#endif
