/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_TCP_H
#define COLO_COMPARE_TCP_H

#include "core.h"

void tcp_primary(struct compare *c, struct cmp_flow *fl, const struct frame *f,
		 struct packet *p);
void tcp_secondary(struct compare *c, struct cmp_flow *fl,
		   const struct frame *f, struct packet *p);
void tcp_flush_head(struct compare *c, struct cmp_flow *fl,
		    enum compare_note why);

#endif
