/* SPDX-License-Identifier: ISC */
#ifndef COLO_REWRITE_H
#define COLO_REWRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../common/frame.h"
#include "../common/stats.h"

/*
 * Translation between the sequence numbers and clock that the primary chose,
 * which the client knows, and those of the secondary's stack: pure. Frames and
 * the time go in, translated frames come out through emit() in order.
 */
enum rewrite_side {
	REWRITE_TX,		/* towards the guest: ack += offset */
	REWRITE_RX,		/* from the guest: seq -= offset */
};

enum rewrite_event {
	REWRITE_SIGNED,		/* a flow cannot be translated: MD5, TCP-AO */
	REWRITE_STATE_LOST,	/* a flow is unknown, and a table was lost */
	REWRITE_NONE_LEFT,	/* after failover nothing is translated any more */
	REWRITE_UNSAVED,	/* the table lacks connections */
	REWRITE_SAVED,		/* it has them now */
};

enum rewrite_translate {	/* for tests and comparison */
	REWRITE_ALL,
	REWRITE_NOTHING,
	REWRITE_NO_SEQ,
	REWRITE_NO_ACK,
	REWRITE_NO_SACK,
	REWRITE_NO_TSVAL,
	REWRITE_NO_TSECR,
	REWRITE_NO_RST,
	REWRITE_NO_ICMP,
	REWRITE_NO_HOLD,
	REWRITE_NO_LOWER,
};

struct rewrite_table;

struct rewrite_config {
	uint32_t max_flows;
	size_t max_held;	/* bytes of held segments, all flows together */
	bool drop_unknown;	/* --unknown drop */
	enum rewrite_translate translate;
	uint64_t seed;		/* of the hash */
	struct rewrite_table *table;	/* what outlives the process, or NULL */
};

struct rewrite_handler {
	/* frames in a row that go on in direction side; borrowed */
	void (*emit)(void *arg, enum rewrite_side side, const struct frame *v,
		     unsigned n);
	/* flow is text, or NULL; may be NULL itself */
	void (*event)(void *arg, enum rewrite_event event, const char *flow);
	void *arg;
};

struct rewrite;

struct rewrite *rewrite_new(const struct rewrite_config *config,
			    const struct rewrite_handler *handler,
			    uint64_t now_ns);
void rewrite_free(struct rewrite *r);

void rewrite_input(struct rewrite *r, enum rewrite_side side, struct frame *v,
		   unsigned n, uint64_t now_ns);
void rewrite_expire(struct rewrite *r, uint64_t now_ns);
void rewrite_checkpoint(struct rewrite *r, uint64_t now_ns);
void rewrite_failover(struct rewrite *r);

uint32_t rewrite_translated(const struct rewrite *r);
uint32_t rewrite_behind(const struct rewrite *r);
uint32_t rewrite_epoch(const struct rewrite *r);
uint64_t rewrite_ahead_bytes(const struct rewrite *r, uint32_t *n_flows);
void rewrite_stats(const struct rewrite *r, struct stats *s);

#endif
