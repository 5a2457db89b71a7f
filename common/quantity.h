/* SPDX-License-Identifier: ISC */
#ifndef COLO_QUANTITY_H
#define COLO_QUANTITY_H

#include <stdint.h>

/* Sizes and times as people write them: 64M, 3s, 100ms, 0.5s. */
int quantity_bytes(uint64_t *bytes, const char *text);
int quantity_time(uint64_t *ns, const char *text, uint64_t bare_ns);

#endif
