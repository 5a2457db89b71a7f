/* SPDX-License-Identifier: ISC */
#ifndef COLO_REWRITE_TRACK_H
#define COLO_REWRITE_TRACK_H

#include "rewrite_segment.h"

struct rewrite_flow *rewrite_track_syn(struct rewrite *r,
				       struct rewrite_flow *fl,
				       const struct flow_key *key,
				       const struct rewrite_segment *s);
void rewrite_track_assume(struct rewrite *r, struct rewrite_flow *fl);
void rewrite_track_learn(struct rewrite *r, struct rewrite_flow *fl,
			 const struct rewrite_segment *s);
void rewrite_track_close(struct rewrite *r, struct rewrite_flow *fl,
			 const struct rewrite_segment *s);
void rewrite_track_peer(struct rewrite *r, struct rewrite_flow *fl,
			const struct packet *p);
struct rewrite_flow *rewrite_track_again(struct rewrite *r,
					 struct rewrite_flow *fl,
					 const struct packet *p);
void rewrite_track_reset_early(struct rewrite *r, struct rewrite_flow *fl,
			       const struct rewrite_segment *s);
bool rewrite_track_teaches(const struct rewrite_flow *fl,
			   const struct packet *p);

#endif
