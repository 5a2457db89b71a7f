/* SPDX-License-Identifier: ISC */
#ifndef COLO_RECORD_GUARD_H
#define COLO_RECORD_GUARD_H

#include <stdbool.h>
#include <stddef.h>

int record_guard_set(void *map, size_t len);
void record_guard_clear(void);
bool record_guard_was_hit(void);

#endif
