/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_FLUSH_H
#define COLO_COMPARE_FLUSH_H

#include "core.h"

struct compare_left flush_all(struct compare *c, enum compare_note primary,
			      enum drop secondary);

#endif
