/* SPDX-License-Identifier: ISC */
#ifndef COLO_REWRITE_TRANSLATE_H
#define COLO_REWRITE_TRANSLATE_H

#include "rewrite_segment.h"

void rewrite_translate_segment(struct rewrite *r, struct rewrite_flow *fl,
			       const struct rewrite_segment *s);

#endif
