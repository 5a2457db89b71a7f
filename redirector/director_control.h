/* SPDX-License-Identifier: ISC */
#ifndef COLO_DIRECTOR_CONTROL_H
#define COLO_DIRECTOR_CONTROL_H

#include "../common/control_table.h"

const struct control_method *director_control_methods(void);

#endif
