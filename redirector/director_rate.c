/* SPDX-License-Identifier: ISC */
/*
 * How much a destination does a second: its counters are looked at now and then, and
 * what they have grown by since RATE_NS ago or longer is the rate, as that of
 * ipvsadm --rate. The state is struct director_rate; director.c's timer calls.
 */
#include "director_rate.h"

#include "../common/age.h"
#include "../common/time.h"

#define RATE_NS (2 * NS_PER_S)		/* IPVS's */

/**
 * director_rate_note() - Look at the counters of a destination
 * @r:		its rates, all zero at first
 * @d:		the destination
 * @now_ns:	time
 */
void director_rate_note(struct director_rate *r, const struct dest *d,
			uint64_t now_ns)
{
	const uint64_t now[RATES] = {
		[RATE_CONNS] = d->conns,
		[RATE_IN_FRAMES] = d->in_frames,
		[RATE_OUT_FRAMES] = d->out_frames,
		[RATE_IN_BYTES] = d->in_bytes,
		[RATE_OUT_BYTES] = d->out_bytes,
	};
	uint64_t age = age_ns(now_ns, r->at_ns);

	if (r->at_ns && age < RATE_NS)
		return;
	for (unsigned i = 0; i < RATES; i++) {
		uint64_t grown = now[i] < r->last[i] ? now[i] :
						       now[i] - r->last[i];

		r->per_s[i] = r->at_ns ? (uint64_t)((double)grown * NS_PER_S /
						    (double)age + 0.5) : 0;
		r->last[i] = now[i];
	}
	r->at_ns = now_ns;
}
