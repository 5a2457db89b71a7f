/* SPDX-License-Identifier: ISC */
/*
 * What one flow, and one client, may hold of the primary's half of the bytes.
 * Over that share the last packets of the flow's queue are dropped: TCP repeats
 * them, and the first ones, which fill holes, stay. Nothing leaves for want of
 * room, and nobody else waits for it.
 *
 * A client is an address that the guest sends to; of IPv6 it is the network of
 * 64 bits, all of which one client may use. Clients share a fixed number of
 * counters: where two meet in one they share the share, too, and as the hash is
 * seeded nobody can choose whom to meet.
 *
 * While little is held nobody can be over a share, and nothing is counted. From
 * `start` on, all that is held is counted; below half of that no more.
 *
 * A datagram that was dropped here has an equal of the secondary, which must
 * not be taken for a difference: n_lost of them are forgiven.
 */
#include "core.h"

#define START_SHARE 16u		/* of the primary's half: counting begins */
#define OVER_NS (5 * UINT64_C(1000000000))	/* without a drop */

/**
 * compare_share_init - begin with nothing counted
 * @c:		its configuration is known
 */
void compare_share_init(struct compare *c)
{
	size_t start = c->config.max_bytes / 2 / START_SHARE;

	if (c->config.max_flow_bytes && c->config.max_flow_bytes < start)
		start = c->config.max_flow_bytes;
	if (c->config.max_client_bytes && c->config.max_client_bytes < start)
		start = c->config.max_client_bytes;
	c->share.start = compare_is_reporting(c) ? SIZE_MAX : start;
}

static uint64_t mix(uint64_t x)
{
	x *= UINT64_C(0x9e3779b97f4a7c15);
	return x ^ x >> 29;
}

static size_t *client_of(struct compare *c, const struct cmp_flow *fl)
{
	const struct flow_key *key = flow_key_get(c->flows, fl);
	uint64_t addr;

	memcpy(&addr, key->dst, sizeof(addr));
	addr = mix(mix(addr ^ c->config.seed) ^ c->config.seed >> 32);
	return &c->share.client[addr >> 48 & (SHARE_CLIENTS - 1)];
}

/**
 * compare_share_count - a primary packet is held, or not any more
 * @c:		the comparison, which counts
 * @fl:		its flow
 * @h:		the packet
 * @is_held:	it is from now on
 */
void compare_share_count(struct compare *c, struct cmp_flow *fl,
			 const struct hold *h, bool is_held)
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

/* Count, or uncount, all that is held. */
static void count_all(struct compare *c, bool is_held)
{
	uint32_t i = c->pool.oldest[COMPARE_PRIMARY];
	const struct hold *h;

	for (; (h = hold_at(&c->pool, i)); i = h->age_next)
		if (h->kind == HOLD_PACKET || h->kind == HOLD_WHOLE)
			compare_share_count(c, flow_at(c->flows, h->flow), h,
					    is_held);
	c->share.is_counting = is_held;
}

static bool exceeds(size_t bytes, size_t share)
{
	return share && bytes > share;
}

static bool is_over(struct compare *c, const struct cmp_flow *fl,
		    bool *is_client)
{
	*is_client = exceeds(*client_of(c, fl), c->config.max_client_bytes);
	return *is_client || exceeds(fl->held_bytes, c->config.max_flow_bytes);
}

static void tell(struct compare *c, const struct told_flow *t, bool is_over)
{
	const struct compare_over_share s = {
		.flow = &t->key,
		.is_client = t->what,
		.n = t->n,
		.is_over = is_over,
	};

	if (c->handler.over_share)
		c->handler.over_share(c->handler.arg, &s);
}

static void note(struct compare *c, const struct cmp_flow *fl, bool is_client)
{
	bool is_new;
	struct told_flow *t = told_note(&c->share.told,
					flow_index(c->flows, fl),
					flow_key_get(c->flows, fl), c->now_ns,
					&is_new);

	if (!is_new)
		return;
	t->what = is_client;
	tell(c, t, false);
}

/* The last packet; a RST behind it is nothing that TCP repeats. */
static struct hold *last_of(const struct compare *c, const struct cmp_flow *fl)
{
	struct hold *h = hold_at(&c->pool, fl->q[COMPARE_PRIMARY].tail);

	if (h && fl->is_tcp && h->flags & TCP_RST && h->prev != HOLD_NONE)
		return hold_at(&c->pool, h->prev);
	return h;
}

static void drop_last(struct compare *c, struct cmp_flow *fl)
{
	struct hold *h = last_of(c, fl);

	if (!fl->is_tcp && fl->n_lost < UINT16_MAX &&
	    !compare_datagram_is_matched(h))
		fl->n_lost++;
	compare_drop_held(c, fl, h, DROP_OVER_SHARE);
}

static void keep_within(struct compare *c, struct cmp_flow *fl)
{
	bool is_client;

	if (!is_over(c, fl, &is_client))
		return;
	if (!c->config.full_waits)
		compare_ask(c, COMPARE_QUEUE, fl, NULL);
	while (fl->q[COMPARE_PRIMARY].n && is_over(c, fl, &is_client)) {
		note(c, fl, is_client);
		drop_last(c, fl);
	}
}

/**
 * compare_share_keep - a flow keeps to its share, and its client to his
 * @c:		the comparison, which holds more than c->share.start, or counts
 * @fl:		a flow of which a packet of the primary has come
 */
void compare_share_keep(struct compare *c, struct cmp_flow *fl)
{
	if (!c->share.is_counting)
		count_all(c, true);
	keep_within(c, fl);
	if (c->pool.bytes[COMPARE_PRIMARY] < c->share.start / 2)
		count_all(c, false);
}

/**
 * compare_share_expire - tell which flows drop nothing any more
 * @c:		the comparison
 */
void compare_share_expire(struct compare *c)
{
	struct told_flow over;

	if (!c->share.told.n || c->now_ns < OVER_NS)
		return;
	while (told_over(&c->share.told, c->now_ns - OVER_NS, c->now_ns, &over))
		tell(c, &over, true);
}
