/* SPDX-License-Identifier: ISC */
#ifndef COLO_REDIRECTOR_FAILOVER_H
#define COLO_REDIRECTOR_FAILOVER_H

#include "redirector.h"

int redirector_failover_open(struct redirector *r);

#endif
