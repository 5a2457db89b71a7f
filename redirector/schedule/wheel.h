/* SPDX-License-Identifier: ISC */
#ifndef COLO_SCHEDULE_WHEEL_H
#define COLO_SCHEDULE_WHEEL_H

#include "../../common/time.h"
#include "types.h"

#define WHEEL_TICK_NS (NS_PER_S / 4)

void wheel_link(struct conn_table *t, struct conn *c);
void wheel_unlink(struct conn_table *t, struct conn *c);
uint64_t wheel_ticks(const struct conn_table *t, uint64_t deadline_ns);

#endif
