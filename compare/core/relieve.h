/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_RELIEVE_H
#define COLO_COMPARE_RELIEVE_H

#include "core.h"

void compare_relieve(struct compare *c, enum compare_side side);

#endif
