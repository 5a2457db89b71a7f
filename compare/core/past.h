/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_PAST_H
#define COLO_COMPARE_PAST_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What streams have said: the last bytes of all of them together, in pages of
 * the sequence space, so that any piece of it is found, whatever segments it
 * came in. Pure. A new page takes the place of the oldest one.
 */
struct past;

/* Bytes that a stream has said otherwise before. */
typedef void past_on_other(void *arg, uint32_t off, uint32_t len,
			   const uint8_t *before);
/* Bytes that another stream has said otherwise. */
typedef void past_on_differing(void *arg, uint32_t off, uint32_t len);

struct past *past_new(uint64_t seed);
void past_free(struct past *p);
uint32_t past_say(struct past *p, uint32_t stream, uint32_t seq,
		  const uint8_t *bytes, uint32_t len, past_on_other *on_other,
		  void *arg);
bool past_knows(const struct past *p, uint32_t stream, uint32_t seq);
void past_compare(const struct past *p, uint32_t stream, uint32_t seq,
		  uint32_t other, uint32_t other_seq, const uint8_t *bytes,
		  uint32_t len, past_on_differing *on_differing, void *arg);

#endif
