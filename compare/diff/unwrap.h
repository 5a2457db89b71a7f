/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_UNWRAP_H
#define COLO_COMPARE_UNWRAP_H

#include <stdbool.h>

#include "../../common/frame.h"
#include "../../common/packet.h"

bool unwrap_frame(struct frame *inner, const struct frame *f,
		  const struct packet *p);

#endif
