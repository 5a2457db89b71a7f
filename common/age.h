/* SPDX-License-Identifier: ISC */
#ifndef COLO_AGE_H
#define COLO_AGE_H

#include <stdint.h>

/*
 * How long something has been so. The clock of captures is what their packets
 * say, and may go back: what is in the future then has an age of 0. Sums of
 * times and timeouts are no substitute, for they wrap.
 */
static inline uint64_t age_ns(uint64_t now_ns, uint64_t since_ns)
{
	return now_ns > since_ns ? now_ns - since_ns : 0;
}

#endif
