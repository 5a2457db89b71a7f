/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_DATAGRAM_H
#define COLO_COMPARE_DATAGRAM_H

#include "core.h"

bool compare_datagram_is_matched(const struct hold *h);
bool compare_datagram_twin(struct compare *c, enum compare_side side,
			   struct cmp_flow *fl, const struct frame *f,
			   struct hold *h);
void compare_datagram_primary(struct compare *c, struct cmp_flow *fl,
			      const struct frame *f, const struct packet *p,
			      uint32_t group);
bool compare_datagram_forgive(struct compare *c, struct cmp_flow *fl,
			      struct hold *s);
void compare_datagram_differ(struct compare *c, struct cmp_flow *fl,
			     const struct hold *p, struct hold *s);
void compare_datagram_forget(struct compare *c, struct cmp_flow *fl,
			     enum compare_side side);
void compare_datagram_secondary(struct compare *c, struct cmp_flow *fl,
				const struct frame *f, const struct packet *p,
				uint32_t group);

#endif
