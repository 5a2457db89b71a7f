/* SPDX-License-Identifier: ISC */
#ifndef COLO_REWRITE_FLOW_H
#define COLO_REWRITE_FLOW_H

#include "rewrite_types.h"

int rewrite_flow_init(struct rewrite *r);
void rewrite_flow_fini(struct rewrite *r);
void rewrite_flow_tell(struct rewrite *r, enum rewrite_event event,
		       const struct rewrite_flow *fl);
void rewrite_flow_set_epoch(struct rewrite *r, uint32_t epoch);
struct rewrite_flow *rewrite_flow_find(struct rewrite *r,
				       const struct flow_key *key);
struct rewrite_flow *rewrite_flow_add(struct rewrite *r,
				      const struct flow_key *key);
bool rewrite_flow_restore(struct rewrite *r, const struct flow_key *key,
			  const struct rewrite_flow *from);
void rewrite_flow_save(struct rewrite *r, const struct rewrite_flow *fl);
void rewrite_flow_save_progress(struct rewrite *r,
				const struct rewrite_flow *fl);
void rewrite_flow_sync(struct rewrite *r, struct rewrite_flow *fl);
void rewrite_flow_remove(struct rewrite *r, struct rewrite_flow *fl);
void rewrite_flow_restart(struct rewrite *r, struct rewrite_flow *fl);
void rewrite_flow_use(struct rewrite *r, struct rewrite_flow *fl);
void rewrite_flow_set_state(struct rewrite *r, struct rewrite_flow *fl,
			    enum rewrite_state state);
void rewrite_flow_set_offset(struct rewrite *r, struct rewrite_flow *fl,
			     uint32_t offset, uint32_t ts_offset);
void rewrite_flow_expire(struct rewrite *r);
bool rewrite_flow_is_translated(const struct rewrite *r,
				const struct rewrite_flow *fl);

#endif
