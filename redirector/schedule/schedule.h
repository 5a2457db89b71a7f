/* SPDX-License-Identifier: ISC */
#ifndef COLO_SCHEDULE_H
#define COLO_SCHEDULE_H

#include <stddef.h>

#include "service.h"
#include "types.h"

/*
 * Connection scheduling, pure: a frame, the time and the side that it comes from
 * go in, where it goes or why it is dropped comes out.
 */
enum schedule_way {
	SCHEDULE_DROP,
	SCHEDULE_TO_DEST,
	SCHEDULE_TO_NET,
	SCHEDULE_FLOOD,		/* to all destinations that are up */
	SCHEDULE_ANSWER,	/* answer_write() has a frame to the net */
};

/* Why a frame was dropped, or went where no connection says. */
enum schedule_reason {
	SCHEDULE_ORDINARY,	/* its connection says where to */
	SCHEDULE_NEW,		/* it began one */
	SCHEDULE_NOT_IP,
	SCHEDULE_NO_SERVICE,
	SCHEDULE_UNKNOWN,	/* of no connection, and begins none */
	SCHEDULE_RELATED,	/* an ICMP error about a connection */
	SCHEDULE_FRAGMENT,	/* follows its first one */
	SCHEDULE_ANSWERED,	/* ARP or ND for a service's address */
	SCHEDULE_OVERLOAD_PASSED,
	/* from here on they are dropped */
	SCHEDULE_UNSCHEDULED,	/* by --unscheduled drop */
	SCHEDULE_NO_DEST,
	SCHEDULE_OVERLOAD,
	SCHEDULE_TABLE_FULL,
	SCHEDULE_SHORT,		/* the transport header is cut or wrong */
	SCHEDULE_ORPHAN,	/* a fragment whose first one was not seen */
	SCHEDULE_STRAY,		/* by --unknown drop */
	SCHEDULE_DEST_DOWN,
	SCHEDULE_QUIESCENT,	/* its connection was ended */
	SCHEDULE_WRONG_DEST,	/* another guest has this connection */
	SCHEDULE_CLASH,		/* another guest uses these ports */
	SCHEDULE_ICMP_SUM,	/* an error with a wrong checksum */
	SCHEDULE_REASONS
};

struct schedule_verdict {
	uint8_t way;		/* enum schedule_way */
	uint8_t reason;		/* enum schedule_reason */
	uint16_t dest;		/* TO_DEST; of ANSWER: index of the service */
};

enum schedule_unscheduled { SCHEDULE_UN_FIRST, SCHEDULE_UN_FLOOD,
			    SCHEDULE_UN_DROP };
enum schedule_overload { SCHEDULE_OVER_DROP, SCHEDULE_OVER_PASS,
			 SCHEDULE_OVER_LEAST };

struct schedule_config {
	uint32_t max_conns;		/* and templates */
	uint64_t seed;
	bool unknown_drop;
	enum schedule_unscheduled unscheduled;
	enum schedule_overload on_overload;
	bool expire_quiescent;
	bool expire_quiescent_template;
	uint64_t linger_ns;
	struct record_table *table;	/* borrowed, or NULL */
};

struct schedule;

struct schedule *schedule_new(const struct schedule_config *config,
			      uint64_t now_ns);
void schedule_free(struct schedule *s);

uint16_t schedule_add_dest(struct schedule *s, const char *name,
			   uint64_t now_ns);
void schedule_remove_dest(struct schedule *s, uint16_t i, uint64_t now_ns);
void schedule_set_weight(struct schedule *s, uint16_t i, uint32_t weight);
void schedule_set_limits(struct schedule *s, uint16_t i, uint32_t max_conn,
			 uint32_t min_conn);
void schedule_set_mac(struct schedule *s, uint16_t i, const uint8_t *mac);
void schedule_set_up(struct schedule *s, uint16_t i, bool is_up,
		     uint64_t now_ns);
bool schedule_add_service(struct schedule *s, const struct service *svc);
void schedule_set_timeout(struct schedule *s, enum state state,
			  uint32_t seconds);
void schedule_load(struct schedule *s, uint64_t now_ns);

uint16_t schedule_expire(struct schedule *s, uint64_t now_ns);

const struct dest_set *schedule_dests(const struct schedule *s);
const struct service_set *schedule_services(const struct schedule *s);
const struct conn_table *schedule_conns(const struct schedule *s);
void schedule_stored(const struct schedule *s, uint32_t *n_loaded,
		     uint32_t *n_lost);
uint32_t schedule_unsaved(const struct schedule *s);
uint64_t schedule_rescheduled(const struct schedule *s);
uint64_t schedule_count(const struct schedule *s, enum schedule_reason reason);
const char *schedule_reason_text(enum schedule_reason reason);

#endif
