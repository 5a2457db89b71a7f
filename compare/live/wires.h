/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_WIRES_H
#define COLO_COMPARE_WIRES_H

#include "../../common/endpoint.h"

/* The endpoints that frames come from and go to. live_wires.c opens them; the
 * loop closes them. Others have a copy, or a pointer. */
struct wires {
	struct endpoint *in[2];	/* by enum compare_side */
	struct endpoint *outdev;
};

#endif
