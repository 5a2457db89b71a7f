/* SPDX-License-Identifier: ISC */
#ifndef COLO_CONTROL_STATS_H
#define COLO_CONTROL_STATS_H

#include "rpc.h"
#include "stats.h"

/* The account of a process as a message. */
#define CONTROL_STATS_METRIC_MAX 128

void control_stats_metric(const struct stats_row *row, char *text, size_t size);
void control_stats_put(const struct stats *s, msgpack_packer *pk);

#endif
