/* SPDX-License-Identifier: ISC */
#ifndef COLO_REWRITER_FLOWS_H
#define COLO_REWRITER_FLOWS_H

#include "../common/control_flows.h"

struct rewriter;

struct control_flows rewriter_flows_of(struct rewriter *r);

#endif
