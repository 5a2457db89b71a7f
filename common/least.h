/* SPDX-License-Identifier: ISC */
#ifndef COLO_LEAST_H
#define COLO_LEAST_H

#include <stdint.h>

/* The smaller of two lengths or counts. */
static inline uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* The larger one. */
static inline uint32_t most(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

#endif
