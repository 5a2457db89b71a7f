/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_CUT_H
#define COLO_COMPARE_CUT_H

#include "../../common/frame.h"
#include "../../common/packet.h"

bool cut_is_short(const struct frame *f, const struct packet *p);
bool cut_is_in_headers(const struct frame *f, const struct packet *p);

#endif
