/* SPDX-License-Identifier: ISC */
#ifndef COLO_REWRITE_GUARD_H
#define COLO_REWRITE_GUARD_H

#include <stdbool.h>
#include <stddef.h>

int rewrite_guard_set(void *map, size_t len);
void rewrite_guard_clear(void);
bool rewrite_guard_was_hit(void);

#endif
