/* SPDX-License-Identifier: ISC */
#ifndef COLO_SCHEDULE_STATE_H
#define COLO_SCHEDULE_STATE_H

#include "types.h"

enum state state_next(enum state from, uint8_t tcp_flags, bool from_guest);
bool state_is_closed(enum state state);
unsigned state_list(enum state state);
const char *state_name(enum state state);
bool state_find(const char *name, enum state *state);
uint32_t state_timeout_s(enum state state);

#endif
