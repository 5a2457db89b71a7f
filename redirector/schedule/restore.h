/* SPDX-License-Identifier: ISC */
#ifndef COLO_SCHEDULE_RESTORE_H
#define COLO_SCHEDULE_RESTORE_H

#include "core.h"

void restore_load(struct schedule *s, uint64_t now_ns);
void restore_mend(struct schedule *s);

#endif
