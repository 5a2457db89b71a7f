/* SPDX-License-Identifier: ISC */
#ifndef COLO_REWRITE_PERSIST_H
#define COLO_REWRITE_PERSIST_H

#include "rewrite_types.h"

void rewrite_persist_load(struct rewrite *r);
void rewrite_persist_miss(struct rewrite *r);
void rewrite_persist_mend(struct rewrite *r);

#endif
