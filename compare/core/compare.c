/* SPDX-License-Identifier: ISC */
/*
 * The comparison of two replicas' output: its public face. compare.h is what
 * the rest of colo-compare sees of core/; README.md says how the files of
 * core/ work together.
 *
 * A packet of the primary is released, maybe after it was held. It is dropped
 * only when its flow or client holds more than its share, or no room is left
 * for another flow. A packet of the secondary is dropped, always, with a
 * reason. So
 *
 *	in = out + held + dropped
 *
 * Episodes: the first difference asks for a checkpoint, and no other one asks
 * until compare_flush() says that the replicas are equal again. Of the flow
 * that differs nothing is compared until then: the primary's packets are held,
 * the secondary's dropped. All other flows go on.
 *
 * Bounds: each side may hold half of max_bytes. Over that the primary's input
 * has to stop (compare_is_full()). The secondary's never stops, or the two
 * inputs could wait for each other: its fullest flow is given up as different.
 * A flow over max_queue asks for a checkpoint and stops nobody. A flow over
 * its share of the bytes loses its last packets. Nothing ever leaves
 * uncompared because there is no room for it.
 *
 * Differences from QEMU's colo-compare: queues are FIFO; SYN, FIN, RST and the
 * destination MAC are compared; IPv6 and VLANs are compared; the flow table
 * never empties itself.
 */
#include "compare.h"

#include <stdlib.h>

#include "act.h"
#include "core.h"
#include "counters.h"
#include "differ.h"
#include "evict.h"
#include "expire.h"
#include "flush.h"
#include "fragment.h"
#include "gate.h"
#include "kind.h"
#include "order.h"
#include "pair.h"
#include "repeats.h"
#include "roster.h"
#include "share.h"
#include "take.h"
#include "waits.h"

#define CROWDED_SHARE 64u	/* crowded: a share of the flows or less holds nothing */
#define FLOW_BYTES_MAX (1u << 31)	/* cmp_flow.held_bytes has 32 bits */
#define END_NS (UINT64_MAX / 2)	/* later than all, and no age overflows */
#define FLOW_SLACK 4096u	/* flows beyond max_flows, of frames that were read */

static const char *const reason_text[COMPARE_REASONS] = {
	"payload", "flags", "mac", "timeout", "queue", "repeat",
};

static const char *const wait_text[COMPARE_WAITS] = {
	"the secondary to say the same",
	"the secondary to acknowledge the same",
	"the primary to say the same",
	"the replicas to be equal again",
};

/* What one option means for others is decided here, and nowhere else. */
static void set_config(struct compare *c, const struct compare_config *config)
{
	struct compare_config *own = &c->config;

	*own = *config;
	if (own->report_only) {
		own->ack_policy = COMPARE_ACK_RELEASE;
		own->max_queue = UINT32_MAX;	/* max_bytes is the bound */
		own->max_flow_bytes = own->max_client_bytes = 0;
		own->holds = false;
	}
	if (own->holds) {		/* there is nobody to ask */
		own->full_waits = true;
		own->gap_ns = 0;
	}
	if (own->max_flow_bytes > FLOW_BYTES_MAX)
		own->max_flow_bytes = FLOW_BYTES_MAX;
}

static void free_own_roster(struct compare *c)
{
	if (!c->config.roster)
		roster_free(c->roster);
}

static void free_tables(struct compare *c)
{
	flow_table_free(c->flows);
	flow_table_free(c->pairs);
	free_own_roster(c);
	repeats_free(c->repeats);
	free(c);
}

static bool prepare_pairs(struct compare *c)
{
	c->pairs = pair_table(&c->config);
	c->roster = c->config.roster ? c->config.roster :
		    roster_new(c->config.max_flows, c->config.seed);
	return c->pairs && c->roster;
}

/**
 * compare_new() - Make a comparison
 * @config:	Copied
 * @handler:	Copied
 *
 * Return: the comparison, for compare_free(); NULL when memory is short
 */
