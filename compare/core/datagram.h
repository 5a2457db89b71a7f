/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_DATAGRAM_H
#define COLO_COMPARE_DATAGRAM_H

#include "core.h"

bool datagram_is_matched(const struct hold *h);
bool datagram_twin(struct compare *c, enum compare_side side,
		   struct cmp_flow *fl, const struct frame *f, struct hold *h);
void datagram_primary(struct compare *c, struct cmp_flow *fl,
		      const struct frame *f, const struct packet *p,
		      uint32_t group);
bool datagram_forgive(struct compare *c, struct cmp_flow *fl, struct hold *s);
void datagram_differ(struct compare *c, struct cmp_flow *fl,
		     const struct hold *p, struct hold *s);
void datagram_forget(struct compare *c, struct cmp_flow *fl,
		     enum compare_side side);
void datagram_secondary(struct compare *c, struct cmp_flow *fl,
			const struct frame *f, const struct packet *p,
			uint32_t group);

#endif
