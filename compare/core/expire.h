/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_EXPIRE_H
#define COLO_COMPARE_EXPIRE_H

#include "core.h"

void expire_held(struct compare *c);
uint64_t expire_due_ns(const struct compare *c);

#endif