struct compare *compare_new(const struct compare_config *config,
			    const struct compare_handler *handler)
{
	struct compare *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	set_config(c, config);
	c->handler = *handler;
	c->flows = flow_table_new(config->max_flows + FLOW_SLACK,
				  sizeof(struct cmp_flow), config->seed);
	if (config->repeats)
		c->repeats = repeats_new(config);
	if (!c->flows || (config->repeats && !c->repeats) ||
	    (config->pair_order && !prepare_pairs(c))) {
		free_tables(c);
		return NULL;
	}
	hold_pool_init(&c->pool);
	order_init(&c->orders, &c->pool);
	fragment_init(&c->fragments);
	share_init(c);
	return c;
}

/**
 * compare_set_config() - Change the times and bounds of a comparison
 * @c:		The comparison
 * @config:	That of compare_new() with other times and bounds of queues and
 *		bytes; its seed and max_flows are not looked at
 */
void compare_set_config(struct compare *c, const struct compare_config *config)
{
	struct compare_config next = *config;

	next.seed = c->config.seed;
	next.max_flows = c->config.max_flows;
	set_config(c, &next);
	share_init(c);
}

/**
 * compare_free() - Free a comparison and what it holds
 * @c:		The comparison, or NULL
 */
void compare_free(struct compare *c)
{
	if (!c)
		return;
	fragment_fini(&c->fragments);
	order_fini(&c->orders);
	hold_pool_fini(&c->pool);
	free_tables(c);
}

/**
 * compare_input() - Compare frames of one side
 * @c:		The comparison
 * @side:	Whose frames these are
 * @v:		The frames; borrowed. Of those that have to wait references on their
 *		chunks are kept, and their bytes may be changed
 * @n:		How many
 * @now_ns:	The time. When it goes back, what came later counts as new
 */
void compare_input(struct compare *c, enum compare_side side, struct frame *v,
		   unsigned n, uint64_t now_ns)
{
	c->now_ns = now_ns;
	act_come(c, side, n);
	if (c->is_failover) {
		act_after_failover(c, side, v, n);
		return;
	}
	for (unsigned i = 0; i < n; i += FLOW_HASH_MAX) {
		unsigned left = n - i;

		take_frames(c, side, v + i,
			    left < FLOW_HASH_MAX ? left : FLOW_HASH_MAX);
	}
	hold_compact(&c->pool);
}

/**
 * compare_expire() - Deal with what has waited for too long
 * @c:		The comparison
 * @now_ns:	The time
 */
void compare_expire(struct compare *c, uint64_t now_ns)
{
	c->now_ns = now_ns;
	expire_held(c);
}

/**
 * compare_end() - Nothing more comes: all that waits has waited for too long
 * @c:		The comparison
 */
void compare_end(struct compare *c)
{
	compare_expire(c, END_NS);
	repeats_end(c);
}

/**
 * compare_due_ns() - When does compare_expire() have to be called?
 * @c:		The comparison
 *
 * Return: the time, COMPARE_NEVER when nothing waits. Idle flows do not count:
 * for them a call now and then is enough
 */
uint64_t compare_due_ns(const struct compare *c)
{
	return expire_due_ns(c);
}

/**
 * compare_flush() - A checkpoint was made: the replicas are equal
 * @c:		The comparison
 * @now_ns:	The time
 *
 * Held packets of the primary are released in order, those of the secondary
 * dropped.
 *
 * Return: what has left
 */
struct compare_left compare_flush(struct compare *c, uint64_t now_ns)
{
	c->now_ns = now_ns;
	return flush_all(c, NOTE_FLUSHED, DROP_FLUSHED);
}

/**
 * compare_copied() - The secondary was made the primary's copy
 * @c:		The comparison, before the compare_flush() for that checkpoint
 *
 * After a flush alone what the secondary has acknowledged stays true.
 */
void compare_copied(struct compare *c)
{
	gate_copied(c);
}

