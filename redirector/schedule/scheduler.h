/* SPDX-License-Identifier: ISC */
#ifndef COLO_SCHEDULE_SCHEDULER_H
#define COLO_SCHEDULE_SCHEDULER_H

#include "slots.h"

bool scheduler_find(const char *name, enum scheduler_kind *kind);
const char *scheduler_name(enum scheduler_kind kind);
bool scheduler_init(struct scheduler *s);
void scheduler_fini(struct scheduler *s);
void scheduler_changed(struct scheduler *s, const struct dest_set *set);
uint16_t scheduler_pick(struct scheduler *s, struct dest_set *set,
			const struct slots_key *key, uint64_t now_ns);

#endif
