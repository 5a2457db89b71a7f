/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_MEND_H
#define COLO_COMPARE_MEND_H

#include "../../common/frame.h"
#include "../../common/packet.h"

bool mend_length(struct frame *mended, const struct frame *f,
		 const struct packet *p);
bool mend_frame(struct frame *mended, const struct frame *f,
		const struct packet *p);

#endif
