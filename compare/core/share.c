/* SPDX-License-Identifier: ISC */
/*
 * How many bytes each flow, and each client, holds of the primary's half, and
 * whether that is more than its share. act.c reports what is held and what is
 * not any more; shed.c asks who is over his share.
 *
 * A client is an address that the guest sends to. With IPv6 it is the network
 * of 64 bits, because one client may use all of its addresses. Clients share a
 * fixed number of counters. Two clients that meet in one share one share, too;
 * the hash is seeded, so that nobody can choose whom to meet.
 *
 * While little is held nobody can be over his share, and nothing is counted.
 * When the primary's side reaches `start` bytes all that is held is counted,
 * and from then on what comes and goes; below half of that counting stops.
 */
#include "share.h"

#include <string.h>

#define WALK_MAX 4096u		/* packets that share_held_bytes() looks at */
#define START_SHARE 16u		/* of the primary's half: counting begins */

/**
 * share_init() - Begin without counting
 * @c:		The comparison; its configuration is known
 */
void share_init(struct compare *c)
{
	size_t start = c->config.max_bytes / 2 / START_SHARE;

	if (!c->config.max_flow_bytes && !c->config.max_client_bytes)
		start = SIZE_MAX;	/* nobody can be over a share */
	if (c->config.max_flow_bytes && c->config.max_flow_bytes < start)
		start = c->config.max_flow_bytes;
	if (c->config.max_client_bytes && c->config.max_client_bytes < start)
		start = c->config.max_client_bytes;
	c->share.start = start;
}

static uint64_t mix(uint64_t x)
{
	x *= UINT64_C(0x9e3779b97f4a7c15);
	return x ^ x >> 29;
}

static size_t *client_of(struct compare *c, const struct cmp_flow *fl)
{
	const struct flow_key *key = flow_get_key(c->flows, fl);
	uint64_t addr;

	memcpy(&addr, key->dst, sizeof(addr));
	addr = mix(mix(addr ^ c->config.seed) ^ c->config.seed >> 32);
	return &c->share.client[addr >> 48 & (SHARE_CLIENTS - 1)];
}

/**
 * share_count() - Count a packet of the primary, or count it no more
 * @c:		The comparison, which counts
 * @fl:		The packet's flow
 * @h:		The packet
 * @is_held:	True when it is held from now on, false when no more
 */
void share_count(struct compare *c, struct cmp_flow *fl, const struct hold *h,
		 bool is_held)
{
	uint32_t bytes = h->len + (uint32_t)sizeof(*h);
	size_t *client = client_of(c, fl);

	if (is_held) {
		fl->held_bytes += bytes;
		*client += bytes;
	} else {
		fl->held_bytes -= bytes;
		*client -= bytes;
	}
}

/**
 * share_count_all() - Begin to count, or stop counting
 * @c:		The comparison
 * @is_held:	True to begin: all that is held is counted
 */
void share_count_all(struct compare *c, bool is_held)
{
	uint32_t i = c->pool.oldest[COMPARE_PRIMARY];
	const struct hold *h;

	for (; (h = hold_at(&c->pool, i)); i = h->age_next)
		if (h->kind == HOLD_PACKET || h->kind == HOLD_WHOLE)
			share_count(c, flow_at(c->flows, h->flow), h, is_held);
	c->share.is_counting = is_held;
}

/**
 * share_held_bytes() - How much of the primary does a flow hold?
 * @c:		The comparison, which counts or not
 * @fl:		The flow
 *
 * Return: bytes. Of a queue of more than WALK_MAX packets, which there is only
 * where no flow has a share, the rest is taken to be like the first ones
 */
uint64_t share_held_bytes(const struct compare *c, const struct cmp_flow *fl)
{
	const struct hold_queue *q = &fl->q[COMPARE_PRIMARY];
	const struct hold *h = hold_at(&c->pool, q->head);
	uint64_t bytes = 0;
	uint32_t n = 0;

	if (c->share.is_counting)
		return fl->held_bytes;
	for (; h && n < WALK_MAX; h = hold_at(&c->pool, h->next), n++)
		bytes += h->len + sizeof(*h);
	return h ? bytes / n * q->n : bytes;
}

static bool exceeds(size_t bytes, size_t share)
{
	return share && bytes > share;
}

/**
 * share_is_over() - Does a flow, or its client, hold more than its share?
 * @c:		The comparison, which counts
 * @fl:		The flow
 * @is_client:	Set to whether the client does
 *
 * Return: whether one of the two does
 */
bool share_is_over(struct compare *c, const struct cmp_flow *fl,
		   bool *is_client)
{
	*is_client = exceeds(*client_of(c, fl), c->config.max_client_bytes);
	return *is_client || exceeds(fl->held_bytes, c->config.max_flow_bytes);
}
