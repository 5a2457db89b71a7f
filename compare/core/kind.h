/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_KIND_H
#define COLO_COMPARE_KIND_H

#include <stdbool.h>

struct packet;

bool kind_is_housekeeping(const struct packet *p);
bool kind_is_unknown(const struct packet *p);

#endif
