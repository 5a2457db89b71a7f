/* SPDX-License-Identifier: ISC */
#include "history.h"

#include <stdio.h>
#include <string.h>

/**
 * history_place_of() - Keep where two packets differ
 * @p:		Set
 * @d:		The difference; of each frame the bytes from there on are copied,
 *		HISTORY_BYTES at most
 */
void history_place_of(struct history_place *p,
		      const struct compare_difference *d)
{
	*p = (struct history_place){
		.is_known = d->has[COMPARE_PRIMARY] && d->has[COMPARE_SECONDARY],
		.offset = d->offset,
	};
	for (unsigned side = 0; side < 2; side++) {
		const struct frame *f = &d->frame[side];
		uint32_t len;

		if (!d->has[side] || d->at[side] >= frame_eth_len(f))
			continue;
		len = frame_eth_len(f) - d->at[side];
		p->n[side] = (uint8_t)(len < HISTORY_BYTES ? len :
							     HISTORY_BYTES);
		memcpy(p->bytes[side], frame_eth(f) + d->at[side], p->n[side]);
	}
}

static struct history_entry *begin(struct history *h)
{
	struct history_entry *e = &h->v[h->n++ % HISTORY_MAX];

	*e = (struct history_entry){ 0 };
	return e;
}

/**
 * history_ask() - A checkpoint is asked for
 * @h:		The history
 * @reason:	A word; copied
 * @flow:	The flow that differs, or ""; copied
 * @place:	Where; copied. NULL when there is no such place
 * @now_us:	The time, us since 1970
 */
void history_ask(struct history *h, const char *reason, const char *flow,
		 const struct history_place *place, uint64_t now_us)
{
	struct history_entry *e = begin(h);

	e->is_asked = true;
	e->asked_us = now_us;
	snprintf(e->reason, sizeof(e->reason), "%s", reason);
	snprintf(e->flow, sizeof(e->flow), "%s", flow);
	if (place)
		e->place = *place;
}

/**
 * history_make() - A checkpoint was made, whoever asked for it
 * @h:		The history
 * @now_us:	The time, us since 1970
 *
 * Return: its entry; the caller fills in what is known of it only now. It is
 * the one that was asked for last, if that was not made yet
 */
struct history_entry *history_make(struct history *h, uint64_t now_us)
{
	struct history_entry *e = h->n ? &h->v[(h->n - 1) % HISTORY_MAX] : NULL;

	if (!e || e->is_made)
		e = begin(h);
	e->is_made = true;
	e->made_us = now_us;
	return e;
}

/**
 * history_at() - Look back
 * @h:		The history
 * @back:	0 for the last entry, 1 for the one before it
 *
 * Return: the entry, or NULL when it is not known, or there was none
 */
const struct history_entry *history_at(const struct history *h, unsigned back)
{
	if (back >= h->n || back >= HISTORY_MAX)
		return NULL;
	return &h->v[(h->n - 1 - back) % HISTORY_MAX];
}
