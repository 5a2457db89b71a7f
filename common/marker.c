/* SPDX-License-Identifier: ISC */
/*
 * Markers, made and read; see marker.h for their bytes. There is no state: which
 * epoch it is, the rewriter and the comparison know.
 */
#include "marker.h"

#include <errno.h>

#include "bytes.h"

#define VERSION_OFF 24u
#define KIND_OFF 25u
#define EPOCH_OFF 26u

static const uint8_t addresses[12] = {
	0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e,	/* to the nearest bridge */
	0x02, 'C', 'O', 'L', 'O', 0x00,		/* locally administered */
};

/**
 * marker_make() - Put a marker together
 * @m:		What it says
 * @f:		Gets a view of it
 *
 * Return: the chunk that holds it, for chunk_unref()
 */
struct chunk *marker_make(const struct marker *m, struct frame *f)
{
	struct chunk *c = chunk_new(MARKER_LEN);

	memset(c->bytes, 0, MARKER_LEN);
	memcpy(c->bytes, addresses, sizeof(addresses));
	bytes_put16(c->bytes + 12, MARKER_ETHERTYPE);
	memcpy(c->bytes + MARKER_MAGIC_OFF, MARKER_MAGIC, MARKER_MAGIC_LEN);
	c->bytes[VERSION_OFF] = MARKER_VERSION;
	c->bytes[KIND_OFF] = (uint8_t)m->kind;
	bytes_put32(c->bytes + EPOCH_OFF, m->epoch);
	*f = (struct frame){ .chunk = c, .data = c->bytes, .len = MARKER_LEN };
	return c;
}

/**
 * marker_read() - What does a marker say?
 * @m:		Gets it
 * @f:		A frame for which marker_is() holds
 *
 * Return: 0, or -EPROTONOSUPPORT for a version or kind that is not known
 */
int marker_read(struct marker *m, const struct frame *f)
{
	const uint8_t *p = frame_eth(f);

	if (p[VERSION_OFF] != MARKER_VERSION || p[KIND_OFF] > MARKER_WANTED)
		return -EPROTONOSUPPORT;
	m->kind = (enum marker_kind)p[KIND_OFF];
	m->epoch = bytes_get32(p + EPOCH_OFF);
	return 0;
}

/**
 * marker_take_out() - Where markers have no business: let none pass
 * @v:		The frames; those that stay keep their order
 * @n:		How many
 * @n_taken:	Grows by the markers that were taken out
 *
 * Return: how many stay
 */
unsigned marker_take_out(struct frame *v, unsigned n, uint64_t *n_taken)
{
	unsigned kept = 0;

	while (kept < n && !marker_is(&v[kept]))
		kept++;
	for (unsigned i = kept; i < n; i++) {
		if (!marker_is(&v[i]))
			v[kept++] = v[i];
	}
	*n_taken += n - kept;
	return kept;
}