/**
 * compare_grace() - Packets of the secondary may still be of before the checkpoint
 * @c:		The comparison
 * @until_ns:	What comes until then and has no equal asks for nothing
 */
void compare_grace(struct compare *c, uint64_t until_ns)
{
	differ_grace(c, until_ns);
}

/**
 * compare_failover() - The secondary is gone: pass the primary from now on
 * @c:		The comparison
 * @now_ns:	The time
 *
 * Return: what has left of what was held
 */
struct compare_left compare_failover(struct compare *c, uint64_t now_ns)
{
	c->is_failover = true;
	c->now_ns = now_ns;
	waits_forget(c);
	return flush_all(c, NOTE_PASSED, DROP_FAILOVER);
}

/**
 * compare_protect() - There is a secondary again: compare from now on
 * @c:		The comparison, after compare_failover(); it begins without flows,
 *		for what has passed meanwhile is not known
 * @now_ns:	The time
 */
void compare_protect(struct compare *c, uint64_t now_ns)
{
	c->is_failover = false;
	c->now_ns = now_ns;
	evict_all(c);
}

/* Do so many flows hold something that one to forget is hard to find? */
static bool is_crowded(const struct compare *c)
{
	uint32_t n = flow_count(c->flows);

	return n >= c->config.max_flows &&
	       c->account.n_holding >= n - n / CROWDED_SHARE;
}

/**
 * compare_n_unknown() - How many segments could not be compared in a report?
 * @c:		The comparison, at its end
 * @side:	The side
 *
 * Return: those that repeat what the comparison does not remember, and the
 * other side does not repeat
 */
uint64_t compare_n_unknown(const struct compare *c, enum compare_side side)
{
	return repeats_n_unknown(c, side);
}

/**
 * compare_is_full() - Must the primary's input stop?
 * @c:		The comparison
 *
 * Return: true when the primary's half of the bytes is used up, and when there
 * are max_flows flows of which all but a few hold something
 */
bool compare_is_full(const struct compare *c)
{
	return c->pool.bytes[COMPARE_PRIMARY] > c->config.max_bytes / 2 ||
	       is_crowded(c);
}

/**
 * compare_is_half_full() - Is most of a side's half of the bytes used?
 * @c:		The comparison
 * @side:	The side
 *
 * Return: true when the other side had better be read before this one
 */
bool compare_is_half_full(const struct compare *c, enum compare_side side)
{
	return c->pool.bytes[side] > c->config.max_bytes / 4;
}

/**
 * compare_is_holding() - Is any packet held?
 * @c:		The comparison
 */
bool compare_is_holding(const struct compare *c)
{
	return c->account.n_holding || c->fragments.n_used;
}

/**
 * compare_stats() - Give the account
 * @c:		The comparison
 * @s:		The account of the process: totals are added to, rows appended
 */
void compare_stats(const struct compare *c, struct stats *s)
{
	counters_add(c, s);
}

/**
 * compare_is_housekeeping() - Is a packet of those that compare_non_ip is about?
 * @p:		The packet, parsed
 */
bool compare_is_housekeeping(const struct packet *p)
{
	return kind_is_housekeeping(p);
}

/**
 * compare_reason_text() - Say why a checkpoint is asked for, in one word
 * @reason:	Below COMPARE_REASONS
 *
 * Return: static text
 */
const char *compare_reason_text(enum compare_reason reason)
{
	return reason_text[reason];
}

/**
 * compare_wait_text() - Say what a flow waits for
 * @what:	Below COMPARE_WAITS
 *
 * Return: static text, to stand behind "waits for"
 */
const char *compare_wait_text(enum compare_wait_for what)
{
	return wait_text[what];
}

/**
 * compare_pair_service() - Say which service a flow belongs to
 * @service:	Set: protocol, VLAN and the service's port, where the flow has it
 * @key:	The flow's key
 */
void compare_pair_service(struct flow_key *service, const struct flow_key *key)
{
	pair_service(service, key);
}
