/* SPDX-License-Identifier: ISC */
#ifndef COLO_REDIRECTOR_RELAY_H
#define COLO_REDIRECTOR_RELAY_H

#include "redirector.h"

void redirector_relay_frames(void *arg, enum filter_dir dir, struct frame *v,
			     unsigned n);
void redirector_relay_indev(struct endpoint *ep, struct frame *v, unsigned n,
			    void *arg);
void redirector_relay_held(void *arg, const struct frame *f);

#endif
