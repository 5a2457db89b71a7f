/* SPDX-License-Identifier: ISC */
/*
 * How far two pieces of a stream differ, from a byte that does on: pure.
 *
 * Behind bytes that differ the two go on together where they agree again: at
 * once, when so many bytes were changed, else where AGAIN bytes of the one are
 * found in the other, with the fewest skipped on both sides.
 */
#include "extent.h"

#include <stdbool.h>
#include <string.h>

#include "../../common/least.h"

#define TOGETHER 4u		/* so few equal bytes join two differences */
#define AGAIN 16u		/* so many equal bytes are no chance */
#define SEARCH_MAX 2048u	/* bytes of each side */
#define PLACES 4096u		/* a power of two */

/**
 * extent_equal() - How many bytes at the beginning of two pieces are equal?
 * @v:		The pieces
 *
 * Return: the number of bytes
 */
uint32_t extent_equal(const struct piece v[2])
{
	uint32_t i = 0, len = least(v[0].len, v[1].len);

	while (i < len && v[0].at[i] == v[1].at[i])
		i++;
	return i;
}

/* Bytes up to the next that agree, at least TOGETHER of them. */
static uint32_t different_len(const struct piece v[2])
{
	uint32_t end = 0, len = least(v[0].len, v[1].len);

	for (uint32_t i = 0; i < len && i - end < TOGETHER; i++)
		if (v[0].at[i] != v[1].at[i])
			end = i + 1;
	return end;
}

static uint32_t place_of(const uint8_t *at)
{
	uint64_t n;

	memcpy(&n, at, sizeof(n));
	return (uint32_t)(n * UINT64_C(0x9e3779b97f4a7c15) >> 32) &
	       (PLACES - 1);
}

/* The first AGAIN bytes that both have; what is before them is skipped. */
static bool find_again(const struct piece v[2], uint32_t skip[2])
{
	uint16_t places[PLACES] = { 0 };	/* of the second, from 1 on */
	uint32_t len[2] = { least(v[0].len, SEARCH_MAX),
			    least(v[1].len, SEARCH_MAX) };
	uint32_t best = UINT32_MAX;

	for (uint32_t j = 0; j + AGAIN <= len[1]; j++) {
		uint16_t *place = &places[place_of(v[1].at + j)];

		if (!*place)
			*place = (uint16_t)(j + 1);
	}
	for (uint32_t i = 0; i + AGAIN <= len[0] && i < best; i++) {
		uint32_t j = places[place_of(v[0].at + i)];

		if (!j-- || i + j >= best ||
		    memcmp(v[0].at + i, v[1].at + j, AGAIN))
			continue;
		best = i + j;
		skip[0] = i;
		skip[1] = j;
	}
	return best != UINT32_MAX;
}

/**
 * extent_measure() - How many bytes of each piece differ, from the first on?
 * @v:		The pieces: their first bytes differ
 * @n:		Set: bytes by piece, one of them more than 0. Behind them the
 *		pieces agree, or one of them ends
 */
void extent_measure(const struct piece v[2], uint32_t n[2])
{
	uint32_t len = different_len(v), skip[2];
	struct piece rest[2] = {
		{ v[0].at + len, v[0].len - len },
		{ v[1].at + len, v[1].len - len },
	};

	n[0] = n[1] = len;
	if (extent_equal(rest) < AGAIN && find_again(v, skip) &&
	    skip[0] + skip[1] < 2 * len)
		memcpy(n, skip, sizeof(skip));
}
