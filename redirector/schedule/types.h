/* SPDX-License-Identifier: ISC */
#ifndef COLO_SCHEDULE_TYPES_H
#define COLO_SCHEDULE_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#include "../../common/flow.h"

#define DESTS_MAX	128u
#define SERVICES_MAX	64u
#define DEST_NONE	UINT16_MAX
#define SERVICE_NONE	UINT16_MAX
#define DEST_NAME_MAX	32u		/* bytes, with the NUL */

/* A destination: a guest, or a pair of replicas, that connections go to. */
struct dest {
	char name[DEST_NAME_MAX];	/* empty: the place is free */
	uint64_t id;			/* hash of the name: what a record has */
	uint32_t weight;		/* 0: no new connections */
	uint32_t max_conn, min_conn;	/* 0: no limit; 3/4 of max_conn */
	uint8_t mac[6];			/* what frames to it are addressed to */
	bool has_mac, learns_mac;
	bool is_member;			/* not removed */
	bool is_up;			/* a socket of it has a peer */
	bool is_overloaded;
	bool is_drained;		/* said so already */
	bool is_over;			/* gone for longer than it may linger */
	uint16_t at;			/* its place in the order */
	uint64_t up_ns, gone_ns;	/* since when it is so */
	uint32_t credit;		/* of its slow start, in 256ths of a turn */
	uint32_t n_active;		/* TCP, established */
	uint32_t n_pending;		/* TCP, half-open */
	uint32_t n_inactive;		/* all others but templates */
	uint32_t n_templates;
	uint64_t conns;			/* so far */
	uint64_t in_frames, in_bytes, out_frames, out_bytes;
};

struct dest_set {
	struct dest v[DESTS_MAX];
	uint16_t order[DESTS_MAX];	/* of the members: newest first */
	uint16_t n;			/* members */
};

enum scheduler_kind {
	SCHEDULER_RR, SCHEDULER_WRR, SCHEDULER_LC, SCHEDULER_WLC,
	SCHEDULER_SED, SCHEDULER_NQ, SCHEDULER_SH, SCHEDULER_DH,
	SCHEDULER_MH, SCHEDULER_FO, SCHEDULER_OVF, SCHEDULER_CONHASH,
};

/* Of one service: what its scheduler remembers from one pick to the next. */
struct scheduler {
	enum scheduler_kind kind;
	bool strict;		/* hashes: drop rather than walk on */
	bool with_port;		/* hashes: the client's port counts, too */
	bool is_stale;		/* hashes: the table is made again when needed */
	uint64_t slow_ns;	/* slow start */
	uint16_t cursor;	/* rr, wrr: the last one, or DEST_NONE */
	int32_t cw, mw, di;	/* wrr: present and greatest weight, step */
	uint16_t *slots;	/* sh, dh, mh: the destination of each */
	uint32_t n_slots;
	struct ring_point *points;	/* conhash, ascending */
	uint32_t n_points;
};

struct service {
	uint8_t proto, ip_version;
	uint8_t addr[16];
	uint16_t port;		/* 0: any */
	uint64_t id;		/* hash of the above: what a record has */
	struct scheduler scheduler;
	uint32_t persist_s;	/* 0: every connection is scheduled */
	uint8_t mask;		/* bits of the client's address that count */
	bool one_packet;
	uint32_t timeout_s;	/* 0: as the state says */
	uint8_t vmac[6];
	bool has_vmac;		/* ARP and ND for addr are answered with it */
};

/* TCP's are IPVS's; beside them the two of UDP, ICMP's and a template's. */
enum state {
	STATE_NONE, STATE_ESTABLISHED, STATE_SYN_SENT, STATE_SYN_RECV,
	STATE_FIN_WAIT, STATE_TIME_WAIT, STATE_CLOSE, STATE_CLOSE_WAIT,
	STATE_LAST_ACK, STATE_LISTEN, STATE_SYNACK,
	STATE_UDP_ONE_WAY, STATE_UDP, STATE_ICMP, STATE_TEMPLATE,
	STATES
};

enum {
	CONN_FROM_GUEST = 1,	/* the guest opened it */
};

/* A connection, or a template. The key is that of a frame from the net. */
struct conn {
	uint64_t deadline_ns;
	uint64_t since_ns;
	uint32_t next, prev;	/* in its slot of the wheel: index + 1 */
	uint32_t timeout_s;	/* 0: as its state says */
	uint32_t tie;		/* to its template: index + 1; of a template:
				   the connections that it has */
	uint16_t slot;
	uint16_t dest;
	uint16_t service;	/* or SERVICE_NONE */
	uint16_t jitter_ms;
	uint8_t state;		/* enum state */
	uint8_t flags;
};

/* Lists of the flow table: who gives way in a full one, in this order. */
enum {
	CONN_LIST_CLOSED,
	CONN_LIST_HALF_OPEN,
	CONN_LIST_ONE_WAY,
	CONN_LIST_LASTING,	/* never */
	CONN_LIST_TEMPLATE,	/* never */
};

#define WHEEL_SLOTS 8192u

struct conn_table {
	struct flow_table *flows;
	struct dest_set *dests;		/* whose counts follow */
	struct record_table *file;	/* borrowed, or NULL */
	uint32_t timeout_s[STATES];
	uint64_t random;		/* of the jitter */
	uint32_t wheel[WHEEL_SLOTS];	/* index + 1 of the first one */
	uint64_t tick;			/* the last one that was looked at */
	uint32_t max;
	uint32_t n_evicted;
	uint64_t service_id[SERVICES_MAX];
};

#endif
