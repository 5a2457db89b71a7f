/* SPDX-License-Identifier: ISC */
#ifndef COLO_SCHEDULE_CONN_H
#define COLO_SCHEDULE_CONN_H

#include "types.h"

/* What a new connection is. */
struct conn_init {
	uint16_t dest, service;
	enum state state;
	uint8_t flags;
	uint32_t timeout_s;
	struct conn *template;	/* that it follows, or NULL */
};

bool conn_table_init(struct conn_table *t, uint32_t max, uint64_t seed,
		     uint64_t now_ns);
void conn_table_fini(struct conn_table *t);
void conn_hash(const struct conn_table *t, const struct flow_key *keys,
	       uint32_t *hashes, unsigned n);
struct conn *conn_find_hashed(const struct conn_table *t,
			      const struct flow_key *key, uint32_t hash);
struct conn *conn_find(const struct conn_table *t, const struct flow_key *key);
struct conn *conn_at(const struct conn_table *t, uint32_t index);
struct conn *conn_new(struct conn_table *t, const struct flow_key *key,
		      const struct conn_init *init, uint64_t now_ns);
void conn_remove(struct conn_table *t, struct conn *c);
void conn_tie(struct conn_table *t, struct conn *c, struct conn *template);
void conn_set_state(struct conn_table *t, struct conn *c, enum state state,
		    uint64_t now_ns);
void conn_set_deadline(struct conn_table *t, struct conn *c,
		       uint64_t deadline_ns);
void conn_move(struct conn_table *t, struct conn *c, uint16_t dest);
void conn_touch(struct conn_table *t, struct conn *c, uint64_t now_ns);
void conn_save(struct conn_table *t, const struct conn *c);
void conn_expire(struct conn_table *t, uint64_t now_ns);

#endif
