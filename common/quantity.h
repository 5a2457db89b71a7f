/* SPDX-License-Identifier: ISC */
#ifndef COLO_QUANTITY_H
#define COLO_QUANTITY_H

#include <stdint.h>
#include <sys/types.h>

/* Numbers, sizes and times as people write them: 80, 64M, 3s, 100ms, 0.5s; and the
 * permissions of files: 660. */
int quantity_number(uint64_t *n, const char *text, uint64_t max);
int quantity_mode(mode_t *mode, const char *text);
int quantity_bytes(uint64_t *bytes, const char *text);
int quantity_time(uint64_t *ns, const char *text, uint64_t bare_ns);
int quantity_seconds(uint64_t *s, const char *text, uint64_t max);

#endif
