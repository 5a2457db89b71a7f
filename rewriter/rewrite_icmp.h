/* SPDX-License-Identifier: ISC */
#ifndef COLO_REWRITE_ICMP_H
#define COLO_REWRITE_ICMP_H

#include "rewrite_segment.h"

void rewrite_icmp_translate(struct rewrite *r, const struct rewrite_segment *s);

#endif
