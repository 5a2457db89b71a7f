/* SPDX-License-Identifier: ISC */
/*
 * sh and dh: 256 slots that the destinations fill in their order, sh by weight,
 * and a multiplicative hash of the source or the destination address that
 * chooses one, with IPVS's results.
 *
 * Where the owner of a slot is not usable, sh hashes again as IPVS does with
 * its flag sh-fallback, and dh goes on to the next slot; `strict` drops.
 */
#include "slots.h"

#include "../../common/bytes.h"
#include "dest.h"

#define N_SLOTS 256u
#define GOLDEN_RATIO 0x61c88647u	/* 2^32 over it squared */

static uint32_t fold(const uint8_t *addr, uint8_t len)
{
	uint32_t sum = 0;

	for (uint8_t i = 0; i < len; i += 4)
		sum ^= bytes_get32(addr + i);
	return sum;
}

static uint32_t slot_of(const struct scheduler *s, const struct slots_key *key,
			uint32_t offset)
{
	uint32_t n = s->kind == SCHEDULER_DH ? fold(key->dst, key->addr_len) :
		     fold(key->src, key->addr_len) + key->sport;

	return (offset + (n * GOLDEN_RATIO >> 24)) % N_SLOTS;
}

/**
 * slots_fill() - Fill the slots again
 * @s:		scheduler sh or dh, with room for N_SLOTS slots
 * @set:	destinations as they are now
 *
 * Each gets as many neighbouring slots as its weight says, and at least one.
 */
void slots_fill(struct scheduler *s, const struct dest_set *set)
{
	unsigned at = 0;
	uint32_t taken = 0;

	for (unsigned i = 0; i < N_SLOTS; i++) {
		const struct dest *d;

		s->slots[i] = DEST_NONE;
		if (!set->n)
			continue;
		s->slots[i] = set->order[at];
		d = &set->v[set->order[at]];
		taken++;
		if (s->kind == SCHEDULER_DH || taken >= d->weight) {
			taken = 0;
			at = (at + 1) % set->n;
		}
	}
}

static uint16_t usable_in(const struct scheduler *s,
			  const struct dest_set *set, uint32_t slot)
{
	uint16_t i = s->slots[slot];

	return i != DEST_NONE && dest_is_usable(&set->v[i]) ? i : DEST_NONE;
}

/**
 * slots_pick() - Choose a destination by an address
 * @s:		scheduler sh or dh
 * @set:	destinations
 * @key:	the connection
 *
 * Return: index or DEST_NONE
 */
uint16_t slots_pick(const struct scheduler *s, const struct dest_set *set,
		    const struct slots_key *key)
{
	uint32_t first = slot_of(s, key, 0);
	uint16_t i = usable_in(s, set, first);

	if (s->strict)
		return i;
	for (uint32_t n = 0; i == DEST_NONE && n < N_SLOTS; n++) {
		uint32_t offset = (n + first) % N_SLOTS;

		i = usable_in(s, set, s->kind == SCHEDULER_DH ? offset :
				      slot_of(s, key, offset));
	}
	return i;
}
