/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_DIFF_TEXT_H
#define COLO_COMPARE_DIFF_TEXT_H

#include <stddef.h>

#include "diff_found.h"

/* The words for a difference, without its time and place. Pure. */
#define DIFF_TEXT_MAX 256	/* bytes: enough for diff_text() */

const char *diff_text_kind(enum diff_kind kind);
const char *diff_text_side(unsigned side);
void diff_text(char *buf, size_t len, const struct diff_found *f);
void diff_text_flow(char *buf, size_t len, const struct diff_found *f);
void diff_text_packet_flow(char *buf, size_t len, const struct packet *p);

#endif
