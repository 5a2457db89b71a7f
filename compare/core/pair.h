/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_PAIR_H
#define COLO_COMPARE_PAIR_H

#include "core.h"

struct flow_table *pair_table(const struct compare_config *config);
void pair_key(struct compare *c, enum compare_side side, struct flow_key *key,
	      const struct packet *p);
void pair_service(struct flow_key *service, const struct flow_key *key);

#endif
