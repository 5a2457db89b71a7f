/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_CHECKPOINT_QMP_H
#define COLO_COMPARE_CHECKPOINT_QMP_H

#include "checkpoint.h"

/* The part of checkpoint.c that asks QEMU over its QMP socket. */
void checkpoint_qmp_open(struct checkpoint *cp);
void checkpoint_qmp_try(struct checkpoint *cp);
void checkpoint_qmp_stats(const struct checkpoint *cp, struct stats *s);

#endif
