/* SPDX-License-Identifier: ISC */
#ifndef COLO_DIRECTOR_RELAY_H
#define COLO_DIRECTOR_RELAY_H

#include "director.h"

void director_relay_net(struct endpoint *ep, struct frame *v, unsigned n,
			void *arg);
void director_relay_dest(struct endpoint *ep, struct frame *v, unsigned n,
			 void *arg);

#endif
