/* SPDX-License-Identifier: ISC */
#ifndef COLO_FLOW_H
#define COLO_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flow_key.h"

/*
 * A table of flows, keyed by VLANs, addresses, protocol and ports. It is
 * reserved whole at the start (pages that are never touched cost nothing) and
 * never rehashed at once: each new flow splits its share of the buckets. Every
 * flow is on one of a few lists, each in the order of last use: a list per timeout
 * makes expiry cost only what expires, a list per class makes eviction a pop.
 */

#define FLOW_LISTS 8		/* lists that a table has */
#define FLOW_HASH_MAX 16u	/* keys that flow_hash() takes at once */

struct flow_table;

struct flow_table *flow_table_new(uint32_t max_flows, size_t value_len,
				  uint64_t seed);
void flow_table_free(struct flow_table *t);
void flow_hash(const struct flow_table *t, const struct flow_key *keys,
	       uint32_t *hashes, unsigned n);
void *flow_find(const struct flow_table *t, const struct flow_key *key);
void *flow_find_hashed(const struct flow_table *t, const struct flow_key *key,
		       uint32_t hash);
void *flow_add(struct flow_table *t, const struct flow_key *key, unsigned list,
	       uint64_t now_ns);
void flow_remove(struct flow_table *t, void *value);
void flow_touch(struct flow_table *t, void *value, unsigned list,
		uint64_t now_ns);
bool flow_is_recent(const struct flow_table *t, const void *value,
		    unsigned list, uint64_t now_ns, uint64_t within_ns);
void *flow_oldest(const struct flow_table *t, unsigned list);
void *flow_next(const struct flow_table *t, const void *value);
const struct flow_key *flow_get_key(const struct flow_table *t,
				    const void *value);
uint64_t flow_used_ns(const struct flow_table *t, const void *value);
uint32_t flow_index(const struct flow_table *t, const void *value);
void *flow_at(const struct flow_table *t, uint32_t index);
uint32_t flow_end(const struct flow_table *t);
void flow_prefetch(const struct flow_table *t, uint32_t index);
uint32_t flow_count(const struct flow_table *t);

#endif
