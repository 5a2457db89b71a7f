/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_LIVE_LEARN_H
#define COLO_COMPARE_LIVE_LEARN_H

#include "live_survey.h"

/*
 * --learn: what differs between good recordings is noise. Before the comparison
 * itself main.c has the primary's recording compared with each other good one,
 * in the secondary's place.
 */
int live_learn(struct learn *learn, const struct live_options *options);

#endif
