/* SPDX-License-Identifier: ISC */
#ifndef COLO_ENDPOINT_HINT_H
#define COLO_ENDPOINT_HINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame.h"

/*
 * What somebody may have meant who wrote something else: for messages only,
 * nothing is decided by it. Pure.
 */
#define ENDPOINT_HINT_MAX 320	/* bytes, enough for the hint at any endpoint */

bool endpoint_hint_text(const char *text, char *hint, size_t size);
uint32_t endpoint_hint_mark(const struct frame *f);
const char *endpoint_hint_bytes(const struct frame_decoder *d, uint32_t mark);

#endif
