/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_SYN_H
#define COLO_COMPARE_SYN_H

#include <stdbool.h>

#include "../../common/packet.h"

int compare_syn_scale(const struct packet *p);
bool compare_syn_is_same(const struct packet *a, const struct packet *b);

#endif
