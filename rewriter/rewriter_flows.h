/* SPDX-License-Identifier: ISC */
#ifndef COLO_REWRITER_FLOWS_H
#define COLO_REWRITER_FLOWS_H

#include "../common/control_table.h"

/* What the rewriter alone can be asked: for a control_table, with the process as
 * their arg. */
extern const struct control_method rewriter_flows_methods[];

#endif
