/* SPDX-License-Identifier: ISC */
#ifndef COLO_SCHEDULE_DEST_H
#define COLO_SCHEDULE_DEST_H

#include "types.h"

/* Of all destinations. Both are 0 when none weighs anything. */
struct dest_weights {
	uint32_t divisor;	/* the greatest that all weights have in common */
	uint32_t max;
};

uint16_t dest_find(const struct dest_set *set, const char *name);
uint16_t dest_find_id(const struct dest_set *set, uint64_t id);
uint16_t dest_add(struct dest_set *set, const char *name, uint64_t now_ns);
void dest_remove(struct dest_set *set, uint16_t i, uint64_t now_ns);
bool dest_free(struct dest_set *set, uint16_t i);
void dest_set_up(struct dest *d, bool is_up, uint64_t now_ns);
void dest_set_mac(struct dest *d, const uint8_t mac[6]);
bool dest_is_open(const struct dest *d);
bool dest_is_usable(const struct dest *d);
uint32_t dest_conns(const struct dest *d);
struct dest_weights dest_weights(const struct dest_set *set);
uint32_t dest_share(const struct dest *d, uint64_t slow_ns, uint64_t now_ns);
void dest_count(struct dest *d, enum state state, int by);

#define DEST_SHARE_FULL 256u

#endif
