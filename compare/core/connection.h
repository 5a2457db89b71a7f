/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_CONNECTION_H
#define COLO_COMPARE_CONNECTION_H

#include "core.h"

void connection_open(struct compare *c, struct cmp_flow *fl,
		     const struct hold *syn);

bool connection_resume(struct compare *c, struct cmp_flow *fl);
enum compare_step connection_differ(struct compare *c, struct cmp_flow *fl,
				    const struct hold *p, const struct hold *s);
enum compare_step connection_mixed(struct compare *c, struct cmp_flow *fl,
				   const struct hold *p, const struct hold *s);
enum compare_step connection_syn(struct compare *c, struct cmp_flow *fl,
				 const struct hold *p);
enum compare_step connection_rst(struct compare *c, struct cmp_flow *fl,
				 const struct hold *p);

#endif
