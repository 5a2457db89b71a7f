/* SPDX-License-Identifier: ISC */
/*
 * Which destination sends from which Ethernet address. An address that more
 * than one sends from, as guests that share the service's do, is shared.
 *
 * The state is a table of MACS_MAX addresses, in which a new one takes the place
 * of the one that was learnt first.
 */
#include "claims.h"

#include <string.h>

#define MACS_MAX 4096u

static struct flow_key key_of(const uint8_t mac[6])
{
	struct flow_key key = { 0 };

	memcpy(key.src, mac, 6);
	return key;
}

/**
 * claims_init() - Begin without claims
 * @c:		set
 * @seed:	of the hash
 *
 * Return: false when the address space is not to be had
 */
bool claims_init(struct claims *c, uint64_t seed)
{
	c->macs = flow_table_new(MACS_MAX, sizeof(uint16_t), seed);
	return c->macs;
}

/**
 * claims_fini() - Free the table
 * @c:	claims
 */
void claims_fini(struct claims *c)
{
	flow_table_free(c->macs);
}

/**
 * claims_learn() - A frame came from a destination
 * @c:		claims
 * @mac:	its source; a group's is no claim
 * @dest:	index of the destination
 * @now_ns:	time
 *
 * Return: true when its last frame had another source
 */
bool claims_learn(struct claims *c, const uint8_t mac[6], uint16_t dest,
		  uint64_t now_ns)
{
	struct flow_key key;
	uint16_t *owner;

	if (mac[0] & 1 || !memcmp(c->last[dest], mac, 6))
		return false;
	memcpy(c->last[dest], mac, 6);
	key = key_of(mac);
	owner = flow_find(c->macs, &key);
	if (owner) {
		if (*owner != dest)
			*owner = CLAIMS_SHARED;
		return true;
	}
	owner = flow_add(c->macs, &key, 0, now_ns);
	if (!owner) {
		flow_remove(c->macs, flow_oldest(c->macs, 0));
		owner = flow_add(c->macs, &key, 0, now_ns);
	}
	*owner = dest;
	return true;
}

/**
 * claims_find() - Who sends from an address
 * @c:		claims
 * @mac:	the address
 *
 * Return: index of the destination, CLAIMS_SHARED or CLAIMS_NONE
 */
uint16_t claims_find(const struct claims *c, const uint8_t mac[6])
{
	struct flow_key key = key_of(mac);
	const uint16_t *owner = flow_find(c->macs, &key);

	return owner ? *owner : CLAIMS_NONE;
}

/**
 * claims_forget() - The place of a destination will be another one's
 * @c:		claims
 * @dest:	index of the destination
 */
void claims_forget(struct claims *c, uint16_t dest)
{
	uint16_t *owner = flow_oldest(c->macs, 0), *next;

	memset(c->last[dest], 0, sizeof(c->last[dest]));
	for (; owner; owner = next) {
		next = flow_next(c->macs, owner);
		if (*owner == dest)
			flow_remove(c->macs, owner);
	}
}
