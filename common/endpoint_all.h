/* SPDX-License-Identifier: ISC */
#ifndef COLO_ENDPOINT_ALL_H
#define COLO_ENDPOINT_ALL_H

#include <stdbool.h>

#include "endpoint_set.h"
#include "stats.h"

/* What the loop does with all endpoints of a set at once, and asks of them. */
void endpoint_all_flush(struct endpoint_set *set);
void endpoint_all_close(struct endpoint_set *set);
bool endpoint_all_are_over(const struct endpoint_set *set);
bool endpoint_all_are_captures(const struct endpoint_set *set);
bool endpoint_all_are_delivered(const struct endpoint_set *set, bool hurried);
void endpoint_all_stats(const struct endpoint_set *set, struct stats *s);

#endif
