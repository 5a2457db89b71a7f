/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_EVICT_H
#define COLO_COMPARE_EVICT_H

#include "core.h"

void evict_make_room(struct compare *c);
void evict_idle(struct compare *c);
void evict_all(struct compare *c);

#endif
