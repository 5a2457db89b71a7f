/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_SYN_H
#define COLO_COMPARE_SYN_H

#include <stdbool.h>

#include "../../common/packet.h"

int syn_scale(const struct packet *p);
bool syn_is_cut(const struct packet *p);
bool syn_is_alike(const struct packet *a, const struct packet *b);
bool syn_is_same(const struct packet *a, const struct packet *b);

#endif
