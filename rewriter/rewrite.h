/* SPDX-License-Identifier: ISC */
#ifndef COLO_REWRITE_H
#define COLO_REWRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../common/frame.h"
#include "../common/stats.h"

/*
 * The pure core of colo-rewriter. It translates between the sequence numbers
 * and the clock of the primary, which the client knows, and those of the
 * secondary's TCP stack. Frames and the time go in, frames come out in order
 * through emit(). It does no I/O, except that it stores into a mapped table.
 */
enum rewrite_side {
	REWRITE_TX,		/* towards the guest: ack += offset */
	REWRITE_RX,		/* from the guest: seq -= offset */
};

enum rewrite_event {
	REWRITE_SIGNED,		/* a flow has TCP MD5 or TCP-AO: untranslated */
	REWRITE_STATE_LOST,	/* connections go on whose offsets are lost */
	REWRITE_NONE_LEFT,	/* after a failover no flow is translated now */
	REWRITE_UNSAVED,	/* the table lacks connections */
	REWRITE_SAVED,		/* the table has them now */
};

enum rewrite_translate {	/* what is: for tests and comparison */
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

struct record_table;

struct rewrite_config {
	uint32_t max_flows;
	size_t max_held;	/* bytes of held segments, all flows together */
	bool drop_unknown;	/* segments whose connection is unknown */
	enum rewrite_translate translate;
	uint64_t seed;		/* of the hash */
	struct record_table *table;	/* borrowed, or NULL: nothing is saved */
};

struct rewrite_handler {
	/* n frames go on in the direction of side; borrowed for the call */
	void (*emit)(void *arg, enum rewrite_side side, const struct frame *v,
		     unsigned n);
	/* flow is the event's flow as text, or NULL. May be NULL itself */
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
void rewrite_set(struct rewrite *r, size_t max_held, bool drop_unknown);
void rewrite_failover(struct rewrite *r);
void rewrite_protect(struct rewrite *r, uint64_t now_ns);

uint32_t rewrite_translated(const struct rewrite *r);
uint32_t rewrite_behind(const struct rewrite *r);
uint32_t rewrite_epoch(const struct rewrite *r);
uint64_t rewrite_uncompared(const struct rewrite *r, uint32_t *n_flows);
void rewrite_stats(const struct rewrite *r, struct stats *s);

#endif
