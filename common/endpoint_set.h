/* SPDX-License-Identifier: ISC */
#ifndef COLO_ENDPOINT_SET_H
#define COLO_ENDPOINT_SET_H

#include <uv.h>

#include "clock.h"
#include "endpoint.h"

/* The set of endpoints: struct endpoint_set is in endpoint.h. */
void endpoint_set_init(struct endpoint_set *set, uv_loop_t *uv,
		       struct clock *clock);
void endpoint_set_add(struct endpoint_set *set, struct endpoint *ep);
void endpoint_set_remove(struct endpoint_set *set, struct endpoint *ep);
void endpoint_set_settle(struct endpoint_set *set);
void endpoint_set_end(struct endpoint_set *set);
void endpoint_set_fail(struct endpoint_set *set);

#endif
