/* SPDX-License-Identifier: ISC */
#ifndef COLO_REDIRECTOR_DEVS_H
#define COLO_REDIRECTOR_DEVS_H

#include "redirector.h"

void redirector_devs_init(struct redirector *r);
void redirector_devs_reset(struct redirector *r);
int redirector_devs_open(struct redirector *r);
void redirector_devs_close_indev(void *arg);
void redirector_devs_close_outdev(struct redirector *r);
void redirector_devs_set_when_down(struct redirector *r);
void redirector_devs_set_status(struct redirector *r);
void redirector_devs_checkpoint(void *arg);

#endif
