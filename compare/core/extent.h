/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_EXTENT_H
#define COLO_COMPARE_EXTENT_H

#include <stdint.h>

struct piece {			/* bytes left to compare */
	const uint8_t *at;
	uint32_t len;
};

uint32_t extent_equal(const struct piece v[2]);
void extent_measure(const struct piece v[2], uint32_t n[2]);

#endif
